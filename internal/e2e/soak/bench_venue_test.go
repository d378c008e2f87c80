package soak

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/venues"
)

// bareVenue speaks as much of USD-M futures as a connector needs to trade, and does nothing else, so that what is
// measured is the connector: market data is what the benchmark writes, and every order expires at once.
type bareVenue struct {
	server *httpServer
	// market gets the connection of the market stream when everything on it is subscribed.
	market chan net.Conn
	// snapshot is the reply to who asks for a book.
	snapshot []byte
	// armed is 1 while the next bytes that arrive are waited for; arrivedNs is when they came.
	armed     atomic.Int32
	arrivedNs atomic.Int64
	// orders counts those that came.
	orders atomic.Uint64
}

// httpServer is a server whose handlers can get at their connection.
type httpServer struct {
	http.Server
	address string
}

type connKey struct{}

func newBareVenue(tb testing.TB, snapshot []byte) *bareVenue {
	tb.Helper()
	v := &bareVenue{market: make(chan net.Conn, 4), snapshot: snapshot}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	v.server = &httpServer{address: listener.Addr().String()}
	v.server.Handler, v.server.BaseContext = v, func(net.Listener) context.Context { return ctx }
	v.server.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	ended := make(chan error, 1)
	go func() { ended <- v.server.Serve(notingListener{listener, v}) }()
	tb.Cleanup(func() {
		cancel()
		_ = v.server.Close()
		<-ended
	})
	return v
}

// notingListener notes the time at which bytes arrive.
type notingListener struct {
	net.Listener
	venue *bareVenue
}

func (l notingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return notingConn{c, l.venue}, nil
}

type notingConn struct {
	net.Conn
	venue *bareVenue
}

func (c notingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.venue.armed.CompareAndSwap(1, 0) {
		c.venue.arrivedNs.Store(time.Now().UnixNano())
	}
	return n, err
}

// wouldTake is the reason why no order stays.
const wouldTake = `{"code":-5022,"msg":"Due to the order could not be executed as maker, the Post Only order will be rejected."}`

// ServeHTTP implements http.Handler.
func (v *bareVenue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	switch r.URL.Path {
	case "/fapi/v1/time":
		fmt.Fprintf(w, `{"serverTime":%d}`, time.Now().UnixMilli())
	case "/fapi/v1/depth":
		_, _ = w.Write(v.snapshot)
	case "/fapi/v1/listenKey":
		_, _ = w.Write([]byte(`{"listenKey":"k"}`))
	case "/fapi/v1/order":
		v.orders.Add(1)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(wouldTake))
	case "/public/stream", "/private/ws/k", "/ws-fapi/v1":
		v.serveStream(w, r)
	default: // there are no orders, executions and positions
		_, _ = w.Write([]byte("[]"))
	}
}

// serveStream answers what comes over a WebSocket until it ends.
func (v *bareVenue) serveStream(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	raw, _ := r.Context().Value(connKey{}).(net.Conn)
	for {
		_, frame, err := ws.Read(r.Context())
		if err != nil {
			return
		}
		answer := `{"result":null,"id":` + idOf(frame) + `}`
		if r.URL.Path == "/ws-fapi/v1" {
			v.orders.Add(1)
			answer = `{"id":` + idOf(frame) + `,"status":400,"error":` + wouldTake + `}`
		}
		if ws.Write(r.Context(), websocket.MessageText, []byte(answer)) != nil {
			return
		}
		if r.URL.Path == "/public/stream" {
			v.market <- raw
		}
	}
}

// marketConn returns the market stream's connection: the last one, as an instrument that is added makes a new one.
func (v *bareVenue) marketConn(tb testing.TB) (conn net.Conn) {
	tb.Helper()
	for wait := patience; ; wait = time.Second {
		select {
		case conn = <-v.market:
		case <-time.After(wait):
			if conn == nil {
				tb.Fatal("the connector does not subscribe")
			}
			return conn
		}
	}
}

// idOf returns the id of a request as it stands there.
func idOf(frame []byte) string {
	_, rest, _ := strings.Cut(string(frame), `"id":`)
	end := strings.IndexAny(rest, ",}")
	return rest[:max(end, 0)]
}

// connectorTo returns a connector to the venue, to be run with the clock.
func (v *bareVenue) connectorTo(tb testing.TB, entry string, clock *hostipc.Clock) venues.Connector {
	tb.Helper()
	const unlimited = 10_000_000
	ws, http := "ws://"+v.server.address, "http://"+v.server.address
	const kind = string(testexchange.BinanceFutures)
	made, err := venues.Make(kind, map[string]any{
		"public_url": ws + "/public", "market_url": ws + "/market", "private_url": ws + "/private", "api_url": http,
		"ws_api_url": ws + "/ws-fapi/v1",
		"api_key":    testexchange.DefaultAPIKey, "secret": testexchange.DefaultSecret, "trade_stream": "trade",
		"order_entry":  entry,
		"order_prefix": ownPrefix, "weight_per_minute": unlimited, "orders_per_10s": unlimited,
		"orders_per_minute": unlimited})
	if err != nil {
		tb.Fatal(err)
	}
	opened, err := venues.Open(venues.Config{Kind: kind, Clock: clock, Settings: made})
	if err != nil {
		tb.Fatal(err)
	}
	c := opened.Knowing([]protocol.Filters{{Symbol: benchSymbol, Trading: true, TickSize: benchTick,
		LotSize: benchLot}})
	return c
}

// serveBots runs a host with the connector and its clock until the benchmark ends, and returns the socket at which bots
// attach.
func serveBots(tb testing.TB, c connector.Connector, clock *hostipc.Clock) (socket string) {
	tb.Helper()
	dir := tb.TempDir()
	h, err := host.New(host.Config{StateDir: dir, Clock: clock,
		Supervision: host.Supervision{StopTimeout: 5 * time.Second},
		Connectors:  []host.ConnectorConfig{{Name: "venue", Kind: "binancefutures", Connector: c}}},
		hclog.NewNullLogger())
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := h.Run(ctx)
		ended <- err
	}()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	return filepath.Join(dir, host.AttachSocketName)
}
