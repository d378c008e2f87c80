package exchange

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// Request is what a bot asks of an exchange: Order.Req is StatusNew, StatusCanceled or StatusReplaced, the latter with
// the new PriceTick and Qty.
type Request struct {
	// AssetNo tells the exchanges of one Link apart; an exchange passes it through.
	AssetNo int
	// Owner is the bot. Owner and Order.OrderID identify an order at an exchange.
	Owner uint64
	// Tag comes back with every report about the order; the exchange gives no meaning to it.
	Tag   uint64
	Order hft.Order
	// PrevPriceTick and PrevQty are what a modification is to change: if it gets lost on the way, the order comes back
	// with them. A PrevQty of 0 leaves the order as it was sent.
	PrevPriceTick int64
	PrevQty       float64
}

// Report is an exchange's answer to a request, or an execution.
type Report struct {
	// Request holds whose order it is, with the Tag it was submitted with, and the order after the report. Order.Req
	// is StatusNone, or StatusRejected when a request was refused: then Order is the order as the exchange has it, or
	// the request itself when the exchange has no such order, and then a refused submission is Expired; a request that
	// was lost on the way comes back as it was sent, a modification with the previous price and quantity.
	Request
	// Fill says that the report is one execution, of Order.ExecQty at Order.ExecPriceTick. Each is reported once.
	Fill bool
	// FillValue is the execution's value and FillFee its fee, negative for a rebate.
	FillValue, FillFee float64
	// Cause says what made the execution.
	Cause sim.FillCause
	// JoinedFrontQty is the quantity that was ahead of the order when it began to rest at its price, and RestedNs how
	// long it has rested there. Only executions of resting orders have them.
	JoinedFrontQty float64
	RestedNs       int64
	// Answers is the request that is answered: StatusNew, StatusCanceled or StatusReplaced; StatusNone when a resting
	// order executed.
	Answers hft.Status
	// Position is what all executions at the exchange add up to, all owners together.
	Position float64
	// Reject says why a request was refused.
	Reject sim.Reject
}

// Responder takes an exchange's reports. It copies what it keeps and must not call the exchange.
type Responder interface {
	// Respond takes a report that the exchange made at timestampNs.
	Respond(timestampNs int64, r *Report)
}

// order is one order at an exchange.
type order struct {
	hft.Order
	owner, tag uint64
	queue      sim.QueuePosition // L2
	// joinedFrontQty is the quantity ahead when the order began to rest at its price, which was at restsSinceNs.
	joinedFrontQty float64
	restsSinceNs   int64
	answers        hft.Status // the request that it came with last
	stays          bool       // although Filled, see Stock
	arrival        uint64     // L3, see fifo
}

// orderPool recycles orders.
type orderPool struct{ free []*order }

func (p *orderPool) get() *order {
	if n := len(p.free); n > 0 {
		o := p.free[n-1]
		p.free = p.free[:n-1]
		return o
	}
	return new(order)
}

func (p *orderPool) put(o *order) { p.free = append(p.free, o) }
