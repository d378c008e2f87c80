package backtest

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/local"
	"github.com/hftrunner/hftrunner/sim"
)

// The bot's side as the reference has it, quirks included (specification 4.2 and 4.3), for mode sim.Hftbacktest.

func (a *asset) compatSubmission(r *hft.OrderRequest) (hft.Order, error) {
	if a.local.Orders.Get(r.OrderID) != nil {
		return hft.Order{}, hft.ErrOrderIDExist
	}
	tickSize := a.local.TickSize()
	o := hft.NewOrder(r.OrderID, hft.PriceTick(r.Price, tickSize), tickSize, r.Qty, r.Side, r.OrdType, r.TimeInForce)
	o.Req = hft.StatusNew
	return o, nil
}

// compatIdle returns a copy of an order without a request in flight, whatever its status.
func (a *asset) compatIdle(orderID uint64) (hft.Order, error) {
	o := a.local.Orders.Get(orderID)
	switch {
	case o == nil:
		return hft.Order{}, hft.ErrOrderNotFound
	case o.Pending():
		return hft.Order{}, hft.ErrOrderRequestInProcess
	}
	return *o, nil
}

func (a *asset) compatModification(orderID uint64, price, qty float64) (hft.Order, error) {
	o, err := a.compatIdle(orderID)
	o.PriceTick, o.Qty, o.Req = hft.PriceTick(price, a.local.TickSize()), qty, hft.StatusReplaced
	return o, err
}

func (a *asset) compatCancellation(orderID uint64) (hft.Order, error) {
	o, err := a.compatIdle(orderID)
	o.Req = hft.StatusCanceled
	return o, err
}

// compatRespond applies the report in b.report. Of executions only those count that fill an order whole (Q21), a
// refused modify leaves the new price and quantity (Q22), and latencies are those of the request that the exchange's
// copy remembers (Q20).
func (b *backtestBot) compatRespond(assetNo int, a *asset, nowNs int64) {
	report := &b.report
	r := &report.Order
	if r.ExchTimestampNs > 0 {
		a.local.OrderLatency = local.OrderLatency{ReqTimestampNs: r.LocalTimestampNs,
			ExchTimestampNs: r.ExchTimestampNs, RespTimestampNs: nowNs, Known: true}
	}
	if r.Status == hft.StatusFilled && r.Req != hft.StatusRejected ||
		r.Status == hft.StatusPartiallyFilled && a.countPartials {
		value, fee := a.state.ApplyFill(r)
		b.tellFill(nowNs, assetNo, report, value, fee)
	}
	o := a.local.Orders.Get(r.OrderID)
	if r.Req != hft.StatusRejected {
		b.tellOrder(OrderResponse, nowNs, assetNo, r, sim.NotRejected)
		if o == nil {
			a.local.Orders.Put(r)
		} else {
			o.Update(r)
		}
		return
	}
	if o == nil {
		return
	}
	b.tellOrder(OrderResponse, nowNs, assetNo, r, report.Reject)
	if r.LocalTimestampNs == o.LocalTimestampNs {
		if o.Req == hft.StatusNew {
			o.Status = hft.StatusExpired
		}
		o.Req = hft.StatusNone
	}
}
