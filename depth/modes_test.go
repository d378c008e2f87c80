package depth_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

func TestNew(t *testing.T) {
	for kind, want := range map[string]string{"window": "*depth.windowBook", "hashmap": "*depth.hashMapBook",
		"btree": "*depth.btreeBook", "roi": "*depth.roiBook"} {
		for _, mode := range [][]depth.Mode{nil, {depth.Fixed}, {depth.Compat}} {
			book, err := depth.New(kind, 0.1, 0.001, 1, 2, mode...)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%T", book); got != want {
				t.Errorf("New(%q) is a %s, want %s", kind, got, want)
			}
		}
	}
	for _, c := range []struct {
		kind                string
		tick, lot, low, hig float64
		text                string
	}{
		{"flat", 0.1, 0.001, 0, 0, "must be window, hashmap, btree or roi"},
		{"window", 0, 0.001, 0, 0, "tick size 0"},
		{"window", math.NaN(), 0.001, 0, 0, "tick size NaN"},
		{"hashmap", 0.1, -1, 0, 0, "lot size -1"},
		{"btree", 0.1, math.Inf(1), 0, 0, "lot size +Inf"},
		{"roi", 0.1, 0.001, 2, 1, "roi range 2 to 1"},
		{"roi", 0.1, 0.001, math.NaN(), 1, "roi range NaN to 1"},
		{"roi", 1e-9, 0.001, 0, 1e6, "at most"},
	} {
		if book, err := depth.New(c.kind, c.tick, c.lot, c.low, c.hig); err == nil || book != nil ||
			!strings.Contains(err.Error(), c.text) {
			t.Errorf("New(%q, %v, %v, %v, %v) = %v, %v; want an error with %q", c.kind, c.tick, c.lot, c.low, c.hig,
				book, err, c.text)
		}
	}
}

// TestModes holds each defect against its repair where only one kind of book has it.
func TestModes(t *testing.T) {
	t.Run("btree previous quantity", func(t *testing.T) {
		for mode, want := range map[depth.Mode]float64{depth.Fixed: 2, depth.Compat: 1} {
			book := newBTree(mode)
			book.UpdateBidDepth(500, 1, 0)
			book.UpdateBidDepth(499, 2, 0)
			if u := book.UpdateBidDepth(499, 3, 0); u.PrevQty != want {
				t.Errorf("mode %d: %v, want %v", mode, u.PrevQty, want)
			}
		}
	})
	t.Run("btree best bid after its order is gone", func(t *testing.T) {
		for mode, want := range map[depth.Mode]int64{depth.Fixed: 4990, depth.Compat: 4980} {
			book := newBTree(mode)
			for id, price := range []float64{500, 499, 498} {
				if _, _, err := book.AddBuyOrder(uint64(id), price, 1, 0); err != nil {
					t.Fatal(err)
				}
			}
			if _, _, best, err := book.DeleteOrder(0, 0); best != want || err != nil {
				t.Errorf("mode %d: best %d, error %v, want %d", mode, best, err, want)
			}
		}
	})
	t.Run("roi dust", func(t *testing.T) {
		for mode, want := range map[depth.Mode]int64{depth.Fixed: 4980, depth.Compat: 4990} {
			book := newROI(mode)
			book.UpdateBidDepth(498, 1, 0)
			book.UpdateBidDepth(499, 0.0004, 0)
			book.UpdateBidDepth(500, 1, 0)
			if u := book.UpdateBidDepth(500, 0, 0); u.BestTick != want {
				t.Errorf("mode %d: best %d, want %d", mode, u.BestTick, want)
			}
		}
	})
	t.Run("roi clear of asks", func(t *testing.T) {
		for mode, want := range map[depth.Mode]float64{depth.Fixed: 0, depth.Compat: 1} {
			book := newROI(mode)
			book.UpdateAskDepth(500, 1, 0)
			book.UpdateAskDepth(510, 1, 0)
			book.ClearDepth(hft.Sell, 505)
			if got := book.AskQtyAtTick(5000); got != want || book.BestAskTick() != 5100 {
				t.Errorf("mode %d: quantity %v at 5000, want %v; best %d, want 5100", mode, got, want,
					book.BestAskTick())
			}
		}
	})
	t.Run("roi orders outside", func(t *testing.T) {
		for mode, want := range map[depth.Mode]int64{depth.Fixed: 5000, depth.Compat: 25000} {
			book := newROI(mode)
			for id, price := range []float64{500, 2500} {
				if _, _, err := book.AddBuyOrder(uint64(id), price, 1, 0); err != nil {
					t.Fatal(err)
				}
			}
			if got := book.BestBidTick(); got != want || book.NumOrders() != 2 {
				t.Errorf("mode %d: best %d with %d orders, want %d with 2", mode, got, book.NumOrders(), want)
			}
		}
	})
	t.Run("empty level in a snapshot", func(t *testing.T) {
		for mode, want := range map[depth.Mode]int64{depth.Fixed: 4990, depth.Compat: 5000} {
			for _, book := range []depth.Book{newHashMap(mode), newWindow(mode), newBTree(mode), newROI(mode)} {
				book.ApplySnapshot([]hft.Event{{Ev: hft.BuyEvent, Px: 499, Qty: 1}, {Ev: hft.BuyEvent, Px: 500}})
				if got := book.BestBidTick(); got != want {
					t.Errorf("%T mode %d: best %d, want %d", book, mode, got, want)
				}
			}
		}
	})
	t.Run("negative quantity", func(t *testing.T) {
		for mode, want := range map[depth.Mode]int64{depth.Fixed: 5000, depth.Compat: 5010} {
			for _, book := range []depth.Book{newHashMap(mode), newWindow(mode), newBTree(mode), newROI(mode)} {
				book.UpdateBidDepth(500, 1, 0)
				book.UpdateBidDepth(501, -1, 0)
				if got := book.BestBidTick(); got != want {
					t.Errorf("%T mode %d: best %d, want %d", book, mode, got, want)
				}
			}
		}
	})
}

// TestWindowByOrderEqualsHashMap runs random orders, with far prices that move the window, through both books.
func TestWindowByOrderEqualsHashMap(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 4))
		hash, window := newHashMap(depth.Fixed), newWindow(depth.Fixed)
		centre := 50000
		for i := range 4000 {
			if random.IntN(300) == 0 {
				centre = random.IntN(400000)
			}
			op, id := random.IntN(100), uint64(random.IntN(200))
			price, qty := float64(centre+random.IntN(80))*0.1, float64(random.IntN(9))*0.001
			type result struct {
				side       hft.Side
				prev, best int64
				err        error
			}
			run := func(book depth.Book) (r result) {
				switch {
				case op < 35:
					r.prev, r.best, r.err = book.AddBuyOrder(id, price, qty, int64(i))
				case op < 70:
					r.prev, r.best, r.err = book.AddSellOrder(id, price, qty, int64(i))
				case op < 85:
					r.side, r.prev, r.best, r.err = book.DeleteOrder(id, int64(i))
				case op < 99:
					r.side, r.prev, r.best, r.err = book.ModifyOrder(id, price, qty, int64(i))
				default:
					book.ClearOrders([...]hft.Side{hft.Buy, hft.Sell, hft.SideNone}[id%3])
				}
				return r
			}
			if got, want := run(window), run(hash); got != want {
				t.Fatalf("seed %d step %d op %d: %+v, want %+v", seed, i, op, got, want)
			}
			if window.BestBidTick() != hash.BestBidTick() || window.BestAskTick() != hash.BestAskTick() ||
				window.BestBidQty() != hash.BestBidQty() || window.BestAskQty() != hash.BestAskQty() {
				t.Fatalf("seed %d step %d op %d: books differ", seed, i, op)
			}
		}
	}
}

// TestWindowEqualsHashMapOnADay compares the whole books after every recorded event of either side.
func TestWindowEqualsHashMapOnADay(t *testing.T) { sampletest.EachBTC(t, windowEqualsHashMap) }

func windowEqualsHashMap(t *testing.T, btc depthtest.Recording) {
	for name, flag := range map[string]uint64{"local": hft.LocalEvent, "exch": hft.ExchEvent} {
		hash := depth.NewHashMapMarketDepth(depthtest.BTCTickSize, depthtest.BTCLotSize, depth.Fixed)
		window := depth.NewWindowMarketDepth(depthtest.BTCTickSize, depthtest.BTCLotSize, depth.Fixed)
		rows := btc.Events
		n := 0
		for i := range rows {
			ev := &rows[i]
			if !ev.Is(flag) {
				continue
			}
			n++
			if ev.Kind() == hft.TradeEvent {
				continue
			}
			var got, want depth.L2Update
			switch {
			case ev.Kind() == hft.DepthClearEvent:
				window.ClearDepth(ev.Side(), ev.Px)
				hash.ClearDepth(ev.Side(), ev.Px)
			case ev.Side() == hft.Buy:
				got, want = window.UpdateBidDepth(ev.Px, ev.Qty, 0), hash.UpdateBidDepth(ev.Px, ev.Qty, 0)
			default:
				got, want = window.UpdateAskDepth(ev.Px, ev.Qty, 0), hash.UpdateAskDepth(ev.Px, ev.Qty, 0)
			}
			if got != want || window.BestBidTick() != hash.BestBidTick() ||
				window.BestAskTick() != hash.BestAskTick() || window.BestBidQty() != hash.BestBidQty() ||
				window.BestAskQty() != hash.BestAskQty() {
				t.Fatalf("%s row %d: %+v, want %+v", name, i, got, want)
			}
			if n%20000 == 0 {
				sameRows(t, window.Snapshot(nil), hash.Snapshot(nil))
			}
		}
		sameRows(t, window.Snapshot(nil), hash.Snapshot(nil))
	}
}

func sameRows(t *testing.T, got, want []hft.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}
