package depth_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// fusedScript feeds a fused book in the notation of the specification: B and A are depth, b and a quotes.
type fusedScript struct {
	t    *testing.T
	book *depth.FusedMarketDepth
}

func newFusedScript(t *testing.T, tickSize, lotSize float64, mode depth.Mode) *fusedScript {
	return &fusedScript{t, depth.NewFusedMarketDepth(tickSize, lotSize, mode)}
}

func (s *fusedScript) feed(what byte, px, qty float64, exchNs int64) []hft.Event {
	ev := map[byte]uint64{'B': hft.BuyEvent | hft.DepthEvent, 'A': hft.SellEvent | hft.DepthEvent,
		'b': hft.BuyEvent | hft.DepthBBOEvent, 'a': hft.SellEvent | hft.DepthBBOEvent}[what]
	return s.book.Update(&hft.Event{Ev: ev, Px: px, Qty: qty, ExchTimestampNs: exchNs}, exchNs, nil)
}

func (s *fusedScript) best(bid, ask int64) {
	s.t.Helper()
	if s.book.BestBidTick() != bid || s.book.BestAskTick() != ask {
		s.t.Errorf("best %d/%d, want %d/%d", s.book.BestBidTick(), s.book.BestAskTick(), bid, ask)
	}
}

func (s *fusedScript) qty(got, want float64) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("quantity %v, want %v", got, want)
	}
}

func (s *fusedScript) fourLevels() {
	s.feed('B', 10.1, 0.01, 1)
	s.feed('B', 10.2, 0.02, 1)
	s.feed('A', 10.3, 0.02, 1)
	s.feed('A', 10.4, 0.01, 1)
}

func TestFusedSpecification(t *testing.T) {
	run := func(name string, test func(t *testing.T, s *fusedScript)) {
		for _, mode := range []depth.Mode{depth.Fixed, depth.Compat} {
			t.Run(name, func(t *testing.T) { test(t, newFusedScript(t, 0.1, 0.01, mode)) })
		}
	}
	run("bid depth", func(t *testing.T, s *fusedScript) {
		s.feed('B', 10.1, 0.01, 1)
		s.feed('B', 10.2, 0.02, 1)
		s.best(102, hft.InvalidMax)
		s.feed('B', 10.2, 0.03, 0)
		s.qty(s.book.BidQtyAtTick(102), 0.02)
		s.feed('B', 10.3, 0.03, 0)
		s.best(102, hft.InvalidMax)
		s.feed('B', 10.3, 0.03, 2)
		s.best(103, hft.InvalidMax)
		s.feed('B', 10.3, 0, 1)
		s.best(103, hft.InvalidMax)
		s.qty(s.book.BidQtyAtTick(103), 0.03)
		s.feed('B', 10.3, 0, 2)
		s.best(102, hft.InvalidMax)
	})
	run("ask depth", func(t *testing.T, s *fusedScript) {
		s.feed('A', 10.2, 0.02, 1)
		s.feed('A', 10.1, 0.01, 1)
		s.best(hft.InvalidMin, 101)
		s.feed('A', 10.1, 0.03, 0)
		s.qty(s.book.AskQtyAtTick(101), 0.01)
		s.feed('A', 10, 0.03, 0)
		s.best(hft.InvalidMin, 101)
		s.feed('A', 10, 0.03, 2)
		s.best(hft.InvalidMin, 100)
		s.feed('A', 10, 0, 1)
		s.best(hft.InvalidMin, 100)
		s.qty(s.book.AskQtyAtTick(100), 0.03)
		s.feed('A', 10, 0, 2)
		s.best(hft.InvalidMin, 101)
	})
	run("cross", func(t *testing.T, s *fusedScript) {
		s.fourLevels()
		s.feed('A', 10.2, 0.01, 3)
		s.best(101, 102)
		s.feed('B', 10.2, 0.03, 5)
		s.best(102, 103)
		s.feed('A', 10.2, 0.01, 4)
		s.best(102, 103)
		s.feed('A', 10.2, 0, 4)
		s.feed('A', 10.3, 0.01, 7)
		s.feed('B', 10.3, 0.01, 6)
		s.best(102, 103)
	})
	run("best bid", func(t *testing.T, s *fusedScript) {
		s.fourLevels()
		s.feed('b', 10.3, 0.03, 0)
		s.best(102, 103)
		s.feed('b', 10.2, 0.03, 2)
		s.qty(s.book.BidQtyAtTick(102), 0.03)
		s.feed('b', 10.3, 0.01, 3)
		s.best(103, 104)
		s.qty(s.book.BidQtyAtTick(103), 0.01)
		s.feed('B', 10.1, 0.01, 5)
		s.feed('B', 10.2, 0.02, 5)
		s.feed('b', 10.1, 0.05, 2)
		s.best(103, 104)
		s.qty(s.book.BidQtyAtTick(101), 0.01)
		s.feed('b', 10.1, 0.05, 6)
		s.best(101, 104)
	})
	run("best ask", func(t *testing.T, s *fusedScript) {
		s.fourLevels()
		s.feed('a', 10.2, 0.03, 0)
		s.best(102, 103)
		s.feed('a', 10.3, 0.03, 2)
		s.qty(s.book.AskQtyAtTick(103), 0.03)
		s.feed('a', 10.2, 0.01, 3)
		s.best(101, 102)
		s.qty(s.book.AskQtyAtTick(102), 0.01)
		s.feed('A', 10.3, 0.02, 5)
		s.feed('A', 10.4, 0.01, 5)
		s.feed('a', 10.4, 0.05, 2)
		s.best(101, 102)
		s.qty(s.book.AskQtyAtTick(104), 0.01)
		s.feed('a', 10.4, 0.05, 6)
		s.best(101, 104)
	})
}

func TestFusedBoundsAfterQuotes(t *testing.T) {
	s := newFusedScript(t, 1, 1, depth.Compat)
	s.feed('A', 102, 1, 1)
	s.feed('B', 100, 1, 1)
	s.feed('a', 99, 1, 1)
	s.feed('b', 98, 1, 1)
	s.best(98, 99)
	if s.book.LowBidTick() != 98 || s.book.HighAskTick() != 102 {
		t.Errorf("bounds %d and %d, want 98 and 102", s.book.LowBidTick(), s.book.HighAskTick())
	}
	s = newFusedScript(t, 1, 1, depth.Compat)
	s.feed('A', 102, 1, 1)
	s.feed('B', 100, 1, 1)
	s.feed('b', 103, 1, 1)
	s.feed('a', 104, 1, 1)
	s.best(103, 104)
	if s.book.LowBidTick() != 100 || s.book.HighAskTick() != 104 {
		t.Errorf("bounds %d and %d, want 100 and 104", s.book.LowBidTick(), s.book.HighAskTick())
	}
}

// TestFusedEmission: the event, then what it crossed, then what it made obsolete, with the flags of the cause.
func TestFusedEmission(t *testing.T) {
	book := depth.NewFusedMarketDepth(1, 1, depth.Fixed)
	feed := func(ev uint64, px, qty float64) []hft.Event {
		return book.Update(&hft.Event{Ev: ev, Px: px, Qty: qty, ExchTimestampNs: 5, LocalTimestampNs: 6}, 5, nil)
	}
	const both = hft.ExchEvent | hft.LocalEvent
	for _, px := range []float64{100, 99, 98} {
		feed(both|hft.BuyEvent|hft.DepthEvent, px, 1)
		feed(both|hft.SellEvent|hft.DepthEvent, 201-px, 1)
	}
	row := func(ev uint64, px, qty float64) hft.Event {
		return hft.Event{Ev: ev, Px: px, Qty: qty, ExchTimestampNs: 5, LocalTimestampNs: 6}
	}
	const bid, ask = hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, hft.LocalEvent | hft.SellEvent | hft.DepthEvent
	for _, c := range []struct {
		name string
		got  []hft.Event
		want []hft.Event
	}{
		{"quote that crosses", feed(hft.LocalEvent|hft.BuyEvent|hft.DepthBBOEvent, 102, 3),
			[]hft.Event{row(bid, 102, 3), row(ask, 101, 0), row(ask, 102, 0)}},
		{"quote that backs off", feed(hft.LocalEvent|hft.BuyEvent|hft.DepthBBOEvent, 98, 4),
			[]hft.Event{row(bid, 98, 4), row(bid, 99, 0), row(bid, 100, 0), row(bid, 102, 0)}},
		{"same quote again", feed(hft.LocalEvent|hft.BuyEvent|hft.DepthBBOEvent, 98, 4), nil},
		{"quote without quantity", feed(hft.LocalEvent|hft.BuyEvent|hft.DepthBBOEvent, 98, 0),
			[]hft.Event{row(bid, 98, 0)}},
		{"clear", feed(hft.LocalEvent|hft.DepthClearEvent, 7, 0),
			[]hft.Event{row(hft.LocalEvent|hft.DepthClearEvent, 7, 0)}},
		{"level without quantity", feed(bid, 50, 0), nil},
		{"trade", feed(hft.LocalEvent|hft.BuyEvent|hft.TradeEvent, 50, 1), nil},
		{"no side", feed(hft.LocalEvent|hft.DepthEvent, 50, 1), nil},
		{"negative", feed(bid, 50, -1), nil},
		{"snapshot row", feed(hft.LocalEvent|hft.SellEvent|hft.DepthSnapshotEvent, 60, 2),
			[]hft.Event{row(hft.LocalEvent|hft.SellEvent|hft.DepthSnapshotEvent, 60, 2)}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s:\n got  %+v\n want %+v", c.name, c.got, c.want)
		}
	}
}

func TestFusedModes(t *testing.T) {
	// An outdated removal of the best level, which the removal of a better one had made the best.
	for mode, want := range map[depth.Mode]int64{depth.Fixed: 5, depth.Compat: hft.InvalidMin} {
		s := newFusedScript(t, 1, 1, mode)
		s.feed('B', 9, 1, 1)
		s.feed('B', 5, 1, 10)
		s.feed('B', 9, 0, 2)
		if emit := s.feed('B', 5, 0, 3); len(emit) != 0 {
			t.Errorf("mode %d: an outdated update was emitted: %+v", mode, emit)
		}
		s.best(want, hft.InvalidMax)
		s.qty(s.book.BidQtyAtTick(5), 1)
	}
	// A quote without quantity.
	for mode, want := range map[depth.Mode]int64{depth.Fixed: 5, depth.Compat: 8} {
		s := newFusedScript(t, 1, 1, mode)
		s.feed('B', 5, 1, 1)
		s.feed('b', 8, 0, 2)
		s.best(want, hft.InvalidMax)
	}
	// A snapshot with an empty level, older than the best.
	for mode, want := range map[depth.Mode]int64{depth.Fixed: 5, depth.Compat: hft.InvalidMin} {
		s := newFusedScript(t, 1, 1, mode)
		s.feed('B', 7, 1, 9)
		s.book.ApplySnapshot([]hft.Event{{Ev: hft.BuyEvent, Px: 6, ExchTimestampNs: 8},
			{Ev: hft.BuyEvent, Px: 5, Qty: 1, ExchTimestampNs: 8}})
		s.best(want, hft.InvalidMax)
	}
}

func TestFusedSnapshotAndLevels(t *testing.T) {
	s := newFusedScript(t, 0.1, 0.01, depth.Fixed)
	s.fourLevels()
	s.feed('B', 90000, 0, 1)
	s.feed('A', 90000.5, 1, 3)
	wantBids := []depth.Level{{PriceTick: 102, Qty: 0.02, Order: 1}, {PriceTick: 101, Qty: 0.01, Order: 1}}
	if got := s.book.Levels(hft.Buy, nil); !slices.Equal(got, wantBids) {
		t.Errorf("bids %+v, want %+v", got, wantBids)
	}
	wantAsks := []depth.Level{{PriceTick: 103, Qty: 0.02, Order: 1}, {PriceTick: 104, Qty: 0.01, Order: 1},
		{PriceTick: 900005, Qty: 1, Order: 3}}
	if got := s.book.Levels(hft.Sell, nil); !slices.Equal(got, wantAsks) {
		t.Errorf("asks %+v, want %+v", got, wantAsks)
	}
	rows := s.book.Snapshot(nil)
	other := depth.NewFusedMarketDepth(0.1, 0.01, depth.Fixed)
	other.ApplySnapshot(rows)
	if got := other.Snapshot(nil); !slices.Equal(got, rows) {
		t.Errorf("snapshot of a snapshot:\n got  %+v\n want %+v", got, rows)
	}
	if len(rows) != 5 || rows[0].Px != hft.TickPrice(102, 0.1) ||
		rows[0].Ev != hft.ExchEvent|hft.LocalEvent|hft.BuyEvent|hft.DepthSnapshotEvent {
		t.Errorf("snapshot %+v", rows)
	}
	if other.BestBidOrder() != 1 || other.BestAskOrder() != 1 {
		t.Errorf("best times %d and %d, want 1", other.BestBidOrder(), other.BestAskOrder())
	}
}

// follower applies what a fused book emits to a plain book and expects the same book, as a live bot has it.
type follower struct {
	fused *depth.FusedMarketDepth
	plain depth.L2MarketDepth
	emit  []hft.Event
}

func (f *follower) feed(ev *hft.Event) {
	f.emit = f.fused.Update(ev, ev.ExchTimestampNs, f.emit[:0])
	for i := range f.emit {
		depth.Apply(f.plain, &f.emit[i])
	}
}

func (f *follower) sameBest() bool {
	return f.fused.BestBidTick() == f.plain.BestBidTick() && f.fused.BestAskTick() == f.plain.BestAskTick() &&
		f.fused.BestBidQty() == f.plain.BestBidQty() && f.fused.BestAskQty() == f.plain.BestAskQty()
}

func (f *follower) sameLevels() bool {
	rows := f.fused.Snapshot(nil)
	for i := range rows {
		rows[i].ExchTimestampNs = 0
	}
	return slices.Equal(rows, f.plain.Snapshot(nil))
}

func TestPlainBookFollowsFused(t *testing.T) { sampletest.EachBTC(t, plainFollowsFused) }

func plainFollowsFused(t *testing.T, btc depthtest.Recording) {
	const tick, lot = depthtest.BTCTickSize, depthtest.BTCLotSize
	for name, plain := range map[string]depth.L2MarketDepth{
		"window":  depth.NewWindowMarketDepth(tick, lot, depth.Fixed),
		"hashmap": depth.NewHashMapMarketDepth(tick, lot, depth.Fixed),
	} {
		f := &follower{fused: depth.NewFusedMarketDepth(tick, lot, depth.Fixed), plain: plain}
		rows := btc.Raw
		for i := range rows {
			if f.feed(&rows[i]); !f.sameBest() {
				t.Fatalf("%s: row %d: best %d/%d, the fused book has %d/%d", name, i, plain.BestBidTick(),
					plain.BestAskTick(), f.fused.BestBidTick(), f.fused.BestAskTick())
			}
		}
		if !f.sameLevels() {
			t.Errorf("%s: levels differ at the end of the day", name)
		}
	}
}

func TestPlainBookFollowsFusedRandom(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 2))
		f := &follower{fused: depth.NewFusedMarketDepth(1, 1, depth.Fixed),
			plain: depth.NewWindowMarketDepth(1, 1, depth.Fixed)}
		centre := 20000
		for i := range 3000 {
			ev := randomEvent(random, centre, int64(i))
			if random.IntN(200) == 0 {
				centre = random.IntN(100000)
			}
			if f.feed(&ev); !f.sameBest() {
				t.Fatalf("seed %d step %d after %+v: best %d/%d, the fused book has %d/%d", seed, i, ev,
					f.plain.BestBidTick(), f.plain.BestAskTick(), f.fused.BestBidTick(), f.fused.BestAskTick())
			}
			if i%50 == 0 && !f.sameLevels() {
				t.Fatalf("seed %d step %d after %+v: levels differ", seed, i, ev)
			}
		}
	}
}

func randomEvent(random *rand.Rand, centre int, now int64) hft.Event {
	side := [...]uint64{hft.BuyEvent, hft.SellEvent}[random.IntN(2)]
	kind := [...]uint64{hft.DepthEvent, hft.DepthEvent, hft.DepthEvent, hft.DepthSnapshotEvent,
		hft.DepthBBOEvent}[random.IntN(5)]
	ev := hft.Event{Ev: side | kind, Px: float64(centre + random.IntN(60)), Qty: float64(random.IntN(4)),
		ExchTimestampNs: now - int64(random.IntN(6)), LocalTimestampNs: now}
	switch random.IntN(100) {
	case 0:
		ev.Ev = side | hft.DepthClearEvent
		ev.Px = oddPrices[random.IntN(len(oddPrices))]
	case 1:
		ev.Ev = hft.DepthClearEvent
	case 2, 3:
		ev.Px = float64(random.IntN(1 << 22))
	}
	return ev
}

// oddPrices clear a whole side.
var oddPrices = [...]float64{math.NaN(), math.Inf(1), math.Inf(-1)}
