package depthtest

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// Run is the conformance kit: newBook returns an empty book of the given mode with TickSize and LotSize, and for
// ROIRules the range ROILow to ROIHigh.
func Run(t *testing.T, rules Rules, newBook func(mode depth.Mode) depth.Book) {
	for name, mode := range map[string]depth.Mode{"fixed": depth.Fixed, "compat": depth.Compat} {
		t.Run(name, func(t *testing.T) {
			t.Run("empty", func(t *testing.T) { testEmpty(t, newBook(mode)) })
			t.Run("levels", func(t *testing.T) { testLevels(t, newBook(mode)) })
			t.Run("crossing", func(t *testing.T) { testCrossing(t, rules, newBook(mode)) })
			t.Run("forgotten levels", func(t *testing.T) { testForgottenLevels(t, rules, newBook(mode)) })
			t.Run("clear", func(t *testing.T) { testClear(t, newBook(mode)) })
			t.Run("snapshot", func(t *testing.T) { testSnapshot(t, newBook(mode)) })
			t.Run("apply", func(t *testing.T) { testApply(t, newBook(mode)) })
			t.Run("random", func(t *testing.T) { testRandom(t, rules, mode, newBook) })
			t.Run("orders", func(t *testing.T) { testOrders(t, func() depth.Book { return newBook(mode) }) })
		})
	}
	t.Run("invalid", func(t *testing.T) { testInvalid(t, newBook(depth.Fixed)) })
}

func wantBest(t *testing.T, book hft.MarketDepth, bid, ask int64) {
	t.Helper()
	if book.BestBidTick() != bid || book.BestAskTick() != ask {
		t.Errorf("best %d/%d, want %d/%d", book.BestBidTick(), book.BestAskTick(), bid, ask)
	}
}

func testEmpty(t *testing.T, book depth.Book) {
	wantBest(t, book, hft.InvalidMin, hft.InvalidMax)
	if !math.IsNaN(book.BestBid()) || !math.IsNaN(book.BestAsk()) {
		t.Errorf("best prices of an empty book are %v and %v, want NaN", book.BestBid(), book.BestAsk())
	}
	if book.BidQtyAtTick(5000) != 0 || book.AskQtyAtTick(5000) != 0 || book.BestBidQty() != 0 {
		t.Error("an empty book reports quantities")
	}
	if book.TickSize() != TickSize || book.LotSize() != LotSize {
		t.Errorf("tick %v lot %v, want %v and %v", book.TickSize(), book.LotSize(), TickSize, LotSize)
	}
	if rows := book.Snapshot(nil); len(rows) != 0 {
		t.Errorf("snapshot of an empty book has %d rows", len(rows))
	}
}

func testLevels(t *testing.T, book depth.Book) {
	if got, want := book.UpdateBidDepth(500.1, 0.5, 11), (depth.L2Update{PriceTick: 5001, PrevBestTick: hft.InvalidMin,
		BestTick: 5001, NewQty: 0.5, TimestampNs: 11}); got != want {
		t.Errorf("first bid: %+v, want %+v", got, want)
	}
	book.UpdateBidDepth(500, 0.25, 12)
	book.UpdateAskDepth(500.3, 1, 13)
	book.UpdateAskDepth(500.2, 2, 14)
	wantBest(t, book, 5001, 5002)
	if book.BestBidQty() != 0.5 || book.BestAskQty() != 2 || book.BidQtyAtTick(5000) != 0.25 ||
		book.AskQtyAtTick(5003) != 1 {
		t.Error("quantities differ from those set")
	}
	if got := book.UpdateBidDepth(500.1, 0.0004, 15); got.BestTick != 5000 || got.PrevBestTick != 5001 ||
		got.PrevQty != 0.5 || got.NewQty != 0.0004 {
		t.Errorf("less than half a lot: %+v, want the level gone and the best back at 5000", got)
	}
	if got := book.UpdateAskDepth(500.2, 0, 16); got.BestTick != 5003 || got.PrevQty != 2 {
		t.Errorf("ask removed: %+v, want the best back at 5003", got)
	}
	book.UpdateBidDepth(500, 0, 17)
	book.UpdateAskDepth(500.3, 0, 18)
	wantBest(t, book, hft.InvalidMin, hft.InvalidMax)
}

func testCrossing(t *testing.T, rules Rules, book depth.Book) {
	for i := range 5 {
		book.UpdateBidDepth(500-float64(i)*0.1, 1, 0)
		book.UpdateAskDepth(500.1+float64(i)*0.1, 1, 0)
	}
	book.UpdateBidDepth(500.3, 2, 0)
	if rules == BTreeRules {
		wantBest(t, book, 5003, 5001)
		return
	}
	wantBest(t, book, 5003, 5004)
	if book.AskQtyAtTick(5002) != 1 {
		t.Error("a crossed level does not stay in the book")
	}
	book.UpdateBidDepth(500.3, 0, 0)
	wantBest(t, book, 5000, 5004)
	book.UpdateAskDepth(499.9, 1, 0)
	wantBest(t, book, 4998, 4999)
}

// testForgottenLevels: a crossed level is found no more once its side was found empty below it, however far the search
// for the next best goes.
func testForgottenLevels(t *testing.T, rules Rules, book depth.Book) {
	for _, tick := range []float64{1000, 990} {
		book.UpdateBidDepth(tick*TickSize, 1, 0)
		book.UpdateAskDepth((16000-tick)*TickSize, 1, 0)
	}
	if rules == BTreeRules {
		wantBest(t, book, 1000, 15000)
		return
	}
	book.UpdateAskDepth(99.5, 1, 0)
	wantBest(t, book, 990, 995)
	book.UpdateBidDepth(99, 0, 0)
	wantBest(t, book, hft.InvalidMin, 995)
	book.UpdateBidDepth(500, 1, 0)
	book.UpdateBidDepth(400, 1, 0)
	book.UpdateBidDepth(400, 0, 0)
	if u := book.UpdateBidDepth(500, 0, 0); u.BestTick != hft.InvalidMin || book.BidQtyAtTick(1000) != 1 {
		t.Errorf("best bid %d with %v at 1000, want none and the level kept", u.BestTick, book.BidQtyAtTick(1000))
	}
}

func testClear(t *testing.T, book depth.Book) {
	fill := func() {
		for i := range 9 {
			book.UpdateBidDepth(500-float64(i)*0.1, 1, 0)
			book.UpdateAskDepth(500.1+float64(i)*0.1, 1, 0)
		}
	}
	fill()
	book.ClearDepth(hft.Buy, 499.8)
	if got := book.BestBidTick(); got >= 4998 || got < 4996 || book.BidQtyAtTick(4999) != 0 ||
		book.BidQtyAtTick(4998) != 0 {
		t.Errorf("best bid after a clear to 4998 is %d", got)
	}
	wantBest(t, book, book.BestBidTick(), 5001)
	book.ClearDepth(hft.Sell, math.NaN())
	wantBest(t, book, book.BestBidTick(), hft.InvalidMax)
	book.ClearDepth(hft.Buy, math.Inf(-1))
	wantBest(t, book, hft.InvalidMin, hft.InvalidMax)
	fill()
	book.ClearDepth(hft.SideNone, 500)
	wantBest(t, book, hft.InvalidMin, hft.InvalidMax)
	if book.BidQtyAtTick(4995) != 0 || len(book.Snapshot(nil)) != 0 {
		t.Error("levels are left after clearing both sides")
	}
}

func testSnapshot(t *testing.T, book depth.Book) {
	rows := []hft.Event{
		{Ev: hft.BuyEvent, Px: 499.9, Qty: 1}, {Ev: hft.SellEvent, Px: 500.4, Qty: 2},
		{Ev: hft.BuyEvent, Px: 500, Qty: 3},
		{Ev: hft.SellEvent, Px: 500.2, Qty: 4}, {Ev: hft.DepthSnapshotEvent, Px: 500.1, Qty: 9},
	}
	book.UpdateBidDepth(700, 1, 0)
	book.ApplySnapshot(rows)
	wantBest(t, book, 5000, 5002)
	prefix := hft.Event{OrderID: 1}
	got := book.Snapshot([]hft.Event{prefix})
	const flags = hft.ExchEvent | hft.LocalEvent | hft.DepthSnapshotEvent
	want := []hft.Event{prefix, {Ev: flags | hft.BuyEvent, Px: 500, Qty: 3},
		{Ev: flags | hft.BuyEvent, Px: hft.TickPrice(4999, TickSize), Qty: 1},
		{Ev: flags | hft.SellEvent, Px: hft.TickPrice(5002, TickSize), Qty: 4},
		{Ev: flags | hft.SellEvent, Px: hft.TickPrice(5004, TickSize), Qty: 2}}
	if len(got) != len(want) {
		t.Fatalf("snapshot has %d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("snapshot row %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func testApply(t *testing.T, book depth.Book) {
	for _, c := range []struct {
		ev       hft.Event
		applied  bool
		bid, ask int64
	}{
		{hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, Px: 500, Qty: 1}, true, 5000, hft.InvalidMax},
		{hft.Event{Ev: hft.LocalEvent | hft.SellEvent | hft.DepthSnapshotEvent, Px: 501, Qty: 1}, true, 5000, 5010},
		{hft.Event{Ev: hft.LocalEvent | hft.SellEvent | hft.DepthBBOEvent, Px: 500.5, Qty: 1}, false, 5000, 5010},
		{hft.Event{Ev: hft.LocalEvent | hft.DepthEvent, Px: 500.5, Qty: 1}, false, 5000, 5010},
		{hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | hft.TradeEvent, Px: 500.5, Qty: 1}, false, 5000, 5010},
		{hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthClearEvent, Px: 400}, true, hft.InvalidMin, 5010},
		{hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent}, true, hft.InvalidMin, hft.InvalidMax},
	} {
		if got := depth.Apply(book, &c.ev); got != c.applied {
			t.Errorf("Apply(%#x) = %v, want %v", c.ev.Ev, got, c.applied)
		}
		wantBest(t, book, c.bid, c.ask)
	}
}

func testRandom(t *testing.T, rules Rules, mode depth.Mode, newBook func(mode depth.Mode) depth.Book) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		data := make([]byte, 1500*opBytes)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		Drive(t, newBook(mode), NewNaive(rules, TickSize, LotSize, mode), data)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func testInvalid(t *testing.T, book depth.Book) {
	book.UpdateBidDepth(500, 1, 0)
	book.UpdateAskDepth(501, 2, 0)
	for _, qty := range []float64{-1, -1e-9, math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := book.UpdateBidDepth(500, qty, 0); got.PrevQty != 1 || got.NewQty != 1 || got.BestTick != 5000 {
			t.Errorf("quantity %v: %+v, want nothing changed", qty, got)
		}
		if _, _, err := book.AddBuyOrder(1, 500, qty, 0); !errors.Is(err, hft.ErrInvalidOrderRequest) {
			t.Errorf("order of quantity %v: error %v, want %v", qty, err, hft.ErrInvalidOrderRequest)
		}
	}
	for _, price := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300} {
		book.UpdateBidDepth(price, 1, 0)
		book.UpdateAskDepth(price, 1, 0)
		if _, _, err := book.AddSellOrder(1, price, 1, 0); !errors.Is(err, hft.ErrInvalidOrderRequest) {
			t.Errorf("order at %v: error %v, want %v", price, err, hft.ErrInvalidOrderRequest)
		}
	}
	wantBest(t, book, 5000, 5010)
	if book.BestBidQty() != 1 || book.BestAskQty() != 2 || len(book.Snapshot(nil)) != 2 || book.NumOrders() != 0 {
		t.Error("invalid input changed the book")
	}
}
