package thirdparty_test

import (
	"strings"
	"testing"
	"time"

	"github.com/adshao/go-binance/v2/futures"
	"github.com/gorilla/websocket"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// TestCompressionIsNegotiated sees that the compressed worlds of the other tests are what they are called.
func TestCompressionIsNegotiated(t *testing.T) {
	for _, compress := range []bool{false, true} {
		s := openFutures(t, func(c *testexchange.Config) { c.Compress = compress })
		dialer := websocket.Dialer{EnableCompression: true}
		c, r, err := dialer.Dial(s.wsURL()+"/public/ws/btcusdt@depth", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(r.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate"); got != compress {
			t.Errorf("compression %t, want %t: %v", got, compress, r.Header)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestClientAnswersPings keeps a stream open for longer than the venue waits for a pong.
func TestClientAnswersPings(t *testing.T) {
	const timeout = time.Second
	// The venue counts pongs among the 10 messages that a client may send in a second.
	s := openFutures(t, func(c *testexchange.Config) { c.PingInterval, c.PongTimeout = timeout/5, timeout })
	bests := newInbox[*futures.WsBookTickerEvent](t)
	s.must("public", func() (chan struct{}, chan struct{}, error) {
		return futures.WsBookTickerServe(btc, bests.put, s.streamError)
	})
	s.eventually("the stream at the venue", func() bool { return len(s.state().Connections) == 1 })
	id := s.state().Connections[0].ID
	time.Sleep(timeout + timeout/2)
	if c := s.state().Connections; len(c) != 1 || c[0].ID != id {
		t.Fatalf("connections %+v, want the one with id %d", c, id)
	}
	s.level(hft.Buy, 60000.1, 2)
	bests.until("new best bid", func(b *futures.WsBookTickerEvent) bool { return b.BestBidPrice == "60000.10" })
}

// TestLargeIDs follows an order whose ids no float64 holds.
func TestLargeIDs(t *testing.T) {
	large := func(c *testexchange.Config) { c.LargeIDs = true }
	t.Run("futures", func(t *testing.T) { ordersOf(openFutures(t, large)) })
	t.Run("spot", func(t *testing.T) { spotOrdersOf(openSpot(t, large)) })
	s := openFutures(t, large)
	r := s.place(futures.SideTypeBuy, "x", "1", "60000.20", futures.TimeInForceTypeIOC)
	trades, err := s.NewListAccountTradeService().Symbol(btc).Do(s.ctx)
	if err != nil || len(trades) != 1 || trades[0].OrderID != r.OrderID ||
		trades[0].OrderID != s.state().Orders[0].ID || trades[0].OrderID < 1<<53 || trades[0].ID < 1<<53 {
		t.Errorf("trades %+v of order %d: %v", trades, r.OrderID, err)
	}
}
