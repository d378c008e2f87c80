package exchange

import (
	"fmt"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// OnRequest answers a request. A taking order is answered by its executions and, unless the last of them says Filled,
// by its final state; with Compat Hftbacktest by one report.
func (x *L2) OnRequest(timestampNs int64, r *Request) {
	if x.err != nil {
		return
	}
	existing := x.orders.get(r.Owner, r.Order.OrderID)
	switch r.Order.Req {
	case hft.StatusNew:
		x.submit(timestampNs, existing, r)
	case hft.StatusCanceled:
		x.cancel(timestampNs, existing, r)
	case hft.StatusReplaced:
		x.modify(timestampNs, existing, r)
	default:
		x.reject(timestampNs, existing, r, sim.RejectInvalid)
	}
}

// reject refuses a request about existing, which is nil when there is no such order.
func (x *desk) reject(timestampNs int64, existing *order, r *Request, reason sim.Reject) {
	x.report = Report{Request: *r, Reject: reason, Answers: r.Order.Req, Position: x.state.Values.Position}
	o := &x.report.Order
	if existing != nil {
		x.report.Tag = existing.tag
		*o = existing.Order
		// The refused request is told by its time.
		o.LocalTimestampNs = r.Order.LocalTimestampNs
	} else if r.Order.Req == hft.StatusNew {
		o.Status = hft.StatusExpired
	}
	o.Req = hft.StatusRejected
	o.ExchTimestampNs = timestampNs
	x.report.AssetNo = x.assetNo
	x.responder.Respond(timestampNs, &x.report)
}

// valid reports whether price and quantity can be those of an order.
func (x *desk) valid(o *hft.Order) bool {
	if o.OrdType == hft.Limit && (o.PriceTick <= -maxTick || o.PriceTick >= maxTick) {
		return false
	}
	return finite(o.Qty) && hft.QtyLots(o.Qty, x.lotSize) > 0
}

func (x *L2) submit(timestampNs int64, existing *order, r *Request) {
	if o := x.admit(timestampNs, existing, r); o != nil {
		x.place(timestampNs, o)
	}
}

// admit returns the order of a submission that may be matched, or refuses it and returns nil.
func (x *desk) admit(timestampNs int64, existing *order, r *Request) *order {
	in := &r.Order
	known := (in.Side == hft.Buy || in.Side == hft.Sell) && in.OrdType <= hft.Market && in.TimeInForce <= hft.IOC
	switch {
	case existing != nil && x.compat == sim.Stock:
		x.err = fmt.Errorf("exchange: submission of order %d, which the exchange has (Compat Hftbacktest rejects it and continues): %w",
			in.OrderID, hft.ErrOrderIDExist)
		return nil
	case existing != nil:
		x.reject(timestampNs, existing, r, sim.RejectDuplicate)
		return nil
	case !known || !x.valid(in):
		x.reject(timestampNs, nil, r, sim.RejectInvalid)
		return nil
	case x.orders.count >= x.maxOrders:
		x.reject(timestampNs, nil, r, sim.RejectTooManyOrders)
		return nil
	}
	o := x.pool.get()
	*o = order{Order: *in, owner: r.Owner, tag: r.Tag, answers: hft.StatusNew}
	o.Req = hft.StatusNone
	o.TickSize = x.tickSize
	o.LeavesQty = o.Qty
	o.ExecQty, o.ExecPriceTick, o.Maker = 0, 0, false
	return o
}

func (x *L2) cancel(timestampNs int64, o *order, r *Request) {
	if o == nil {
		x.reject(timestampNs, nil, r, sim.RejectUnknownOrder)
		return
	}
	x.leave(o)
	x.canceled(timestampNs, o, r)
}

// canceled reports and forgets an order that has been taken out of the maps.
func (x *desk) canceled(timestampNs int64, o *order, r *Request) {
	o.Status = hft.StatusCanceled
	o.ExchTimestampNs = timestampNs
	if x.compat == sim.Fixed {
		o.LocalTimestampNs = r.Order.LocalTimestampNs
	}
	x.respond(timestampNs, o, hft.StatusCanceled)
	x.pool.put(o)
}

// modify gives an order a new price and remainder. It keeps its place in the queue only at the same price and with a
// remainder that did not grow.
func (x *L2) modify(timestampNs int64, o *order, r *Request) {
	if o == nil {
		x.reject(timestampNs, nil, r, sim.RejectUnknownOrder)
		return
	}
	changed := o.Order
	changed.PriceTick, changed.Qty = r.Order.PriceTick, r.Order.Qty
	if !x.valid(&changed) {
		x.reject(timestampNs, o, r, sim.RejectInvalid)
		return
	}
	changed.LocalTimestampNs = r.Order.LocalTimestampNs
	changed.LeavesQty = changed.Qty
	inPlace := o.PriceTick == changed.PriceTick && changed.Qty <= o.LeavesQty
	if x.compat != sim.Fixed {
		changed = r.Order // the reference goes on with the bot's copy
		changed.Req = hft.StatusNone
	}
	if inPlace {
		submittedNs := o.LocalTimestampNs
		changed.LeavesQty, changed.Status, changed.ExchTimestampNs = changed.Qty, hft.StatusNew, timestampNs
		o.Order = changed
		x.respond(timestampNs, o, hft.StatusReplaced)
		if x.compat != sim.Fixed {
			o.LocalTimestampNs = submittedNs
		}
		return
	}
	x.leave(o)
	o.Order = changed
	o.answers, o.stays = hft.StatusReplaced, false
	x.place(timestampNs, o)
}

// place matches an order that is in no map: it rests, executes or expires, and is reported.
func (x *L2) place(timestampNs int64, o *order) {
	o.ExchTimestampNs = timestampNs
	touchTick, crosses := touch(x.book, o)
	if x.consumes {
		touchTick, crosses = x.touchLeft(o, touchTick)
	}
	reported := false
	switch {
	case o.OrdType == hft.Market:
		reported = x.takeMarket(timestampNs, o, touchTick)
	case !crosses && (o.TimeInForce == hft.GTC || o.TimeInForce == hft.GTX):
		x.rest(o)
		x.respond(timestampNs, o, o.answers)
		return
	case !crosses || o.TimeInForce == hft.GTX:
		o.Status = hft.StatusExpired
	default:
		reported = x.takeLimit(timestampNs, o, touchTick)
	}
	if o.Status == hft.StatusPartiallyFilled {
		return // the remainder rests
	}
	if !reported && x.err == nil {
		x.respond(timestampNs, o, o.answers)
	}
	x.pool.put(o)
}

// touch returns the best price of the other side, hft.InvalidMax or InvalidMin when it is empty, and whether the
// order's limit reaches it.
func touch(book hft.MarketDepth, o *order) (tick int64, crosses bool) {
	if o.Side == hft.Buy {
		tick = book.BestAskTick()
		return tick, tick != hft.InvalidMax && o.PriceTick >= tick
	}
	tick = book.BestBidTick()
	return tick, tick != hft.InvalidMin && o.PriceTick <= tick
}
