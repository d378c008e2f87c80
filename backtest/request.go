package backtest

import (
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/internal/local"
	"github.com/hftrunner/hftrunner/sim"
)

// Errors of a bot that is used wrongly, as live.
var (
	errClosed    = fmt.Errorf("%w: the bot is closed", hft.ErrInterrupted)
	errReentrant = hft.CustomError("a waiting call from within the order hook or error handler: " +
		"send requests there without wait and return")
)

// SubmitBuyOrder sends a buy order; see SubmitOrder.
func (b *backtestBot) SubmitBuyOrder(assetNo int, orderID uint64, price, qty float64, tif hft.TimeInForce,
	ordType hft.OrdType, wait bool) (hft.ElapseResult, error) {
	return b.SubmitOrder(assetNo, hft.OrderRequest{OrderID: orderID, Price: price, Qty: qty, Side: hft.Buy,
		TimeInForce: tif, OrdType: ordType}, wait)
}

// SubmitSellOrder sends a sell order; see SubmitOrder.
func (b *backtestBot) SubmitSellOrder(assetNo int, orderID uint64, price, qty float64, tif hft.TimeInForce,
	ordType hft.OrdType, wait bool) (hft.ElapseResult, error) {
	return b.SubmitOrder(assetNo, hft.OrderRequest{OrderID: orderID, Price: price, Qty: qty, Side: hft.Sell,
		TimeInForce: tif, OrdType: ordType}, wait)
}

// SubmitOrder sends an order. Results and errors are those of the live bot (docs/bot-contract.md). In mode
// sim.Hftbacktest nothing but the id is checked, and a wait has no limit and returns ElapseOk.
func (b *backtestBot) SubmitOrder(assetNo int, r hft.OrderRequest, wait bool) (hft.ElapseResult, error) {
	if err := b.mayRequest("backtest: Backtest.SubmitOrder", assetNo, wait); err != nil {
		return hft.ElapseOk, err
	}
	a := b.assets[assetNo]
	var order hft.Order
	var err error
	if b.compat == sim.Fixed {
		order, err = a.local.Submission(&r)
	} else {
		order, err = a.compatSubmission(&r)
	}
	return b.ask("backtest: Backtest.SubmitOrder", OrderSubmit, assetNo, &order, err, wait)
}

// Modify asks for a new price and quantity of an open order; see SubmitOrder.
func (b *backtestBot) Modify(assetNo int, orderID uint64, price, qty float64, wait bool) (hft.ElapseResult, error) {
	if err := b.mayRequest("backtest: Backtest.Modify", assetNo, wait); err != nil {
		return hft.ElapseOk, err
	}
	a := b.assets[assetNo]
	var order hft.Order
	var err error
	if b.compat == sim.Fixed {
		order, err = a.local.Modification(orderID, price, qty)
	} else {
		order, err = a.compatModification(orderID, price, qty)
	}
	return b.ask("backtest: Backtest.Modify", OrderModify, assetNo, &order, err, wait)
}

// Cancel asks to cancel an open order; see SubmitOrder.
func (b *backtestBot) Cancel(assetNo int, orderID uint64, wait bool) (hft.ElapseResult, error) {
	if err := b.mayRequest("backtest: Backtest.Cancel", assetNo, wait); err != nil {
		return hft.ElapseOk, err
	}
	a := b.assets[assetNo]
	var order hft.Order
	var err error
	if b.compat == sim.Fixed {
		order, err = a.local.Cancellation(orderID)
	} else {
		order, err = a.compatCancellation(orderID)
	}
	return b.ask("backtest: Backtest.Cancel", OrderCancel, assetNo, &order, err, wait)
}

// mayRequest returns why no request can be made at all.
func (b *backtestBot) mayRequest(what string, assetNo int, wait bool) error {
	switch {
	case b.off():
		return errClosed
	case wait && b.mark.InCallback():
		return errReentrant
	case !b.has(assetNo):
		return hft.ErrInstrumentNotFound
	}
	b.mark.Check(what)
	return b.enter()
}

// ask sends a request, unless it was refused by err, and waits for its response if it is to be waited for. what is the
// method that asks.
func (b *backtestBot) ask(what string, kind OrderRowKind, assetNo int, order *hft.Order, err error,
	wait bool) (hft.ElapseResult, error) {
	if err != nil {
		return hft.ElapseOk, err
	}
	a := b.assets[assetNo]
	refusal := a.reserve(order, b.nowNs)
	within := b.mark.InCallback() // of a call that has entered
	if !within {
		b.mark.Enter(what)
	}
	order.LocalTimestampNs = b.nowNs
	b.request = exchange.Request{AssetNo: assetNo, Owner: botID, Order: *order}
	if prev := a.local.Orders.Get(order.OrderID); kind == OrderModify && prev != nil {
		b.request.PrevPriceTick, b.request.PrevQty = prev.PriceTick, prev.Qty
	}
	if b.compat != sim.Fixed || !b.dataOver() { // else a strategy that only waits for answers would never end
		b.send(a, refusal)
	}
	a.local.Sent(order)
	a.measure.request(kind)
	b.tellOrder(kind, b.nowNs, assetNo, order, sim.NotRejected)
	if !within {
		b.mark.Leave()
	}
	if !wait {
		return hft.ElapseOk, nil
	}
	if b.compat != sim.Fixed {
		b.mark.Enter(what)
		defer b.mark.Leave()
		result, err := b.advance(math.MaxInt64, specified(assetNo, order.OrderID))
		return compatResult(result), err
	}
	return b.waitOrder(what, assetNo, order.OrderID, b.responseTimeout)
}

func specified(assetNo int, orderID uint64) *wait {
	return &wait{orders: hft.WaitOrderResponse{Specified: true, AssetNo: assetNo, OrderID: orderID}}
}

// Elapse lets that much time pass: ElapseOk. Errors: hft.ErrInterrupted, hft.ErrEndOfData with ElapseEndOfData,
// hft.ErrData, and what the error handler or the order hook returned.
func (b *backtestBot) Elapse(duration time.Duration) (hft.ElapseResult, error) {
	return b.waitFor("backtest: Backtest.Elapse", duration, &wait{})
}

// ElapseBT lets that much time pass, to account for what computing takes; see Elapse (elapse_bt).
func (b *backtestBot) ElapseBT(duration time.Duration) (hft.ElapseResult, error) {
	return b.waitFor("backtest: Backtest.ElapseBT", duration, &wait{})
}

// WaitNextFeed waits for the next row of any asset or, with includeOrderResp, for the next response of any order, and
// comes back when all rows that this asset received at that time, or that response, have been processed:
// ElapseMarketFeed, ElapseOrderResponse, ElapseOk after timeout. Errors as Elapse. In mode
// sim.Hftbacktest everything of that time is processed, and the result is what came last.
func (b *backtestBot) WaitNextFeed(includeOrderResp bool, timeout time.Duration) (hft.ElapseResult, error) {
	return b.waitFor("backtest: Backtest.WaitNextFeed", timeout,
		&wait{feed: true, orders: hft.WaitOrderResponse{Any: includeOrderResp}})
}

// WaitOrderResponse waits for a response of one order: ElapseOrderResponse, ElapseOk after timeout. A
// response that was processed since the last request and that no WaitOrderResponse has returned for counts, and so does
// every order that is final. Errors: hft.ErrInstrumentNotFound, hft.ErrOrderNotFound for an order that is not in
// Orders, and those of Elapse. In mode sim.Hftbacktest only a response to come counts, and the result is ElapseOk
// (Q17).
func (b *backtestBot) WaitOrderResponse(assetNo int, orderID uint64, timeout time.Duration) (hft.ElapseResult, error) {
	if err := b.mayRequest("backtest: Backtest.WaitOrderResponse", assetNo, true); err != nil {
		return hft.ElapseOk, err
	}
	if b.compat != sim.Fixed {
		result, err := b.waitFor("backtest: Backtest.WaitOrderResponse", timeout, specified(assetNo, orderID))
		return compatResult(result), err
	}
	if b.assets[assetNo].local.Orders.Get(orderID) == nil {
		return hft.ElapseOk, hft.ErrOrderNotFound
	}
	return b.waitOrder("backtest: Backtest.WaitOrderResponse", assetNo, orderID, timeout)
}

// waitOrder waits for a response of an order that is in the asset's orders.
func (b *backtestBot) waitOrder(what string, assetNo int, orderID uint64,
	timeout time.Duration) (hft.ElapseResult, error) {
	a := &b.assets[assetNo].local
	w := specified(assetNo, orderID)
	if a.Answered(orderID) {
		timeout, w.result = 0, hft.ElapseOrderResponse // what is there happens nevertheless, as live
	}
	result, err := b.waitFor(what, timeout, w)
	if result == hft.ElapseOrderResponse {
		a.TakeAnswer(orderID)
	}
	return result, err
}

// waitFor advances by timeout at most. what is the method that waits.
func (b *backtestBot) waitFor(what string, timeout time.Duration, w *wait) (hft.ElapseResult, error) {
	if b.off() {
		return hft.ElapseOk, errClosed
	}
	if b.mark.InCallback() {
		return hft.ElapseOk, errReentrant
	}
	b.mark.Enter(what)
	defer b.mark.Leave()
	if err := b.enter(); err != nil {
		return hft.ElapseOk, err
	}
	return b.advance(local.Deadline(b.nowNs, timeout), w)
}

// compatResult is what the reference returns for a wait for one order: Ok also when the response came (Q17).
func compatResult(r hft.ElapseResult) hft.ElapseResult {
	if r == hft.ElapseOrderResponse {
		return hft.ElapseOk
	}
	return r
}
