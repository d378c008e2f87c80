package exchange_test

import (
	"errors"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// What the reference's mode repeats, what it only has in the published build, and what ours does instead.
func TestQuirks(t *testing.T) {
	sweepSell := `new 2 sell 98 10 GTC => 2 Filled leaves 0`
	for _, c := range []struct {
		name      string
		compat    sim.Compat
		partial   bool
		script    string
		position  float64
		numTrades int64
	}{
		{"Q23 fixed: a modified order has its new quantity", sim.Fixed, false, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			modify 1 101 5 2 => 1 Filled leaves 0 fill 5@101 taker`, 5, 1},
		{"Q23: a modified order executes the bot's old remainder", sim.Hftbacktest, false, `
			new 1 buy 98 2 GTC => 1 New leaves 2
			modify 1 101 5 2 => 1 Filled leaves 0`, 2, 1},
		{"Q25 fixed: a market order on an empty side expires", sim.Fixed, false, `
			clear
			market 1 buy 2 => 1 Expired leaves 2
			market 2 sell 2 => 2 Expired leaves 2`, 0, 0},
		{"Q25: a market order on an empty side is filled at no price", sim.Hftbacktest, false, `
			clear
			market 1 buy 2 => 1 Filled leaves 0`, 2, 1},
		{"Q26 fixed: fill or kill of a quantity that is no whole number of lots", sim.Fixed, true, `
			ask 101 2.75
			new 1 buy 101 3.25 FOK => 1 PartiallyFilled leaves 0.5 fill 2.75@101 taker; 1 Filled leaves 0 fill 0.5@101 taker`, 3.25, 2},
		{"Q26: the same, where the reference panics", sim.Hftbacktest, true, `
			ask 101 2.75
			new 1 buy 101 3.25 FOK => 1 Filled leaves 0`, 3.25, 2},
		{"Q27 fixed: a sell executes once at its limit, as a buy does", sim.Fixed, true, `
			new 1 buy 102 10 GTC => 1 PartiallyFilled leaves 7 fill 3@101 taker; 1 Filled leaves 0 fill 7@102 taker
			new 2 sell 98 10 GTC => 2 PartiallyFilled leaves 7 fill 3@99 taker; 2 Filled leaves 0 fill 7@98 taker`, 0, 4},
		{"Q27: a sell executes twice at its limit", sim.Hftbacktest, true, `
			new 1 buy 102 10 GTC => 1 Filled leaves 0
			` + sweepSell, 0, 5},
		{"Q28 fixed: a market sell reaches as far as a buy", sim.Fixed, true, `
			clear
			bid 200 1
			bid 101 1
			bid 100 1
			market 1 sell 3 => 1 PartiallyFilled leaves 2 fill 1@200 taker; 1 PartiallyFilled leaves 1 fill 1@101 taker; 1 Expired leaves 1`, -2, 2},
		{"Q28: a market sell reaches one tick further", sim.Hftbacktest, true, `
			clear
			bid 200 1
			bid 101 1
			bid 100 1
			market 1 sell 3 => 1 Filled leaves 0`, -3, 3},
		{"Q29 fixed: every execution is reported", sim.Fixed, true, `
			new 1 buy 103 9 IOC => 1 PartiallyFilled leaves 6 fill 3@101 taker; 1 PartiallyFilled leaves 1 fill 5@102 taker; 1 Expired leaves 1`, 8, 2},
		{"Q29: only the last one", sim.Hftbacktest, true, `
			new 1 buy 103 9 IOC => 1 Expired leaves 1`, 8, 2},
		{"Q30 fixed: an order that a trade fills exactly is gone", sim.Fixed, true, `
			new 1 buy 99 2 GTC => 1 New leaves 2
			trade-sell 99 5 => 1 Filled leaves 0 fill 2@99 maker
			trade-sell 99 1
			ask 99 1
			cancel 1 => 1 None leaves 0 refused 1`, 2, 1},
		{"Q30 patched: the same", sim.Hftbacktest, true, `
			new 1 buy 99 2 GTC => 1 New leaves 2
			trade-sell 99 5 => 1 Filled leaves 0 fill 2@99 maker
			trade-sell 99 1
			cancel 1 => 1 None leaves 0 refused 1`, 2, 1},
		{"Q30 as published: it can still be canceled", sim.Stock, true, `
			new 1 buy 99 2 GTC => 1 New leaves 2
			trade-sell 99 5 => 1 Filled leaves 0 fill 2@99 maker
			cancel 1 => 1 Canceled leaves 0
			trade-sell 90 1`, 2, 1},
		{"Q30 as published: it goes when more than it was traded", sim.Stock, true, `
			new 1 buy 99 2 GTC => 1 New leaves 2
			trade-sell 99 6 => 1 Filled leaves 0 fill 2@99 maker
			trade-sell 90 1`, 2, 1},
		{"Q30 as published: a partial execution before does not keep it", sim.Stock, true, `
			new 1 buy 99 2 GTC => 1 New leaves 2
			trade-sell 99 4 => 1 PartiallyFilled leaves 1 fill 1@99 maker
			trade-sell 98 1 => 1 Filled leaves 0 fill 1@99 maker
			trade-sell 90 1`, 2, 2},
		{"Q30 as published: whole fills go", sim.Stock, false, `
			new 1 buy 99 2 GTC => 1 New leaves 2
			trade-sell 99 5 => 1 Filled leaves 0 fill 2@99 maker
			trade-sell 90 1`, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, options{partial: c.partial, compat: c.compat})
			w.run(book)
			w.run(c.script)
			if v := w.exchange.State(); v.Position != c.position || v.NumTrades != c.numTrades {
				t.Errorf("position %v in %d executions, want %v in %d", v.Position, v.NumTrades, c.position,
					c.numTrades)
			}
			if err := w.exchange.Err(); err != nil {
				t.Errorf("the run ended: %v", err)
			}
		})
	}
}

// As published, the next execution of an order that a trade filled exactly ends the run, and so does its id when it is
// used again; nothing happens after that.
func TestStockEndsRun(t *testing.T) {
	for _, c := range []struct {
		name, last string
		want       error
	}{
		{"by a trade at its price", "trade-sell 99 1", hft.ErrInvalidOrderStatus},
		{"by a trade past its price", "trade-sell 97 1", hft.ErrInvalidOrderStatus},
		{"by the other side's best", "ask 99 1", hft.ErrInvalidOrderStatus},
		{"by its id", "new 1 buy 90 1 GTC", hft.ErrOrderIDExist},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, options{partial: true, compat: sim.Stock})
			w.run(book)
			w.run(`
				new 1 buy 99 2 GTC => 1 New leaves 2
				new 2 buy 96 2 GTC => 2 New leaves 2
				trade-sell 99 5 => 1 Filled leaves 0 fill 2@99 maker`)
			if err := w.exchange.Err(); err != nil {
				t.Fatalf("the run ended before: %v", err)
			}
			w.run(c.last)
			if err := w.exchange.Err(); !errors.Is(err, c.want) {
				t.Fatalf("the run ended with %v, want %v", err, c.want)
			}
			w.run(`
				trade-sell 90 9
				cancel 2
				new 3 buy 90 1 GTC`)
		})
	}
}

// The order in which one event fills: ours best price first, then arrival; the reference's by what it visits.
func TestFillOrder(t *testing.T) {
	resting := func(side string, ticks ...string) (script string) {
		for i, tick := range ticks {
			id := string(rune('9' - i)) // later orders have smaller ids
			script += "new " + id + " " + side + " " + tick + " 1 GTC => " + id + " New leaves 1\n"
		}
		return script
	}
	maker := func(ids ...string) (want string) {
		for i := 0; i < len(ids); i += 2 {
			if i > 0 {
				want += "; "
			}
			want += ids[i] + " Filled leaves 0 fill 1@" + ids[i+1] + " maker"
		}
		return want
	}
	for _, c := range []struct {
		name, setup, event string
		fixed, reference   []string
	}{
		{"many orders: buys under a falling ask from the worst price up",
			resting("buy", "97", "98", "98", "99", "97", "96"), "ask 97 1",
			[]string{"6", "99", "8", "98", "7", "98", "9", "97", "5", "97"},
			[]string{"5", "97", "9", "97", "7", "98", "8", "98", "6", "99"}},
		{"few orders: buys under a falling ask by id", resting("buy", "96", "99", "98"), "ask 96 1",
			[]string{"8", "99", "7", "98", "9", "96"}, []string{"7", "98", "8", "99", "9", "96"}},
		{"many orders: sells over a rising bid from the best price up",
			resting("sell", "103", "102", "102", "101", "103"), "bid 103 1",
			[]string{"6", "101", "8", "102", "7", "102", "9", "103", "5", "103"},
			[]string{"6", "101", "7", "102", "8", "102", "5", "103", "9", "103"}},
		{"few orders: sells over a rising bid by id", resting("sell", "104", "102", "103"), "bid 104 1",
			[]string{"8", "102", "7", "103", "9", "104"}, []string{"7", "103", "8", "102", "9", "104"}},
		{"many orders: a sell trade from the ask down", resting("buy", "98", "100", "99", "100", "97"),
			"trade-sell 97 0", []string{"8", "100", "6", "100", "7", "99", "9", "98"},
			[]string{"6", "100", "8", "100", "7", "99", "9", "98"}},
		{"few orders: a sell trade by id", resting("buy", "96", "99", "98"), "trade-sell 90 1",
			[]string{"8", "99", "7", "98", "9", "96"}, []string{"7", "98", "8", "99", "9", "96"}},
		{"many orders: a buy trade from the bid up", resting("sell", "102", "100", "101", "100"), "trade-buy 103 1",
			[]string{"8", "100", "6", "100", "7", "101", "9", "102"},
			[]string{"6", "100", "8", "100", "7", "101", "9", "102"}},
		{"few orders: a buy trade by id, the queue among them", resting("sell", "107", "103", "107"), "trade-buy 107 1",
			[]string{"8", "103", "9", "107", "7", "107"}, []string{"7", "107", "8", "103", "9", "107"}},
		{"no other side: by id", resting("sell", "102", "101") + "clear bid 0", "trade-buy 103 1",
			[]string{"8", "101", "9", "102"}, []string{"8", "101", "9", "102"}},
		{"no best price before: by id", resting("buy", "98", "99", "97") + "clear ask 1000", "ask 97 1",
			[]string{"8", "99", "9", "98", "7", "97"}, []string{"7", "97", "8", "99", "9", "98"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for compat, want := range map[sim.Compat][]string{sim.Fixed: c.fixed, sim.Hftbacktest: c.reference,
				sim.Stock: c.reference} {
				w := newWorld(t, options{compat: compat})
				w.run(book)
				w.run(c.setup)
				w.run(c.event + " => " + maker(want...))
			}
		})
	}
}

// Two bots have orders of the same id: the reference has only one bot, so it can be any rule that is always the same.
func TestFillOrderOfOwners(t *testing.T) {
	w := newWorld(t, options{compat: sim.Hftbacktest})
	w.run(book)
	w.run(`
		new 2:5 buy 98 1 GTC => 2:5 New leaves 1
		new 1:5 buy 98 1 GTC => 5 New leaves 1
		new 3:4 buy 98 1 GTC => 3:4 New leaves 1
		trade-sell 97 1 => 3:4 Filled leaves 0 fill 1@98 maker; 5 Filled leaves 0 fill 1@98 maker; 2:5 Filled leaves 0 fill 1@98 maker`)
}
