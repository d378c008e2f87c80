package exchange

import "slices"

// ladder holds the resting orders of one side, best price first and at one price in order of arrival, which is also
// the order in which they fill.
type ladder struct {
	buy   bool
	rungs []rung
}

// rung is one order under its priority: lower is better.
type rung struct {
	priority int64
	order    *order
}

// priority turns a price into a number that is lower for a better price of the side. The complement falls as the price
// rises and, unlike the negative, exists for every price.
func (l *ladder) priority(priceTick int64) int64 {
	if l.buy {
		return ^priceTick
	}
	return priceTick
}

// before returns the number of orders with a priority before the given one.
func (l *ladder) before(priority int64) int {
	low, high := 0, len(l.rungs)
	for low < high {
		mid := int(uint(low+high) / 2)
		if l.rungs[mid].priority < priority {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// at returns the orders at a price.
func (l *ladder) at(priceTick int64) []rung {
	p := l.priority(priceTick)
	if n := len(l.rungs); n == 0 || p < l.rungs[0].priority || p > l.rungs[n-1].priority {
		return nil
	}
	from := l.before(p)
	to := from
	for to < len(l.rungs) && l.rungs[to].priority == p {
		to++
	}
	return l.rungs[from:to]
}

// insert adds an order behind those of its price.
func (l *ladder) insert(o *order) {
	p := l.priority(o.PriceTick)
	i := len(l.rungs)
	if i > 0 && l.rungs[i-1].priority > p {
		i = l.before(p)
		for i < len(l.rungs) && l.rungs[i].priority == p {
			i++
		}
	}
	l.rungs = slices.Insert(l.rungs, i, rung{p, o})
}

// remove takes out an order that is there.
func (l *ladder) remove(o *order) {
	for i := l.before(l.priority(o.PriceTick)); i < len(l.rungs); i++ {
		if l.rungs[i].order == o {
			l.rungs = slices.Delete(l.rungs, i, i+1)
			return
		}
	}
}
