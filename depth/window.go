package depth

import "github.com/hftrunner/hftrunner/hft"

// windowBook is what NewWindowMarketDepth returns.
type windowBook struct {
	scale
	l3Orders
	bid, ask windowSide
}

// windowSide is one side in keys. low is the bound down to which the best is searched.
type windowSide struct {
	best, low int64
	levels    ladder[float64]
}

// NewWindowMarketDepth returns an empty book of the kind that live bots use by default: the results of
// NewHashMapMarketDepth, in either mode, from a flat window of quantities around each side's best price. A bitmap over
// the window finds the next best level a word at a time; the window follows the market, and levels that fall out of it
// wait in a hash table. Setting a level in the window is a few instructions; only a move of the best by an eighth of
// the window (2048 ticks) costs more, about the time of looking at every far level once.
//
// tickSize and lotSize are finite and above 0 (New checks that). One goroutine uses a book; a bot's panics when another
// one reads it while the bot is within a call.
func NewWindowMarketDepth(tickSize, lotSize float64, mode ...Mode) Book {
	b := &windowBook{scale: newScale(tickSize, lotSize, modeOf(mode))}
	b.l3Orders.init(&b.scale, b)
	b.bid.reset()
	b.ask.reset()
	return b
}

// BestBid returns the best bid price, NaN when there is none.
func (b *windowBook) BestBid() float64 {
	b.look("depth: WindowMarketDepth.BestBid")
	return b.bestPrice(b.bid.best, bidFlip)
}

// BestAsk returns the best ask price, NaN when there is none.
func (b *windowBook) BestAsk() float64 {
	b.look("depth: WindowMarketDepth.BestAsk")
	return b.bestPrice(b.ask.best, askFlip)
}

// BestBidTick returns the best bid in ticks, hft.InvalidMin when there is none.
func (b *windowBook) BestBidTick() int64 {
	b.look("depth: WindowMarketDepth.BestBidTick")
	return b.bid.best
}

// BestAskTick returns the best ask in ticks, hft.InvalidMax when there is none.
func (b *windowBook) BestAskTick() int64 {
	b.look("depth: WindowMarketDepth.BestAskTick")
	return b.ask.best ^ askFlip
}

// BestBidQty returns the quantity at the best bid, 0 when there is none.
func (b *windowBook) BestBidQty() float64 {
	b.look("depth: WindowMarketDepth.BestBidQty")
	return b.bid.levels.get(b.bid.best)
}

// BestAskQty returns the quantity at the best ask, 0 when there is none.
func (b *windowBook) BestAskQty() float64 {
	b.look("depth: WindowMarketDepth.BestAskQty")
	return b.ask.levels.get(b.ask.best)
}

// BidQtyAtTick returns the bid quantity at a tick, 0 when there is none.
func (b *windowBook) BidQtyAtTick(priceTick int64) float64 {
	b.look("depth: WindowMarketDepth.BidQtyAtTick")
	return b.bid.levels.get(priceTick)
}

// AskQtyAtTick returns the ask quantity at a tick, 0 when there is none.
func (b *windowBook) AskQtyAtTick(priceTick int64) float64 {
	b.look("depth: WindowMarketDepth.AskQtyAtTick")
	return b.ask.levels.get(priceTick ^ askFlip)
}

// UpdateBidDepth sets the total quantity at a bid price; less than half a lot removes the level.
func (b *windowBook) UpdateBidDepth(price, qty float64, timestampNs int64) (u L2Update) {
	b.update(&b.bid, &b.ask, bidFlip, price, qty, &u)
	u.TimestampNs = timestampNs
	return u
}

// UpdateAskDepth sets the total quantity at an ask price; less than half a lot removes the level.
func (b *windowBook) UpdateAskDepth(price, qty float64, timestampNs int64) (u L2Update) {
	b.update(&b.ask, &b.bid, askFlip, price, qty, &u)
	u.TimestampNs = timestampNs
	return u
}

func (b *windowBook) applyLevels(rows []hft.Event) (n int) {
	for ; n < len(rows) && isLevel(&rows[n]); n++ {
		b.set(rows[n].Side(), rows[n].Px, rows[n].Qty)
	}
	return n
}

// set is UpdateBidDepth or UpdateAskDepth of which nobody wants the result.
func (b *windowBook) set(side hft.Side, price, qty float64) {
	own, other, flip := &b.bid, &b.ask, bidFlip
	if side == hft.Sell {
		own, other, flip = other, own, askFlip
	}
	tick, ok := b.quickTick(price)
	key := tick ^ flip
	qtyBits, plain := b.plainQty(qty)
	if !ok || !plain || !own.levels.inside(key) {
		var u L2Update
		b.updateRare(own, other, flip, price, qty, &u)
		return
	}
	own.put(key, qty, qtyBits)
	if key >= own.best || key < own.low {
		own.moveBounds(other, key, qty)
	}
}

// update writes its result through u: a struct of this size returned from call to call is copied in a way that stalls
// the processor.
func (b *windowBook) update(own, other *windowSide, flip int64, price, qty float64, u *L2Update) {
	tick, ok := b.quickTick(price)
	key := tick ^ flip
	qtyBits, plain := b.plainQty(qty)
	if !ok || !plain || !own.levels.inside(key) {
		b.updateRare(own, other, flip, price, qty, u)
		return
	}
	prevBest, prevQty := own.best, own.put(key, qty, qtyBits)
	if key >= prevBest || key < own.low {
		own.moveBounds(other, key, qty)
	}
	u.PriceTick, u.PrevBestTick, u.BestTick = tick, prevBest^flip, own.best^flip
	u.PrevQty, u.NewQty = prevQty, qty
}

// put sets the quantity of a key in the window, or takes it out where its bits are 0, and returns what there was.
// Whether a level goes or stays is a coin toss to the branch predictor: no branch on it.
func (s *windowSide) put(key int64, qty float64, qtyBits uint64) (old float64) {
	cell, word := &s.levels.cells[key&windowMask], &s.levels.words[uint64(key)>>6%windowWords]
	old, *cell = *cell, qty
	var used uint64
	if qtyBits != 0 {
		used = 1
	}
	*word = *word&^(1<<(uint64(key)&63)) | used<<(uint64(key)&63)
	return old
}

// moveBounds adjusts the best and the bound of its search after the level at key was set to qty.
func (s *windowSide) moveBounds(other *windowSide, key int64, qty float64) {
	if qty == 0 {
		if key == s.best {
			s.dropBest()
		}
		return
	}
	if key > s.best {
		s.raiseBest(key, other)
	}
	s.low = min(s.low, key)
}

// updateRare is update for any price and quantity.
func (b *windowBook) updateRare(own, other *windowSide, flip int64, price, qty float64, u *L2Update) {
	tick, ok := b.priceTick(price)
	if !ok {
		u.reject(tick, own.best, flip, 0)
		return
	}
	key, prevBest := tick^flip, own.best
	if b.badQty(qty) {
		u.reject(tick, own.best, flip, own.levels.get(key))
		return
	}
	prevQty := 0.0
	if own.levels.inside(key) {
		prevQty = own.levels.get(key)
		if qty >= b.minQty {
			own.levels.set(key, qty)
		} else {
			own.levels.delete(key)
		}
	} else {
		prevQty = own.levels.far.exchange(key, qty, qty >= b.minQty)
	}
	lots := qty
	if b.zeroLots(qty) {
		lots = 0
	}
	own.moveBounds(other, key, lots)
	u.PriceTick, u.PrevBestTick, u.BestTick = tick, prevBest^flip, own.best^flip
	u.PrevQty, u.NewQty = prevQty, qty
}

// ClearDepth removes the levels of a side from its best price to price inclusive, all of it when price is not
// finite; hft.SideNone clears both sides whatever the price.
func (b *windowBook) ClearDepth(side hft.Side, price float64) {
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

func (b *windowBook) clearSide(s *windowSide, flip int64, price float64) {
	if !finite(price) {
		s.reset()
		return
	}
	key := b.clearKey(price, flip)
	if s.best != noKey {
		s.levels.deleteRange(key, s.best)
	}
	// The reference starts behind the bound's neighbour, which stays in the book unseen.
	s.best = s.search(key-1, s.low)
	s.levels.follow(s.best)
	if s.best == noKey {
		s.low = noLow
	}
}

// ApplySnapshot empties the book and fills it from rows, of which only side, price and quantity count.
func (b *windowBook) ApplySnapshot(rows []hft.Event) {
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
		s.levels.set(key, rows[i].Qty)
		s.best, s.low = max(s.best, key), min(s.low, key)
		s.levels.follow(s.best)
	}
}

// Snapshot appends the book to dst, bids from the best downwards, then asks from the best upwards.
func (b *windowBook) Snapshot(dst []hft.Event) []hft.Event {
	b.bid.levels.descend(-maxTick-1, b.bid.best,
		func(key int64, qty float64) { dst = append(dst, b.row(key, bidFlip, qty)) })
	b.ask.levels.descend(-maxTick-1, b.ask.best,
		func(key int64, qty float64) { dst = append(dst, b.row(key, askFlip, qty)) })
	return dst
}

// dropBest searches the next best after the best level has gone.
func (s *windowSide) dropBest() {
	s.best = s.search(s.best, s.low)
	if s.best == noKey {
		s.low = noLow
		return
	}
	s.levels.follow(s.best)
}

// raiseBest makes key the best and takes the other side's best back behind it when the two cross.
func (s *windowSide) raiseBest(key int64, other *windowSide) {
	s.best = key
	s.levels.follow(key)
	if key >= ^other.best {
		other.best = other.search(^key, other.low)
		other.levels.follow(other.best)
	}
}

// search returns the best key in [low, below-1] that has a quantity, or noKey.
func (s *windowSide) search(below, low int64) int64 {
	if low >= below {
		return noKey
	}
	key := s.levels.next(low, below-1)
	for key != noKey && !(s.levels.get(key) > 0) { // a snapshot in mode Compat leaves such levels
		key = s.levels.next(low, key-1)
	}
	return key
}

func (s *windowSide) reset() {
	s.best, s.low = noKey, noLow
	s.levels.reset()
}

func (b *windowBook) side(side hft.Side) (own, other *windowSide) {
	if side == hft.Buy {
		return &b.bid, &b.ask
	}
	return &b.ask, &b.bid
}

func (b *windowBook) bestKey(side hft.Side) int64 {
	own, _ := b.side(side)
	return own.best
}

func (b *windowBook) addQty(side hft.Side, key int64, qty float64) {
	own, other := b.side(side)
	own.levels.set(key, own.levels.get(key)+qty)
	if key > own.best {
		own.raiseBest(key, other)
	}
	own.low = min(own.low, key)
}

func (b *windowBook) removeQty(side hft.Side, key int64, qty float64) {
	own, _ := b.side(side)
	left := own.levels.get(key) - qty
	if !b.zeroLots(left) {
		own.levels.set(key, left)
		return
	}
	own.levels.delete(key)
	if key == own.best {
		own.dropBest()
	}
}

func (b *windowBook) changeQty(side hft.Side, key int64, by float64) {
	own, _ := b.side(side)
	own.levels.set(key, own.levels.get(key)+by)
}
