package depthtest

import (
	"errors"
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// orderScript runs operations on a book by order and checks what each returns and leaves.
type orderScript struct {
	t    *testing.T
	book depth.Book
	side hft.Side
}

func (s *orderScript) qtyAt(tick int64) float64 {
	if s.side == hft.Buy {
		return s.book.BidQtyAtTick(tick)
	}
	return s.book.AskQtyAtTick(tick)
}

func (s *orderScript) check(op string, gotPrev, gotBest, prev, best, tick int64, qty float64) {
	s.t.Helper()
	if gotPrev != prev || gotBest != best {
		s.t.Errorf("%s: best %d to %d, want %d to %d", op, gotPrev, gotBest, prev, best)
	}
	now := s.book.BestBidTick()
	if s.side == hft.Sell {
		now = s.book.BestAskTick()
	}
	if now != best {
		s.t.Errorf("%s: the book's best is %d, want %d", op, now, best)
	}
	if got := s.qtyAt(tick); hft.QtyLots(got, LotSize) != hft.QtyLots(qty, LotSize) {
		s.t.Errorf("%s: quantity at %d is %v, want %v", op, tick, got, qty)
	}
}

func (s *orderScript) add(id uint64, price, qty float64, prev, best, tick int64, sum float64) {
	s.t.Helper()
	add := s.book.AddBuyOrder
	if s.side == hft.Sell {
		add = s.book.AddSellOrder
	}
	gotPrev, gotBest, err := add(id, price, qty, 0)
	if err != nil {
		s.t.Errorf("add %d: %v", id, err)
	}
	s.check("add", gotPrev, gotBest, prev, best, tick, sum)
}

func (s *orderScript) delete(id uint64, prev, best, tick int64, sum float64) {
	s.t.Helper()
	side, gotPrev, gotBest, err := s.book.DeleteOrder(id, 0)
	if err != nil || side != s.side {
		s.t.Errorf("delete %d: side %v, error %v", id, side, err)
	}
	s.check("delete", gotPrev, gotBest, prev, best, tick, sum)
}

func (s *orderScript) modify(id uint64, price, qty float64, prev, best, tick int64, sum float64) {
	s.t.Helper()
	side, gotPrev, gotBest, err := s.book.ModifyOrder(id, price, qty, 0)
	if err != nil || side != s.side {
		s.t.Errorf("modify %d: side %v, error %v", id, side, err)
	}
	s.check("modify", gotPrev, gotBest, prev, best, tick, sum)
}

func testOrders(t *testing.T, newBook func() depth.Book) {
	buys := func(t *testing.T) *orderScript {
		s := &orderScript{t, newBook(), hft.Buy}
		s.add(1, 500.1, 0.001, hft.InvalidMin, 5001, 5001, 0.001)
		if _, _, err := s.book.AddBuyOrder(1, 500.2, 0.001, 0); !errors.Is(err, hft.ErrOrderIDExist) {
			t.Errorf("same id again: error %v, want %v", err, hft.ErrOrderIDExist)
		}
		s.add(2, 500.3, 0.005, 5001, 5003, 5003, 0.005)
		s.add(3, 500.1, 0.005, 5003, 5003, 5001, 0.006)
		s.add(4, 500.5, 0.005, 5003, 5005, 5005, 0.005)
		return s
	}
	sells := func(t *testing.T) *orderScript {
		s := &orderScript{t, newBook(), hft.Sell}
		s.add(1, 500.1, 0.001, hft.InvalidMax, 5001, 5001, 0.001)
		if _, _, err := s.book.AddSellOrder(1, 500.2, 0.001, 0); !errors.Is(err, hft.ErrOrderIDExist) {
			t.Errorf("same id again: error %v, want %v", err, hft.ErrOrderIDExist)
		}
		s.add(2, 499.3, 0.005, 5001, 4993, 4993, 0.005)
		s.add(3, 500.1, 0.005, 4993, 4993, 5001, 0.006)
		s.add(4, 498.5, 0.005, 4993, 4985, 4985, 0.005)
		return s
	}
	t.Run("buy", func(t *testing.T) {
		s := buys(t)
		unknownOrder(t, s.book)
		s.delete(2, 5005, 5005, 5003, 0)
		s.delete(4, 5005, 5001, 5005, 0)
		s.delete(3, 5001, 5001, 5001, 0.001)
		s.delete(1, 5001, hft.InvalidMin, 5001, 0)
	})
	t.Run("sell", func(t *testing.T) {
		s := sells(t)
		unknownOrder(t, s.book)
		s.delete(2, 4985, 4985, 4993, 0)
		s.delete(4, 4985, 5001, 4985, 0)
		s.delete(3, 5001, 5001, 5001, 0.001)
		s.delete(1, 5001, hft.InvalidMax, 5001, 0)
	})
	t.Run("modify buy", func(t *testing.T) {
		s := buys(t)
		s.modify(2, 500.5, 0.001, 5005, 5005, 5005, 0.006)
		s.modify(2, 500.7, 0.002, 5005, 5007, 5005, 0.005)
		s.check("the new level", 5005, 5007, 5005, 5007, 5007, 0.002)
		s.modify(2, 500.6, 0.002, 5007, 5006, 5007, 0)
		s.delete(4, 5006, 5006, 5005, 0)
		s.modify(2, 500, 0.002, 5006, 5001, 5006, 0)
		s.check("the new level", 5006, 5001, 5006, 5001, 5000, 0.002)
	})
	t.Run("modify sell", func(t *testing.T) {
		s := sells(t)
		s.modify(2, 498.5, 0.001, 4985, 4985, 4985, 0.006)
		s.modify(2, 497.7, 0.002, 4985, 4977, 4985, 0.005)
		s.check("the new level", 4985, 4977, 4985, 4977, 4977, 0.002)
		s.modify(2, 498.1, 0.002, 4977, 4981, 4977, 0)
		s.delete(4, 4981, 4981, 4985, 0)
		s.modify(2, 500.2, 0.002, 4981, 5001, 4981, 0)
		s.check("the new level", 4981, 5001, 4981, 5001, 5002, 0.002)
	})
	t.Run("same price and clear", func(t *testing.T) { testOrderDetails(t, newBook()) })
}

func unknownOrder(t *testing.T, book depth.L3MarketDepth) {
	t.Helper()
	if _, _, _, err := book.DeleteOrder(10, 0); !errors.Is(err, hft.ErrOrderNotFound) {
		t.Errorf("delete of an unknown order: error %v, want %v", err, hft.ErrOrderNotFound)
	}
	if _, _, _, err := book.ModifyOrder(10, 500, 1, 0); !errors.Is(err, hft.ErrOrderNotFound) {
		t.Errorf("modify of an unknown order: error %v, want %v", err, hft.ErrOrderNotFound)
	}
}

func testOrderDetails(t *testing.T, book depth.Book) {
	s := &orderScript{t, book, hft.Buy}
	if _, _, err := book.AddBuyOrder(1, 500, 0.01, 5); err != nil {
		t.Fatal(err)
	}
	if _, _, err := book.AddSellOrder(2, 501, 0.02, 6); err != nil {
		t.Fatal(err)
	}
	s.modify(1, 500, 0.004, 5000, 5000, 5000, 0.004)
	if order, ok := book.Order(1); !ok || order.TimestampNs != 5 || order.Qty != 0.004 || order.PriceTick != 5000 ||
		order.Side != hft.Buy {
		t.Errorf("a change of quantity keeps the time: %+v", order)
	}
	if _, _, _, err := book.ModifyOrder(1, 500.1, 0.004, 9); err != nil {
		t.Fatal(err)
	}
	if order, _ := book.Order(1); order.TimestampNs != 9 || order.PriceTick != 5001 {
		t.Errorf("a change of price takes the new time: %+v", order)
	}
	book.ClearOrders(hft.Buy)
	wantBest(t, book, hft.InvalidMin, 5010)
	if _, ok := book.Order(1); ok || book.NumOrders() != 1 {
		t.Errorf("%d orders after clearing the bids, want the ask only", book.NumOrders())
	}
	book.ClearOrders(hft.SideNone)
	wantBest(t, book, hft.InvalidMin, hft.InvalidMax)
	if book.NumOrders() != 0 || !math.IsNaN(book.BestAsk()) {
		t.Error("orders are left after clearing both sides")
	}
}
