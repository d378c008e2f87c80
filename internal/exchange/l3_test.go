package exchange_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

func newL3World(t testing.TB, compat sim.Compat, maxOrders int) (*world, *exchange.L3) {
	t.Helper()
	mode := depth.Fixed
	if compat != sim.Fixed {
		mode = depth.Compat
	}
	w := &world{t: t, recorder: &recorder{}}
	x, err := exchange.NewL3(exchange.L3Config{AssetNo: 7, Book: depth.NewHashMapMarketDepth(1, 1, mode),
		Asset: sim.LinearAsset(1), Fee: sim.TradingValueFee{Maker: -0.5, Taker: 2}, Responder: w.recorder,
		Compat: compat, MaxOrders: maxOrders})
	if err != nil {
		t.Fatal(err)
	}
	w.exchange = x
	return w, x
}

// What both modes do.
func TestL3Scripts(t *testing.T) {
	for name, script := range map[string]string{
		"the reference's test of crossing": `
			add-bid 1 100 1
			add-ask 2 101 1
			new 1 buy 100 1 GTC => 1 New leaves 1
			add-ask 3 100 1 => 1 Filled leaves 0 fill 1@100 maker
			drop 3
			new 1 sell 101 1 GTC => 1 New leaves 1
			add-bid 4 101 1 => 1 Filled leaves 0 fill 1@101 maker`,
		"the reference's test of the queue": `
			add-bid 1 100 1
			new 1 buy 100 1 GTC => 1 New leaves 1
			add-bid 2 100 1
			add-bid 3 100 1
			fill-bid 1 100 1
			drop 1
			fill-bid 2 100 1 => 1 Filled leaves 0 fill 1@100 maker
			fill-bid 3 100 1`,
		"a filled order of the feed stays until it is canceled": `
			add-bid 1 100 3
			add-ask 2 101 1
			fill-bid 1 100 1
			new 1 buy 100 1 GTC => 1 New leaves 1
			fill-bid 1 100 2
			new 2 sell 100 1 IOC => 2 Filled leaves 0 fill 1@100 taker
			drop 1
			new 3 sell 100 1 IOC => 3 Expired leaves 1`,
		"several at one price fill in order of arrival": `
			add-ask 1 100 1
			new 5 sell 100 1 GTC => 5 New leaves 1
			new 3 sell 100 1 GTC => 3 New leaves 1
			new 4 sell 101 1 GTC => 4 New leaves 1
			add-ask 2 100 1
			new 9 sell 100 1 GTC => 9 New leaves 1
			fill-ask 2 100 1 => 5 Filled leaves 0 fill 1@100 maker; 3 Filled leaves 0 fill 1@100 maker`,
		"a feed order that grows or moves goes to the end": `
			add-ask 1 100 2
			add-ask 2 101 2
			new 1 sell 100 1 GTC => 1 New leaves 1
			change 1 100 1
			fill-ask 1 100 1
			change 1 100 3
			fill-ask 1 100 1 => 1 Filled leaves 0 fill 1@100 maker
			new 2 sell 101 1 GTC => 2 New leaves 1
			fill-ask 2 101 1
			change 2 102 1
			change 2 101 1
			fill-ask 2 101 1 => 2 Filled leaves 0 fill 1@101 maker`,
		"an order that grows or moves goes to the end": `
			add-bid 1 100 1
			new 1 buy 100 4 GTC => 1 New leaves 4
			add-bid 2 100 1
			modify 1 100 3 => 1 New leaves 3
			fill-bid 1 100 1
			modify 1 100 4 => 1 New leaves 4
			fill-bid 2 100 1
			add-bid 3 100 1
			fill-bid 3 100 1 => 1 Filled leaves 0 fill 4@100 maker
			new 2 buy 100 1 GTC => 2 New leaves 1
			modify 2 99 1 => 2 New leaves 1
			fill-bid 3 100 1
			modify 2 100 1 => 2 New leaves 1
			add-bid 4 100 1
			fill-bid 4 100 1 => 2 Filled leaves 0 fill 1@100 maker`,
		"modifying an order of the feed can cross": `
			add-bid 1 100 1
			add-ask 2 110 1
			new 1 sell 105 1 GTC => 1 New leaves 1
			change 1 105 1 => 1 Filled leaves 0 fill 1@105 maker`,
		"a best price that got worse fills nobody": `
			add-bid 1 100 1
			add-bid 2 105 1
			new 1 sell 106 1 GTC => 1 New leaves 1
			drop 2
			change 1 99 1
			fill-bid 1 99 1`,
		"taking": `
			add-bid 1 100 1
			add-ask 2 102 1
			new 1 buy 102 5 GTX => 1 Expired leaves 5
			new 2 buy 101 5 IOC => 2 Expired leaves 5
			new 3 buy 101 5 FOK => 3 Expired leaves 5
			new 4 buy 105 5 GTC => 4 Filled leaves 0 fill 5@102 taker
			new 5 sell 90 5 IOC => 5 Filled leaves 0 fill 5@100 taker
			new 6 sell 100 5 FOK => 6 Filled leaves 0 fill 5@100 taker
			market 7 sell 2 => 7 Filled leaves 0 fill 2@100 taker
			market 8 buy 2 => 8 Filled leaves 0 fill 2@102 taker`,
		"ids of the feed, of bots and of other bots are apart": `
			add-bid 1 100 1
			new 1 buy 100 1 GTC => 1 New leaves 1
			new 2:1 buy 100 1 GTC => 2:1 New leaves 1
			drop 1
			add-bid 1 100 1
			cancel 1 => 1 Canceled leaves 1
			fill-bid 1 100 1 => 2:1 Filled leaves 0 fill 1@100 maker
			new 1 buy 100 1 GTC => 1 New leaves 1`,
		"what is not about orders is passed over": `
			bid 100 5
			ask 90 5
			add-bid 1 100 1
			new 1 buy 100 1 GTC => 1 New leaves 1
			trade-sell 99 10
			ask 95 5`,
		"refusals": `
			add-bid 1 100 1
			new 1 buy 100 1 GTC => 1 New leaves 1
			new 1 buy 100 1 GTC => 1 New leaves 1 refused 2
			new 2 buy 100 0 GTC => 2 Expired leaves 0 refused 3
			new 2 buy 100 1 ? => 2 Expired leaves 1 refused 3
			cancel 9 => 9 None leaves 0 refused 1
			modify 9 100 1 => 9 None leaves 0 refused 1
			modify 1 100 0 => 1 New leaves 1 refused 3`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest} {
				script := script
				if compat == sim.Hftbacktest { // a taking order is answered, and its execution not reported by itself
					for _, taken := range []string{" fill 5@102 taker", " fill 5@100 taker", " fill 1@100 taker",
						" fill 2@100 taker", " fill 2@102 taker"} {
						script = strings.ReplaceAll(script, taken, "")
					}
				}
				w, x := newL3World(t, compat, 0)
				w.run(script)
				if x.Err() != nil || x.FeedErrors() != (exchange.L3FeedErrors{}) {
					t.Errorf("compat %d: %v, feed errors %+v", compat, x.Err(), x.FeedErrors())
				}
			}
		})
	}
}

// l3Quirks are scripts that the modes answer differently; "=>" is the fixed mode, "~>" the reference's.
func TestL3QuirksInBothModes(t *testing.T) {
	for name, script := range map[string]string{
		"Q32: a modification is matched": `
			add-bid 1 100 1
			add-ask 2 103 1
			new 1 buy 99 1 GTC => 1 New leaves 1
			modify 1 104 2 => 1 Filled leaves 0 fill 2@103 taker ~> 1 New leaves 2
			new 2 buy 99 1 GTX => 2 New leaves 1
			modify 2 103 1 => 2 Expired leaves 1 ~> 2 New leaves 1
			new 3 sell 110 1 GTX => 3 New leaves 1
			modify 3 105 1 => 3 New leaves 1`,
		"Q38: an order inside the spread is ahead of the feed's": `
			add-bid 1 100 1
			add-ask 2 110 1
			new 1 buy 101 1 GTC => 1 New leaves 1
			new 2 buy 99 1 GTC => 2 New leaves 1
			new 3 buy 99 1 GTC => 3 New leaves 1
			fill-bid 1 100 1 => 1 Filled leaves 0 fill 1@101 maker ~>
			fill-ask 2 110 1`,
		"Q38: unless orders are fewer than ticks up to the best price": `
			add-bid 1 100 1
			add-bid 2 97 1
			add-ask 3 110 1
			new 1 buy 101 1 GTC => 1 New leaves 1
			fill-bid 2 97 1 => 1 Filled leaves 0 fill 1@101 maker`,
		"several prices at once": `
			add-bid 1 100 1
			add-bid 2 98 1
			add-ask 3 110 1
			new 1 buy 99 1 GTC => 1 New leaves 1
			new 2 buy 100 1 GTC => 2 New leaves 1
			new 3 buy 100 1 GTC => 3 New leaves 1
			new 4 buy 50 1 GTC => 4 New leaves 1
			fill-bid 2 98 1 => 2 Filled leaves 0 fill 1@100 maker; 3 Filled leaves 0 fill 1@100 maker; 1 Filled leaves 0 fill 1@99 maker ~> 1 Filled leaves 0 fill 1@99 maker; 2 Filled leaves 0 fill 1@100 maker; 3 Filled leaves 0 fill 1@100 maker`,
		"orders crossed by their modification stay when the best moves a little": `
			add-bid 1 100 1
			new 1 sell 105 1 GTC => 1 New leaves 1
			new 2 sell 109 1 GTC => 2 New leaves 1
			modify 1 99 1 => 1 Filled leaves 0 fill 1@100 taker ~> 1 New leaves 1
			add-bid 2 101 1
			add-bid 3 105 1 => ~> 1 Filled leaves 0 fill 1@99 maker`,
		"a clear expires the orders of its side": `
			add-bid 1 100 1
			add-ask 2 101 1
			new 1 buy 100 3 GTC => 1 New leaves 3
			new 2 sell 101 3 GTC => 2 New leaves 3
			clear bid 0 => 1 Expired leaves 3 ~> 1 Expired leaves 0
			add-bid 1 99 1
			new 1 buy 99 3 GTC => 1 New leaves 3
			clear => 1 Expired leaves 3; 2 Expired leaves 3 ~> 1 Expired leaves 0; 2 Expired leaves 0
			add-ask 2 101 1
			new 2 sell 101 3 GTC => 2 New leaves 3
			clear ask 0 => 2 Expired leaves 3 ~> 2 Expired leaves 0
			add-ask 2 101 1`,
		"Q25: a market order on an empty side": `
			market 1 buy 2 => 1 Expired leaves 2 ~> 1 Filled leaves 0`,
	} {
		t.Run(name, func(t *testing.T) {
			var fixed, compat strings.Builder
			for line := range strings.Lines(script) {
				ours, theirs, differs := strings.Cut(strings.TrimRight(line, "\n"), "~>")
				fixed.WriteString(ours + "\n")
				if differs {
					command, _, _ := strings.Cut(ours, "=>")
					ours = command + "=>" + theirs
				}
				compat.WriteString(ours + "\n")
			}
			w, _ := newL3World(t, sim.Fixed, 0)
			w.run(fixed.String())
			w, x := newL3World(t, sim.Hftbacktest, 0)
			w.run(compat.String())
			if x.Err() != nil {
				t.Error(x.Err())
			}
		})
	}
}

// Events that do not fit the book are counted and leave everything as it is; the reference's mode ends with them.
func TestL3FeedErrors(t *testing.T) {
	const before, after = `
		add-bid 1 100 1
		add-ask 2 105 1
		new 1 buy 100 1 GTC => 1 New leaves 1
		add-bid 3 100 1
	`, "fill-bid 3 100 1 => 1 Filled leaves 0 fill 1@100 maker"
	for line, test := range map[string]struct {
		want   error
		errors exchange.L3FeedErrors
	}{
		"add-ask 1 99 1":        {hft.ErrOrderIDExist, exchange.L3FeedErrors{KnownOrder: 1}},
		"drop 9":                {hft.ErrOrderNotFound, exchange.L3FeedErrors{UnknownOrder: 1}},
		"change 9 100 1":        {hft.ErrOrderNotFound, exchange.L3FeedErrors{UnknownOrder: 1}},
		"fill-bid 9 99 1":       {hft.ErrOrderNotFound, exchange.L3FeedErrors{UnknownOrder: 1}},
		"add-ask 9 NaN 1":       {nil, exchange.L3FeedErrors{Invalid: 1}},
		"add-ask 9 1e300 1":     {nil, exchange.L3FeedErrors{Invalid: 1}},
		"change 2 90 -1":        {nil, exchange.L3FeedErrors{Invalid: 1}},
		"add-ask 9 99 Infinity": {nil, exchange.L3FeedErrors{Invalid: 1}},
	} {
		w, x := newL3World(t, sim.Fixed, 0)
		w.run(before + line + "\n" + after)
		if got := x.FeedErrors(); got != test.errors || x.Err() != nil {
			t.Errorf("%s: %+v, want %+v; %v", line, got, test.errors, x.Err())
		}
		if test.want == nil {
			continue
		}
		w, x = newL3World(t, sim.Hftbacktest, 0)
		w.run(before + line + "\n" + "fill-bid 3 100 1\ncancel 1\nclear")
		if !errors.Is(x.Err(), test.want) || x.FeedErrors() != test.errors || x.NumOrders() != 1 {
			t.Errorf("%s: ended with %v, want %v; %+v, %d orders", line, x.Err(), test.want, x.FeedErrors(),
				x.NumOrders())
		}
	}
	w, x := newL3World(t, sim.Hftbacktest, 0)
	x.OnEvent(1, &hft.Event{Ev: hft.AddOrderEvent, OrderID: 1, Px: 100, Qty: 1})
	x.OnEvent(1, &hft.Event{Ev: hft.FillEvent, OrderID: 1, Px: 100, Qty: 1})
	if x.Err() != nil || len(w.recorder.take()) != 0 || !math.IsNaN(x.Depth().BestBid()) {
		t.Errorf("rows without a side are not passed over: %v", x.Err())
	}
}

// Executions say what made them, how much was ahead and how long they waited.
func TestL3ReportsCause(t *testing.T) {
	w, x := newL3World(t, sim.Fixed, 2)
	w.run(`
		add-bid 1 100 3
		add-bid 2 100 4
		add-ask 3 105 1
		new 1 buy 100 2 GTC => 1 New leaves 2
		new 2 buy 101 2 GTC => 2 New leaves 2
		new 3 buy 101 2 GTC => 3 Expired leaves 2 refused 4
		add-bid 4 100 1`)
	if o, ok := x.Order(1, 1); !ok || o.PriceTick != 100 || x.NumOrders() != 2 {
		t.Errorf("order %+v, %v, of %d", o, ok, x.NumOrders())
	}
	check := func(line string, cause sim.FillCause, frontQty float64, restedNs int64) {
		t.Helper()
		w.do(line)
		reports := w.recorder.take()
		r := reports[len(reports)-1]
		if r.Cause != cause || r.JoinedFrontQty != frontQty || r.RestedNs != restedNs || r.AssetNo != 7 {
			t.Errorf("%s: %+v, want cause %v, %v ahead, %d ns", line, r, cause, frontQty, restedNs)
		}
	}
	w.do("fill-bid 1 100 1")
	if reports := w.recorder.take(); len(reports) != 1 || reports[0].Order.OrderID != 2 ||
		reports[0].Cause != sim.CauseThrough {
		t.Errorf("an order in the spread: %+v", reports)
	}
	check("fill-bid 4 100 1", sim.CauseQueue, 7, 5)
	w.do("new 3 sell 104 1 GTC")
	w.recorder.take()
	check("add-bid 5 104 1", sim.CauseCrossed, 0, 1)
	check("market 4 buy 1", sim.CauseTaker, 0, 0)
	if s := x.State(); s.NumTrades != 4 || s.Position != 2+2-1+1 || s.TradingVolume != 6 {
		t.Errorf("state %+v", s)
	}
}

func TestNewL3Refuses(t *testing.T) {
	good := exchange.L3Config{Book: depth.NewHashMapMarketDepth(1, 1), Asset: sim.LinearAsset(1),
		Fee: sim.TradingValueFee{}, Responder: &recorder{}}
	for name, spoil := range map[string]func(*exchange.L3Config){
		"Book":      func(c *exchange.L3Config) { c.Book = nil },
		"Asset":     func(c *exchange.L3Config) { c.Asset = nil },
		"Fee":       func(c *exchange.L3Config) { c.Fee = nil },
		"Responder": func(c *exchange.L3Config) { c.Responder = nil },
		"MaxOrders": func(c *exchange.L3Config) { c.MaxOrders = -1 },
		"lot size":  func(c *exchange.L3Config) { c.Book = depth.NewHashMapMarketDepth(1, 0) },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := exchange.NewL3(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
