package depth

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// maxROITicks bounds the range of a roiBook: 2^25 ticks are 512 MiB.
const maxROITicks = 1 << 25

// roiBook is what NewROIVectorMarketDepth returns.
type roiBook struct {
	scale
	l3Orders
	bid, ask roiSide
}

// roiSide is one side in keys; qty[i] is the quantity at key first+i.
type roiSide struct {
	best, low   int64
	first, last int64
	qty         []float64
}

// NewROIVectorMarketDepth returns an empty book that keeps each side in an array over a fixed range of prices, the
// range of interest from roiLow to roiHigh inclusive (ROIVectorMarketDepth). Updates outside of the range change
// nothing. Otherwise it behaves as NewHashMapMarketDepth's. It fails when the range is empty or holds more than 2^25
// ticks.
//
// Mode Compat repeats these defects: a quantity below half a lot stays stored and can become the best later; a clear
// of the ask side by price removes no level; quantities outside of the range are NaN, that of an absent best ask
// included; orders outside of the range still move the best.
//
// tickSize and lotSize are finite and above 0 (New checks that). One goroutine uses a book.
func NewROIVectorMarketDepth(tickSize, lotSize, roiLow, roiHigh float64, mode ...Mode) (Book, error) {
	b := &roiBook{scale: newScale(tickSize, lotSize, modeOf(mode))}
	lowTick, okLow := b.priceTick(roiLow)
	highTick, okHigh := b.priceTick(roiHigh)
	if !okLow || !okHigh || !finite(roiLow) || !finite(roiHigh) || lowTick > highTick ||
		highTick-lowTick >= maxROITicks {
		return nil, fmt.Errorf("depth: roi range %v to %v: must be finite prices, the lower first, at most %d ticks of %v apart",
			roiLow, roiHigh, maxROITicks, tickSize)
	}
	b.l3Orders.init(&b.scale, b)
	ticks := highTick - lowTick + 1
	b.bid = roiSide{noKey, noLow, lowTick, highTick, make([]float64, ticks)}
	b.ask = roiSide{noKey, noLow, ^highTick, ^lowTick, make([]float64, ticks)}
	return b, nil
}

// BestBid returns the best bid price, NaN when there is none.
func (b *roiBook) BestBid() float64 {
	b.look("depth: ROIVectorMarketDepth.BestBid")
	return b.bestPrice(b.bid.best, bidFlip)
}

// BestAsk returns the best ask price, NaN when there is none.
func (b *roiBook) BestAsk() float64 {
	b.look("depth: ROIVectorMarketDepth.BestAsk")
	return b.bestPrice(b.ask.best, askFlip)
}

// BestBidTick returns the best bid in ticks, hft.InvalidMin when there is none.
func (b *roiBook) BestBidTick() int64 {
	b.look("depth: ROIVectorMarketDepth.BestBidTick")
	return b.bid.best
}

// BestAskTick returns the best ask in ticks, hft.InvalidMax when there is none.
func (b *roiBook) BestAskTick() int64 {
	b.look("depth: ROIVectorMarketDepth.BestAskTick")
	return b.ask.best ^ askFlip
}

// BestBidQty returns the quantity at the best bid, 0 when there is none.
func (b *roiBook) BestBidQty() float64 {
	b.look("depth: ROIVectorMarketDepth.BestBidQty")
	return b.bid.get(b.bid.best)
}

// BestAskQty returns the quantity at the best ask; when there is none 0, in mode Compat NaN.
func (b *roiBook) BestAskQty() float64 {
	b.look("depth: ROIVectorMarketDepth.BestAskQty")
	return b.qtyAt(&b.ask, b.ask.best)
}

// BidQtyAtTick returns the bid quantity at a tick, 0 when there is none; outside of the range 0, in mode Compat NaN.
func (b *roiBook) BidQtyAtTick(priceTick int64) float64 {
	b.look("depth: ROIVectorMarketDepth.BidQtyAtTick")
	return b.qtyAt(&b.bid, priceTick)
}

// AskQtyAtTick returns the ask quantity at a tick, 0 when there is none; outside of the range 0, in mode Compat NaN.
func (b *roiBook) AskQtyAtTick(priceTick int64) float64 {
	b.look("depth: ROIVectorMarketDepth.AskQtyAtTick")
	return b.qtyAt(&b.ask, priceTick^askFlip)
}

func (b *roiBook) qtyAt(s *roiSide, key int64) float64 {
	if b.mode == Compat && !s.inside(key) {
		return math.NaN()
	}
	return s.get(key)
}

// UpdateBidDepth sets the total quantity at a bid price; less than half a lot removes the level.
func (b *roiBook) UpdateBidDepth(price, qty float64, timestampNs int64) (u L2Update) {
	b.update(&b.bid, &b.ask, bidFlip, price, qty, &u)
	u.TimestampNs = timestampNs
	return u
}

// UpdateAskDepth sets the total quantity at an ask price; less than half a lot removes the level.
func (b *roiBook) UpdateAskDepth(price, qty float64, timestampNs int64) (u L2Update) {
	b.update(&b.ask, &b.bid, askFlip, price, qty, &u)
	u.TimestampNs = timestampNs
	return u
}

func (b *roiBook) update(own, other *roiSide, flip int64, price, qty float64, u *L2Update) {
	tick, ok := b.priceTick(price)
	key, prevBest := tick^flip, own.best
	if !ok {
		u.reject(tick, prevBest, flip, 0)
		return
	}
	if b.badQty(qty) {
		u.reject(tick, prevBest, flip, own.get(key))
		return
	}
	u.PriceTick, u.PrevBestTick, u.BestTick, u.NewQty = tick, prevBest^flip, prevBest^flip, qty
	if !own.inside(key) {
		return
	}
	cell := &own.qty[key-own.first]
	u.PrevQty = *cell
	zero := b.zeroLots(qty)
	*cell = qty
	if zero {
		if b.mode == Fixed {
			*cell = 0
		}
		if key == prevBest {
			own.dropBest()
		}
	} else {
		if key > prevBest {
			own.raiseBest(key, other)
		}
		own.low = min(own.low, key)
	}
	u.BestTick = own.best ^ flip
}

// ClearDepth removes the levels of a side from its best price to price inclusive, all of it when price is not
// finite; hft.SideNone clears both sides whatever the price.
func (b *roiBook) ClearDepth(side hft.Side, price float64) {
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

func (b *roiBook) clearSide(s *roiSide, flip int64, price float64) {
	if !finite(price) {
		s.reset()
		return
	}
	key := b.clearKey(price, flip)
	// The reference computes the ask's range from the wrong end, so that it is empty.
	if s.best != noKey && (b.mode == Fixed || flip == bidFlip) {
		if low, high := max(key, s.first), min(s.best, s.last); low <= high {
			clear(s.qty[low-s.first : high-s.first+1])
		}
	}
	low := s.low
	if low == noLow {
		low = s.first
	}
	// The reference starts behind the bound's neighbour, which stays in the book unseen.
	s.best = s.search(min(max(key-1, s.first), s.last), low)
	if s.best == noKey {
		s.low = noLow
	}
}

// ApplySnapshot empties the book and fills it from rows, of which only side, price and quantity count.
func (b *roiBook) ApplySnapshot(rows []hft.Event) {
	b.bid.reset()
	b.ask.reset()
	for i := range rows {
		key, flip, ok := b.snapshotLevel(&rows[i])
		s := &b.bid
		if flip == askFlip {
			s = &b.ask
		}
		if !ok || !s.inside(key) {
			continue
		}
		s.qty[key-s.first] = rows[i].Qty
		s.best, s.low = max(s.best, key), min(s.low, key)
	}
}

// Snapshot appends the book to dst, bids from the best downwards, then asks from the best upwards.
func (b *roiBook) Snapshot(dst []hft.Event) []hft.Event {
	return b.appendSide(b.appendSide(dst, &b.bid, bidFlip), &b.ask, askFlip)
}

func (b *roiBook) appendSide(dst []hft.Event, s *roiSide, flip int64) []hft.Event {
	for key := min(s.best, s.last); key >= s.first; key-- {
		if qty := s.get(key); qty > 0 {
			dst = append(dst, b.row(key, flip, qty))
		}
	}
	return dst
}

func (s *roiSide) inside(key int64) bool { return key >= s.first && key <= s.last }

func (s *roiSide) get(key int64) float64 {
	if !s.inside(key) {
		return 0
	}
	return s.qty[key-s.first]
}

// dropBest searches the next best after the best level has gone.
func (s *roiSide) dropBest() {
	s.best = s.search(s.best, s.low)
	if s.best == noKey {
		s.low = noLow
	}
}

// raiseBest makes key the best and takes the other side's best back behind it when the two cross.
func (s *roiSide) raiseBest(key int64, other *roiSide) {
	s.best = key
	if key >= ^other.best {
		other.best = other.search(^key, other.low)
	}
}

// search returns the best key in [low, below-1] and in the range that has a quantity, or noKey.
func (s *roiSide) search(below, low int64) int64 {
	if low >= below {
		return noKey
	}
	low = max(low, s.first)
	for key := min(below-1, s.last); key >= low; key-- {
		if s.qty[key-s.first] > 0 {
			return key
		}
	}
	return noKey
}

func (s *roiSide) reset() {
	s.best, s.low = noKey, noLow
	clear(s.qty)
}

func (b *roiBook) side(side hft.Side) (own, other *roiSide) {
	if side == hft.Buy {
		return &b.bid, &b.ask
	}
	return &b.ask, &b.bid
}

func (b *roiBook) bestKey(side hft.Side) int64 {
	own, _ := b.side(side)
	return own.best
}

func (b *roiBook) addQty(side hft.Side, key int64, qty float64) {
	own, other := b.side(side)
	if own.inside(key) {
		own.qty[key-own.first] += qty
	} else if b.mode == Fixed {
		return
	}
	if key > own.best {
		own.raiseBest(key, other)
	}
	own.low = min(own.low, key)
}

func (b *roiBook) removeQty(side hft.Side, key int64, qty float64) {
	own, _ := b.side(side)
	if !own.inside(key) {
		return
	}
	cell := &own.qty[key-own.first]
	if *cell -= qty; !b.zeroLots(*cell) {
		return
	}
	*cell = 0
	if key == own.best {
		own.dropBest()
	}
}

func (b *roiBook) changeQty(side hft.Side, key int64, by float64) {
	if own, _ := b.side(side); own.inside(key) {
		own.qty[key-own.first] += by
	}
}
