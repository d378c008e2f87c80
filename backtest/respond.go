package backtest

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// respond applies the report in b.report to the bot's side. The error is the hook's.
func (b *backtestBot) respond(assetNo int, a *asset, nowNs int64, w *wait) error {
	report := &b.report
	prev := a.local.Orders.Get(report.Order.OrderID)
	var err error
	if b.orderRecvHook != nil {
		err = b.mark.Call(func() error { return b.orderRecvHook(prev, &report.Order) })
		prev = a.local.Orders.Get(report.Order.OrderID) // the hook may have cleared orders
	}
	a.measure.report(report, prev, nowNs)
	matches := w.orders.Matches(assetNo, report.Order.OrderID)
	if b.compat == sim.Fixed {
		if report.Fill {
			value, fee := a.state.ApplyFill(&report.Order)
			a.state.Values.Position = a.local.WholeLots(a.state.Values.Position)
			b.tellFill(nowNs, assetNo, report, value, fee)
		}
		if prev != nil || report.Order.Req != hft.StatusRejected {
			b.tellOrder(OrderResponse, nowNs, assetNo, &report.Order, report.Reject)
		}
		matches = a.local.Apply(&report.Order, nowNs, false) && matches
		a.told(report)
	} else {
		b.compatRespond(assetNo, a, nowNs)
	}
	if matches {
		w.hits(nowNs, hft.ElapseOrderResponse)
	}
	if b.errorHandler != nil && report.Reject != sim.NotRejected && report.Reject != sim.RejectUnknownOrder {
		b.refusal = hft.LiveErrorWith(hft.OrderError, b.reason(report))
		b.refusal.AssetNo, b.refusal.OrderID, b.refusal.Connector = assetNo, report.Order.OrderID, a.connector
		b.refused = true
	}
	if report.Reject == sim.RejectLimit {
		delete(b.limited, report.Tag)
	}
	return err
}

// tellRefusal hands the refused request to the error handler. As live that is a message of its own, which follows the
// response: a wait for the response is over before. That an order to cancel is over already is no error: its last
// report has said so.
func (b *backtestBot) tellRefusal() error {
	b.refused = false
	return b.mark.Call(func() error { return b.errorHandler(b.refusal) })
}

// observe calls the observer, who may read the bot.
func (b *backtestBot) observe(tell func()) {
	_ = b.mark.Call(func() error {
		tell()
		return nil
	})
}

func (b *backtestBot) tellOrder(kind OrderRowKind, timestampNs int64, assetNo int, o *hft.Order, reject sim.Reject) {
	if b.observer == nil {
		return
	}
	b.orderRow = OrderRow{TimestampNs: timestampNs, AssetNo: int32(assetNo), Kind: kind, Reject: reject, Order: *o}
	b.observe(func() { b.observer.OnOrder(&b.orderRow) })
}

func (b *backtestBot) tellFill(nowNs int64, assetNo int, r *exchange.Report, value, fee float64) {
	if b.observer == nil {
		return
	}
	o := &r.Order
	b.fillRow = FillRow{ExchTimestampNs: o.ExchTimestampNs, LocalTimestampNs: nowNs, AssetNo: int32(assetNo),
		Side: o.Side, Maker: o.Maker, Cause: r.Cause, OrderID: o.OrderID, Price: o.ExecPrice(), Qty: o.ExecQty,
		Value: value, Fee: fee, Position: b.assets[assetNo].state.Values.Position, JoinedFrontQty: r.JoinedFrontQty,
		RestedNs: r.RestedNs}
	b.observe(func() { b.observer.OnFill(&b.fillRow) })
}

// record hands a sample of every asset to the observer.
func (b *backtestBot) record() {
	if b.observer == nil {
		return
	}
	for i := range b.assets {
		b.observe(func() {
			b.recordRow = RecordRow{AssetNo: int64(i), Record: sample(b, i)}
			b.observer.OnRecord(&b.recordRow)
		})
	}
}
