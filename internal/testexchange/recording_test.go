package testexchange_test

import (
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// TestFuturesRecording plays a recorded market: a client that follows its streams has the engine's book, and an order
// at the best price is filled by the recorded trades.
func TestFuturesRecording(t *testing.T) {
	t.Run("sample", func(t *testing.T) { futuresRecording(t, sampletest.Path(t, "binancefutures", "BTCUSDT"), 50) })
	t.Run("recorded", func(t *testing.T) {
		futuresRecording(t, datatest.Recording(t, "binancefutures", "btcusdt_20240808.gz"), 1000)
	})
}

func futuresRecording(t *testing.T, path string, levels int) {
	c := futures(t, func(c *testexchange.Config) {
		c.Background, c.Recordings = testexchange.Recorded, map[string][]string{btc: {path}}
		c.Decoders = map[testexchange.Venue]func() connector.Decoder{
			testexchange.BinanceFutures: binance.Futures().Format.NewDecoder}
	})
	s := c.dial("/public/ws/btcusdt@depth@100ms")
	s.drain()
	f := follow(t, connector.RuleFutures)
	c.Advance(5 * time.Second)
	f.feed(c.do("GET", depthPath, "symbol=BTCUSDT&limit=1000", false).body)
	best := decode(t, c.do("GET", "/fapi/v1/ticker/bookTicker", "symbol=BTCUSDT", false).body)
	c.ok("POST", order, limit("BUY", "0.01", best.text("bidPrice"), "GTX", "a"))
	for range 20 {
		c.Advance(time.Second)
		s.drainInto(f)
	}
	if f.gaps != 0 || f.sync.State() != depthsync.Synced {
		t.Fatalf("%d gaps, state %v", f.gaps, f.sync.State())
	}
	book := c.state().Books[0]
	if len(book.Bids) < levels || len(book.Asks) < levels {
		t.Errorf("%d bids and %d asks", len(book.Bids), len(book.Asks))
	}
	for i, levels := range [][][2]string{book.Bids[:levels/10], book.Asks[:levels/10]} {
		for _, l := range levels { // what lies beyond the snapshot's 1000 levels a client does not know
			if f.levels[i][l[0]] != l[1] {
				t.Errorf("side %d: %s has %q, the engine %s", i, l[0], f.levels[i][l[0]], l[1])
			}
		}
	}
	if o := c.state().Orders[0]; o.Status != "Filled" {
		t.Errorf("the order at the best bid: %+v", o)
	}
}
