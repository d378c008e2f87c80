package host

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/risk"
)

// holding is the ledger of one strategy on one instrument: its orders at the venue, its position and its money. It
// belongs to the strategy, not to its process, and so outlives restarts. The publisher's lock guards it.
type holding struct {
	cfg      InstrumentConfig
	strategy string          // its name
	owner    connector.Owner // Incarnation is that of the current process
	mode     PositionMode
	pub      *publisher
	feedNo   int

	orders hft.OrderMap      // those that are not final
	owners map[uint64]uint32 // incarnation that submitted an order, by order id, where it is not the current one
	state  hft.StateValues
	profit profit
	trail  trail         // of profit.position
	limits *risk.Holding // what counts against them, nil where there are none
	port   *hostipc.Port // of the current process, nil while there is none
	// over are the ids of the orders that closed last, a ring: a bot may send a request for one before it has read
	// that.
	over    [64]uint64
	numOver int

	numOrders, numFills, numRejects uint64
}

// newHolding returns the strategy's holding of an instrument of p; updates of its orders find it from now on.
func newHolding(cfg InstrumentConfig, s *strategy, p *publisher, inst *instrument) *holding {
	h := &holding{cfg: cfg, strategy: s.cfg.Name, mode: s.cfg.Position, pub: p, feedNo: inst.no}
	h.owner.Bot = s.botID
	p.mu.Lock()
	defer p.mu.Unlock()
	inst.holdings[s.botID] = h
	if o := inst.orphans[s.botID]; o != nil {
		h.orders, h.owners, h.state, h.profit, h.trail = o.orders, o.owners, o.state, o.profit, o.trail
		h.numOrders, h.numFills, h.numRejects = o.numOrders, o.numFills, o.numRejects
		o.limits.Close()
		delete(inst.orphans, s.botID)
	} else {
		h.restore(p.account(inst.symbol, s.botID))
	}
	if h.mode == AccountPosition && inst.account.known {
		h.state.Position = inst.account.qty
	}
	for key, o := range inst.strays { // left there by a process of before
		if key.bot == s.botID {
			h.orders.Put(&o.Order)
			h.remember(o.OrderID, o.Owner.Incarnation)
			delete(inst.strays, key)
		}
	}
	h.limit(p.gate, s.limits)
	return h
}

// ownerOf returns who submitted an open order.
func (h *holding) ownerOf(orderID uint64) connector.Owner {
	owner := h.owner
	if inc, ok := h.owners[orderID]; ok {
		owner.Incarnation = inc
	}
	return owner
}

// profit keeps what the bot's own fills add up to and the average entry of that, whatever the account holds.
type profit struct {
	position   float64
	entryPrice float64 // average price of the open position
	unitValue  float64 // value of one unit at price 1: the contract size
	realised   float64 // fees not included
}

// fill accounts for an execution of qty (signed) at price. unitValue is its value per unit and price.
func (p *profit) fill(qty, price, unitValue, lotSize float64) {
	position := p.position
	p.unitValue = unitValue
	p.position = position + qty
	if whole, ok := hft.WholeLots(p.position, lotSize); ok {
		p.position = whole
	}
	if position == 0 || math.Signbit(position) == math.Signbit(qty) {
		p.entryPrice = (math.Abs(position)*p.entryPrice + math.Abs(qty)*price) / math.Abs(position+qty)
		return
	}
	closed := math.Min(math.Abs(position), math.Abs(qty))
	p.realised += closed * (price - p.entryPrice) * unitValue * sign(position)
	if math.Abs(qty) > math.Abs(position) {
		p.entryPrice = price // turned round
	}
}

// open returns the profit of the open position at price.
func (p *profit) open(price float64) float64 {
	if p.position == 0 || math.IsNaN(price) {
		return 0
	}
	return p.position * (price - p.entryPrice) * p.unitValue
}

// amount writes a position for people. What fees in the traded asset leave of it that is less than a lot is dust: no
// order can close it.
func amount(position, lotSize float64) string {
	text := fmt.Sprint(rounded(position))
	if position != 0 && hft.LotsWithin(position, lotSize) == 0 {
		text += fmt.Sprintf(" (dust: less than a lot of %v)", lotSize)
	}
	return text
}

func sign(x float64) float64 {
	if x < 0 {
		return -1
	}
	return 1
}

// overMeanwhile is the reason given when a cancel or modification arrives after its order has closed. This is a normal
// race, not an error.
const overMeanwhile = "the order closed before the request arrived"

// request applies a bot's request to the holding before it goes to the connector, and returns the order to send. The
// error text says why it must not be sent.
func (h *holding) request(o *hft.Order) (connector.Order, string) {
	known := h.orders.Get(o.OrderID)
	out := connector.Order{InstrumentNo: h.feedNo, Owner: h.owner}
	if _, whole := hft.WholeLots(o.Qty, h.cfg.LotSize); o.Req != hft.StatusCanceled && !whole {
		return out, fmt.Sprintf("quantity %v is not a multiple of the lot size %v", o.Qty, h.cfg.LotSize)
	}
	if o.Req == hft.StatusNew {
		if known != nil {
			return out, "order id is in use by an open order of this bot"
		}
		order := hft.NewOrder(o.OrderID, o.PriceTick, h.cfg.TickSize, o.Qty, o.Side, o.OrdType, o.TimeInForce)
		order.Req, order.LocalTimestampNs = hft.StatusNew, o.LocalTimestampNs
		h.orders.Put(&order)
		h.numOrders++
		out.Order = order
		return out, ""
	}
	if known == nil && slices.Contains(h.over[:min(h.numOver, len(h.over))], o.OrderID) {
		return out, overMeanwhile
	}
	if known == nil {
		return out, "this bot has no open order with this id"
	}
	out.Owner = h.ownerOf(o.OrderID)
	known.Req, known.LocalTimestampNs = o.Req, o.LocalTimestampNs
	out.Order = *known
	if o.Req == hft.StatusReplaced {
		out.Order.PriceTick, out.Order.Qty = o.PriceTick, o.Qty
	}
	return out, ""
}

// withdraw undoes request of an order that is not sent after all.
func (h *holding) withdraw(o *hft.Order) {
	if o.Req == hft.StatusNew {
		h.orders.Delete(o.OrderID)
		h.numOrders--
	} else if known := h.orders.Get(o.OrderID); known != nil {
		known.Req = hft.StatusNone
	}
	h.count(o.OrderID)
}

// update takes over a report of the connector, which alone decides what has become of an order: here is kept who has it and
// what its executions were worth. Whether a refusal ends the order is said by the report, too, not by what was asked last: a
// cancel of the host, or of the bot, may have followed a submission that the venue then refuses.
func (h *holding) update(u *connector.OrderUpdate) {
	if u.Fill {
		h.fill(u)
	}
	report := u.Order.Order
	if report.Req == hft.StatusRejected || report.Status == hft.StatusRejected && !u.Fill {
		h.numRejects++
	}
	known := h.orders.Get(report.OrderID)
	switch {
	case known != nil && isOfEarlier(known, &report): // which is over; what was executed of it has been counted
	case report.Final():
		h.forget(report.OrderID)
	case report.Req == hft.StatusRejected:
		if known != nil {
			known.Req = hft.StatusNone // the answer to the request in flight, nothing else
		}
	case known != nil:
		known.Update(&report)
	default:
		h.orders.Put(&report)
		if u.Owner.Incarnation != h.owner.Incarnation {
			h.remember(report.OrderID, u.Owner.Incarnation)
		}
	}
	h.count(report.OrderID)
	h.pub.record.report(h, u)
	if h.port != nil {
		h.port.SendOrder(h.feedNo, &report, &h.state)
	}
}

// isOfEarlier reports whether a report is older than the submission in flight, of which the connector may not know yet: it is
// about an order of the same id that is over.
func isOfEarlier(known, report *hft.Order) bool {
	return known.Req == hft.StatusNew && report.LocalTimestampNs > 0 && report.LocalTimestampNs < known.LocalTimestampNs
}

func (h *holding) fill(u *connector.OrderUpdate) {
	h.book(u.Side, u.ExecQty, u.ExecPrice(), u.FillValue, u.FillFee, u.FeeQty, cmp.Or(u.FillNs, u.ExchTimestampNs))
}

// at returns the position of the strategy's executions just before the venue's time.
func (h *holding) at(venueNs int64) float64 { return h.trail.at(venueNs, h.profit.position) }

// book adds an execution to the sums. feeQty is what was taken of the position as the fee, which is worth fee: as if it
// had been sold at the price of the execution, so that the fee counts once.
func (h *holding) book(side hft.Side, qty, price, value, fee, feeQty float64, venueNs int64) {
	h.numFills++
	h.trail.changed(venueNs, h.profit.position, qty*float64(side)-feeQty)
	unitValue := value / (qty * price)
	h.profit.fill(qty*float64(side)-feeQty, price, unitValue, h.cfg.LotSize)
	if h.mode == StrategyPosition {
		h.state.Position = h.profit.position
	}
	h.state.Balance -= value*float64(side) - feeQty*price*unitValue
	h.state.Fee += fee
	h.state.NumTrades++
	h.state.TradingVolume += qty
	h.state.TradingValue += value
	h.moved()
}

func (h *holding) forget(orderID uint64) {
	h.over[h.numOver%len(h.over)] = orderID
	h.numOver++
	h.orders.Delete(orderID)
	delete(h.owners, orderID)
}

func (h *holding) remember(orderID uint64, incarnation uint32) {
	if h.owners == nil {
		h.owners = make(map[uint64]uint32)
	}
	h.owners[orderID] = incarnation
}

// cancel marks an open order as being canceled and returns the request for the connector. One of that id that another owner
// has sent since is another order.
func (h *holding) cancel(orderID uint64, owner connector.Owner) (request connector.Order, ok bool) {
	o := h.orders.Get(orderID)
	if o == nil || h.ownerOf(orderID) != owner {
		return request, false
	}
	o.Req = hft.StatusCanceled
	return connector.Order{InstrumentNo: h.feedNo, Owner: owner, Order: *o}, true
}

// handOver makes the next process the owner of what is to come; open orders keep the incarnation that submitted them.
func (h *holding) handOver(incarnation uint32, port *hostipc.Port) {
	for o := range h.orders.View().All() {
		if _, ok := h.owners[o.OrderID]; !ok {
			h.remember(o.OrderID, h.owner.Incarnation)
		}
	}
	h.owner.Incarnation = incarnation
	h.port = port
}
