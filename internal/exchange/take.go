package exchange

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// marketTicks is how many ticks a market order walks at most when displayed quantities count.
const marketTicks = 100

// takeLimit executes a limit order that reaches the other side. It reports whether the last execution has told the
// order's final state.
func (x *L2) takeLimit(timestampNs int64, o *order, touchTick int64) (reported bool) {
	if !x.partial {
		x.fill(timestampNs, o, o.LeavesQty, touchTick, sim.CauseTaker)
		return x.compat == sim.Fixed
	}
	switch {
	case o.TimeInForce == hft.IOC:
		x.walk(timestampNs, o, touchTick, o.PriceTick)
	case o.TimeInForce == hft.FOK:
		lastTick, ok := x.covers(o, touchTick)
		if !ok {
			break
		}
		x.walk(timestampNs, o, touchTick, o.PriceTick)
		if o.Status != hft.StatusFilled {
			// Enough in whole lots, but the order is no whole number of lots: kill or fill leaves no remainder.
			x.fill(timestampNs, o, o.LeavesQty, lastTick, sim.CauseTaker)
		}
	case x.consumes:
		x.walk(timestampNs, o, touchTick, o.PriceTick)
		if o.Status != hft.StatusFilled {
			x.rest(o)
			o.Status = hft.StatusPartiallyFilled // as its last execution has told
			return true
		}
	default:
		// What the better prices do not give executes at the limit, whatever is displayed there.
		endTick := o.PriceTick - int64(o.Side)
		if o.Side == hft.Sell && x.compat != sim.Fixed {
			endTick = o.PriceTick
		}
		x.walk(timestampNs, o, touchTick, endTick)
		if o.Status != hft.StatusFilled {
			x.fill(timestampNs, o, o.LeavesQty, o.PriceTick, sim.CauseTaker)
		}
	}
	return x.finish(o)
}

// takeMarket executes a market order; see takeLimit.
func (x *L2) takeMarket(timestampNs int64, o *order, touchTick int64) (reported bool) {
	empty := touchTick == hft.InvalidMax || touchTick == hft.InvalidMin
	switch {
	case empty && (x.partial || x.compat == sim.Fixed):
	case !x.partial:
		x.fill(timestampNs, o, o.LeavesQty, touchTick, sim.CauseTaker)
	default:
		endTick := touchTick + int64(o.Side)*(marketTicks-1)
		if o.Side == hft.Sell && x.compat != sim.Fixed {
			endTick--
		}
		x.walk(timestampNs, o, touchTick, endTick)
	}
	return x.finish(o)
}

// finish expires what is left of a taking order, and reports whether its final state has been told.
func (x *L2) finish(o *order) (reported bool) {
	if o.Status == hft.StatusFilled {
		return x.compat == sim.Fixed
	}
	o.Status = hft.StatusExpired
	return false
}

// bound cuts a walk at the last price that anything may be displayed at.
func (x *L2) bound(s hft.Side, endTick int64) int64 {
	if s == hft.Buy {
		return min(endTick, x.highAskTick)
	}
	return max(endTick, x.lowBidTick)
}

// within reports whether a walk has not passed its end. The difference of the ticks could overflow.
func within(s hft.Side, tick, endTick int64) bool {
	if s == hft.Buy {
		return tick <= endTick
	}
	return tick >= endTick
}

// walk executes o against the displayed quantities from touchTick to endTick, one execution a price, until it is
// filled. The book itself does not change.
func (x *L2) walk(timestampNs int64, o *order, touchTick, endTick int64) {
	step := int64(o.Side)
	endTick = x.bound(o.Side, endTick)
	for tick := touchTick; within(o.Side, tick, endTick); tick += step {
		if qty := x.available(o.Side, tick); qty > 0 {
			x.take(timestampNs, o, min(qty, o.LeavesQty), tick)
			if o.Status == hft.StatusFilled {
				return
			}
		}
	}
}

// covers reports whether the displayed quantities within the limit fill o, and at which price the last of it executes.
func (x *L2) covers(o *order, touchTick int64) (lastTick int64, ok bool) {
	step := int64(o.Side)
	endTick := x.bound(o.Side, o.PriceTick)
	wantedLots := hft.QtyLots(o.LeavesQty, x.lotSize)
	sumQty := 0.0
	for tick := touchTick; within(o.Side, tick, endTick); tick += step {
		if qty := x.available(o.Side, tick); qty > 0 {
			sumQty += qty
			if hft.QtyLots(sumQty, x.lotSize) >= wantedLots {
				return tick, true
			}
		}
	}
	return 0, false
}
