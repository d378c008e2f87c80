package depth_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// randomBatch returns the rows of a message, most of them plain.
func randomBatch(random *rand.Rand, centre int, now int64) []hft.Event {
	oddQtys := [...]float64{math.NaN(), math.Inf(1), -1, math.Copysign(0, -1), 0.25, 0.5, math.MaxFloat64}
	rows := make([]hft.Event, random.IntN(12))
	for i := range rows {
		rows[i] = randomEvent(random, centre, now)
		if random.IntN(10) > 0 {
			rows[i].SetKind(hft.DepthEvent)
		}
		switch random.IntN(40) {
		case 0:
			rows[i].Px = oddPrices[random.IntN(len(oddPrices))]
		case 1:
			rows[i].Qty = oddQtys[random.IntN(len(oddQtys))]
		case 2:
			rows[i].Px += random.Float64()
		case 3:
			rows[i].Ev &^= hft.BuyEvent | hft.SellEvent
		}
	}
	return rows
}

// equalRows reports whether rows are the same, bit for bit where they are no numbers.
func equalRows(a, b []hft.Event) bool {
	return slices.EqualFunc(a, b, func(a, b hft.Event) bool {
		same := math.Float64bits(a.Px) == math.Float64bits(b.Px) && math.Float64bits(a.Qty) == math.Float64bits(b.Qty)
		a.Px, a.Qty, b.Px, b.Qty = 0, 0, 0, 0
		return same && a == b
	})
}

// TestUpdateBehindIsUpdate: rows that go through the book in a loop of its own, or with their tick, give the same book
// and the same rows.
func TestUpdateBehindIsUpdate(t *testing.T) {
	applied := 0
	for seed := range uint64(40) {
		mode := [...]depth.Mode{depth.Fixed, depth.Fixed, depth.Fixed, depth.Compat}[seed%4]
		random := rand.New(rand.NewPCG(seed, 5))
		one, loop := depth.NewFusedMarketDepth(1, 1, mode), depth.NewFusedMarketDepth(1, 1, mode)
		centre := 20000
		for step := range int64(1500) {
			if random.IntN(100) == 0 {
				centre = random.IntN(100000)
			}
			rows, order := randomBatch(random, centre, step), step-int64(random.IntN(6))
			bid, ask := int64(math.MaxInt64), int64(math.MinInt64)
			if random.IntN(2) == 0 {
				bid, ask = int64(centre+random.IntN(60)), int64(centre+random.IntN(60))
			}
			var want, got []hft.Event
			for i := range rows {
				want = one.Update(&rows[i], order, want)
			}
			for i := 0; i < len(rows); i++ {
				n := 0
				n, got = loop.UpdateBehind(rows[i:], order, bid, ask, got)
				for _, row := range rows[i : i+n] {
					if tick := loop.PriceTick(row.Px); row.Side() == hft.Buy && tick >= bid ||
						row.Side() == hft.Sell && tick <= ask {
						t.Fatalf("seed %d step %d: %+v is taken, with a bid of %d and an ask of %d", seed, step, row,
							bid, ask)
					}
				}
				applied += n
				if i += n; i < len(rows) {
					got = loop.UpdateAt(&rows[i], loop.PriceTick(rows[i].Px), order, got)
				}
			}
			if !equalRows(got, want) || !equalRows(loop.Snapshot(nil), one.Snapshot(nil)) ||
				loop.BestBidTick() != one.BestBidTick() || loop.BestAskTick() != one.BestAskTick() ||
				loop.BestBidOrder() != one.BestBidOrder() || loop.BestAskOrder() != one.BestAskOrder() ||
				loop.LowBidTick() != one.LowBidTick() || loop.HighAskTick() != one.HighAskTick() {
				t.Fatalf("seed %d step %d, rows %+v emit\n got  %+v\n want %+v", seed, step, rows, got, want)
			}
		}
	}
	if applied < 10_000 {
		t.Errorf("only %d rows went through the loop", applied)
	}
}

// TestApplyLevelsIsApply: it takes levels and nothing else, and gives the same book.
func TestApplyLevelsIsApply(t *testing.T) {
	applied := 0
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 6))
		one, loop := depth.NewWindowMarketDepth(1, 1, depth.Fixed), depth.NewWindowMarketDepth(1, 1, depth.Fixed)
		centre := 20000
		for step := range int64(1500) {
			if random.IntN(100) == 0 {
				centre = random.IntN(100000)
			}
			rows := randomBatch(random, centre, step)
			for i := 0; i < len(rows); i++ {
				n := depth.ApplyLevels(loop, rows[i:])
				for j := range n {
					if row := &rows[i+j]; row.Side() == hft.SideNone || !depth.Apply(one, row) {
						t.Fatalf("seed %d step %d: %+v is taken for a level", seed, step, *row)
					}
				}
				applied += n
				if i += n; i < len(rows) && depth.Apply(one, &rows[i]) != depth.Apply(loop, &rows[i]) {
					t.Fatalf("seed %d step %d: %+v is applied to one book only", seed, step, rows[i])
				}
			}
			if !equalRows(loop.Snapshot(nil), one.Snapshot(nil)) || loop.BestBidTick() != one.BestBidTick() ||
				loop.BestAskTick() != one.BestAskTick() {
				t.Fatalf("seed %d step %d: the books differ after %+v", seed, step, rows)
			}
		}
	}
	if applied < 10_000 {
		t.Errorf("only %d rows went through the loop", applied)
	}
}
