package live

import (
	"fmt"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
)

// Errors of a bot that is used wrongly; errors.Is finds the cause.
var (
	errClosed    = fmt.Errorf("%w: the bot is closed", hft.ErrInterrupted)
	errReentrant = hft.CustomError("a waiting call from within the order hook or error handler: " +
		"send requests there without wait and return")
)

// SubmitBuyOrder sends a buy order; see SubmitOrder.
func (b *liveBot) SubmitBuyOrder(assetNo int, orderID uint64, price, qty float64, tif hft.TimeInForce,
	ordType hft.OrdType, wait bool) (hft.ElapseResult, error) {
	return b.SubmitOrder(assetNo, hft.OrderRequest{OrderID: orderID, Price: price, Qty: qty, Side: hft.Buy,
		TimeInForce: tif, OrdType: ordType}, wait)
}

// SubmitSellOrder sends a sell order; see SubmitOrder.
func (b *liveBot) SubmitSellOrder(assetNo int, orderID uint64, price, qty float64, tif hft.TimeInForce,
	ordType hft.OrdType, wait bool) (hft.ElapseResult, error) {
	return b.SubmitOrder(assetNo, hft.OrderRequest{OrderID: orderID, Price: price, Qty: qty, Side: hft.Sell,
		TimeInForce: tif, OrdType: ordType}, wait)
}

// SubmitOrder sends an order and keeps it in Orders with status None and request New until the answer. With wait it
// returns ElapseOrderResponse when the answer has been processed, ElapseOk when none came in the response timeout.
//
// Errors, with nothing sent or changed: hft.ErrInstrumentNotFound; hft.ErrInvalidOrderRequest for a quantity that is
// not a whole number of lots, 1 or more, of a limit order a price that is not finite and above 0 or of less than half a
// tick, a side other than Buy and Sell, an unknown order type or time in force; hft.ErrOrderIDExist;
// hft.ErrRequestQueueFull; hft.ErrPeerGone. With wait also those of the waiting calls.
func (b *liveBot) SubmitOrder(assetNo int, r hft.OrderRequest, wait bool) (hft.ElapseResult, error) {
	if err := b.mayRequest(assetNo, wait); err != nil {
		return hft.ElapseOk, err
	}
	b.mark.Check("live: LiveBot.SubmitOrder")
	order, err := b.assets[assetNo].Submission(&r)
	return b.ask("live: LiveBot.SubmitOrder", assetNo, &order, err, wait)
}

// Modify asks for a new price and quantity of an open order. Orders shows them at once; a refused request restores
// the old ones. Errors as Cancel, and hft.ErrInvalidOrderRequest for a price or quantity that SubmitOrder would refuse.
func (b *liveBot) Modify(assetNo int, orderID uint64, price, qty float64, wait bool) (hft.ElapseResult, error) {
	if err := b.mayRequest(assetNo, wait); err != nil {
		return hft.ElapseOk, err
	}
	b.mark.Check("live: LiveBot.Modify")
	order, err := b.assets[assetNo].Modification(orderID, price, qty)
	return b.ask("live: LiveBot.Modify", assetNo, &order, err, wait)
}

// Cancel asks to cancel an open order. Errors, with nothing sent or changed: hft.ErrInstrumentNotFound,
// hft.ErrOrderNotFound, hft.ErrOrderRequestInProcess while a request of the order is in flight,
// hft.ErrInvalidOrderStatus for an order that is not active, hft.ErrRequestQueueFull and hft.ErrPeerGone. With wait
// also those of the waiting calls; see SubmitOrder.
func (b *liveBot) Cancel(assetNo int, orderID uint64, wait bool) (hft.ElapseResult, error) {
	if err := b.mayRequest(assetNo, wait); err != nil {
		return hft.ElapseOk, err
	}
	b.mark.Check("live: LiveBot.Cancel")
	order, err := b.assets[assetNo].Cancellation(orderID)
	return b.ask("live: LiveBot.Cancel", assetNo, &order, err, wait)
}

// ask sends a request, unless it was refused by err, and waits for its response if it is to be waited for. what is the
// method that asks.
func (b *liveBot) ask(what string, assetNo int, order *hft.Order, err error, wait bool) (hft.ElapseResult, error) {
	if err != nil {
		return hft.ElapseOk, err
	}
	within := b.mark.InCallback() // of a call that has entered
	if !within {
		b.mark.Enter(what)
	}
	b.request = ipc.LiveRequest{Kind: ipc.RequestOrder, Order: *order}
	b.request.Order.LocalTimestampNs = b.ch.NowNs()
	if err = b.ch.Send(b.id, assetNo, &b.request); err == nil {
		b.assets[assetNo].Sent(&b.request.Order)
	} else if b.off() {
		err = errClosed
	}
	if !within {
		b.mark.Leave()
	}
	if err != nil || !wait {
		return hft.ElapseOk, err
	}
	return b.waitOrder(what, assetNo, order.OrderID, b.responseTimeout)
}

// mayRequest returns why no request can be made at all.
func (b *liveBot) mayRequest(assetNo int, wait bool) error {
	switch {
	case b.off():
		return errClosed
	case wait && b.mark.InCallback():
		return errReentrant
	case !b.has(assetNo):
		return hft.ErrInstrumentNotFound
	}
	return nil
}
