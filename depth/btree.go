package depth

import (
	"github.com/tidwall/btree"

	"github.com/hftrunner/hftrunner/hft"
)

// btreeBook is what NewBTreeMarketDepth returns.
type btreeBook struct {
	scale
	l3Orders
	bid, ask btreeSide
}

// btreeSide is one side in keys.
type btreeSide struct {
	best int64
	qty  *btree.Map[int64, float64]
}

const btreeDegree = 32

// NewBTreeMarketDepth returns an empty book that keeps each side in an ordered map (BTreeMarketDepth). The best is
// always the best stored level: a feed that crosses stays crossed, with the best bid at or above the best ask, until
// the feed resolves it.
//
// Mode Compat repeats these defects: the previous quantity of an update is that of the best level instead of the
// updated one; removing the last order of the best bid makes the worst bid the best.
//
// tickSize and lotSize are finite and above 0 (New checks that). One goroutine uses a book. Its nodes are allocated as
// levels come and go.
func NewBTreeMarketDepth(tickSize, lotSize float64, mode ...Mode) Book {
	b := &btreeBook{scale: newScale(tickSize, lotSize, modeOf(mode))}
	b.l3Orders.init(&b.scale, b)
	b.bid = btreeSide{noKey, btree.NewMap[int64, float64](btreeDegree)}
	b.ask = btreeSide{noKey, btree.NewMap[int64, float64](btreeDegree)}
	return b
}

// BestBid returns the best bid price, NaN when there is none.
func (b *btreeBook) BestBid() float64 {
	b.look("depth: BTreeMarketDepth.BestBid")
	return b.bestPrice(b.bid.best, bidFlip)
}

// BestAsk returns the best ask price, NaN when there is none.
func (b *btreeBook) BestAsk() float64 {
	b.look("depth: BTreeMarketDepth.BestAsk")
	return b.bestPrice(b.ask.best, askFlip)
}

// BestBidTick returns the best bid in ticks, hft.InvalidMin when there is none.
func (b *btreeBook) BestBidTick() int64 {
	b.look("depth: BTreeMarketDepth.BestBidTick")
	return b.bid.best
}

// BestAskTick returns the best ask in ticks, hft.InvalidMax when there is none.
func (b *btreeBook) BestAskTick() int64 {
	b.look("depth: BTreeMarketDepth.BestAskTick")
	return b.ask.best ^ askFlip
}

// BestBidQty returns the quantity at the best bid, 0 when there is none.
func (b *btreeBook) BestBidQty() float64 {
	b.look("depth: BTreeMarketDepth.BestBidQty")
	return b.bid.get(b.bid.best)
}

// BestAskQty returns the quantity at the best ask, 0 when there is none.
func (b *btreeBook) BestAskQty() float64 {
	b.look("depth: BTreeMarketDepth.BestAskQty")
	return b.ask.get(b.ask.best)
}

// BidQtyAtTick returns the bid quantity at a tick, 0 when there is none.
func (b *btreeBook) BidQtyAtTick(priceTick int64) float64 {
	b.look("depth: BTreeMarketDepth.BidQtyAtTick")
	return b.bid.get(priceTick)
}

// AskQtyAtTick returns the ask quantity at a tick, 0 when there is none.
func (b *btreeBook) AskQtyAtTick(priceTick int64) float64 {
	b.look("depth: BTreeMarketDepth.AskQtyAtTick")
	return b.ask.get(priceTick ^ askFlip)
}

// UpdateBidDepth sets the total quantity at a bid price; less than half a lot removes the level.
func (b *btreeBook) UpdateBidDepth(price, qty float64, timestampNs int64) (u L2Update) {
	b.update(&b.bid, bidFlip, price, qty, &u)
	u.TimestampNs = timestampNs
	return u
}

// UpdateAskDepth sets the total quantity at an ask price; less than half a lot removes the level.
func (b *btreeBook) UpdateAskDepth(price, qty float64, timestampNs int64) (u L2Update) {
	b.update(&b.ask, askFlip, price, qty, &u)
	u.TimestampNs = timestampNs
	return u
}

func (b *btreeBook) update(s *btreeSide, flip int64, price, qty float64, u *L2Update) {
	tick, ok := b.priceTick(price)
	if !ok {
		u.reject(tick, s.best, flip, 0)
		return
	}
	key, prevBest := tick^flip, s.best
	if b.badQty(qty) {
		u.reject(tick, s.best, flip, s.get(key))
		return
	}
	var prevQty float64
	if b.mode == Compat {
		prevQty = s.get(prevBest)
	}
	var replaced float64
	if b.zeroLots(qty) {
		replaced, _ = s.qty.Delete(key)
		if key == prevBest {
			s.best = s.greatest()
		}
	} else {
		replaced, _ = s.qty.Set(key, qty)
		s.best = max(s.best, key)
	}
	if b.mode == Fixed {
		prevQty = replaced
	}
	u.PriceTick, u.PrevBestTick, u.BestTick = tick, prevBest^flip, s.best^flip
	u.PrevQty, u.NewQty = prevQty, qty
}

// ClearDepth removes the levels of a side from its best price to price inclusive, all of it when price is not
// finite; hft.SideNone clears both sides whatever the price.
func (b *btreeBook) ClearDepth(side hft.Side, price float64) {
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

func (b *btreeBook) clearSide(s *btreeSide, flip int64, price float64) {
	if !finite(price) {
		s.reset()
		return
	}
	for key := b.clearKey(price, flip); s.best != noKey && s.best >= key; {
		s.qty.Delete(s.best)
		s.best = s.greatest()
	}
}

// ApplySnapshot empties the book and fills it from rows, of which only side, price and quantity count.
func (b *btreeBook) ApplySnapshot(rows []hft.Event) {
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
		s.qty.Set(key, rows[i].Qty)
		s.best = max(s.best, key)
	}
}

// Snapshot appends the book to dst, bids from the best downwards, then asks from the best upwards.
func (b *btreeBook) Snapshot(dst []hft.Event) []hft.Event {
	b.bid.qty.Reverse(func(key int64, qty float64) bool {
		dst = append(dst, b.row(key, bidFlip, qty))
		return true
	})
	b.ask.qty.Reverse(func(key int64, qty float64) bool {
		dst = append(dst, b.row(key, askFlip, qty))
		return true
	})
	return dst
}

func (s *btreeSide) get(key int64) float64 {
	qty, _ := s.qty.Get(key)
	return qty
}

func (s *btreeSide) greatest() int64 {
	if key, _, ok := s.qty.Max(); ok {
		return key
	}
	return noKey
}

func (s *btreeSide) least() int64 {
	if key, _, ok := s.qty.Min(); ok {
		return key
	}
	return noKey
}

func (s *btreeSide) reset() {
	s.best = noKey
	s.qty.Clear()
}

func (b *btreeBook) side(side hft.Side) *btreeSide {
	if side == hft.Buy {
		return &b.bid
	}
	return &b.ask
}

func (b *btreeBook) bestKey(side hft.Side) int64 { return b.side(side).best }

func (b *btreeBook) addQty(side hft.Side, key int64, qty float64) {
	s := b.side(side)
	s.qty.Set(key, s.get(key)+qty)
	s.best = max(s.best, key)
}

func (b *btreeBook) removeQty(side hft.Side, key int64, qty float64) {
	s := b.side(side)
	left := s.get(key) - qty
	if !b.zeroLots(left) {
		s.qty.Set(key, left)
		return
	}
	s.qty.Delete(key)
	switch {
	case key != s.best:
	case b.mode == Compat && side == hft.Buy:
		s.best = s.least()
	default:
		s.best = s.greatest()
	}
}

func (b *btreeBook) changeQty(side hft.Side, key int64, by float64) {
	s := b.side(side)
	s.qty.Set(key, s.get(key)+by)
}
