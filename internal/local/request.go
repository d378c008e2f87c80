package local

import (
	"math"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// Submission returns the order that a request asks for, not yet part of the Asset. Errors: hft.ErrInvalidOrderRequest
// for a quantity that is not a whole number of lots, 1 or more; of a limit order, a price that is not finite and above
// 0, or of less than half a tick; a side other than Buy and Sell; an unknown order type or time in force;
// hft.ErrOrderIDExist.
func (a *Asset) Submission(r *hft.OrderRequest) (hft.Order, error) {
	priceTick, ok := orderTick(r, a.tickSize)
	if !ok || !a.validQty(r.Qty) {
		return hft.Order{}, hft.ErrInvalidOrderRequest
	}
	if a.Orders.Get(r.OrderID) != nil {
		return hft.Order{}, hft.ErrOrderIDExist
	}
	o := hft.NewOrder(r.OrderID, priceTick, a.tickSize, r.Qty, r.Side, r.OrdType, r.TimeInForce)
	o.Req = hft.StatusNew
	return o, nil
}

// Modification returns an order as it will be with a new price and quantity, not yet part of the Asset. Errors as
// Cancellation, and hft.ErrInvalidOrderRequest for a price or quantity that Submission would refuse.
func (a *Asset) Modification(orderID uint64, price, qty float64) (hft.Order, error) {
	o, err := a.cancellable(orderID)
	if err != nil {
		return hft.Order{}, err
	}
	priceTick, ok := limitTick(price, a.tickSize)
	if !ok || !a.validQty(qty) {
		return hft.Order{}, hft.ErrInvalidOrderRequest
	}
	changed := *o
	changed.PriceTick, changed.Qty, changed.Req = priceTick, qty, hft.StatusReplaced
	return changed, nil
}

// Cancellation returns an order with the request to cancel it, not yet part of the Asset. Errors: hft.ErrOrderNotFound,
// hft.ErrOrderRequestInProcess while a request of the order is in flight, hft.ErrInvalidOrderStatus for an order that
// is not active.
func (a *Asset) Cancellation(orderID uint64) (hft.Order, error) {
	o, err := a.cancellable(orderID)
	if err != nil {
		return hft.Order{}, err
	}
	changed := *o
	changed.Req = hft.StatusCanceled
	return changed, nil
}

// cancellable returns an order that can be cancelled or modified.
func (a *Asset) cancellable(orderID uint64) (*hft.Order, error) {
	o := a.Orders.Get(orderID)
	switch {
	case o == nil:
		return nil, hft.ErrOrderNotFound
	case o.Pending():
		return nil, hft.ErrOrderRequestInProcess
	case !o.Active():
		return nil, hft.ErrInvalidOrderStatus
	}
	return o, nil
}

// Sent makes an order of Submission, Modification or Cancellation part of the Asset, after its request has been sent.
func (a *Asset) Sent(o *hft.Order) {
	switch prev := a.Orders.Get(o.OrderID); {
	case o.Req == hft.StatusReplaced && prev != nil:
		*a.notes.of(o.OrderID) = orderNote{orderID: o.OrderID, prevPriceTick: prev.PriceTick, prevQty: prev.Qty}
	case o.Req == hft.StatusCanceled:
		a.notes.of(o.OrderID).answered = false
	}
	a.Orders.Put(o)
}

// orderTick validates a submission, its quantity excepted, and returns its price in ticks, 0 for a market order without
// a price.
func orderTick(r *hft.OrderRequest, tickSize float64) (priceTick int64, ok bool) {
	if r.Side != hft.Buy && r.Side != hft.Sell || r.TimeInForce > hft.IOC {
		return 0, false
	}
	switch r.OrdType {
	case hft.Limit:
		return limitTick(r.Price, tickSize)
	case hft.Market:
		if priceTick, ok = limitTick(r.Price, tickSize); !ok {
			priceTick = 0
		}
		return priceTick, true
	}
	return 0, false
}

// limitTick returns a price in ticks; ok is false if it is not a price.
func limitTick(price, tickSize float64) (priceTick int64, ok bool) {
	priceTick = hft.PriceTick(price, tickSize)
	return priceTick, price > 0 && priceTick > 0 && priceTick < math.MaxInt64
}

// validQty reports whether a quantity is a whole number of lots, 1 or more. Others are refused by hosts and venues.
func (a *Asset) validQty(qty float64) bool {
	whole, ok := hft.WholeLots(qty, a.lotSize)
	return whole > 0 && ok
}

// WholeLots removes what adding floats leaves behind: the position of whole orders is a whole number of lots.
func (a *Asset) WholeLots(position float64) float64 {
	if whole, ok := hft.WholeLots(position, a.lotSize); ok {
		return whole
	}
	return position
}

// Deadline returns nowNs later by timeout, at most the largest time there is; a negative timeout counts as 0.
func Deadline(nowNs int64, timeout time.Duration) int64 {
	if timeout <= 0 {
		return nowNs
	}
	if nowNs > math.MaxInt64-int64(timeout) {
		return math.MaxInt64
	}
	return nowNs + int64(timeout)
}
