package exchange_test

import (
	"math"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// book is a book of three levels a side, 4 apart from the middle of 100.
const book = `
	bid 98 5
	bid 99 3
	ask 101 3
	ask 102 5
	ask 104 2
	bid 96 2
`

// scriptCase is a script that runs on top of book.
type scriptCase struct {
	name   string
	opt    options
	script string
}

func runScripts(t *testing.T, cases []scriptCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.opt)
			w.run(book)
			w.run(c.script)
		})
	}
}

func TestMatching(t *testing.T) {
	runScripts(t, []scriptCase{
		{"taking without partial fills is whole at the touch", options{}, `
			new 1 buy 101 50 GTC => 1 Filled leaves 0 fill 50@101 taker
			new 2 sell 97 50 GTC => 2 Filled leaves 0 fill 50@99 taker
			new 3 buy 105 50 IOC => 3 Filled leaves 0 fill 50@101 taker
			new 4 sell 90 50 FOK => 4 Filled leaves 0 fill 50@99 taker
			market 5 buy 50 => 5 Filled leaves 0 fill 50@101 taker
			market 6 sell 50 => 6 Filled leaves 0 fill 50@99 taker`},
		{"post only expires when it would take", options{}, `
			new 1 buy 101 1 GTX => 1 Expired leaves 1
			new 2 sell 99 1 GTX => 2 Expired leaves 1
			new 3 buy 100 1 GTX => 3 New leaves 1
			new 4 sell 100 1 GTX => 4 New leaves 1`},
		{"immediate orders that reach nobody expire", options{}, `
			new 1 buy 100 1 IOC => 1 Expired leaves 1
			new 2 sell 100 1 FOK => 2 Expired leaves 1
			cancel 1 => 1 None leaves 0 refused 1`},
		{"an empty side", options{}, `
			clear
			new 1 buy 101 1 GTX => 1 New leaves 1
			market 2 buy 1 => 2 Expired leaves 1
			market 3 sell 1 => 3 Expired leaves 1`},
		{"an empty side, compat", options{compat: sim.Hftbacktest}, `
			clear
			market 2 buy 1 => 2 Filled leaves 0`},
		{"a trade past the price fills whole, one at the price by the queue", options{}, `
			new 1 buy 99 2 GTC => 1 New leaves 2
			new 2 buy 98 2 GTC => 2 New leaves 2
			trade-sell 100 50
			trade-sell 99 3
			trade-sell 99 1 => 1 Filled leaves 0 fill 2@99 maker
			trade-sell 97 1 => 2 Filled leaves 0 fill 2@98 maker
			trade-sell 90 99`},
		{"best price first, then arrival", options{}, `
			new 5 sell 103 1 GTC => 5 New leaves 1
			new 4 sell 102 1 GTC => 4 New leaves 1
			new 3 sell 103 1 GTC => 3 New leaves 1
			new 2 sell 110 1 GTC => 2 New leaves 1
			trade-buy 104 1 => 4 Filled leaves 0 fill 1@102 maker; 5 Filled leaves 0 fill 1@103 maker; 3 Filled leaves 0 fill 1@103 maker`},
		{"the other side's best reaches the order", options{}, `
			new 1 sell 103 1 GTC => 1 New leaves 1
			new 2 sell 105 1 GTC => 2 New leaves 1
			new 3 buy 97 1 GTC => 3 New leaves 1
			bid 102 1
			bid 104 1 => 1 Filled leaves 0 fill 1@103 maker
			bid 104 9
			clear
			ask 97 1 => 3 Filled leaves 0 fill 1@97 maker
			bid 200 1 => 2 Filled leaves 0 fill 1@105 maker`},
		{"a level that shrinks moves the order ahead but does not fill it", options{}, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			bid 98 1
			bid 98 0
			trade-sell 98 1 => 1 Filled leaves 0 fill 2@98 maker`},
	})
}

func TestRequests(t *testing.T) {
	runScripts(t, []scriptCase{
		{"cancel", options{}, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			cancel 1 => 1 Canceled leaves 2
			cancel 1 => 1 None leaves 0 refused 1
			modify 1 97 1 => 1 None leaves 0 refused 1
			trade-sell 90 9`},
		{"owners have ids of their own", options{}, `
			new 1:1 buy 98 2 GTC => 1 New leaves 2
			new 2:1 sell 103 3 GTC => 2:1 New leaves 3
			cancel 3:1 => 3:1 None leaves 0 refused 1
			cancel 1:1 => 1 Canceled leaves 2
			trade-buy 104 1 => 2:1 Filled leaves 0 fill 3@103 maker`},
		{"an id twice", options{}, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			new 1 sell 108 5 GTC => 1 New leaves 2 refused 2
			trade-sell 97 1 => 1 Filled leaves 0 fill 2@98 maker
			new 1 sell 108 5 GTC => 1 New leaves 5`},
		{"values that cannot be", options{max: 1}, `
			new 1 buy 98 0 GTC => 1 Expired leaves 0 refused 3
			new 1 buy 98 -1 GTC => 1 Expired leaves -1 refused 3
			new 1 buy 98 0.4 GTC => 1 Expired leaves 0.4 refused 3
			new 1 buy 98 NaN GTC => 1 Expired leaves NaN refused 3
			new 1 both 98 1 GTC => 1 Expired leaves 1 refused 3
			new 1 buy 98 1 ? => 1 Expired leaves 1 refused 3
			new 1 buy 9e18 1 GTC => 1 Expired leaves 1 refused 3
			new 1 buy 98 1 GTC => 1 New leaves 1
			modify 1 98 0 => 1 New leaves 1 refused 3
			new 2 buy 98 1 GTC => 2 Expired leaves 1 refused 4
			cancel 1 => 1 Canceled leaves 1
			bid NaN 1
			bid 98 -7
			ask 1e300 1
			ask 97 Inf
			trade-sell -Inf 1`},
		{"modify keeps the place only when nothing grows", options{}, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			new 2 buy 98 2 GTC => 2 New leaves 2
			trade-sell 98 4
			modify 1 98 1 => 1 New leaves 1
			modify 2 98 3 => 2 New leaves 3
			trade-sell 98 2 => 1 Filled leaves 0 fill 1@98 maker
			trade-sell 98 4 => 2 Filled leaves 0 fill 3@98 maker`},
		{"modify to another price, across and post only", options{}, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			modify 1 97 3 => 1 New leaves 3
			modify 1 101 4 => 1 Filled leaves 0 fill 4@101 taker
			new 2 buy 98 2 GTX => 2 New leaves 2
			modify 2 101 4 => 2 Expired leaves 4
			cancel 2 => 2 None leaves 0 refused 1`},
		{"modify with a foreign remainder, compat", options{compat: sim.Hftbacktest}, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			modify 1 101 5 2 => 1 Filled leaves 0`},
	})
}

func TestPartialFillScripts(t *testing.T) {
	for _, c := range []struct {
		name   string
		compat sim.Compat
		script string
	}{
		{"a sweep executes price by price, the rest at the limit", sim.Fixed, `
			new 1 buy 103 10 GTC => 1 PartiallyFilled leaves 7 fill 3@101 taker; 1 PartiallyFilled leaves 2 fill 5@102 taker; 1 Filled leaves 0 fill 2@103 taker
			new 2 sell 98 10 GTC => 2 PartiallyFilled leaves 7 fill 3@99 taker; 2 Filled leaves 0 fill 7@98 taker
			new 3 buy 105 2 GTC => 3 Filled leaves 0 fill 2@101 taker`},
		{"a sweep, compat: one report, and a sell has two executions at the limit", sim.Hftbacktest, `
			new 1 buy 103 10 GTC => 1 Filled leaves 0
			new 2 sell 98 10 GTC => 2 Filled leaves 0
			new 3 buy 101 5 IOC => 3 Expired leaves 2`},
		{"immediate or cancel", sim.Fixed, `
			new 1 buy 103 10 IOC => 1 PartiallyFilled leaves 7 fill 3@101 taker; 1 PartiallyFilled leaves 2 fill 5@102 taker; 1 Expired leaves 2
			new 2 sell 99 3 IOC => 2 Filled leaves 0 fill 3@99 taker`},
		{"fill or kill", sim.Fixed, `
			new 1 buy 103 9 FOK => 1 Expired leaves 9
			new 2 buy 103 8 FOK => 2 PartiallyFilled leaves 5 fill 3@101 taker; 2 Filled leaves 0 fill 5@102 taker
			new 3 buy 101 3.4 FOK => 3 Filled leaves 0 fill 3@101 taker
			new 4 sell 1 10.4 FOK => 4 PartiallyFilled leaves 7.4 fill 3@99 taker; 4 PartiallyFilled leaves 2.4000000000000004 fill 5@98 taker; 4 Filled leaves 0 fill 2@96 taker
			new 5 buy 9000000000000000 11 FOK => 5 Expired leaves 11`},
		{"a market order takes what there is within 100 ticks", sim.Fixed, `
			market 1 buy 4 => 1 PartiallyFilled leaves 1 fill 3@101 taker; 1 Filled leaves 0 fill 1@102 taker
			bid 0 5
			bid -1 5
			market 2 sell 20 => 2 PartiallyFilled leaves 17 fill 3@99 taker; 2 PartiallyFilled leaves 12 fill 5@98 taker; 2 PartiallyFilled leaves 10 fill 2@96 taker; 2 PartiallyFilled leaves 5 fill 5@0 taker; 2 Expired leaves 5
			clear
			market 3 sell 1 => 3 Expired leaves 1`},
		{"a market sell, compat, reaches one tick further", sim.Hftbacktest, `
			bid -1 5
			market 2 sell 15 => 2 Filled leaves 0
			clear
			market 3 sell 1 => 3 Expired leaves 1`},
		{"a queue fill is as large as what traded past the order", sim.Fixed, `
			new 1 buy 99 5 GTC => 1 New leaves 5
			trade-sell 99 5 => 1 PartiallyFilled leaves 3 fill 2@99 maker
			trade-sell 99 1 => 1 PartiallyFilled leaves 2 fill 1@99 maker
			trade-sell 99 2 => 1 Filled leaves 0 fill 2@99 maker
			trade-sell 99 9
			cancel 1 => 1 None leaves 0 refused 1`},
		{"crossing fills the remainder", sim.Fixed, `
			new 1 sell 102 5 GTC => 1 New leaves 5
			trade-buy 102 7 => 1 PartiallyFilled leaves 3 fill 2@102 maker
			bid 103 1 => 1 Filled leaves 0 fill 3@102 maker`},
		{"modify after a partial fill: the quantity is what is to remain", sim.Fixed, `
			new 1 buy 99 5 GTC => 1 New leaves 5
			trade-sell 99 5 => 1 PartiallyFilled leaves 3 fill 2@99 maker
			modify 1 99 2 => 1 New leaves 2
			trade-sell 99 1 => 1 PartiallyFilled leaves 1 fill 1@99 maker
			modify 1 99 4 => 1 New leaves 4
			cancel 1 => 1 Canceled leaves 4`},
		{"absurd limits do not walk for ever", sim.Fixed, `
			new 1 buy 9007199254740991 100 GTC => 1 PartiallyFilled leaves 97 fill 3@101 taker; 1 PartiallyFilled leaves 92 fill 5@102 taker; 1 PartiallyFilled leaves 90 fill 2@104 taker; 1 Filled leaves 0 fill 90@9007199254740991 taker
			new 2 sell -9007199254740991 100 IOC => 2 PartiallyFilled leaves 97 fill 3@99 taker; 2 PartiallyFilled leaves 92 fill 5@98 taker; 2 PartiallyFilled leaves 90 fill 2@96 taker; 2 Expired leaves 90`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, options{partial: true, compat: c.compat})
			w.run(book)
			w.run(c.script)
		})
	}
}

// What the scripts do not show: times, tags, money.
func TestReportFields(t *testing.T) {
	for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest} {
		w := newWorld(t, options{compat: compat})
		w.run(book)
		w.do("new 1 buy 99 2 GTC")
		ack := w.recorder.take()[0]
		if ack.AssetNo != 7 || ack.Tag != 99 || ack.Order.ExchTimestampNs != w.nowNs ||
			ack.Order.Req != hft.StatusNone {
			t.Errorf("ack is %+v", ack)
		}
		w.do("trade-sell 98 1")
		fill := w.recorder.take()[0]
		if !fill.Fill || fill.FillValue != 198 || fill.FillFee != -99 || fill.Position != 2 {
			t.Errorf("fill is %+v", fill)
		}
		w.do("new 2 sell 120 2 GTC")
		submitted := w.recorder.take()[0].Order.LocalTimestampNs
		w.do("cancel 2")
		canceled := w.recorder.take()[0].Order
		want := w.nowNs - 1
		if compat == sim.Hftbacktest {
			want = submitted
		}
		if canceled.LocalTimestampNs != want || canceled.ExchTimestampNs != w.nowNs {
			t.Errorf("compat %d: cancel answered with %+v, want request time %d", compat, canceled, want)
		}
		w.do("cancel 2")
		if r := w.recorder.take()[0]; r.Order.Req != hft.StatusRejected || r.Order.LocalTimestampNs != w.nowNs-1 ||
			r.AssetNo != 7 {
			t.Errorf("refusal is %+v", r)
		}
		if got := w.exchange.State(); got != (hft.StateValues{Position: 2, Balance: -198, Fee: -99, NumTrades: 1,
			TradingVolume: 2, TradingValue: 198}) {
			t.Errorf("state is %+v", got)
		}
		w.exchange.OnRequest(w.nowNs, &exchange.Request{Owner: 1})
		if r := w.recorder.take()[0]; r.Reject != sim.RejectInvalid {
			t.Errorf("request without a kind: %+v", r)
		}
	}
}

// A sweep's executions count all, also where one report tells only of the last.
func TestStateCountsEveryExecution(t *testing.T) {
	for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest} {
		w := newWorld(t, options{partial: true, compat: compat})
		w.run(book)
		w.do("new 1 buy 103 10 GTC")
		value := 3*101.0 + 5*102 + 2*103
		if got := w.exchange.State(); got != (hft.StateValues{Position: 10, Balance: -value, Fee: 2 * value,
			NumTrades: 3, TradingVolume: 10, TradingValue: value}) {
			t.Errorf("state is %+v", got)
		}
	}
}

func TestSnapshotAndLookups(t *testing.T) {
	w := newWorld(t, options{partial: true})
	w.exchange.(*exchange.L2).ApplySnapshot([]hft.Event{
		{Ev: hft.BuyEvent, Px: 99, Qty: 1}, {Ev: hft.SellEvent, Px: 101, Qty: 1}, {Ev: hft.SellEvent, Px: 300, Qty: 2}})
	w.run(`
		new 1 buy 400 3 IOC => 1 PartiallyFilled leaves 2 fill 1@101 taker; 1 Filled leaves 0 fill 2@300 taker
		new 2 buy 99 4 GTC => 2 New leaves 4`)
	if o, ok := w.exchange.Order(1, 2); !ok || o.LeavesQty != 4 || w.exchange.NumOrders() != 1 {
		t.Errorf("order 2 is %+v %v, %d orders", o, ok, w.exchange.NumOrders())
	}
	if _, ok := w.exchange.Order(1, 1); ok {
		t.Error("a filled order rests")
	}
	if w.exchange.Depth().BestAskTick() != 101 {
		t.Errorf("best ask is %d", w.exchange.Depth().BestAskTick())
	}
}

func TestConfigErrors(t *testing.T) {
	good, err := depth.New("hashmap", 1, 1, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	full := exchange.Config{Book: good, Queue: sim.RiskAdverseQueue(), Asset: sim.LinearAsset(1),
		Fee: sim.TradingValueFee{}, Responder: &recorder{}}
	for want, change := range map[string]func(*exchange.Config){
		"Book":      func(c *exchange.Config) { c.Book = nil },
		"Queue":     func(c *exchange.Config) { c.Queue = nil },
		"Asset":     func(c *exchange.Config) { c.Asset = nil },
		"Fee":       func(c *exchange.Config) { c.Fee = nil },
		"Responder": func(c *exchange.Config) { c.Responder = nil },
		"MaxOrders": func(c *exchange.Config) { c.MaxOrders = -1 },
		"tick size": func(c *exchange.Config) { c.Book = depth.NewHashMapMarketDepth(math.NaN(), 1, depth.Fixed) },
		"lot size":  func(c *exchange.Config) { c.Book = depth.NewHashMapMarketDepth(1, 0) },
	} {
		cfg := full
		change(&cfg)
		if _, err := exchange.NewPartialFill(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v", want, err)
		}
	}
	if _, err := sim.NewConstantLatency(0, -1); err == nil {
		t.Error("a negative response latency is taken")
	}
}
