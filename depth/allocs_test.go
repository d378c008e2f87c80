package depth_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// TestUpdatesDoNotAllocate replays a part of the recorded day, which the book has seen before, and asks for zero
// allocations. The ordered map of BTreeMarketDepth allocates nodes; there it is only asked of changes of quantity.
func TestUpdatesDoNotAllocate(t *testing.T) {
	const tick, lot = depthtest.BTCTickSize, depthtest.BTCLotSize
	rows := localDepthRows(t)[:60000]
	for name, book := range map[string]depth.L2MarketDepth{
		"window":  depth.NewWindowMarketDepth(tick, lot, depth.Fixed),
		"hashmap": depth.NewHashMapMarketDepth(tick, lot, depth.Fixed),
		"roi":     mustROI(t, tick, lot, 60000, 64000, depth.Fixed),
	} {
		day := func() {
			for i := range rows {
				depth.Apply(book, &rows[i])
			}
		}
		day()
		if allocs := testing.AllocsPerRun(2, day); allocs != 0 {
			t.Errorf("%s: %v allocations in %d updates", name, allocs, len(rows))
		}
	}
	for _, book := range []depth.Book{newHashMap(depth.Fixed), newWindow(depth.Fixed), newBTree(depth.Fixed),
		newROI(depth.Fixed)} {
		qty := 1.0
		change := func() {
			qty++
			book.UpdateBidDepth(500, qty, 0)
			book.UpdateAskDepth(501, qty, 0)
			if book.BestBidQty() != qty || book.BestAskQty() != qty || book.BestBid() >= book.BestAsk() {
				t.Error("the book does not hold what was set")
			}
		}
		if allocs := testing.AllocsPerRun(100, change); allocs != 0 {
			t.Errorf("%T: %v allocations in a change of quantity", book, allocs)
		}
	}
}

func TestFusedDoesNotAllocate(t *testing.T) {
	var rows []hft.Event
	for _, ev := range sampletest.BTC(t).Raw {
		if ev.Kind() != hft.TradeEvent {
			rows = append(rows, ev)
		}
	}
	book := depth.NewFusedMarketDepth(depthtest.BTCTickSize, depthtest.BTCLotSize, depth.Fixed)
	emit := make([]hft.Event, 0, 4096)
	emitted := 0
	day := func() {
		book.Update(&hft.Event{Ev: hft.DepthClearEvent}, 0, emit[:0])
		for i := range rows {
			emit = book.Update(&rows[i], rows[i].ExchTimestampNs, emit[:0])
			emitted += len(emit)
		}
	}
	day()
	if allocs := testing.AllocsPerRun(2, day); allocs != 0 {
		t.Errorf("%v allocations in %d updates", allocs, len(rows))
	}
	if emitted < 4*len(rows)/2 {
		t.Errorf("only %d rows emitted in four runs over %d events", emitted, len(rows))
	}
}

func TestSnapshotIntoRoomDoesNotAllocate(t *testing.T) {
	const tick, lot = depthtest.BTCTickSize, depthtest.BTCLotSize
	fused := depth.NewFusedMarketDepth(tick, lot, depth.Fixed)
	window := depth.NewWindowMarketDepth(tick, lot, depth.Fixed)
	for _, ev := range localDepthRows(t)[:60000] {
		fused.Update(&ev, ev.ExchTimestampNs, nil)
		depth.Apply(window, &ev)
	}
	rows := make([]hft.Event, 0, 1<<16)
	levels := make([]depth.Level, 0, 1<<16)
	if allocs := testing.AllocsPerRun(5, func() {
		rows = window.Snapshot(fused.Snapshot(rows[:0]))
		levels = fused.Levels(hft.Sell, fused.Levels(hft.Buy, levels[:0]))
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if len(rows) < 2000 || len(levels) < 1000 {
		t.Errorf("%d rows and %d levels, want the recorded book", len(rows), len(levels))
	}
}
