package exchange

import "github.com/hftrunner/hftrunner/hft"

// fifo holds the queues of an L3 exchange, one at every price of each side: orders of the feed and of the bots mixed,
// who arrived first is first (L3FIFOQueueModel). Ids of the feed and of the bots have nothing to do with each other.
//
// What is asked of a queue is only who stands before whom. So there are no lists: every order has the number of its
// arrival, the bots' orders lie in their ladders, the many orders of the feed in a table by id, and an order leaves
// without anyone looking for its place. In steady state nothing allocates.
type fifo struct {
	arrivals    uint64 // the number given last; numbers begin with 1
	feed        feedTable
	buys, sells ladder
}

func newFIFO() fifo { return fifo{buys: ladder{buy: true}} }

// side returns the bots' orders of a side.
func (q *fifo) side(s hft.Side) *ladder {
	if s == hft.Buy {
		return &q.buys
	}
	return &q.sells
}

// join puts an order of a bot behind all others at its price.
func (q *fifo) join(o *order) {
	q.arrivals++
	o.arrival = q.arrivals
	q.side(o.Side).insert(o)
}

// leave takes out an order of a bot that is there.
func (q *fifo) leave(o *order) { q.side(o.Side).remove(o) }

// addFeed puts an order of the feed behind all others at its price, and reports whether its id was free.
func (q *fifo) addFeed(s hft.Side, orderID uint64, priceTick int64, qty float64) bool {
	if q.feed.get(orderID) != nil {
		return false
	}
	q.arrivals++
	q.feed.put(feedOrder{id: orderID, arrival: q.arrivals, priceTick: priceTick, qty: qty, side: s})
	return true
}

// modifyFeed changes an order of the feed, and reports whether it was there. It keeps its place only at the same price
// and with a quantity that did not grow.
func (q *fifo) modifyFeed(orderID uint64, priceTick int64, qty float64) bool {
	f := q.feed.get(orderID)
	if f == nil {
		return false
	}
	if f.priceTick != priceTick || qty > f.qty {
		q.arrivals++
		f.arrival = q.arrivals
	}
	f.priceTick, f.qty = priceTick, qty
	return true
}

// cancelFeed takes out an order of the feed, and reports whether it was there.
func (q *fifo) cancelFeed(orderID uint64) bool { return q.feed.remove(orderID) }

// clearFeed forgets the feed's orders of a side, of both with hft.SideNone.
func (q *fifo) clearFeed(s hft.Side) { q.feed.clear(s) }

// before returns where the bots' orders that stand before an order of the feed at its price lie in the ladder of its
// side.
func (q *fifo) before(f *feedOrder) (from, to int) {
	l := q.side(f.side)
	p := l.priority(f.priceTick)
	from = l.before(p)
	to = from
	for to < len(l.rungs) && l.rungs[to].priority == p && l.rungs[to].order.arrival < f.arrival {
		to++
	}
	return from, to
}

// feedOrder is one order of the feed in a queue.
type feedOrder struct {
	id        uint64
	arrival   uint64 // 0 in an empty slot
	priceTick int64
	qty       float64
	side      hft.Side
}

// feedTable finds the feed's orders by id. It works like orderTable, but holds the orders themselves: a feed has a
// hundred thousand of them, and each event looks for one. The zero value is ready.
type feedTable struct {
	slots []feedOrder // its length is a power of two, at least a quarter of it is empty
	count int
}

// find returns the slot of the order, or the empty slot where it belongs. slots must not be empty.
func (t *feedTable) find(id uint64) int {
	mask := len(t.slots) - 1
	for i := int(hashKey(0, id)) & mask; ; i = (i + 1) & mask {
		if f := &t.slots[i]; f.arrival == 0 || f.id == id {
			return i
		}
	}
}

// get returns the order or nil. The pointer is good until the table is changed.
func (t *feedTable) get(id uint64) *feedOrder {
	if t.count == 0 {
		return nil
	}
	if f := &t.slots[t.find(id)]; f.arrival != 0 {
		return f
	}
	return nil
}

// put adds an order that is not there.
func (t *feedTable) put(f feedOrder) {
	if 4*(t.count+1) > 3*len(t.slots) {
		old := t.slots
		t.slots = make([]feedOrder, max(64, 2*len(old)))
		for i := range old {
			if old[i].arrival != 0 {
				t.slots[t.find(old[i].id)] = old[i]
			}
		}
	}
	t.slots[t.find(f.id)] = f
	t.count++
}

// remove takes out an order, and reports whether it was there.
func (t *feedTable) remove(id uint64) bool {
	if t.count == 0 {
		return false
	}
	i := t.find(id)
	if t.slots[i].arrival == 0 {
		return false
	}
	t.empty(i)
	return true
}

// empty takes out the order of a slot. Orders after it move up, which may fill the slot again.
func (t *feedTable) empty(hole int) {
	mask := len(t.slots) - 1
	t.slots[hole] = feedOrder{}
	t.count--
	for i := (hole + 1) & mask; t.slots[i].arrival != 0; i = (i + 1) & mask {
		home := int(hashKey(0, t.slots[i].id)) & mask
		if (i-home)&mask >= (i-hole)&mask {
			t.slots[hole], t.slots[i] = t.slots[i], feedOrder{}
			hole = i
		}
	}
}

// clear takes out the orders of a side, all of them with hft.SideNone.
func (t *feedTable) clear(s hft.Side) {
	if s == hft.SideNone {
		clear(t.slots)
		t.count = 0
		return
	}
	for i := 0; i < len(t.slots); {
		if t.slots[i].arrival != 0 && t.slots[i].side == s {
			t.empty(i)
		} else {
			i++
		}
	}
}
