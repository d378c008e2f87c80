package exchange_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// book shows 101: 3, 102: 5, 104: 2 and 99: 3, 98: 5, 96: 2.
func TestConsumeDepth(t *testing.T) {
	for _, c := range []struct {
		name, script string
	}{
		{"what was taken is gone until the feed shows the price again", `
			new 1 buy 101 2 IOC => 1 Filled leaves 0 fill 2@101 taker
			new 2 buy 101 2 IOC => 2 PartiallyFilled leaves 1 fill 1@101 taker; 2 Expired leaves 1
			new 3 buy 101 1 IOC => 3 Expired leaves 1
			new 2:4 buy 102 1 IOC => 2:4 Filled leaves 0 fill 1@102 taker
			ask 101 3
			new 5 buy 102 9 IOC => 5 PartiallyFilled leaves 6 fill 3@101 taker; 5 PartiallyFilled leaves 2 fill 4@102 taker; 5 Expired leaves 2`},
		{"sides do not mix", `
			new 1 sell 99 3 IOC => 1 Filled leaves 0 fill 3@99 taker
			new 2 buy 101 3 IOC => 2 Filled leaves 0 fill 3@101 taker
			new 3 sell 98 6 IOC => 3 PartiallyFilled leaves 1 fill 5@98 taker; 3 Expired leaves 1`},
		{"fill or kill counts what is left", `
			new 1 buy 102 2 IOC => 1 Filled leaves 0 fill 2@101 taker
			new 2 buy 102 7 FOK => 2 Expired leaves 7
			new 3 buy 102 6 FOK => 3 PartiallyFilled leaves 5 fill 1@101 taker; 3 Filled leaves 0 fill 5@102 taker`},
		{"a market order takes what is left", `
			market 1 buy 8 => 1 PartiallyFilled leaves 5 fill 3@101 taker; 1 Filled leaves 0 fill 5@102 taker
			market 2 buy 3 => 2 PartiallyFilled leaves 1 fill 2@104 taker; 2 Expired leaves 1
			market 3 buy 3 => 3 Expired leaves 3`},
		{"the rest of an order rests at its limit and takes what comes", `
			new 1 buy 101 7 GTC => 1 PartiallyFilled leaves 4 fill 3@101 taker
			ask 102 9
			ask 101 1 => 1 PartiallyFilled leaves 3 fill 1@101 maker
			ask 101 0
			trade-sell 101 2 => 1 PartiallyFilled leaves 1 fill 2@101 maker
			cancel 1 => 1 Canceled leaves 1`},
		{"what comes goes to the best price first, then by arrival", `
			new 1 buy 101 5 GTC => 1 PartiallyFilled leaves 2 fill 3@101 taker
			new 2 buy 101 2 GTX => 2 New leaves 2
			new 3 buy 102 7 GTC => 3 PartiallyFilled leaves 2 fill 5@102 taker
			ask 101 5 => 3 Filled leaves 0 fill 2@102 maker; 1 Filled leaves 0 fill 2@101 maker; 2 PartiallyFilled leaves 1 fill 1@101 maker
			new 4 buy 101 1 IOC => 4 Expired leaves 1`},
		{"post only looks at what is left", `
			new 1 buy 101 3 IOC => 1 Filled leaves 0 fill 3@101 taker
			new 2 buy 101 1 GTX => 2 New leaves 1
			new 3 buy 102 1 GTX => 3 Expired leaves 1`},
		{"a clear of the prices gives them back", `
			new 1 sell 98 4 IOC => 1 PartiallyFilled leaves 1 fill 3@99 taker; 1 Filled leaves 0 fill 1@98 taker
			clear bid 99
			bid 99 3
			new 2 sell 98 8 IOC => 2 PartiallyFilled leaves 5 fill 3@99 taker; 2 PartiallyFilled leaves 1 fill 4@98 taker; 2 Expired leaves 1
			clear
			bid 98 5
			new 3 sell 98 5 IOC => 3 Filled leaves 0 fill 5@98 taker`},
		{"an order joins behind what is left", `
			new 1 buy 101 3 IOC => 1 Filled leaves 0 fill 3@101 taker
			new 2 sell 101 1 GTC => 2 New leaves 1
			trade-buy 101 1 => 2 Filled leaves 0 fill 1@101 maker`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, options{partial: true, consume: true})
			w.run(book)
			w.run(c.script)
		})
	}
	w := newWorld(t, options{partial: true, consume: true})
	w.run(book)
	w.run("new 1 buy 101 3 IOC => 1 Filled leaves 0 fill 3@101 taker")
	w.exchange.(*exchange.L2).ApplySnapshot([]hft.Event{{Ev: hft.SellEvent, Px: 101, Qty: 3}})
	w.run("new 2 buy 101 3 IOC => 2 Filled leaves 0 fill 3@101 taker")
	// Without partial fills nobody looks at quantities.
	w = newWorld(t, options{consume: true})
	w.run(book)
	w.run(`
		new 1 buy 101 30 GTC => 1 Filled leaves 0 fill 30@101 taker
		new 2 buy 101 30 GTC => 2 Filled leaves 0 fill 30@101 taker`)
}

func TestSweepFills(t *testing.T) {
	const setup = `
		new 1 sell 101 1 GTC => 1 New leaves 1
		new 2 sell 102 2 GTC => 2 New leaves 2
		new 3 sell 103 2 GTC => 3 New leaves 2
		new 4 sell 104 2 GTC => 4 New leaves 2
		new 5 sell 109 2 GTC => 5 New leaves 2
`
	for _, c := range []struct {
		name   string
		opt    options
		script string
	}{
		{"off: a trade stays at its price", options{partial: true}, setup + `
			trade-buy 101 99 => 1 Filled leaves 0 fill 1@101 maker`},
		{"no more than is displayed", options{partial: true, sweep: true}, setup + `
			trade-buy 101 3
			trade-buy 101 1 => 1 Filled leaves 0 fill 1@101 maker`},
		{"the rest is too small for the next queue", options{partial: true, sweep: true}, setup + `
			trade-buy 101 8 => 1 Filled leaves 0 fill 1@101 maker
			trade-buy 102 1 => 2 PartiallyFilled leaves 1 fill 1@102 maker`},
		{"the rest reaches part of an order", options{partial: true, sweep: true}, setup + `
			trade-buy 101 9 => 1 Filled leaves 0 fill 1@101 maker; 2 PartiallyFilled leaves 1 fill 1@102 maker; 3 PartiallyFilled leaves 1 fill 1@103 maker`},
		{"the rest goes through, to the last level that is displayed", options{partial: true, sweep: true}, setup + `
			trade-buy 101 99 => 1 Filled leaves 0 fill 1@101 maker; 2 Filled leaves 0 fill 2@102 maker; 3 Filled leaves 0 fill 2@103 maker; 4 Filled leaves 0 fill 2@104 maker
			cancel 5 => 5 Canceled leaves 2`},
		{"whole", options{sweep: true}, setup + `
			trade-buy 101 9 => 1 Filled leaves 0 fill 1@101 maker; 2 Filled leaves 0 fill 2@102 maker; 3 Filled leaves 0 fill 2@103 maker`},
		{"a trade where nothing was displayed stays there", options{partial: true, sweep: true}, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			new 2 buy 99 2 GTC => 2 New leaves 2
			trade-sell 100 99`},
		{"on the other side", options{partial: true, sweep: true}, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			new 2 buy 97 2 GTC => 2 New leaves 2
			trade-sell 99 9 => 1 PartiallyFilled leaves 1 fill 1@98 maker; 2 PartiallyFilled leaves 1 fill 1@97 maker
			trade-sell 99 8 => 1 Filled leaves 0 fill 1@98 maker
			trade-sell 99 8
			trade-sell 99 9 => 2 Filled leaves 0 fill 1@97 maker`},
		{"an empty side is not swept", options{partial: true, sweep: true}, setup + `
			clear ask 1000
			trade-buy 100 99`},
		{"what own orders have taken is not there", options{partial: true, sweep: true, consume: true}, `
			new 1 sell 102 1 GTC => 1 New leaves 1
			new 2 buy 101 2 IOC => 2 Filled leaves 0 fill 2@101 taker
			trade-buy 101 7 => 1 Filled leaves 0 fill 1@102 maker`},
		{"an absurd trade ends", options{sweep: true}, `
			ask 9000000000000000 1
			new 1 sell 9000000000000000 1 GTC => 1 New leaves 1
			trade-buy 101 1e300`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.opt)
			w.run(book)
			w.run(c.script)
		})
	}
}

func TestOptionsAreNotTheReferences(t *testing.T) {
	full := exchange.Config{Book: depth.NewHashMapMarketDepth(1, 1, depth.Compat), Queue: sim.RiskAdverseQueue(),
		Asset: sim.LinearAsset(1), Fee: sim.TradingValueFee{}, Responder: &recorder{}}
	for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest, sim.Stock} {
		for _, cfg := range []exchange.Config{{ConsumeDepth: true}, {SweepFills: true}} {
			consume, sweep := cfg.ConsumeDepth, cfg.SweepFills
			cfg = full
			cfg.Compat, cfg.ConsumeDepth, cfg.SweepFills = compat, consume, sweep
			_, err := exchange.NewPartialFill(cfg)
			if refused := err != nil && strings.Contains(err.Error(),
				"Compat Fixed"); refused != (compat != sim.Fixed) {
				t.Errorf("compat %d, consume %v, sweep %v: %v", compat, consume, sweep, err)
			}
		}
	}
}

// Between two updates of a price, own orders never get more there than was displayed.
func TestConsumedIsBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	w := newWorld(t, options{partial: true, consume: true, lotSize: 0.5})
	displayed, taken := map[[2]int64]float64{}, map[[2]int64]float64{}
	executions := 0
	count := func() {
		for _, r := range w.recorder.take() {
			if !r.Fill || r.Order.Maker {
				continue
			}
			executions++
			key := [2]int64{int64(r.Order.Side), r.Order.ExecPriceTick}
			if taken[key] += r.Order.ExecQty; taken[key] > displayed[key] {
				t.Fatalf("%v was taken at %v, %v was displayed", taken[key], key, displayed[key])
			}
		}
	}
	for id := range uint64(20000) {
		w.nowNs++
		tick, qty, side := 95+random.Int64N(12), float64(random.IntN(9))*0.5, hft.Buy
		sideFlag := hft.SellEvent
		if random.IntN(2) == 0 {
			side, sideFlag = hft.Sell, hft.BuyEvent
		}
		if random.IntN(3) == 0 {
			key := [2]int64{int64(side), tick}
			displayed[key], taken[key] = qty, 0
			w.exchange.OnEvent(w.nowNs, &hft.Event{Ev: sideFlag | hft.DepthEvent, Px: float64(tick), Qty: qty})
			w.recorder.take() // executions of resting orders
			continue
		}
		r := exchange.Request{Owner: 1, Order: hft.NewOrder(id, tick, 1, qty, side, hft.Limit,
			hft.TimeInForce(random.IntN(4)))}
		r.Order.Req = hft.StatusNew
		w.exchange.OnRequest(w.nowNs, &r)
		count()
	}
	if executions < 500 {
		t.Errorf("only %d executions", executions)
	}
}

// Every execution says what made it, and that of a resting order how it stood in the queue.
func TestFillCauses(t *testing.T) {
	for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest} {
		w := newWorld(t, options{partial: true, compat: compat})
		w.run(book)
		one := func(line string, cause sim.FillCause, joinedQty float64, restedNs int64) {
			t.Helper()
			w.do(line)
			reports := w.recorder.take()
			if len(reports) != 1 {
				t.Fatalf("%s: %d reports", line, len(reports))
			}
			if r := reports[0]; r.Cause != cause || r.JoinedFrontQty != joinedQty || r.RestedNs != restedNs {
				t.Errorf("compat %d: %s: cause %v, joined behind %v, rested %d, want %v, %v and %d", compat, line,
					r.Cause, r.JoinedFrontQty, r.RestedNs, cause, joinedQty, restedNs)
			}
		}
		one("new 1 buy 98 2 GTC", sim.CauseNone, 0, 0)
		w.do("trade-sell 98 4")
		w.do("bid 98 1")
		one("trade-sell 98 2", sim.CauseQueue, 5, 3)
		one("trade-sell 97 1", sim.CauseThrough, 5, 4)
		one("new 2 sell 103 2 GTC", sim.CauseNone, 0, 0)
		one("modify 2 102 2", sim.CauseNone, 0, 0)
		one("modify 2 102 1", sim.CauseNone, 0, 0)
		one("bid 102 1", sim.CauseCrossed, 5, 2)
		if compat == sim.Fixed {
			one("new 3 sell 102 1 IOC", sim.CauseTaker, 0, 0)
		}
	}
	names := map[string]bool{}
	for cause := sim.CauseNone; cause <= sim.CauseCrossed+1; cause++ {
		if names[cause.String()] {
			t.Errorf("cause %d is called %q as another", cause, cause)
		}
		names[cause.String()] = true
	}
}
