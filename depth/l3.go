package depth

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

var errInvalidL3Order = fmt.Errorf("depth: price has to be finite and within 2^53 ticks, quantity finite and not negative: %w",
	hft.ErrInvalidOrderRequest)

// orderLevels is what a book by order needs of a book by level. Keys and sides are as in scale.
type orderLevels interface {
	bestKey(side hft.Side) int64
	// addQty adds an order's quantity to a level and lets it become the best.
	addQty(side hft.Side, key int64, qty float64)
	// removeQty takes an order's quantity from a level, and the level from the book when it rounds to no lot.
	removeQty(side hft.Side, key int64, qty float64)
	// changeQty adds to a level without looking at the best.
	changeQty(side hft.Side, key int64, by float64)
	ClearDepth(side hft.Side, price float64)
}

// l3Orders is the part by order that all books share: orders by id over the levels of the book.
type l3Orders struct {
	orders map[uint64]L3Order
	scale  *scale
	levels orderLevels
}

func (o *l3Orders) init(s *scale, levels orderLevels) {
	o.orders, o.scale, o.levels = make(map[uint64]L3Order), s, levels
}

// AddBuyOrder adds a bid and returns the best bid before and after.
func (o *l3Orders) AddBuyOrder(orderID uint64, price, qty float64,
	timestampNs int64) (prevBestTick, bestTick int64, err error) {
	return o.add(hft.Buy, orderID, price, qty, timestampNs)
}

// AddSellOrder adds an ask and returns the best ask before and after.
func (o *l3Orders) AddSellOrder(orderID uint64, price, qty float64,
	timestampNs int64) (prevBestTick, bestTick int64, err error) {
	return o.add(hft.Sell, orderID, price, qty, timestampNs)
}

func (o *l3Orders) add(side hft.Side, orderID uint64, price, qty float64,
	timestampNs int64) (prevBestTick, bestTick int64, err error) {
	flip, best := flipOf(side), o.levels.bestKey(side)
	if _, known := o.orders[orderID]; known {
		return best ^ flip, best ^ flip, hft.ErrOrderIDExist
	}
	tick, ok := o.scale.priceTick(price)
	if !ok || o.scale.badQty(qty) {
		return best ^ flip, best ^ flip, errInvalidL3Order
	}
	o.orders[orderID] = L3Order{OrderID: orderID, Side: side, PriceTick: tick, Qty: qty, TimestampNs: timestampNs}
	o.levels.addQty(side, tick^flip, qty)
	return best ^ flip, o.levels.bestKey(side) ^ flip, nil
}

// DeleteOrder removes an order and returns its side and that side's best before and after.
func (o *l3Orders) DeleteOrder(orderID uint64, _ int64) (side hft.Side, prevBestTick, bestTick int64, err error) {
	order, ok := o.orders[orderID]
	if !ok {
		return hft.SideNone, 0, 0, hft.ErrOrderNotFound
	}
	delete(o.orders, orderID)
	flip, best := flipOf(order.Side), o.levels.bestKey(order.Side)
	o.levels.removeQty(order.Side, order.PriceTick^flip, order.Qty)
	return order.Side, best ^ flip, o.levels.bestKey(order.Side) ^ flip, nil
}

// ModifyOrder changes price and quantity of an order and returns its side and that side's best before and after. At
// the same price the order keeps its time and the level stays whatever its sum.
func (o *l3Orders) ModifyOrder(orderID uint64, price, qty float64,
	timestampNs int64) (side hft.Side, prevBestTick, bestTick int64, err error) {
	order, ok := o.orders[orderID]
	if !ok {
		return hft.SideNone, 0, 0, hft.ErrOrderNotFound
	}
	flip, best := flipOf(order.Side), o.levels.bestKey(order.Side)
	tick, ok := o.scale.priceTick(price)
	if !ok || o.scale.badQty(qty) {
		return order.Side, best ^ flip, best ^ flip, errInvalidL3Order
	}
	if tick == order.PriceTick {
		o.levels.changeQty(order.Side, tick^flip, qty-order.Qty)
	} else {
		o.levels.removeQty(order.Side, order.PriceTick^flip, order.Qty)
		o.levels.addQty(order.Side, tick^flip, qty)
		order.PriceTick, order.TimestampNs = tick, timestampNs
	}
	order.Qty = qty
	o.orders[orderID] = order
	return order.Side, best ^ flip, o.levels.bestKey(order.Side) ^ flip, nil
}

// ClearOrders forgets the orders and levels of a side, of both with hft.SideNone.
func (o *l3Orders) ClearOrders(side hft.Side) {
	if side == hft.SideNone {
		clear(o.orders)
	} else {
		for id, order := range o.orders {
			if order.Side == side {
				delete(o.orders, id)
			}
		}
	}
	o.levels.ClearDepth(side, math.NaN())
}

// Order returns a resting order.
func (o *l3Orders) Order(orderID uint64) (L3Order, bool) {
	order, ok := o.orders[orderID]
	return order, ok
}

// NumOrders returns the number of resting orders.
func (o *l3Orders) NumOrders() int { return len(o.orders) }
