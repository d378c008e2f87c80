package depth_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// naiveFused is the fused book after the specification, with a map per side and no search but over all levels. Ticks of
// asks are negated, so that greater is better on both sides.
type naiveFused struct {
	mode  depth.Mode
	sides [2]naiveFusedSide
}

type naiveFusedSide struct {
	sign      int64
	levels    map[int64]depth.Level
	best, low int64
	bestTs    int64
}

const (
	naiveNone  = -1 << 60
	naiveNoLow = 1 << 60
)

func newNaiveFused(mode depth.Mode) *naiveFused {
	n := &naiveFused{mode: mode}
	for i := range n.sides {
		n.sides[i].sign = 1 - 2*int64(i)
		n.sides[i].reset()
	}
	return n
}

func (s *naiveFusedSide) reset() {
	s.levels, s.best, s.low = map[int64]depth.Level{}, naiveNone, naiveNoLow
}

func (s *naiveFusedSide) scan(below int64) int64 {
	found := int64(naiveNone)
	for k, level := range s.levels {
		if level.Qty > 0 && k < below && k >= s.low && k > found {
			found = k
		}
	}
	return found
}

// remove takes out what drop selects and returns the deletions in ascending price.
func (s *naiveFusedSide) remove(cause *hft.Event, drop func(k int64) bool) []hft.Event {
	var prices []int64
	for k := range s.levels {
		if drop(k) {
			prices = append(prices, k*s.sign)
			delete(s.levels, k)
		}
	}
	slices.Sort(prices)
	var rows []hft.Event
	for _, price := range prices {
		side := hft.BuyEvent
		if s.sign < 0 {
			side = hft.SellEvent
		}
		rows = append(rows, hft.Event{Ev: cause.Ev&(hft.ExchEvent|hft.LocalEvent) | side | hft.DepthEvent,
			Px: float64(price), ExchTimestampNs: cause.ExchTimestampNs, LocalTimestampNs: cause.LocalTimestampNs})
	}
	return rows
}

// crosses reports whether key k of a side reaches the best of the other.
func (s *naiveFusedSide) crosses(k int64, other *naiveFusedSide) bool {
	return other.best != naiveNone && k >= -other.best
}

func (n *naiveFused) update(ev *hft.Event) []hft.Event {
	own, other := &n.sides[0], &n.sides[1]
	if ev.Side() == hft.Sell {
		own, other = other, own
	}
	ts, k := ev.ExchTimestampNs, int64(math.Round(ev.Px))*own.sign
	if ev.Kind() == hft.DepthClearEvent {
		n.clear(ev)
		return []hft.Event{*ev}
	}
	if ev.Kind() == hft.DepthBBOEvent && (n.mode == depth.Compat || ev.Qty >= 0.5) {
		return n.quote(own, other, k, ev)
	}
	if (own.best == naiveNone || k >= own.best) && ts < own.bestTs || own.crosses(k, other) && ts < other.bestTs {
		return nil
	}
	var rows []hft.Event
	level, present := own.levels[k]
	switch {
	case present && ts < level.Order:
		if n.mode == depth.Fixed {
			return nil
		}
	case ev.Qty >= 0.5:
		own.levels[k] = depth.Level{Qty: ev.Qty, Order: ts}
		rows = append(rows, plainRow(ev))
	case present:
		delete(own.levels, k)
		rows = append(rows, plainRow(ev))
	}
	if ev.Qty < 0.5 {
		if k == own.best {
			own.best, own.bestTs = own.scan(own.best), ts
			if own.best == naiveNone {
				own.low = naiveNoLow
			}
		}
		return rows
	}
	if k >= own.best {
		own.best, own.bestTs = k, ts
		rows = append(rows, n.cross(own, other, ev)...)
	}
	own.low = min(own.low, k)
	return rows
}

func (n *naiveFused) quote(own, other *naiveFusedSide, k int64, ev *hft.Event) []hft.Event {
	ts := ev.ExchTimestampNs
	if ts < own.bestTs || own.crosses(k, other) && ts < other.bestTs {
		return nil
	}
	if level, present := own.levels[k]; present && k == own.best && level.Qty == ev.Qty {
		own.bestTs = ts
		return nil
	}
	own.levels[k] = depth.Level{Qty: ev.Qty, Order: ts}
	old := own.best
	own.best, own.bestTs, own.low = k, ts, min(own.low, k)
	rows := append([]hft.Event{plainRow(ev)}, n.cross(own, other, ev)...)
	return append(rows, own.remove(ev, func(x int64) bool { return x > k && x <= old })...)
}

func (n *naiveFused) cross(own, other *naiveFusedSide, ev *hft.Event) []hft.Event {
	if !own.crosses(own.best, other) {
		return nil
	}
	old := other.best
	other.best, other.bestTs = other.scan(-own.best), ev.ExchTimestampNs
	if other.best == naiveNone {
		other.low = naiveNoLow
		return other.remove(ev, func(x int64) bool { return x >= -own.best && x <= old })
	}
	return other.remove(ev, func(x int64) bool { return x > other.best && x <= old })
}

func (n *naiveFused) clear(ev *hft.Event) {
	for i := range n.sides {
		s := &n.sides[i]
		if side := ev.Side(); side == hft.Buy && s.sign < 0 || side == hft.Sell && s.sign > 0 {
			continue
		}
		s.bestTs = ev.ExchTimestampNs
		if ev.Side() == hft.SideNone || math.IsNaN(ev.Px) || math.IsInf(ev.Px, 0) {
			s.reset()
			continue
		}
		k := int64(math.Round(ev.Px)) * s.sign
		for x := range s.levels {
			if x >= k && x <= s.best {
				delete(s.levels, x)
			}
		}
		if s.best = s.scan(k - 1); s.best == naiveNone {
			s.low = naiveNoLow
		}
	}
}

func plainRow(ev *hft.Event) hft.Event {
	row := *ev
	if row.Kind() == hft.DepthBBOEvent {
		row.Ev = row.Ev&^0xff | hft.DepthEvent
	}
	return row
}

func (n *naiveFused) snapshot() []hft.Event {
	var rows []hft.Event
	for i := range n.sides {
		s := &n.sides[i]
		var keys []int64
		for k := range s.levels {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range slices.Backward(keys) {
			side := [...]uint64{hft.BuyEvent, hft.SellEvent}[i]
			rows = append(rows, hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | side | hft.DepthSnapshotEvent,
				Px: float64(k * s.sign), Qty: s.levels[k].Qty, ExchTimestampNs: s.levels[k].Order})
		}
	}
	return rows
}

// driveFused runs events through both and compares what they emit and hold.
func driveFused(t *testing.T, mode depth.Mode, next func() (hft.Event, bool)) {
	t.Helper()
	book, naive := depth.NewFusedMarketDepth(1, 1, mode), newNaiveFused(mode)
	for step := 0; ; step++ {
		ev, ok := next()
		if !ok {
			return
		}
		got, want := book.Update(&ev, ev.ExchTimestampNs, nil), naive.update(&ev)
		if !math.IsNaN(ev.Px) && !slices.Equal(got, want) {
			t.Fatalf("mode %d step %d, %+v emits\n got  %+v\n want %+v", mode, step, ev, got, want)
		}
		bid, ask := &naive.sides[0], &naive.sides[1]
		wantBid, wantAsk := bid.best, -ask.best
		if bid.best == naiveNone {
			wantBid = hft.InvalidMin
		}
		if ask.best == naiveNone {
			wantAsk = hft.InvalidMax
		}
		if book.BestBidTick() != wantBid || book.BestAskTick() != wantAsk || book.BestBidOrder() != bid.bestTs ||
			book.BestAskOrder() != ask.bestTs {
			t.Fatalf("mode %d step %d, after %+v: best %d/%d at %d/%d, want %d/%d at %d/%d", mode, step, ev,
				book.BestBidTick(), book.BestAskTick(), book.BestBidOrder(), book.BestAskOrder(), wantBid, wantAsk,
				bid.bestTs, ask.bestTs)
		}
		wantLow, wantHigh := bid.low, -ask.low
		if bid.low == naiveNoLow {
			wantLow = math.MaxInt64
		}
		if ask.low == naiveNoLow {
			wantHigh = math.MinInt64
		}
		if book.LowBidTick() != wantLow || book.HighAskTick() != wantHigh {
			t.Fatalf("mode %d step %d, after %+v: bounds %d and %d, want %d and %d", mode, step, ev, book.LowBidTick(),
				book.HighAskTick(), wantLow, wantHigh)
		}
		if step%32 == 0 && !slices.Equal(book.Snapshot(nil), naive.snapshot()) {
			t.Fatalf("mode %d step %d, after %+v: levels differ", mode, step, ev)
		}
	}
}

func TestFusedRandom(t *testing.T) {
	for seed := range uint64(20) {
		for _, mode := range []depth.Mode{depth.Fixed, depth.Compat} {
			random := rand.New(rand.NewPCG(seed, 3))
			centre, step := 20000, 0
			driveFused(t, mode, func() (hft.Event, bool) {
				step++
				if random.IntN(200) == 0 {
					centre = random.IntN(100000)
				}
				ev := randomEvent(random, centre, int64(step))
				if random.IntN(60) == 0 {
					ev.Ev = ev.Ev&^0xff | hft.DepthClearEvent
				}
				return ev, step < 2000
			})
		}
	}
}

func FuzzFused(f *testing.F) {
	f.Add([]byte("\x00\x33\x00\x01\x11\x44\x00\x20\x20\x55\xff\xff\x22\x00\x80\x00\x00\x77\x00\x02\x26\x00\x00\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, mode := range []depth.Mode{depth.Fixed, depth.Compat} {
			i, now := 0, int64(0)
			driveFused(t, mode, func() (hft.Event, bool) {
				if i+4 > len(data) {
					return hft.Event{}, false
				}
				b := data[i : i+4]
				i += 4
				now++
				kinds := [...]uint64{hft.DepthEvent, hft.DepthEvent, hft.DepthBBOEvent, hft.DepthSnapshotEvent,
					hft.DepthEvent, hft.DepthBBOEvent, hft.DepthEvent, hft.DepthClearEvent}
				ev := hft.Event{Ev: [...]uint64{hft.BuyEvent, hft.SellEvent}[b[0]&1] | kinds[b[0]>>1&7],
					Px: float64(b[1]), Qty: float64(b[2] & 3), ExchTimestampNs: now - int64(b[2]>>5),
					LocalTimestampNs: now}
				if b[0] >= 0xc0 {
					ev.Px += float64(b[3]) * 900
				}
				return ev, true
			})
		}
	})
}
