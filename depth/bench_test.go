package depth_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

func localDepthRows(tb testing.TB) []hft.Event {
	tb.Helper()
	var rows []hft.Event
	for _, ev := range depthtest.RecordedBTC(tb).Events {
		if ev.Is(hft.LocalEvent) && ev.Kind() != hft.TradeEvent {
			rows = append(rows, ev)
		}
	}
	return rows
}

// BenchmarkUpdateRecordedDay runs every depth row of the recorded BTCUSDT day through every book, side by side; an op
// is the whole day, ns/update the time of one row. Update is the direct call, Apply what a live bot does with an event.
func BenchmarkUpdateRecordedDay(b *testing.B) {
	const tick, lot = depthtest.BTCTickSize, depthtest.BTCLotSize
	rows := localDepthRows(b)
	b.Run("window", func(b *testing.B) {
		benchUpdates(b, rows, depth.NewWindowMarketDepth(tick, lot, depth.Fixed))
	})
	b.Run("hashmap", func(b *testing.B) {
		benchUpdates(b, rows, depth.NewHashMapMarketDepth(tick, lot, depth.Fixed))
	})
	b.Run("btree", func(b *testing.B) {
		benchUpdates(b, rows, depth.NewBTreeMarketDepth(tick, lot, depth.Fixed))
	})
	b.Run("roi", func(b *testing.B) {
		benchUpdates(b, rows, mustROI(b, tick, lot, 60000, 64000, depth.Fixed))
	})
	b.Run("fused", func(b *testing.B) {
		book := depth.NewFusedMarketDepth(tick, lot, depth.Fixed)
		emit := make([]hft.Event, 0, 1<<10)
		b.ReportAllocs()
		for b.Loop() {
			book.Update(&hft.Event{Ev: hft.DepthClearEvent}, 0, emit[:0])
			for i := range rows {
				emit = book.Update(&rows[i], rows[i].ExchTimestampNs, emit[:0])
			}
		}
		perUpdate(b, len(rows))
	})
	b.Run("fused with quotes", func(b *testing.B) {
		var raw []hft.Event
		for _, ev := range depthtest.RecordedBTC(b).Raw {
			if ev.Kind() != hft.TradeEvent {
				raw = append(raw, ev)
			}
		}
		book := depth.NewFusedMarketDepth(tick, lot, depth.Fixed)
		emit := make([]hft.Event, 0, 1<<10)
		b.ReportAllocs()
		for b.Loop() {
			book.Update(&hft.Event{Ev: hft.DepthClearEvent}, 0, emit[:0])
			for i := range raw {
				emit = book.Update(&raw[i], raw[i].ExchTimestampNs, emit[:0])
			}
		}
		perUpdate(b, len(raw))
	})
	b.Run("window apply", func(b *testing.B) {
		book := depth.L2MarketDepth(depth.NewWindowMarketDepth(tick, lot, depth.Fixed))
		b.ReportAllocs()
		for b.Loop() {
			book.ClearDepth(hft.SideNone, 0)
			for i := range rows {
				depth.Apply(book, &rows[i])
			}
		}
		perUpdate(b, len(rows))
	})
}

func perUpdate(b *testing.B, rows int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/update")
}

// step is what an update needs of a row, so that the benchmark does not measure the streaming of 64-byte rows.
type step struct {
	price, qty float64
	side       hft.Side
	clear      bool
}

func stepsOf(rows []hft.Event) []step {
	steps := make([]step, len(rows))
	for i := range rows {
		steps[i] = step{rows[i].Px, rows[i].Qty, rows[i].Side(), rows[i].Kind() == hft.DepthClearEvent}
	}
	return steps
}

func benchUpdates(b *testing.B, rows []hft.Event, book depth.L2MarketDepth) {
	steps := stepsOf(rows)
	b.ReportAllocs()
	for b.Loop() {
		book.ClearDepth(hft.SideNone, 0)
		for i := range steps {
			s := &steps[i]
			switch {
			case s.clear:
				book.ClearDepth(s.side, s.price)
			case s.side == hft.Buy:
				book.UpdateBidDepth(s.price, s.qty, int64(i))
			default:
				book.UpdateAskDepth(s.price, s.qty, int64(i))
			}
		}
	}
	perUpdate(b, len(steps))
}

// BenchmarkWindowMove is the dearest update of a window book: the best jumps by 5000 ticks over the recorded book, so
// that the window moves each time.
func BenchmarkWindowMove(b *testing.B) {
	book := depth.NewWindowMarketDepth(depthtest.BTCTickSize, depthtest.BTCLotSize, depth.Fixed)
	for _, ev := range localDepthRows(b) {
		depth.Apply(book, &ev)
	}
	price := hft.TickPrice(book.BestBidTick()+5000, book.TickSize())
	b.ReportAllocs()
	for b.Loop() {
		book.UpdateBidDepth(price, 1, 0)
		book.UpdateBidDepth(price, 0, 0)
	}
}
