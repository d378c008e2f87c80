package hft

import (
	"iter"
	"slices"
)

// OrderMap holds a bot's orders on one instrument, in ascending order id, and recycles the memory of removed ones,
// so that a steady flow of orders allocates nothing. The zero value is ready. The Bot owns it and is the only one to
// change it; a strategy sees it as Orders. Not safe for concurrent use.
type OrderMap struct {
	sorted []*Order
	free   []*Order
}

func (m *OrderMap) find(orderID uint64) (int, bool) {
	n := len(m.sorted)
	if n == 0 || m.sorted[n-1].OrderID < orderID { // ids mostly ascend
		return n, false
	}
	return slices.BinarySearchFunc(m.sorted, orderID, func(o *Order, id uint64) int {
		switch {
		case o.OrderID < id:
			return -1
		case o.OrderID > id:
			return 1
		}
		return 0
	})
}

// Get returns the order with that id, or nil.
func (m *OrderMap) Get(orderID uint64) *Order {
	if i, ok := m.find(orderID); ok {
		return m.sorted[i]
	}
	return nil
}

// Put stores a copy of o, replacing an order of the same id, and returns the stored one.
func (m *OrderMap) Put(o *Order) *Order {
	i, ok := m.find(o.OrderID)
	if !ok {
		var stored *Order
		if n := len(m.free); n > 0 {
			stored, m.free = m.free[n-1], m.free[:n-1]
		} else {
			stored = new(Order)
		}
		m.sorted = slices.Insert(m.sorted, i, stored)
	}
	*m.sorted[i] = *o
	return m.sorted[i]
}

// Delete removes the order with that id and reports whether there was one.
func (m *OrderMap) Delete(orderID uint64) bool {
	i, ok := m.find(orderID)
	if !ok {
		return false
	}
	m.free = append(m.free, m.sorted[i])
	m.sorted = slices.Delete(m.sorted, i, i+1)
	return true
}

// DeleteFunc removes the orders for which del reports true.
func (m *OrderMap) DeleteFunc(del func(*Order) bool) {
	kept := m.sorted[:0]
	for _, o := range m.sorted {
		if del(o) {
			m.free = append(m.free, o)
		} else {
			kept = append(kept, o)
		}
	}
	clear(m.sorted[len(kept):])
	m.sorted = kept
}

// View returns the read side for a strategy.
func (m *OrderMap) View() Orders { return Orders{m} }

// Orders is a strategy's view of its orders on one instrument. It stays current; the orders it hands out belong to
// the Bot, are not to be changed, and are valid until the next call on the Bot.
type Orders struct{ m *OrderMap }

// Len returns the number of orders, final ones included until they are cleared.
func (o Orders) Len() int { return len(o.m.sorted) }

// Get returns the order with that id, or nil.
func (o Orders) Get(orderID uint64) *Order { return o.m.Get(orderID) }

// All ranges over the orders in ascending order id. Requests may be sent while ranging: the range sees the orders
// that were there when it began.
func (o Orders) All() iter.Seq[*Order] {
	return func(yield func(*Order) bool) {
		// Removal and insertion shift the slice, so step by id instead of index.
		next, i := uint64(0), 0
		for n := len(o.m.sorted); n > 0; n-- {
			if i >= len(o.m.sorted) || o.m.sorted[i].OrderID < next || (i > 0 && o.m.sorted[i-1].OrderID >= next) {
				i, _ = o.m.find(next)
			}
			if i >= len(o.m.sorted) {
				return
			}
			order := o.m.sorted[i]
			next = order.OrderID + 1
			i++
			if !yield(order) || next == 0 {
				return
			}
		}
	}
}
