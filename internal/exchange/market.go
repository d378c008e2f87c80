package exchange

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// OnEvent takes one event of the market: depth, snapshot and clear rows and trades with a side. An event whose price or
// quantity cannot be is ignored, as are all other kinds.
func (x *L2) OnEvent(timestampNs int64, e *hft.Event) {
	if x.err != nil {
		return
	}
	side := e.Side()
	switch e.Kind() {
	case hft.DepthClearEvent:
		x.book.ClearDepth(side, e.Px)
		x.refillCleared(side, e.Px)
		if side == hft.SideNone {
			x.forgetBounds()
		}
	case hft.DepthEvent, hft.DepthSnapshotEvent:
		if !x.sane(e) || side == hft.SideNone {
			return
		}
		if side == hft.Buy {
			x.onBid(timestampNs, e)
		} else {
			x.onAsk(timestampNs, e)
		}
	case hft.TradeEvent:
		if !x.sane(e) {
			return
		}
		switch side {
		case hft.Buy:
			x.onTrade(timestampNs, &x.sells, e, x.book.BestBidTick())
		case hft.Sell:
			x.onTrade(timestampNs, &x.buys, e, x.book.BestAskTick())
		}
	}
}

// sane reports whether price and quantity of an event can be.
func (x *desk) sane(e *hft.Event) bool {
	tick := hft.PriceTick(e.Px, x.tickSize)
	return finite(e.Px) && finite(e.Qty) && e.Qty >= 0 && tick > -maxTick && tick < maxTick
}

// ApplySnapshot replaces the book by rows, of which only side, price and quantity count. Orders do not move.
func (x *L2) ApplySnapshot(rows []hft.Event) {
	x.forgetBounds()
	x.book.ApplySnapshot(rows)
	x.refillCleared(hft.SideNone, 0)
	for i := range rows {
		tick := hft.PriceTick(rows[i].Px, x.tickSize)
		switch rows[i].Side() {
		case hft.Buy:
			x.lowBidTick = min(x.lowBidTick, tick)
		case hft.Sell:
			x.highAskTick = max(x.highAskTick, tick)
		}
	}
}

func (x *L2) onBid(timestampNs int64, e *hft.Event) {
	u := x.book.UpdateBidDepth(e.Px, e.Qty, timestampNs)
	x.lowBidTick = min(x.lowBidTick, u.PriceTick)
	for _, r := range x.buys.at(u.PriceTick) {
		x.queue.Depth(&r.order.queue, u.PrevQty, u.NewQty)
	}
	if u.BestTick > u.PrevBestTick {
		x.cross(timestampNs, &x.sells, u.PrevBestTick, u.BestTick)
	}
	if x.consumes {
		x.refill(timestampNs, &x.sells, &x.takenBids, u.PriceTick)
	}
}

func (x *L2) onAsk(timestampNs int64, e *hft.Event) {
	u := x.book.UpdateAskDepth(e.Px, e.Qty, timestampNs)
	x.highAskTick = max(x.highAskTick, u.PriceTick)
	for _, r := range x.sells.at(u.PriceTick) {
		x.queue.Depth(&r.order.queue, u.PrevQty, u.NewQty)
	}
	if u.BestTick < u.PrevBestTick {
		x.cross(timestampNs, &x.buys, u.PrevBestTick, u.BestTick)
	}
	if x.consumes {
		x.refill(timestampNs, &x.buys, &x.takenAsks, u.PriceTick)
	}
}

// cross fills the orders that the other side's best price, which was at prevTick, has reached.
func (x *L2) cross(timestampNs int64, l *ladder, prevTick, bestTick int64) {
	visited, reached := x.visits(l, prevTick, bestTick, true)
	for _, r := range visited {
		x.fill(timestampNs, r.order, r.order.LeavesQty, 0, sim.CauseCrossed)
		if x.err != nil {
			return
		}
	}
	x.drop(l, 0, reached)
}

// onTrade fills the orders at better prices than the trade's whole, and those at its price by their queue position.
// otherBestTick is the best price of the aggressor's side.
func (x *L2) onTrade(timestampNs int64, l *ladder, e *hft.Event, otherBestTick int64) {
	tradeTick := hft.PriceTick(e.Px, x.tickSize)
	limit := l.priority(tradeTick)
	visited, reached := x.visits(l, otherBestTick, tradeTick, false)
	for _, r := range visited {
		if r.priority < limit {
			x.fill(timestampNs, r.order, r.order.LeavesQty, 0, sim.CauseThrough)
		} else {
			x.queueTrade(timestampNs, r.order, e.Qty)
		}
		if x.err != nil {
			return
		}
	}
	x.drop(l, 0, reached)
	if x.sweeps {
		x.sweepOn(timestampNs, l, tradeTick, e.Qty)
	}
}

// queueTrade lets an order see a trade of qty at its price.
func (x *L2) queueTrade(timestampNs int64, o *order, qty float64) {
	x.queue.Trade(&o.queue, qty)
	filledQty := x.queue.TakeFilled(&o.queue, x.lotSize)
	if filledQty <= 0 {
		return
	}
	stays := x.partial && x.compat == sim.Stock && filledQty <= o.LeavesQty
	if !x.partial || filledQty > o.LeavesQty {
		filledQty = o.LeavesQty
	}
	x.fill(timestampNs, o, filledQty, 0, sim.CauseQueue)
	o.stays = stays && o.Status == hft.StatusFilled
}

// drop removes the filled ones of the orders from..to-1.
func (x *desk) drop(l *ladder, from, to int) {
	kept := from
	for i := from; i < to; i++ {
		o := l.rungs[i].order
		if o.Status != hft.StatusFilled || o.stays {
			l.rungs[kept] = l.rungs[i]
			kept++
			continue
		}
		x.orders.remove(o)
		x.pool.put(o)
	}
	if kept == to {
		return
	}
	rest := copy(l.rungs[kept:], l.rungs[to:])
	clear(l.rungs[kept+rest:])
	l.rungs = l.rungs[:kept+rest]
}
