package depth

import (
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// FusedMarketDepth merges a venue's depth stream with its faster quote stream (FusedHashMapMarketDepth) and says what
// changed as events that a plain book can apply. Each update has an order: the venue's sequence number where both
// streams share one, or the exchange time, as in the reference. The greatest order wins; at equal orders the later call
// wins. A quote is taken for the whole truth about the best: better levels of its side are removed. Unlike the plain
// books it removes the levels that an update crosses.
//
// Emitted rows keep the flags of the event that caused them, and quotes come out as hft.DepthEvent, so that every
// row can be applied by a plain book and none is lost on the way.
//
// Mode Compat repeats these defects: an outdated update still moves the best; a quote without quantity becomes the
// best; an empty level of a snapshot can become the best, and best times from before the snapshot keep it from
// taking effect. In mode Fixed an outdated update does nothing, a quote without quantity removes its level, empty
// levels of a snapshot are skipped, and a snapshot starts over.
//
// It is built on the same flat windows as NewWindowMarketDepth's. One goroutine uses a book.
type FusedMarketDepth struct {
	scale
	bid, ask fusedSide
	removed  []float64
}

// Level is one price level with the order of its last change; see FusedMarketDepth.
type Level struct {
	PriceTick int64
	Qty       float64
	Order     int64
}

// NewFusedMarketDepth returns an empty book; tickSize and lotSize are finite and above 0.
func NewFusedMarketDepth(tickSize, lotSize float64, mode ...Mode) *FusedMarketDepth {
	b := &FusedMarketDepth{scale: newScale(tickSize, lotSize, modeOf(mode))}
	b.bid.reset()
	b.ask.reset()
	return b
}

// BestBid returns the best bid price, NaN when there is none.
func (b *FusedMarketDepth) BestBid() float64 { return b.bestPrice(b.bid.best, bidFlip) }

// BestAsk returns the best ask price, NaN when there is none.
func (b *FusedMarketDepth) BestAsk() float64 { return b.bestPrice(b.ask.best, askFlip) }

// BestBidTick returns the best bid in ticks, hft.InvalidMin when there is none.
func (b *FusedMarketDepth) BestBidTick() int64 { return b.bid.best }

// BestAskTick returns the best ask in ticks, hft.InvalidMax when there is none.
func (b *FusedMarketDepth) BestAskTick() int64 { return b.ask.best ^ askFlip }

// BestBidQty returns the quantity at the best bid, 0 when there is none.
func (b *FusedMarketDepth) BestBidQty() float64 { return b.bid.levels.get(b.bid.best).qty }

// BestAskQty returns the quantity at the best ask, 0 when there is none.
func (b *FusedMarketDepth) BestAskQty() float64 { return b.ask.levels.get(b.ask.best).qty }

// BidQtyAtTick returns the bid quantity at a tick, 0 when there is none.
func (b *FusedMarketDepth) BidQtyAtTick(priceTick int64) float64 {
	return b.bid.levels.get(priceTick).qty
}

// AskQtyAtTick returns the ask quantity at a tick, 0 when there is none.
func (b *FusedMarketDepth) AskQtyAtTick(priceTick int64) float64 {
	return b.ask.levels.get(priceTick ^ askFlip).qty
}

// PriceTick returns the tick of a price as hft.PriceTick does, faster.
func (b *FusedMarketDepth) PriceTick(price float64) int64 {
	if tick, ok := b.quickTick(price); ok {
		return tick
	}
	return hft.PriceTick(price, b.tickSize)
}

// BestBidOrder returns the order of the last change of the best bid, 0 before the first.
func (b *FusedMarketDepth) BestBidOrder() int64 { return b.bid.bestOrder }

// BestAskOrder returns the order of the last change of the best ask, 0 before the first.
func (b *FusedMarketDepth) BestAskOrder() int64 { return b.ask.bestOrder }

// LowBidTick returns the lowest tick at which a best bid is searched, hft.InvalidMax when there is none.
func (b *FusedMarketDepth) LowBidTick() int64 { return b.bid.low }

// HighAskTick returns the highest tick at which a best ask is searched, hft.InvalidMin when there is none.
func (b *FusedMarketDepth) HighAskTick() int64 { return b.ask.low ^ askFlip }

// Levels appends one side to dst, from the best on, crossed and empty levels left out.
func (b *FusedMarketDepth) Levels(side hft.Side, dst []Level) []Level {
	s, flip := &b.bid, bidFlip
	switch side {
	case hft.Buy:
	case hft.Sell:
		s, flip = &b.ask, askFlip
	default:
		return dst
	}
	s.levels.descend(-maxTick-1, s.best, func(key int64, level fusedLevel) {
		if level.qty > 0 {
			dst = append(dst, Level{PriceTick: key ^ flip, Qty: level.qty, Order: level.order})
		}
	})
	return dst
}

// Snapshot appends the whole book to dst as hft.DepthSnapshotEvent rows for both processors: bids from the highest
// down, then asks from the lowest up, with the levels' orders as exchange times and local times of 0.
func (b *FusedMarketDepth) Snapshot(dst []hft.Event) []hft.Event {
	for _, flip := range [...]int64{bidFlip, askFlip} {
		s := &b.bid
		if flip == askFlip {
			s = &b.ask
		}
		s.levels.descend(-maxTick-1, maxTick+1, func(key int64, level fusedLevel) {
			row := b.row(key, flip, level.qty)
			row.ExchTimestampNs = level.order
			dst = append(dst, row)
		})
	}
	return dst
}

// ApplySnapshot empties the book and fills it from rows, of which side, price, quantity and, as the order, exchange
// time count.
func (b *FusedMarketDepth) ApplySnapshot(rows []hft.Event) {
	b.bid.reset()
	b.ask.reset()
	if b.mode == Fixed {
		b.bid.bestOrder, b.ask.bestOrder = 0, 0
	}
	for i := range rows {
		key, flip, ok := b.snapshotLevel(&rows[i])
		if !ok {
			continue
		}
		s := &b.bid
		if flip == askFlip {
			s = &b.ask
		}
		order := rows[i].ExchTimestampNs
		s.set(key, rows[i].Qty, order)
		s.low = min(s.low, key)
		if key > s.best && (b.mode == Fixed || order >= s.bestOrder) {
			s.best, s.bestOrder = key, order
			s.levels.follow(key)
		}
	}
}

// Update applies one event of an order and appends to emit what changed: the event itself unless it was outdated or
// said nothing new, then a deletion for each level of the other side it crossed, then for each better level of its own
// side that a quote made obsolete, each group in ascending price. hft.DepthEvent and hft.DepthSnapshotEvent are updates
// of one level, hft.DepthBBOEvent is a quote, hft.DepthClearEvent clears as in L2MarketDepth.ClearDepth and sets the
// order of the best. Events of other kinds and levels without a side change and emit nothing. ev may not lie in emit's
// spare capacity.
func (b *FusedMarketDepth) Update(ev *hft.Event, order int64, emit []hft.Event) []hft.Event {
	b.removed = b.removed[:0]
	side := ev.Side()
	own, other, flip := &b.bid, &b.ask, bidFlip
	if side == hft.Sell {
		own, other, flip = &b.ask, &b.bid, askFlip
	}
	kind := ev.Kind()
	if kind == hft.DepthClearEvent {
		b.clear(side, ev.Px, order)
		return append(emit, *ev)
	}
	if side == hft.SideNone || kind != hft.DepthEvent && kind != hft.DepthSnapshotEvent && kind != hft.DepthBBOEvent {
		return emit
	}
	tick, ok := b.quickTick(ev.Px)
	if !ok {
		tick, ok = b.priceTick(ev.Px)
	}
	if !ok || b.badQty(ev.Qty) {
		return emit
	}
	return b.updateAt(own, other, tick^flip, kind, ev, order, emit)
}

// UpdateAt is Update where the tick of the event's price is known: what PriceTick has returned for it.
func (b *FusedMarketDepth) UpdateAt(ev *hft.Event, priceTick, order int64, emit []hft.Event) []hft.Event {
	side, kind := ev.Side(), ev.Kind()
	own, other, flip := &b.bid, &b.ask, bidFlip
	if side == hft.Sell {
		own, other, flip = &b.ask, &b.bid, askFlip
	}
	if side == hft.SideNone || kind != hft.DepthEvent && kind != hft.DepthBBOEvent ||
		uint64(priceTick)-1 >= maxQuickTick || b.badQty(ev.Qty) {
		return b.Update(ev, order, emit)
	}
	b.removed = b.removed[:0]
	return b.updateAt(own, other, priceTick^flip, kind, ev, order, emit)
}

// updateAt updates a level of own.
func (b *FusedMarketDepth) updateAt(own, other *fusedSide, key int64, kind uint64, ev *hft.Event, order int64,
	emit []hft.Event) []hft.Event {
	switch {
	case kind == hft.DepthBBOEvent && (b.mode == Compat || ev.Qty >= b.minQty):
		return b.quote(own, other, key, ev, order, emit)
	case key >= own.best || key >= ^other.best || b.mode == Compat:
		return b.level(own, other, key, ev, order, emit)
	case !own.levels.inside(key):
		return b.farBehindBest(own, key, ev, order, emit)
	case own.put(key, ev.Qty, b.minQty, order) != 0:
		return appendPlain(emit, ev)
	}
	return emit
}

// flipOf returns the flip of a side.
func (b *FusedMarketDepth) flipOf(s *fusedSide) int64 {
	if s == &b.ask {
		return askFlip
	}
	return bidFlip
}

// Removed returns the quantities that the levels had which the last Update removed beside its own. Their deletions are
// the last rows it appended, in the same order. The memory is the book's, until the next Update.
func (b *FusedMarketDepth) Removed() []float64 { return b.removed }

// level applies an update of the depth stream.
func (b *FusedMarketDepth) level(own, other *fusedSide, key int64, ev *hft.Event, order int64,
	emit []hft.Event) []hft.Event {
	if key >= own.best && order < own.bestOrder || key >= ^other.best && order < other.bestOrder {
		return emit
	}
	level, present := own.levels.lookup(key)
	switch {
	case present && order < level.order:
		if b.mode == Fixed {
			return emit
		}
	case ev.Qty >= b.minQty:
		own.set(key, ev.Qty, order)
		emit = appendPlain(emit, ev)
	case present:
		own.levels.delete(key)
		emit = appendPlain(emit, ev)
	}
	if b.zeroLots(ev.Qty) {
		if key == own.best {
			own.dropBest(order)
		}
		return emit
	}
	if key >= own.best {
		own.best, own.bestOrder = key, order
		own.levels.follow(key)
		emit = b.uncross(own, other, ev, order, emit)
	}
	own.low = min(own.low, key)
	return emit
}

// quote applies an update of the quote stream.
func (b *FusedMarketDepth) quote(own, other *fusedSide, key int64, ev *hft.Event, order int64,
	emit []hft.Event) []hft.Event {
	if order < own.bestOrder || key >= ^other.best && order < other.bestOrder {
		return emit
	}
	if key == own.best {
		if level, present := own.levels.lookup(key); present && level.qty == ev.Qty {
			own.bestOrder = order
			return emit
		}
	}
	own.set(key, ev.Qty, order)
	emit = appendPlain(emit, ev)
	old := own.best
	own.best, own.bestOrder = key, order
	own.low = min(own.low, key)
	emit = b.uncross(own, other, ev, order, emit)
	if key < old {
		emit = b.remove(own, key+1, old, ev, emit)
	}
	own.levels.follow(key)
	return emit
}

// uncross takes the other side back behind own's best and removes the levels it passes.
func (b *FusedMarketDepth) uncross(own, other *fusedSide, ev *hft.Event, order int64, emit []hft.Event) []hft.Event {
	if own.best < ^other.best {
		return emit
	}
	old, from := other.best, ^own.best
	other.best = other.search(from, other.low)
	other.bestOrder = order
	if other.best != noKey {
		from = other.best + 1
	} else {
		other.low = noLow
	}
	emit = b.remove(other, from, old, ev, emit)
	other.levels.follow(other.best)
	return emit
}

// remove takes the levels in [low, high] out and emits their deletions in ascending price.
func (b *FusedMarketDepth) remove(s *fusedSide, low, high int64, cause *hft.Event, emit []hft.Event) []hft.Event {
	flip := b.flipOf(s)
	start, first := len(emit), len(b.removed)
	deletion := hft.Event{Ev: cause.Ev&(hft.ExchEvent|hft.LocalEvent|hft.EstimatedTime) | sideFlag(flip) | hft.DepthEvent,
		ExchTimestampNs: cause.ExchTimestampNs, LocalTimestampNs: cause.LocalTimestampNs}
	s.levels.descend(low, high, func(key int64, level fusedLevel) {
		s.levels.delete(key)
		b.removed = append(b.removed, level.qty)
		deletion.Px = hft.TickPrice(key^flip, b.tickSize)
		emit = append(emit, deletion)
	})
	if flip == bidFlip {
		slices.Reverse(emit[start:])
		slices.Reverse(b.removed[first:])
	}
	return emit
}

func (b *FusedMarketDepth) clear(side hft.Side, price float64, order int64) {
	if side != hft.Sell {
		b.clearSide(&b.bid, bidFlip, side, price, order)
	}
	if side != hft.Buy {
		b.clearSide(&b.ask, askFlip, side, price, order)
	}
}

func (b *FusedMarketDepth) clearSide(s *fusedSide, flip int64, side hft.Side, price float64, order int64) {
	s.bestOrder = order
	if side == hft.SideNone || !finite(price) {
		s.reset()
		return
	}
	key := b.clearKey(price, flip)
	if s.best != noKey {
		s.levels.deleteRange(key, s.best)
	}
	// As in the plain books, the bound's neighbour stays in the book unseen.
	s.best = s.search(key-1, s.low)
	s.levels.follow(s.best)
	if s.best == noKey {
		s.low = noLow
	}
}

// appendPlain appends the event as a plain book takes it.
func appendPlain(emit []hft.Event, ev *hft.Event) []hft.Event {
	n := len(emit)
	if n == cap(emit) {
		emit = append(emit, *ev)
	}
	emit = emit[:n+1]
	putPlain(&emit[n], ev)
	return emit
}

// putPlain stores the event as a plain book takes it, field by field: the event has been written just now, and what was
// written in parts is not read in larger ones without waiting.
func putPlain(row, ev *hft.Event) {
	row.Ev = ev.Ev
	if ev.Kind() == hft.DepthBBOEvent {
		row.Ev = ev.Ev&^uint64(0xff) | hft.DepthEvent
	}
	row.ExchTimestampNs, row.LocalTimestampNs = ev.ExchTimestampNs, ev.LocalTimestampNs
	row.Px, row.Qty = ev.Px, ev.Qty
	row.OrderID, row.Ival, row.Fval = ev.OrderID, ev.Ival, ev.Fval
}
