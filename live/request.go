package live

import (
	"math"
	"time"

	"hftrunner/hft"
	"hftrunner/ipc"
)

// Errors of a bot that is used wrongly; errors.Is finds the cause.
var (
	errClosed    error = &hft.BotError{Kind: hft.ErrorInterrupted, Msg: "the bot is closed"}
	errReentrant error = &hft.BotError{Kind: hft.ErrorCustom,
		Msg: "a waiting call from within the order hook or error handler: send requests there without wait and return"}
)

// SubmitBuyOrder sends a buy order; see SubmitOrder.
func (b *LiveBot) SubmitBuyOrder(assetNo int, orderID uint64, price, qty float64, tif hft.TimeInForce, ordType hft.OrdType, wait bool) (hft.ElapseResult, error) {
	return b.SubmitOrder(assetNo, hft.OrderRequest{OrderID: orderID, Price: price, Qty: qty, Side: hft.Buy,
		TimeInForce: tif, OrdType: ordType}, wait)
}

// SubmitSellOrder sends a sell order; see SubmitOrder.
func (b *LiveBot) SubmitSellOrder(assetNo int, orderID uint64, price, qty float64, tif hft.TimeInForce, ordType hft.OrdType, wait bool) (hft.ElapseResult, error) {
	return b.SubmitOrder(assetNo, hft.OrderRequest{OrderID: orderID, Price: price, Qty: qty, Side: hft.Sell,
		TimeInForce: tif, OrdType: ordType}, wait)
}

// SubmitOrder sends an order and keeps it in Orders with status None and request New until the answer. With wait it
// returns ElapseOrderResponse when the answer has been processed, ElapseOk when none came in the response timeout.
//
// Errors, with nothing sent or changed: hft.ErrInstrumentNotFound; hft.ErrInvalidOrderRequest for a quantity or, of a
// limit order, a price that is not finite and above 0, a price of less than half a tick, a side other than Buy and
// Sell, an unknown order type or time in force; hft.ErrOrderIDExist; hft.ErrRequestQueueFull; hft.ErrPeerGone. With
// wait also those of the waiting calls.
func (b *LiveBot) SubmitOrder(assetNo int, r hft.OrderRequest, wait bool) (hft.ElapseResult, error) {
	if err := b.mayRequest(assetNo, wait); err != nil {
		return hft.ElapseOk, err
	}
	a := &b.assets[assetNo]
	priceTick, ok := a.orderTick(&r)
	if !ok {
		return hft.ElapseOk, hft.ErrInvalidOrderRequest
	}
	if a.orders.Get(r.OrderID) != nil {
		return hft.ElapseOk, hft.ErrOrderIDExist
	}
	order := hft.NewOrder(r.OrderID, priceTick, a.TickSize, r.Qty, r.Side, r.OrdType, r.TimeInForce)
	if err := b.send(assetNo, &order, hft.StatusNew); err != nil {
		return hft.ElapseOk, err
	}
	a.orders.Put(&b.request.Order)
	return b.answer(assetNo, r.OrderID, wait)
}

// Modify asks for a new price and quantity of an open order. Orders shows them at once; a refused request restores
// the old ones. Errors as Cancel, and hft.ErrInvalidOrderRequest for a price or quantity that SubmitOrder would refuse.
func (b *LiveBot) Modify(assetNo int, orderID uint64, price, qty float64, wait bool) (hft.ElapseResult, error) {
	order, err := b.cancellable(assetNo, orderID, wait)
	if err != nil {
		return hft.ElapseOk, err
	}
	a := &b.assets[assetNo]
	priceTick, ok := limitTick(price, a.TickSize)
	if !ok || !validQty(qty) {
		return hft.ElapseOk, hft.ErrInvalidOrderRequest
	}
	changed := *order
	changed.PriceTick, changed.Qty = priceTick, qty
	if err := b.send(assetNo, &changed, hft.StatusReplaced); err != nil {
		return hft.ElapseOk, err
	}
	*a.notes.of(orderID) = orderNote{orderID: orderID, prevPriceTick: order.PriceTick, prevQty: order.Qty}
	*order = b.request.Order
	return b.answer(assetNo, orderID, wait)
}

// Cancel asks to cancel an open order. Errors, with nothing sent or changed: hft.ErrInstrumentNotFound,
// hft.ErrOrderNotFound, hft.ErrOrderRequestInProcess while a request of the order is in flight,
// hft.ErrInvalidOrderStatus for an order that is not active, hft.ErrRequestQueueFull and hft.ErrPeerGone. With wait
// also those of the waiting calls; see SubmitOrder.
func (b *LiveBot) Cancel(assetNo int, orderID uint64, wait bool) (hft.ElapseResult, error) {
	order, err := b.cancellable(assetNo, orderID, wait)
	if err != nil {
		return hft.ElapseOk, err
	}
	if err := b.send(assetNo, order, hft.StatusCanceled); err != nil {
		return hft.ElapseOk, err
	}
	b.assets[assetNo].notes.of(orderID).answered = false
	*order = b.request.Order
	return b.answer(assetNo, orderID, wait)
}

// mayRequest returns why no request can be made at all.
func (b *LiveBot) mayRequest(assetNo int, wait bool) error {
	switch {
	case b.closed:
		return errClosed
	case wait && b.inCallback:
		return errReentrant
	case !b.has(assetNo):
		return hft.ErrInstrumentNotFound
	}
	return nil
}

// cancellable returns an order that can be cancelled or modified.
func (b *LiveBot) cancellable(assetNo int, orderID uint64, wait bool) (*hft.Order, error) {
	if err := b.mayRequest(assetNo, wait); err != nil {
		return nil, err
	}
	order := b.assets[assetNo].orders.Get(orderID)
	switch {
	case order == nil:
		return nil, hft.ErrOrderNotFound
	case order.Pending():
		return nil, hft.ErrOrderRequestInProcess
	case !order.Active():
		return nil, hft.ErrInvalidOrderStatus
	}
	return order, nil
}

// send sends a request about an order, which stays as it is; b.request.Order is what it becomes if there is no error.
func (b *LiveBot) send(assetNo int, order *hft.Order, req hft.Status) error {
	b.request = ipc.LiveRequest{Kind: ipc.RequestOrder, Order: *order}
	b.request.Order.Req = req
	b.request.Order.LocalTimestampNs = b.ch.NowNs()
	return b.ch.Send(b.id, assetNo, &b.request)
}

// answer waits for the response to a request if it is to be waited for.
func (b *LiveBot) answer(assetNo int, orderID uint64, wait bool) (hft.ElapseResult, error) {
	if !wait {
		return hft.ElapseOk, nil
	}
	return b.waitOrder(assetNo, orderID, b.responseTimeout)
}

// orderTick validates a submission and returns its price in ticks, 0 for a market order without a price.
func (a *asset) orderTick(r *hft.OrderRequest) (priceTick int64, ok bool) {
	if r.Side != hft.Buy && r.Side != hft.Sell || r.TimeInForce > hft.IOC || !validQty(r.Qty) {
		return 0, false
	}
	switch r.OrdType {
	case hft.Limit:
		return limitTick(r.Price, a.TickSize)
	case hft.Market:
		if priceTick, ok = limitTick(r.Price, a.TickSize); !ok {
			priceTick = 0
		}
		return priceTick, true
	}
	return 0, false
}

// limitTick returns a price in ticks; ok is false when it is no price.
func limitTick(price, tickSize float64) (priceTick int64, ok bool) {
	priceTick = hft.PriceTick(price, tickSize)
	return priceTick, price > 0 && priceTick > 0 && priceTick < math.MaxInt64
}

func validQty(qty float64) bool { return qty > 0 && !math.IsInf(qty, 1) }

// addSaturating returns ns later by d, at most the largest time there is; a negative d counts as 0.
func addSaturating(ns int64, d time.Duration) int64 {
	if d <= 0 {
		return ns
	}
	if ns > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return ns + int64(d)
}
