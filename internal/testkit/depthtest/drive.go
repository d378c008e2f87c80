package depthtest

import (
	"fmt"
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// TickSize and LotSize of the books under test.
const (
	TickSize = 0.1
	LotSize  = 0.001
)

const opBytes = 4

// Drive applies the operations encoded in data to a book and to the naive one and compares, after each, everything
// that can be read. Four bytes are one operation: mostly levels near a price that wanders far, else clears, snapshots,
// far levels, and values that no venue should send. Any data is valid, so a fuzzer can have its way with it.
func Drive(tb testing.TB, book depth.L2MarketDepth, naive *Naive, data []byte) {
	tb.Helper()
	d := driver{tb: tb, book: book, naive: naive, centre: 10000}
	for i := 0; i+opBytes <= len(data) && !tb.Failed(); i += opBytes {
		d.step(data[i], data[i+1], int64(data[i+2])<<8|int64(data[i+3]))
		d.compare()
		if i%(64*opBytes) == 0 {
			d.compareSnapshots()
		}
	}
	d.compareSnapshots()
}

type driver struct {
	tb     testing.TB
	book   depth.L2MarketDepth
	naive  *Naive
	centre int64
	tick   int64
	op     string
}

func oddValue(b byte) float64 {
	odd := [...]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, -0.0004, 0.0004, 0.0005, math.MaxFloat64, 1e300,
		-1e18, 1e15, 0}
	return odd[int(b)%len(odd)]
}

func (d *driver) step(kind, a byte, x int64) {
	near := d.centre + x%64 - 32
	qty := float64(a/16) * 0.001 * float64(a%16) // a third are 0
	side := hft.Buy
	if kind&1 != 0 {
		side = hft.Sell
	}
	switch kind / 2 % 24 {
	default:
		d.update(side, near, qty)
	case 14, 15:
		d.update(side, near+(x-1<<15), qty)
	case 16:
		d.update(side, near+(x-1<<15)<<20, qty)
	case 17:
		d.centre = x * 3 / 2
	case 18:
		d.centre += int64(a) * 40
	case 19:
		d.clear(side, float64(near)*TickSize)
	case 20:
		if a%4 == 0 {
			side = hft.SideNone
		}
		d.clear(side, oddValue(byte(x)))
	case 21:
		d.snapshot(near, a)
	case 22:
		d.updateAt(side, oddValue(a), qty)
	case 23:
		d.updateAt(side, float64(near)*TickSize, oddValue(a))
	}
}

func (d *driver) update(side hft.Side, tick int64, qty float64) {
	d.updateAt(side, float64(tick)*TickSize, qty)
}

func (d *driver) updateAt(side hft.Side, price, qty float64) {
	d.tick = hft.PriceTick(price, TickSize)
	d.op = fmt.Sprintf("update %v %v (tick %d) to %v", side, price, d.tick, qty)
	var got, want depth.L2Update
	if side == hft.Buy {
		got, want = d.book.UpdateBidDepth(price, qty, 7), d.naive.UpdateBid(price, qty, 7)
	} else {
		got, want = d.book.UpdateAskDepth(price, qty, 7), d.naive.UpdateAsk(price, qty, 7)
	}
	if !sameFloat(got.PrevQty, want.PrevQty) || !sameFloat(got.NewQty, want.NewQty) ||
		got.PriceTick != want.PriceTick || got.PrevBestTick != want.PrevBestTick || got.BestTick != want.BestTick ||
		got.TimestampNs != want.TimestampNs {
		d.tb.Errorf("%s:\n got  %+v\n want %+v", d.op, got, want)
	}
}

func (d *driver) clear(side hft.Side, price float64) {
	d.op = fmt.Sprintf("clear %v to %v", side, price)
	d.book.ClearDepth(side, price)
	d.naive.Clear(side, price)
}

func (d *driver) snapshot(near int64, a byte) {
	d.op = "apply a snapshot"
	var rows []hft.Event
	for i := range int64(a % 16) {
		side := hft.BuyEvent
		if i&1 != 0 {
			side = hft.SellEvent
		}
		rows = append(rows, hft.Event{Ev: side | hft.DepthSnapshotEvent, Px: float64(near+i*i*9-i*int64(a)) * TickSize,
			Qty: float64((int64(a)+i)%4) * 0.3})
	}
	d.book.ApplySnapshot(rows)
	d.naive.ApplySnapshot(rows)
}

func (d *driver) compare() {
	d.tb.Helper()
	if got, want := d.book.BestBidTick(), d.naive.bestBid; got != want {
		d.tb.Errorf("after %s: best bid %d, want %d", d.op, got, want)
	}
	if got, want := d.book.BestAskTick(), d.naive.bestAsk; got != want {
		d.tb.Errorf("after %s: best ask %d, want %d", d.op, got, want)
	}
	for _, tick := range [...]int64{d.tick, d.tick - 1, d.tick + 1, d.centre, d.centre - 20000, 0, math.MinInt64,
		math.MaxInt64} {
		bid, ask := d.naive.quantities(tick)
		if got := d.book.BidQtyAtTick(tick); !sameFloat(got, bid) {
			d.tb.Errorf("after %s: bid quantity at %d is %v, want %v", d.op, tick, got, bid)
		}
		if got := d.book.AskQtyAtTick(tick); !sameFloat(got, ask) {
			d.tb.Errorf("after %s: ask quantity at %d is %v, want %v", d.op, tick, got, ask)
		}
	}
	_, bestAskQty := d.naive.quantities(d.naive.bestAsk)
	if got, want := d.book.BestBidQty(), d.naive.bid[d.naive.bestBid]; !sameFloat(got, want) {
		d.tb.Errorf("after %s: best bid quantity %v, want %v", d.op, got, want)
	}
	if got := d.book.BestAskQty(); !sameFloat(got, bestAskQty) {
		d.tb.Errorf("after %s: best ask quantity %v, want %v", d.op, got, bestAskQty)
	}
	if got, want := d.book.BestBid(), bestPrice(d.naive.bestBid, hft.InvalidMin); !sameFloat(got, want) {
		d.tb.Errorf("after %s: best bid price %v, want %v", d.op, got, want)
	}
	if got, want := d.book.BestAsk(), bestPrice(d.naive.bestAsk, hft.InvalidMax); !sameFloat(got, want) {
		d.tb.Errorf("after %s: best ask price %v, want %v", d.op, got, want)
	}
}

func (d *driver) compareSnapshots() {
	d.tb.Helper()
	got, want := d.book.Snapshot(nil), d.naive.Snapshot()
	if len(got) != len(want) {
		d.tb.Errorf("after %s: snapshot of %d rows, want %d", d.op, len(got), len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] && !math.IsNaN(got[i].Qty) {
			d.tb.Errorf("after %s: snapshot row %d is %+v, want %+v", d.op, i, got[i], want[i])
			return
		}
	}
}

func bestPrice(tick, absent int64) float64 {
	if tick == absent {
		return math.NaN()
	}
	return float64(tick) * TickSize
}

func sameFloat(x, y float64) bool { return x == y || x != x && y != y }
