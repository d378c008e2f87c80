package depth

import (
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// hashMapBook is what NewHashMapMarketDepth returns.
type hashMapBook struct {
	scale
	l3Orders
	bid, ask hashSide
}

// hashSide is one side in keys. low is the bound down to which the best is searched: it only falls, until the side
// is found empty.
type hashSide struct {
	best, low int64
	qty       map[int64]float64
}

// NewHashMapMarketDepth returns an empty book that keeps each side in a map from tick to quantity (HashMapMarketDepth):
// the reference for all books.
//
// A better price that reaches the other side moves the other side's best back behind it, but the crossed levels stay
// in the map and are reported by quantity at a tick until the feed rewrites them.
//
// tickSize and lotSize are finite and above 0 (New checks that). One goroutine uses a book.
func NewHashMapMarketDepth(tickSize, lotSize float64, mode ...Mode) Book {
	b := &hashMapBook{scale: newScale(tickSize, lotSize, modeOf(mode))}
	b.l3Orders.init(&b.scale, b)
	b.bid = hashSide{noKey, noLow, make(map[int64]float64)}
	b.ask = hashSide{noKey, noLow, make(map[int64]float64)}
	return b
}

// BestBid returns the best bid price, NaN when there is none.
func (b *hashMapBook) BestBid() float64 {
	b.look("depth: HashMapMarketDepth.BestBid")
	return b.bestPrice(b.bid.best, bidFlip)
}

// BestAsk returns the best ask price, NaN when there is none.
func (b *hashMapBook) BestAsk() float64 {
	b.look("depth: HashMapMarketDepth.BestAsk")
	return b.bestPrice(b.ask.best, askFlip)
}

// BestBidTick returns the best bid in ticks, hft.InvalidMin when there is none.
func (b *hashMapBook) BestBidTick() int64 {
	b.look("depth: HashMapMarketDepth.BestBidTick")
	return b.bid.best
}

// BestAskTick returns the best ask in ticks, hft.InvalidMax when there is none.
func (b *hashMapBook) BestAskTick() int64 {
	b.look("depth: HashMapMarketDepth.BestAskTick")
	return b.ask.best ^ askFlip
}

// BestBidQty returns the quantity at the best bid, 0 when there is none.
func (b *hashMapBook) BestBidQty() float64 {
	b.look("depth: HashMapMarketDepth.BestBidQty")
	return b.bid.qty[b.bid.best]
}

// BestAskQty returns the quantity at the best ask, 0 when there is none.
func (b *hashMapBook) BestAskQty() float64 {
	b.look("depth: HashMapMarketDepth.BestAskQty")
	return b.ask.qty[b.ask.best]
}

// BidQtyAtTick returns the bid quantity at a tick, 0 when there is none.
func (b *hashMapBook) BidQtyAtTick(priceTick int64) float64 {
	b.look("depth: HashMapMarketDepth.BidQtyAtTick")
	return b.bid.qty[priceTick]
}

// AskQtyAtTick returns the ask quantity at a tick, 0 when there is none.
func (b *hashMapBook) AskQtyAtTick(priceTick int64) float64 {
	b.look("depth: HashMapMarketDepth.AskQtyAtTick")
	return b.ask.qty[priceTick^askFlip]
}

// UpdateBidDepth sets the total quantity at a bid price; less than half a lot removes the level.
func (b *hashMapBook) UpdateBidDepth(price, qty float64, timestampNs int64) (u L2Update) {
	b.update(&b.bid, &b.ask, bidFlip, price, qty, &u)
	u.TimestampNs = timestampNs
	return u
}

// UpdateAskDepth sets the total quantity at an ask price; less than half a lot removes the level.
func (b *hashMapBook) UpdateAskDepth(price, qty float64, timestampNs int64) (u L2Update) {
	b.update(&b.ask, &b.bid, askFlip, price, qty, &u)
	u.TimestampNs = timestampNs
	return u
}

func (b *hashMapBook) update(own, other *hashSide, flip int64, price, qty float64, u *L2Update) {
	tick, ok := b.priceTick(price)
	if !ok {
		u.reject(tick, own.best, flip, 0)
		return
	}
	key, prevBest := tick^flip, own.best
	prevQty := own.qty[key]
	if b.badQty(qty) {
		u.reject(tick, own.best, flip, prevQty)
		return
	}
	if qty >= b.minQty {
		own.qty[key] = qty
	} else {
		delete(own.qty, key)
	}
	if b.zeroLots(qty) {
		if key == prevBest {
			own.dropBest()
		}
	} else {
		if key > prevBest {
			own.raiseBest(key, other)
		}
		own.low = min(own.low, key)
	}
	u.PriceTick, u.PrevBestTick, u.BestTick = tick, prevBest^flip, own.best^flip
	u.PrevQty, u.NewQty = prevQty, qty
}

// ClearDepth removes the levels of a side from its best price to price inclusive, all of it when price is not
// finite; hft.SideNone clears both sides whatever the price.
func (b *hashMapBook) ClearDepth(side hft.Side, price float64) {
	switch side {
	case hft.Buy:
		b.clearSide(&b.bid, bidFlip, price)
	case hft.Sell:
		b.clearSide(&b.ask, askFlip, price)
	case hft.SideNone:
		b.bid.reset()
		b.ask.reset()
	}
}

func (b *hashMapBook) clearSide(s *hashSide, flip int64, price float64) {
	if !finite(price) {
		s.reset()
		return
	}
	key := b.clearKey(price, flip)
	if s.best != noKey {
		s.deleteRange(key, s.best)
	}
	// The reference starts behind the bound's neighbour, which stays in the book unseen.
	s.best = s.search(key-1, s.low)
	if s.best == noKey {
		s.low = noLow
	}
}

// ApplySnapshot empties the book and fills it from rows, of which only side, price and quantity count.
func (b *hashMapBook) ApplySnapshot(rows []hft.Event) {
	b.bid.reset()
	b.ask.reset()
	for i := range rows {
		key, flip, ok := b.snapshotLevel(&rows[i])
		if !ok {
			continue
		}
		s := &b.bid
		if flip == askFlip {
			s = &b.ask
		}
		s.qty[key] = rows[i].Qty
		s.best, s.low = max(s.best, key), min(s.low, key)
	}
}

// Snapshot appends the book to dst, bids from the best downwards, then asks from the best upwards.
func (b *hashMapBook) Snapshot(dst []hft.Event) []hft.Event {
	return b.appendSide(b.appendSide(dst, &b.bid, bidFlip), &b.ask, askFlip)
}

func (b *hashMapBook) appendSide(dst []hft.Event, s *hashSide, flip int64) []hft.Event {
	start := len(dst)
	for key, qty := range s.qty {
		if key <= s.best {
			row := b.row(key, flip, qty)
			row.Ival = key
			dst = append(dst, row)
		}
	}
	sortDescending(dst[start:])
	return dst
}

// sortDescending sorts rows by the key kept in Ival, greatest first, and clears it.
func sortDescending(rows []hft.Event) {
	slices.SortFunc(rows, func(x, y hft.Event) int {
		if x.Ival > y.Ival {
			return -1
		}
		return 1 // keys are unique
	})
	for i := range rows {
		rows[i].Ival = 0
	}
}

// dropBest searches the next best after the best level has gone.
func (s *hashSide) dropBest() {
	s.best = s.search(s.best, s.low)
	if s.best == noKey {
		s.low = noLow
	}
}

// raiseBest makes key the best and takes the other side's best back behind it when the two cross.
func (s *hashSide) raiseBest(key int64, other *hashSide) {
	s.best = key
	if key >= ^other.best {
		other.best = other.search(^key, other.low)
	}
}

// search returns the best key in [low, below-1] that has a quantity, or noKey. The next level is mostly near; past as
// many ticks as there are levels it is cheaper to look at all levels, and a far stale level costs no more than that.
func (s *hashSide) search(below, low int64) int64 {
	if low >= below {
		return noKey
	}
	near := max(low, below-int64(len(s.qty))-1)
	for key := below - 1; key >= near; key-- {
		if s.qty[key] > 0 {
			return key
		}
	}
	found := noKey
	if near > low {
		for key, qty := range s.qty {
			if qty > 0 && key >= low && key < near && key > found {
				found = key
			}
		}
	}
	return found
}

// deleteRange removes the keys in [low, high].
func (s *hashSide) deleteRange(low, high int64) {
	if low > high {
		return
	}
	if uint64(high-low) <= uint64(len(s.qty)) {
		for key := high; key >= low; key-- {
			delete(s.qty, key)
		}
		return
	}
	for key := range s.qty {
		if key >= low && key <= high {
			delete(s.qty, key)
		}
	}
}

func (s *hashSide) reset() {
	s.best, s.low = noKey, noLow
	clear(s.qty)
}

func (b *hashMapBook) side(side hft.Side) (own, other *hashSide) {
	if side == hft.Buy {
		return &b.bid, &b.ask
	}
	return &b.ask, &b.bid
}

func (b *hashMapBook) bestKey(side hft.Side) int64 {
	own, _ := b.side(side)
	return own.best
}

func (b *hashMapBook) addQty(side hft.Side, key int64, qty float64) {
	own, other := b.side(side)
	own.qty[key] += qty
	if key > own.best {
		own.raiseBest(key, other)
	}
	own.low = min(own.low, key)
}

func (b *hashMapBook) removeQty(side hft.Side, key int64, qty float64) {
	own, _ := b.side(side)
	left := own.qty[key] - qty
	if !b.zeroLots(left) {
		own.qty[key] = left
		return
	}
	delete(own.qty, key)
	if key == own.best {
		own.dropBest()
	}
}

func (b *hashMapBook) changeQty(side hft.Side, key int64, by float64) {
	own, _ := b.side(side)
	own.qty[key] += by
}
