package market

import (
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// order is an order of an account with its place in the book.
type order struct {
	Order
	account *account
	book    *book
	// aheadLots is the background quantity ahead of it at its price.
	aheadLots int64
	// lockedAmount is the part of a balance that the order locks (spot).
	locked Amount
}

// level is a price of one side.
type level struct {
	tick int64
	// othersLots is the quantity of the background market there, and stamp when that was set; own are the accounts'
	// orders by time.
	othersLots int64
	stamp      int64
	own        []*order
}

func (l *level) lots() int64 {
	total := l.othersLots
	for _, o := range l.own {
		total += o.LeavesLots()
	}
	return total
}

// bookSide is one side of a book, the best level last.
type bookSide struct {
	side   hft.Side // tick*side is greater for a better price
	levels []level
}

// find returns where a level at tick is or belongs.
func (s *bookSide) find(tick int64) (int, bool) {
	return slices.BinarySearchFunc(s.levels, tick, func(l level, tick int64) int {
		switch d := (l.tick - tick) * int64(s.side); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
}

// at returns the level at tick and makes it when there is none. It is valid until the next change of the side.
func (s *bookSide) at(tick int64) *level {
	i, found := s.find(tick)
	if !found {
		s.levels = slices.Insert(s.levels, i, level{tick: tick})
	}
	return &s.levels[i]
}

// drop removes a level that is empty.
func (s *bookSide) drop(tick int64) {
	if i, found := s.find(tick); found && s.levels[i].othersLots == 0 && len(s.levels[i].own) == 0 {
		s.levels = slices.Delete(s.levels, i, i+1)
	}
}

func (s *bookSide) best() (*level, bool) {
	if len(s.levels) == 0 {
		return nil, false
	}
	return &s.levels[len(s.levels)-1], true
}

// reaches reports whether an order of the other side at limit takes a level at tick.
func (s *bookSide) reaches(tick, limit int64) bool { return (tick-limit)*int64(s.side) >= 0 }

// book is the book of one symbol.
type book struct {
	symbol     *Symbol
	bids, asks bookSide
	updateID   int64
	// nextTradeID is the id of the symbol's next trade: venues count each symbol's, and leave none out.
	nextTradeID int64
	// stamp counts batches, so that of two levels of others that cross the older can go.
	stamp int64
	// lastTick is the price of the last trade, 0 before the first.
	lastTick int64
}

func newBook(s *Symbol, firstUpdateID, firstTradeID int64) *book {
	return &book{symbol: s, bids: bookSide{side: hft.Buy}, asks: bookSide{side: hft.Sell}, updateID: firstUpdateID,
		nextTradeID: firstTradeID}
}

func (b *book) of(side hft.Side) *bookSide {
	if side == hft.Buy {
		return &b.bids
	}
	return &b.asks
}

// top returns the best levels of a side, at most limit of them.
func (b *book) top(side hft.Side, limit int) []Level {
	s := b.of(side)
	n := min(limit, len(s.levels))
	list := make([]Level, 0, n)
	for i := range n {
		l := &s.levels[len(s.levels)-1-i]
		list = append(list, Level{l.tick, l.lots()})
	}
	return list
}

// mid returns twice the mid price in ticks, false while a side is empty.
func (b *book) mid() (doubleTicks int64, ok bool) {
	bid, hasBid := b.bids.best()
	ask, hasAsk := b.asks.best()
	if !hasBid || !hasAsk {
		return 0, false
	}
	return bid.tick + ask.tick, true
}
