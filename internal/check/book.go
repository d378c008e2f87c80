package check

import (
	"math"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// Both sides run through the same code on keys, as in package depth: a bid's key is its tick, an ask's the complement
// of its tick, so that the best level of either side has the greatest key.
const (
	bidFlip int64 = 0
	askFlip int64 = -1
	noKey   int64 = math.MinInt64
	// maxTick is the greatest tick that books accept.
	maxTick int64 = 1 << 53
	// lookTicks bounds the search for levels behind the other side after one message. A price that is wrong by far opens a
	// range of any width; the search goes on with the next message.
	lookTicks = 1 << 14
)

// bookSide is one side of the watched book.
type bookSide struct {
	// best is the best level that the book shows.
	best int64
	// Levels with keys in (best, top] at and above bottom may be there without being shown, when hidden is set: the other
	// side has reached them and the feed has not removed them.
	hidden      bool
	top, bottom int64
	// The book searches its best down to a bound, which it forgets when it finds a side empty; hidden levels from before
	// that, with keys in [lostBottom, lostTop], are then not found when the best comes down to them.
	lost                bool
	lostTop, lostBottom int64
}

// watchedBook is a window book that also knows of the levels the other side has crossed. The window book, which is the
// fast one, moves a best behind the other side as soon as they cross, also within a message where that means nothing;
// whether the feed itself is crossed shows in whether such levels remain.
type watchedBook struct {
	book     depth.Book
	tickSize float64
	bid, ask bookSide
	byOrder  bool
}

func newWatchedBook(tickSize, lotSize float64) *watchedBook {
	w := &watchedBook{book: depth.NewWindowMarketDepth(tickSize, lotSize), tickSize: tickSize}
	w.bid.best, w.ask.best = noKey, noKey
	return w
}

// updateLevel sets a level. Only the best and crossings are of interest.
func (w *watchedBook) updateLevel(side hft.Side, ev *hft.Event) {
	if side == hft.Buy {
		u := w.book.UpdateBidDepth(ev.Px, ev.Qty, 0)
		if u.BestTick != w.bid.best {
			w.moveBest(side, u.BestTick)
		}
		return
	}
	u := w.book.UpdateAskDepth(ev.Px, ev.Qty, 0)
	if u.BestTick^askFlip != w.ask.best {
		w.moveBest(side, u.BestTick)
	}
}

// updateOrder applies a row of data by order and reports whether the order could be what the row says.
func (w *watchedBook) updateOrder(side hft.Side, ev *hft.Event) bool {
	w.byOrder = true
	resting, known := w.book.Order(ev.OrderID)
	if ev.Kind() == hft.AddOrderEvent {
		return w.addOrder(side, ev.OrderID, ev.Px, ev.Qty)
	}
	if !known || ev.Kind() == hft.FillEvent { // a fill changes no book
		return known
	}
	if ev.Kind() == hft.ModifyOrderEvent && hft.PriceTick(ev.Px, w.tickSize) == resting.PriceTick {
		_, _, _, err := w.book.ModifyOrder(ev.OrderID, ev.Px, ev.Qty, 0)
		return err == nil // the level stays
	}
	// A move is taken apart, because what the book may lose sight of in between counts.
	_, _, best, err := w.book.DeleteOrder(ev.OrderID, 0)
	if err != nil {
		return false
	}
	w.moveBest(resting.Side, best)
	if ev.Kind() == hft.CancelOrderEvent || w.addOrder(resting.Side, ev.OrderID, ev.Px, ev.Qty) {
		return true
	}
	w.addOrder(resting.Side, ev.OrderID, hft.TickPrice(resting.PriceTick, w.tickSize), resting.Qty)
	return false
}

func (w *watchedBook) addOrder(side hft.Side, orderID uint64, price, qty float64) bool {
	add := w.book.AddBuyOrder
	if side == hft.Sell {
		add = w.book.AddSellOrder
	}
	_, best, err := add(orderID, price, qty, 0)
	if err == nil {
		w.moveBest(side, best)
	}
	return err == nil
}

// moveBest notes the new best tick of a side. One that reaches the other side hides that side's best levels.
func (w *watchedBook) moveBest(side hft.Side, bestTick int64) {
	if side == hft.Buy {
		w.bid.move(&w.ask, bestTick^bidFlip, w.book.BestAskTick()^askFlip)
	} else {
		w.ask.move(&w.bid, bestTick^askFlip, w.book.BestBidTick()^bidFlip)
	}
}

// move notes the new best of a side and what that has made of the other's.
func (s *bookSide) move(other *bookSide, best, otherBest int64) {
	if otherBest != other.best {
		other.hide(^best, other.best)
		other.setBest(otherBest)
	}
	s.setBest(best)
}

// setBest notes what the book shows as the best of a side, and what it may not find behind that.
func (s *bookSide) setBest(best int64) {
	if best < s.best && s.lost {
		if low, high := max(best+1, s.lostBottom), min(s.best-1, s.lostTop); low <= high {
			s.hide(low, high)
		}
	}
	if s.best = best; best != noKey || !s.hidden {
		return
	}
	if !s.lost {
		s.lost, s.lostBottom, s.lostTop = true, s.bottom, s.top
		return
	}
	s.lostBottom, s.lostTop = min(s.lostBottom, s.bottom), max(s.lostTop, s.top)
}

// hide notes that levels with keys in [bottom, top] may be there without being shown.
func (s *bookSide) hide(bottom, top int64) {
	if !s.hidden {
		s.hidden, s.bottom, s.top = true, bottom, top
		return
	}
	s.bottom, s.top = min(s.bottom, bottom), max(s.top, top)
}

// clear applies a row that clears levels of a side, or both sides.
func (w *watchedBook) clear(side hft.Side, price float64) {
	switch {
	case w.byOrder:
		w.book.ClearOrders(side)
	default:
		w.book.ClearDepth(side, price)
	}
	whole := w.byOrder || math.IsNaN(price) || math.IsInf(price, 0)
	if side != hft.Sell {
		w.clearSide(&w.bid, bidFlip, price, whole || side == hft.SideNone)
		w.bid.setBest(w.book.BestBidTick() ^ bidFlip)
	}
	if side != hft.Buy {
		w.clearSide(&w.ask, askFlip, price, whole || side == hft.SideNone)
		w.ask.setBest(w.book.BestAskTick() ^ askFlip)
	}
}

// clearSide removes the levels that are not shown, and finds the one right behind the price, which the book does not
// look at when it searches its new best.
func (w *watchedBook) clearSide(s *bookSide, flip int64, price float64, whole bool) {
	if whole {
		s.hidden, s.lost = false, false
		return
	}
	key := min(max(hft.PriceTick(price, w.tickSize), -maxTick), maxTick) ^ flip
	if s.hidden {
		for k, n := s.top, 0; k >= max(s.bottom, key) && n < lookTicks; k, n = k-1, n+1 {
			w.remove(k, flip)
		}
		s.top = min(s.top, key-1)
	}
	if w.qty(key-1, flip) > 0 {
		s.hide(key-1, key-1)
	}
}

func (w *watchedBook) remove(key, flip int64) {
	price := hft.TickPrice(key^flip, w.tickSize)
	if flip == bidFlip {
		w.book.UpdateBidDepth(price, 0, 0)
	} else {
		w.book.UpdateAskDepth(price, 0, 0)
	}
}

func (w *watchedBook) qty(key, flip int64) float64 {
	if flip == bidFlip {
		return w.book.BidQtyAtTick(key)
	}
	return w.book.AskQtyAtTick(key ^ flip)
}

// trueBest returns the key of a side's best level, shown or not.
func (w *watchedBook) trueBest(s *bookSide, flip int64) int64 {
	if !s.hidden {
		return s.best
	}
	for n := 0; s.top > s.best && s.top >= s.bottom; s.top, n = s.top-1, n+1 {
		if n == lookTicks {
			return s.best
		}
		if w.qty(s.top, flip) > 0 {
			return s.top
		}
	}
	s.hidden = false
	return s.best
}

// state of a book after a message.
type bookState uint8

const (
	bookFine bookState = iota
	bookLocked
	bookCrossed
)

// state compares the two sides as the feed has them.
func (w *watchedBook) state() bookState {
	bid, ask := w.trueBest(&w.bid, bidFlip), w.trueBest(&w.ask, askFlip)
	switch {
	case bid == noKey || ask == noKey || bid < ^ask:
		return bookFine
	case bid == ^ask:
		return bookLocked
	}
	return bookCrossed
}
