package blotter

import (
	"fmt"
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

const (
	// maxUnreadable is how many answers about one order in a row have to be unreadable until its instrument takes no new orders.
	maxUnreadable = 3
	// maxAheadNs is how far a time may be ahead of the venue's clock, which is not known at first. What is further
	// ahead than trustedAheadNs is cut to it, so that one wrong time does not outdate everything that comes after it.
	maxAheadNs, trustedAheadNs = 24 * 3600 * second, 60 * second
	// maxAsked is how many of the terms that were asked for are remembered of an order.
	maxAsked = 16
	// mostQty is how many times the venue's largest quantity an order may have that was adopted: the rule may have changed.
	mostQty = 10
	// maxFeeRate is the largest part of an execution's value that a fee can be. Venues take a hundredth or so at most.
	maxFeeRate = 0.05
)

// falsehood is something in a report that cannot be true. The zero falsehood is none.
type falsehood struct {
	field string
	value float64
	text  string // instead of value
	why   string
	// published says that it is told of executions that were published: if it is true, these are false.
	published bool
}

func (f *falsehood) String() string {
	if f.text != "" {
		return fmt.Sprintf("%s %q %s", f.field, f.text, f.why)
	}
	return fmt.Sprintf("%s %v %s", f.field, f.value, f.why)
}

// isQty reports whether x can be a quantity: finite, not below 0, in whole lots but for the rounding of floats.
func (k *book) isQty(x float64) bool {
	lots := x / k.inst.LotSize
	return lots >= 0 && lots <= maxLots && math.Abs(lots-math.Round(lots)) <= 1e-6+1e-12*lots
}

// isPrice reports whether x can be a price, or 0 for none.
func (k *book) isPrice(x float64) bool {
	return x == 0 || k.priced(x) && !math.IsInf(x/k.inst.TickSize, 0)
}

// check returns what cannot be true in a report, whatever order it is about, at a time of the venue.
func (k *book) check(r *protocol.Report, venueNs int64) falsehood {
	for _, q := range [...]falsehood{{field: "quantity", value: r.Qty}, {field: "cumulative quantity", value: r.CumQty}, {field: "last quantity", value: r.LastQty}} {
		if !k.isQty(q.value) {
			q.why = fmt.Sprintf("is not a whole number of lots of %v", k.inst.LotSize)
			return q
		}
	}
	for _, p := range [...]falsehood{{field: "price", value: r.Price}, {field: "average price", value: r.AvgPrice}, {field: "last price", value: r.LastPrice}} {
		if !k.isPrice(p.value) {
			p.why = "is not a price"
			return p
		}
	}
	switch {
	case r.TimestampNs < 0 || r.TimestampNs > venueNs+maxAheadNs:
		return falsehood{field: "time", value: float64(r.TimestampNs), why: "ns is more than a day ahead or before 1970"}
	case r.TradeID != "":
		if f := k.checkTrade(r); f.field != "" {
			return f
		}
	}
	return k.checkSums(r)
}

// checkTrade returns what cannot be true in a report's execution, whatever order it is of.
func (k *book) checkTrade(r *protocol.Report) falsehood {
	value := r.LastQty * r.LastPrice
	switch {
	case k.lots(r.LastQty) == 0:
		return falsehood{field: "last quantity", value: r.LastQty, why: "of an execution"}
	case r.LastPrice == 0:
		return falsehood{field: "last price", value: r.LastPrice, why: "of an execution"}
	case r.LastValue != 0 && !(math.Abs(value-r.LastValue) <= 0.01*r.LastQty*r.LastPrice+1e-6):
		return falsehood{field: "last value", value: r.LastValue, why: fmt.Sprintf("of %v at %v", r.LastQty, r.LastPrice)}
	case !k.canCost(r):
		return falsehood{field: "fee", value: r.Fee, why: "is more than a twentieth of the execution's value"}
	}
	return falsehood{}
}

// canCost reports whether a fee can be true: a number, and not much of the execution's value. One in an asset of its own
// cannot be compared here.
func (k *book) canCost(r *protocol.Report) bool {
	fee := math.Abs(r.Fee)
	switch {
	case r.FeeAsset == k.inst.BaseAsset && r.FeeAsset != "":
		fee *= r.LastPrice
	case k.inst.QuoteAsset != "" && r.FeeAsset != "" && r.FeeAsset != k.inst.QuoteAsset:
		return !math.IsNaN(fee) && !math.IsInf(fee, 0)
	}
	return fee <= maxFeeRate*r.LastQty*r.LastPrice*k.inst.ContractValue
}

// checkSums returns which of a report's quantities does not go with the others or with the status.
func (k *book) checkSums(r *protocol.Report) falsehood {
	if !r.HasCum {
		return falsehood{}
	}
	qty, cum := k.lots(r.Qty), k.lots(r.CumQty)
	f := falsehood{field: "cumulative quantity", value: r.CumQty}
	active := isActive(r.Status)
	switch {
	case r.TradeID != "" && k.lots(r.LastQty) > cum:
		f.why = fmt.Sprintf("is less than the execution of %v", r.LastQty)
	case qty > 0 && cum > qty && (active || r.Status == hft.StatusFilled):
		f.why = fmt.Sprintf("of an order of %v", r.Qty)
	case r.HasLeaves && active && qty > 0 && math.Abs(r.CumQty+r.LeavesQty-r.Qty) > k.inst.LotSize/2:
		f.why = fmt.Sprintf("and %v open of an order of %v", r.LeavesQty, r.Qty)
	case !fits(r.Status, qty, cum):
		f.why = fmt.Sprintf("of %v does not go with the status %v", r.Qty, r.Status)
	default:
		return falsehood{}
	}
	return f
}

// fits reports whether an order of qty lots, 0 when that is not told, of which cum are executed can have a status.
func fits(s hft.Status, qty, cum int64) bool {
	switch s {
	case hft.StatusNew:
		return qty == 0 || cum != qty
	case hft.StatusPartiallyFilled:
		return cum != 0 && cum != qty
	case hft.StatusRejected:
		return cum == 0
	case hft.StatusFilled:
		return cum != 0 && (qty == 0 || cum >= qty)
	}
	return true
}

// check returns what cannot be true in a report about an order of which more is known.
func (b *Blotter) check(e *entry, r *protocol.Report, nowNs int64) falsehood {
	k := e.book
	if f := k.check(r, b.venueNs(nowNs)); f.field != "" {
		return f
	}
	switch other := b.byID[r.ClientID]; {
	case other != nil && other != e:
		return falsehood{field: "client id", text: r.ClientID, why: "is not the order's"}
	case r.Side != hft.SideNone && r.Side != e.shown.Side:
		return falsehood{field: "side", text: r.Side.String(), why: "is not the order's"}
	}
	if f := e.checkAsked(r); f.field != "" {
		return f
	}
	l, ok := e.named(r)
	switch {
	case !ok:
		return falsehood{field: "order id", text: r.VenueID, why: "is not the order's"}
	case l == nil:
		return falsehood{} // an order that takes its place
	case r.Status == hft.StatusFilled && k.lots(r.Qty) == 0 && !e.filledWhole(l, r):
		return falsehood{field: "cumulative quantity", value: r.CumQty, why: "does not go with the status Filled"}
	}
	if r.TradeID != "" {
		if f := e.checkExecution(l, r); f.field != "" {
			return f
		}
	}
	return e.checkValue(l, r)
}

// filledWhole reports whether a leg can be filled by a report that does not tell its quantity.
func (e *entry) filledWhole(l *leg, r *protocol.Report) bool {
	if !r.HasCum {
		return l.qtyLots != 0
	}
	cum := e.book.lots(r.CumQty)
	return cum == l.qtyLots || e.askedLots(cum)
}

// checkAsked returns which of a report's terms and sums go beyond what the venue was asked for.
func (e *entry) checkAsked(r *protocol.Report) falsehood {
	k := e.book
	qty, cum := k.lots(r.Qty), k.lots(r.CumQty)
	switch {
	case qty > e.maxLots:
		return falsehood{field: "quantity", value: r.Qty, why: fmt.Sprintf("where at most %v was requested", k.qty(e.maxLots))}
	case r.HasCum && cum > e.maxLots:
		return falsehood{field: "cumulative quantity", value: r.CumQty, why: fmt.Sprintf("of an order of %v", k.qty(e.maxLots))}
	case r.HasCum && cum == e.maxLots && r.Status != hft.StatusFilled && rankOf(r.Status) != rankNone:
		return falsehood{field: "cumulative quantity", value: r.CumQty, why: fmt.Sprintf("is the whole order and does not go with the status %v", r.Status)}
	case qty > 0 && !e.askedLots(qty) && !e.repeated(r):
		return falsehood{field: "quantity", value: r.Qty, why: "was not requested"}
	case r.Price > 0 && e.shown.OrdType == hft.Limit && !e.askedPrice(hft.PriceTick(r.Price, k.inst.TickSize)) && !e.repeated(r):
		return falsehood{field: "price", value: r.Price, why: "was not requested"}
	}
	return falsehood{}
}

// checkExecution returns what cannot be true of an execution of a leg.
func (e *entry) checkExecution(l *leg, r *protocol.Report) falsehood {
	k := e.book
	lots, tick := k.lots(r.LastQty), hft.PriceTick(r.LastPrice, k.inst.TickSize)
	if old, ok := k.trades.get(r.TradeID); ok {
		more := lots - old.lots // an answer may tell more, if it was less by mistake that was published
		same := more == 0 || more > 0 && r.Channel == protocol.ChannelQuery && more <= max(l.cumLots-l.filledLots, l.assumedLots)
		if old.side != e.shown.Side || old.tick == tick && same {
			return falsehood{}
		}
		return falsehood{field: "execution", text: r.TradeID, why: fmt.Sprintf("of %v at %v was %v at %v before", r.LastQty, r.LastPrice,
			k.qty(old.lots), hft.TickPrice(old.tick, k.inst.TickSize))}
	}
	if e.adoptedNs != 0 && r.TimestampNs <= e.adoptedNs {
		return falsehood{} // part of what was adopted
	}
	bound, before := e.mostExecuted(l, r), l.filledLots-l.assumedLots
	if before+lots > bound {
		return falsehood{field: "last quantity", value: r.LastQty, why: fmt.Sprintf("where %v of %v was executed before", k.qty(before), k.qty(bound))}
	}
	if e.isBeyondLimit(tick) {
		return falsehood{field: "last price", value: r.LastPrice, why: "is beyond the order's limit"}
	}
	return falsehood{}
}

// isBeyondLimit reports whether a price is worse than any that was asked for.
func (e *entry) isBeyondLimit(tick int64) bool {
	if e.shown.OrdType != hft.Limit || e.highTick == 0 {
		return false
	}
	return e.shown.Side == hft.Buy && tick > e.highTick || e.shown.Side == hft.Sell && tick < e.lowTick
}

// mostExecuted is the most that can be executed of a leg, by what is known of it and what a report tells.
func (e *entry) mostExecuted(l *leg, r *protocol.Report) int64 {
	if r.HasCum {
		return max(l.cumLots, e.book.lots(r.CumQty))
	}
	if lots := e.boundLots(l); lots > 0 {
		return min(e.maxLots, lots)
	}
	return e.maxLots
}

// checkValue compares an average price with the executions, when these are all that the average is of. A stream's has to
// be exact but for rounding; an answer, on which it depends whether trading goes on, may be rounded worse.
func (e *entry) checkValue(l *leg, r *protocol.Report) falsehood {
	k := e.book
	cum := k.lots(r.CumQty)
	if !r.HasCum || r.AvgPrice == 0 || cum == 0 || l.unpriced {
		return falsehood{}
	}
	lots, value := l.filledLots, l.filledValue
	if r.TradeID != "" && !k.trades.has(r.TradeID) {
		last := k.lots(r.LastQty)
		lots, value = lots+last, value+float64(last)*r.LastPrice
	}
	tolerance := k.inst.TickSize + 1e-5 // a venue's average has as few as five decimals
	if r.Channel == protocol.ChannelQuery {
		tolerance += 0.01 * r.AvgPrice
	}
	if mean := value / float64(lots); lots == cum && math.Abs(mean-r.AvgPrice) > tolerance {
		return falsehood{field: "average price", value: r.AvgPrice, why: fmt.Sprintf("of executions at %v", mean), published: lots == l.filledLots}
	}
	return falsehood{}
}

// named returns the leg that a report is about without changing anything, nil for one that is new; ok is false when the
// report is about neither. An order of the venue that took this one's place has the client id that it was to have; another
// id of the same order has to be said again, by an answer: orders are canceled by it.
func (e *entry) named(r *protocol.Report) (l *leg, ok bool) {
	if r.VenueID == "" {
		return e.namedByClientID(r), true
	}
	for i := range e.prior {
		switch l := &e.prior[i]; {
		case l.venueID == r.VenueID:
			return l, true
		case l.clientID == r.ClientID && l.venueID != "" && l.clientID != e.now.clientID:
			return nil, false // two orders
		}
	}
	switch {
	case r.VenueID == e.now.venueID:
		return &e.now, true
	case e.isReplacement(r):
		return nil, true
	case e.now.venueID == "" && r.Channel != protocol.ChannelQuery && e.book.taken(r.VenueID, e):
	case e.now.venueID == "", r.Channel == protocol.ChannelQuery && e.otherID == r.VenueID:
		return &e.now, true
	}
	e.otherID = r.VenueID // to be said again, by an answer
	return nil, false
}

// namedByClientID is named for a report without the venue's id.
func (e *entry) namedByClientID(r *protocol.Report) *leg {
	if e.isReplacement(r) {
		return nil
	}
	for i := range e.prior {
		if r.ClientID != "" && r.ClientID != e.now.clientID && e.prior[i].clientID == r.ClientID {
			return &e.prior[i]
		}
	}
	return &e.now
}

// taken reports whether a venue's id is that of another order that is not over.
func (k *book) taken(venueID string, e *entry) bool {
	other := k.venue[venueID]
	return other != nil && other != e && !other.over
}

// asks notes terms that the venue is asked for.
func (e *entry) asks(priceTick int64, lots ...int64) {
	for _, n := range lots {
		if n <= 0 || slices.Contains(e.asked[:], terms{priceTick: priceTick, openLots: n}) {
			continue
		}
		e.asked[e.numAsked%maxAsked] = terms{priceTick: priceTick, openLots: n}
		e.numAsked++
		e.maxLots = max(e.maxLots, n)
	}
	if e.highTick == 0 {
		e.lowTick, e.highTick = priceTick, priceTick
		if e.priceTick > 0 { // what an adopted order was before it was first modified here is as possible
			e.asks(e.priceTick, e.now.qtyLots)
		}
	}
	e.lowTick, e.highTick = min(e.lowTick, priceTick), max(e.highTick, priceTick)
}

func (e *entry) askedLots(lots int64) bool {
	return slices.ContainsFunc(e.asked[:], func(t terms) bool { return t.openLots == lots }) || lots == e.now.qtyLots
}

func (e *entry) askedPrice(tick int64) bool {
	return slices.ContainsFunc(e.asked[:], func(t terms) bool { return t.openLots > 0 && t.priceTick == tick }) || tick == e.priceTick
}

// repeated reports whether an answer has the price and quantity of one before: so it is believed although nobody here
// asked for it, as of an order that was amended by hand.
func (e *entry) repeated(r *protocol.Report) bool {
	if r.Channel != protocol.ChannelQuery {
		return false
	}
	again := e.otherPrice == r.Price && e.otherQty == r.Qty
	e.otherPrice, e.otherQty = r.Price, r.Qty
	return again
}
