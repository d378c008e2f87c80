package local

import "slices"

// orderNote is a bot's state for one of its orders, besides the order.
type orderNote struct {
	orderID uint64
	// prevPriceTick and prevQty are what a modify replaced, to be restored when it is refused.
	prevPriceTick int64
	prevQty       float64
	// answered is true if a response has been processed which no WaitOrderResponse has returned for yet.
	answered bool
}

// orderNotes holds the notes of one asset's orders in ascending order id.
type orderNotes struct{ sorted []orderNote }

func (n *orderNotes) find(orderID uint64) (int, bool) {
	last := len(n.sorted) - 1
	if last < 0 || n.sorted[last].orderID < orderID { // ids mostly ascend
		return last + 1, false
	}
	return slices.BinarySearchFunc(n.sorted, orderID, func(e orderNote, id uint64) int {
		switch {
		case e.orderID < id:
			return -1
		case e.orderID > id:
			return 1
		}
		return 0
	})
}

// of returns the note of an order, a new one when there is none; it is valid until the next call.
func (n *orderNotes) of(orderID uint64) *orderNote {
	i, ok := n.find(orderID)
	if !ok {
		n.sorted = slices.Insert(n.sorted, i, orderNote{orderID: orderID})
	}
	return &n.sorted[i]
}

// drop forgets the note of an order.
func (n *orderNotes) drop(orderID uint64) {
	if i, ok := n.find(orderID); ok {
		n.sorted = slices.Delete(n.sorted, i, i+1)
	}
}
