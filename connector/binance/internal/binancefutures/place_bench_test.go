package binancefutures_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binancefutures"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// BenchmarkPlace is the round trip of an order on this machine, to a server that says yes at once.
func BenchmarkPlace(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" {
			_, _ = w.Write([]byte(ackText))
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for {
			_, frame, err := conn.Read(context.Background())
			if err != nil {
				return
			}
			id, _, _ := strings.Cut(strings.TrimPrefix(string(frame), `{"id":"`), `"`)
			if conn.Write(context.Background(), websocket.MessageText,
				fmt.Appendf(nil, `{"id":%q,"status":200,"result":%s}`, id, ackText)) != nil {
				return
			}
		}
	}))
	defer server.Close()
	for _, entry := range []string{"rest", "ws"} {
		b.Run(entry, func(b *testing.B) {
			p := newProtocol(b, nil, func(c *binancefutures.Config) {
				c.APIURL, c.WSAPIURL, c.OrderEntry = server.URL, "ws"+strings.TrimPrefix(server.URL, "http")+"/ws",
					entry
				c.WeightPerMinute, c.OrdersPer10s, c.OrdersPerMinute = 1<<30, 1<<30, 1<<30
			})
			o := order()
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
				_, err := p.Place(b.Context(), &o)
				if err == nil {
					break
				}
				if protocol.CauseOf(err) != protocol.Unreached || time.Now().After(deadline) {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Place(b.Context(), &o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
