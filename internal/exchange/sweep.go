package exchange

import "github.com/hftrunner/hftrunner/hft"

// sweepTicks is how far a trade sweeps at most, so that one of an absurd size ends.
const sweepTicks = 10_000

// sweepOn lets what a trade has left after the quantity displayed at its price trade on through the next displayed
// levels. The orders of l up to such a level see the rest as a trade at their price; every level takes its quantity
// off the rest, own orders take nothing. A trade where nothing was displayed met an order that the feed never showed,
// and says nothing about the levels behind.
func (x *L2) sweepOn(timestampNs int64, l *ladder, tradeTick int64, qty float64) {
	aggressor := hft.Buy
	if l.buy {
		aggressor = hft.Sell
	}
	first := l.before(l.priority(tradeTick) + 1)
	if first == len(l.rungs) || x.displayed(aggressor, tradeTick) <= 0 {
		return
	}
	step := int64(aggressor)
	endTick := x.bound(aggressor, tradeTick+step*sweepTicks)
	leftQty := qty - x.available(aggressor, tradeTick)
	i := first
	for tick := tradeTick + step; i < len(l.rungs) && hft.QtyLots(leftQty, x.lotSize) > 0 &&
		within(aggressor, tick, endTick); tick += step {
		displayedQty := x.available(aggressor, tick)
		if displayedQty <= 0 {
			continue
		}
		for limit := l.priority(tick); i < len(l.rungs) && l.rungs[i].priority <= limit; i++ {
			x.queueTrade(timestampNs, l.rungs[i].order, leftQty)
		}
		leftQty -= displayedQty
	}
	x.drop(l, first, i)
}
