package check

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// TestTrueBestAgainstOrderedBook holds both best levels, shown or not, against the ordered book after every row of
// random feeds that cross all the time, with clears and prices that are far off.
func TestTrueBestAgainstOrderedBook(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for run := range 400 {
		watched, ordered := newWatchedBook(0.5, 1), depth.NewBTreeMarketDepth(0.5, 1)
		for n := range 300 {
			ev := hft.Event{Ev: hft.DepthEvent | hft.BuyEvent>>rng.IntN(2), Px: 50 + 0.5*float64(rng.IntN(14)), Qty: float64(rng.IntN(3))}
			if rng.IntN(50) == 0 {
				ev.Px += float64(rng.IntN(4000))
			}
			switch n := rng.IntN(160); {
			case n < 4:
				ev.Ev = ev.Ev&^hft.DepthEvent | hft.DepthClearEvent
			case n == 4:
				ev.Ev, ev.Px = ev.Ev&^hft.DepthEvent|hft.DepthClearEvent, math.NaN()
			case n == 5:
				ev.Ev = hft.DepthClearEvent
			}
			if ev.Kind() == hft.DepthClearEvent {
				watched.clear(ev.Side(), ev.Px)
			} else {
				watched.updateLevel(ev.Side(), &ev)
			}
			depth.Apply(ordered, &ev)
			bid, ask := watched.trueBest(&watched.bid, bidFlip), watched.trueBest(&watched.ask, askFlip)^askFlip
			if bid != ordered.BestBidTick() || ask != ordered.BestAskTick() {
				t.Fatalf("run %d row %d, %+v: %d and %d; the ordered book has %d and %d", run, n, ev, bid, ask, ordered.BestBidTick(), ordered.BestAskTick())
			}
		}
	}
}

// TestTrueBestByOrderAgainstOrderedBook is the same for feeds by order.
func TestTrueBestByOrderAgainstOrderedBook(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for run := range 400 {
		watched, ordered := newWatchedBook(0.5, 1), depth.NewBTreeMarketDepth(0.5, 1)
		for n := range 300 {
			side := []hft.Side{hft.Buy, hft.Sell}[rng.IntN(2)]
			ev := hft.Event{Ev: hft.AddOrderEvent + uint64(rng.IntN(4)), OrderID: rng.Uint64N(30), Px: 50 + 0.5*float64(rng.IntN(14)), Qty: float64(1 + rng.IntN(3))}
			switch rng.IntN(200) {
			case 0:
				ev.Px = math.NaN()
			case 1:
				watched.clear(side, 0)
				ordered.ClearOrders(side)
			}
			_, known := ordered.Order(ev.OrderID)
			ok, want := watched.updateOrder(side, &ev), known
			switch {
			case ev.Kind() == hft.AddOrderEvent && side == hft.Buy:
				_, _, err := ordered.AddBuyOrder(ev.OrderID, ev.Px, ev.Qty, 0)
				want = err == nil
			case ev.Kind() == hft.AddOrderEvent:
				_, _, err := ordered.AddSellOrder(ev.OrderID, ev.Px, ev.Qty, 0)
				want = err == nil
			case ev.Kind() == hft.CancelOrderEvent:
				ordered.DeleteOrder(ev.OrderID, 0)
			case ev.Kind() == hft.ModifyOrderEvent:
				_, _, _, err := ordered.ModifyOrder(ev.OrderID, ev.Px, ev.Qty, 0)
				want = err == nil
			}
			bid, ask := watched.trueBest(&watched.bid, bidFlip), watched.trueBest(&watched.ask, askFlip)^askFlip
			if ok != want || bid != ordered.BestBidTick() || ask != ordered.BestAskTick() {
				t.Fatalf("run %d row %d, %+v: %v, %d and %d; the ordered book has %v, %d and %d", run, n, ev, ok, bid, ask, want,
					ordered.BestBidTick(), ordered.BestAskTick())
			}
		}
	}
}

// TestFarPriceIsBounded opens a range of a trillion ticks behind a wrong price: the search for what it hides goes on
// message by message and finds what is there in the end.
func TestFarPriceIsBounded(t *testing.T) {
	w := newWatchedBook(1, 1)
	level := func(side hft.Side, px, qty float64) {
		w.updateLevel(side, &hft.Event{Ev: hft.DepthEvent, Px: px, Qty: qty})
	}
	level(hft.Sell, 100, 1)
	level(hft.Sell, 200_000, 1)
	level(hft.Buy, 1e12, 1)
	if w.state() != bookCrossed {
		t.Error("the ask at 100 is behind the bid")
	}
	level(hft.Sell, 100, 0)
	messages := 0
	for w.state() != bookCrossed {
		if messages++; messages > 199_900/lookTicks+1 {
			t.Fatal("the ask at 200000 was not found")
		}
	}
	if messages == 0 {
		t.Error("one message looks at as many ticks as there are")
	}
}
