package exchange

import (
	"cmp"
	"github.com/hftrunner/hftrunner/sim"
	"math"
	"slices"
)

// visits returns the orders of a side that an event reaches, in the order in which they fill. The event reaches prices
// up to reachTick; fromTick is the best price of the other side, before the event when the event moved it. The result
// is good until the next call and may be the ladder's own memory, of which the first reached orders are within reach.
//
// Ours is best price first, then arrival. The reference (P2 of its patched build, Q24) looks through all orders by id
// when there is no fromTick or when there are fewer orders than ticks between the prices, and otherwise at the ticks
// after fromTick, by id within a tick: upwards when the best price moved, from fromTick to reachTick for a trade.
func (x *L2) visits(l *ladder, fromTick, reachTick int64, upwards bool) (visited []rung, reached int) {
	limit := l.priority(reachTick)
	if len(l.rungs) == 0 || l.rungs[0].priority > limit {
		return nil, 0
	}
	reached = l.before(limit + 1)
	if x.compat == sim.Fixed {
		return l.rungs[:reached], reached
	}
	from := l.priority(fromTick)
	// The least priority is that of a price that is absent.
	if from == math.MinInt64 || int64(x.orders.count) < limit-from {
		x.visited = append(x.visited[:0], l.rungs[:reached]...)
		slices.SortFunc(x.visited, byID)
		return x.visited, reached
	}
	first := min(l.before(from+1), reached)
	x.visited = append(x.visited[:0], l.rungs[first:reached]...)
	if upwards && l.buy {
		slices.SortFunc(x.visited, worstFirst)
	} else {
		slices.SortFunc(x.visited, bestFirst)
	}
	return x.visited, reached
}

// byID orders by order id, then owner.
func byID(a, b rung) int {
	return cmp.Or(cmp.Compare(a.order.OrderID, b.order.OrderID), cmp.Compare(a.order.owner, b.order.owner))
}

func bestFirst(a, b rung) int { return cmp.Or(cmp.Compare(a.priority, b.priority), byID(a, b)) }

func worstFirst(a, b rung) int { return cmp.Or(cmp.Compare(b.priority, a.priority), byID(a, b)) }
