package exchange

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// OnRequest answers a request, an order that takes at once by its execution.
func (x *L3) OnRequest(timestampNs int64, r *Request) {
	if x.err != nil {
		return
	}
	existing := x.orders.get(r.Owner, r.Order.OrderID)
	switch r.Order.Req {
	case hft.StatusNew:
		if o := x.admit(timestampNs, existing, r); o != nil {
			x.place(timestampNs, o)
		}
	case hft.StatusCanceled:
		if existing == nil {
			x.reject(timestampNs, nil, r, sim.RejectUnknownOrder)
			return
		}
		x.leave(existing)
		x.canceled(timestampNs, existing, r)
	case hft.StatusReplaced:
		x.modify(timestampNs, existing, r)
	default:
		x.reject(timestampNs, existing, r, sim.RejectInvalid)
	}
}

// rest puts an order into the maps, behind all others at its price.
func (x *L3) rest(o *order) {
	o.joinedFrontQty = x.book.AskQtyAtTick(o.PriceTick)
	if o.Side == hft.Buy {
		o.joinedFrontQty = x.book.BidQtyAtTick(o.PriceTick)
	}
	o.restsSinceNs = o.ExchTimestampNs
	o.Status = hft.StatusNew
	x.orders.put(o)
	x.queue.join(o)
}

// leave takes an order out of the maps.
func (x *L3) leave(o *order) {
	x.orders.remove(o)
	x.queue.leave(o)
}

// modify gives an order a new price and quantity. It keeps its place in the queue only at the same price and with a
// quantity that did not grow.
func (x *L3) modify(timestampNs int64, o *order, r *Request) {
	if o == nil {
		x.reject(timestampNs, nil, r, sim.RejectUnknownOrder)
		return
	}
	changed := o.Order
	changed.PriceTick, changed.Qty, changed.LeavesQty = r.Order.PriceTick, r.Order.Qty, r.Order.Qty
	if !x.valid(&changed) {
		x.reject(timestampNs, o, r, sim.RejectInvalid)
		return
	}
	submittedNs := o.LocalTimestampNs
	changed.LocalTimestampNs, changed.ExchTimestampNs, changed.Status = r.Order.LocalTimestampNs, timestampNs,
		hft.StatusNew
	inPlace := o.PriceTick == changed.PriceTick && changed.Qty <= o.LeavesQty
	if !inPlace {
		x.leave(o)
	}
	o.Order, o.answers = changed, hft.StatusReplaced
	if !inPlace && x.compat == sim.Fixed {
		x.place(timestampNs, o)
		return
	}
	if !inPlace {
		x.rest(o) // whatever it crosses
	}
	x.respond(timestampNs, o, o.answers)
	if x.compat != sim.Fixed {
		o.LocalTimestampNs = submittedNs
	}
}

// place matches an order that is in no map: it rests, executes whole at the touch or expires, and is reported.
func (x *L3) place(timestampNs int64, o *order) {
	o.ExchTimestampNs = timestampNs
	touchTick, crosses := touch(x.book, o)
	empty := touchTick == hft.InvalidMax || touchTick == hft.InvalidMin
	patient := o.TimeInForce == hft.GTC || o.TimeInForce == hft.GTX
	reported := false
	switch {
	case o.OrdType == hft.Limit && !crosses && patient:
		x.rest(o)
		x.respond(timestampNs, o, o.answers)
		return
	case o.OrdType == hft.Market && (!empty || x.compat != sim.Fixed),
		o.OrdType == hft.Limit && crosses && o.TimeInForce != hft.GTX:
		x.fill(timestampNs, o, o.LeavesQty, touchTick, sim.CauseTaker)
		reported = x.compat == sim.Fixed
	default:
		o.Status = hft.StatusExpired
	}
	if !reported {
		x.respond(timestampNs, o, o.answers)
	}
	x.pool.put(o)
}
