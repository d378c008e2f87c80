package exchange

import (
	"cmp"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// consumed is what own orders have taken of the quantities displayed on one side since the feed last showed them. It
// grows with the levels taken from and then allocates nothing more.
type consumed struct {
	levels []consumedLevel // ascending by price
}

type consumedLevel struct {
	priceTick int64
	qty       float64
}

func (c *consumed) find(priceTick int64) (i int, found bool) {
	return slices.BinarySearchFunc(c.levels, priceTick,
		func(l consumedLevel, tick int64) int { return cmp.Compare(l.priceTick, tick) })
}

// at returns what was taken at a price.
func (c *consumed) at(priceTick int64) float64 {
	if i, found := c.find(priceTick); found {
		return c.levels[i].qty
	}
	return 0
}

// add takes qty at a price.
func (c *consumed) add(priceTick int64, qty float64) {
	i, found := c.find(priceTick)
	if !found {
		c.levels = slices.Insert(c.levels, i, consumedLevel{priceTick: priceTick})
	}
	c.levels[i].qty += qty
}

// forget gives back what was taken between two prices inclusive.
func (c *consumed) forget(lowTick, highTick int64) {
	if len(c.levels) == 0 || lowTick > highTick {
		return
	}
	from, _ := c.find(lowTick)
	to, found := c.find(highTick)
	if found {
		to++
	}
	c.levels = slices.Delete(c.levels, from, to)
}

// displayed returns what the feed displays at a price for orders of that side to take.
func (x *L2) displayed(s hft.Side, priceTick int64) float64 {
	if s == hft.Buy {
		return x.book.AskQtyAtTick(priceTick)
	}
	return x.book.BidQtyAtTick(priceTick)
}

// available returns what an order of that side could take at a price: what is displayed there, less what own orders
// took of it.
func (x *L2) available(s hft.Side, priceTick int64) float64 {
	displayedQty, taken := x.displayed(s, priceTick), &x.takenBids
	if s == hft.Buy {
		taken = &x.takenAsks
	}
	if len(taken.levels) == 0 {
		return displayedQty
	}
	qty := displayedQty - taken.at(priceTick)
	if hft.QtyLots(qty, x.lotSize) <= 0 {
		return 0 // also not the residue of subtracting floats
	}
	return qty
}

// touchLeft is touch without the prices at which own orders took everything: from bestTick on, it returns the first
// price of the other side at which o could take anything, and whether the limit of o reaches it.
func (x *L2) touchLeft(o *order, bestTick int64) (tick int64, crosses bool) {
	absentTick := hft.InvalidMax
	if o.Side == hft.Sell {
		absentTick = hft.InvalidMin
	}
	if bestTick == absentTick {
		return absentTick, false
	}
	endTick := x.bound(o.Side, absentTick)
	for tick := bestTick; within(o.Side, tick, endTick); tick += int64(o.Side) {
		if x.available(o.Side, tick) > 0 {
			return tick, within(o.Side, tick, o.PriceTick)
		}
	}
	return absentTick, false
}

// take executes qty of a taking order at a price and remembers that it is gone there.
func (x *L2) take(timestampNs int64, o *order, qty float64, priceTick int64) {
	x.fill(timestampNs, o, qty, priceTick, sim.CauseTaker)
	x.use(o.Side, qty, priceTick)
}

func (x *L2) use(s hft.Side, qty float64, priceTick int64) {
	switch {
	case !x.consumes:
	case s == hft.Buy:
		x.takenAsks.add(priceTick, qty)
	default:
		x.takenBids.add(priceTick, qty)
	}
}

// refill forgets what was taken at a price, because the feed shows it anew. A resting order that had taken all there
// was up to its limit may rest at or beyond the price: it gets what is shown now.
func (x *L2) refill(timestampNs int64, l *ladder, taken *consumed, priceTick int64) {
	taken.forget(priceTick, priceTick)
	limit := l.priority(priceTick)
	if len(l.rungs) == 0 || l.rungs[0].priority > limit {
		return
	}
	n := 0
	for ; n < len(l.rungs) && l.rungs[n].priority <= limit; n++ {
		o := l.rungs[n].order
		qty := min(x.available(o.Side, priceTick), o.LeavesQty)
		if qty <= 0 {
			break
		}
		x.fill(timestampNs, o, qty, 0, sim.CauseCrossed)
		x.use(o.Side, qty, priceTick)
	}
	x.drop(l, 0, n)
}

// refillCleared forgets what was taken at the prices that a clear removed; see depth.L2MarketDepth.ClearDepth.
func (x *L2) refillCleared(side hft.Side, price float64) {
	lowTick, highTick := hft.InvalidMin, hft.InvalidMax
	if finite(price) && side == hft.Buy {
		lowTick = hft.PriceTick(price, x.tickSize)
	} else if finite(price) && side == hft.Sell {
		highTick = hft.PriceTick(price, x.tickSize)
	}
	if side != hft.Sell {
		x.takenBids.forget(lowTick, hft.InvalidMax)
	}
	if side != hft.Buy {
		x.takenAsks.forget(hft.InvalidMin, highTick)
	}
}
