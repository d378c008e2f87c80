package stream_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

func Example() {
	// A venue that takes one subscription and sends one message.
	venue := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		if _, _, err := ws.Read(r.Context()); err != nil {
			return
		}
		for _, answer := range []string{`{"result":null,"id":1}`, `{"e":"trade","p":"61800.30"}`} {
			if err := ws.Write(r.Context(), websocket.MessageText, []byte(answer)); err != nil {
				return
			}
		}
		<-ws.CloseRead(r.Context()).Done()
	}))
	defer venue.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	keeper, err := stream.New(stream.Config{
		Prepare: func(context.Context) (protocol.Stream, error) {
			return protocol.Stream{
				Name: "market", URL: "ws" + strings.TrimPrefix(venue.URL, "http"),
				Hello:   [][]byte{[]byte(`{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}`)},
				Answers: 1,
				Ready:   func(frame []byte) (bool, error) { return strings.HasPrefix(string(frame), `{"result"`), nil },
				Silence: 10 * time.Minute,
			}, nil
		},
		OnUp:   func() { fmt.Println("up") },
		OnDown: func(reason string, next time.Duration) { fmt.Println("down:", reason) },
		OnFrame: func(_ int64, frame []byte) {
			fmt.Println(string(frame))
			cancel()
		},
		NowNs: func() int64 { return time.Now().UnixNano() },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := keeper.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// up
	// {"e":"trade","p":"61800.30"}
}
