package blotter

import (
	"cmp"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// overlapNs is by how much executions that are read overlap with those that were read before: a venue may list one a
// little late.
const overlapNs = 60 * second

// Recover takes what earlier runs knew of a registered instrument, before anything else is said of it: its orders are
// known from then on, as after a submission without an answer where the venue has not shown them, and what was
// executed of them counts as reported.
func (b *Blotter) Recover(p *connector.Past, nowNs int64) {
	k := b.byNo[p.InstrumentNo]
	if k == nil {
		return
	}
	b.codec.After(p.Number)
	k.readNs = p.ReadNs
	k.trades.forgottenNs = max(p.ForgottenNs, p.ReadNs-overlapNs-1)
	for i := range p.Booked {
		x := &p.Booked[i]
		if lots := k.lots(x.Qty); x.ID == "" {
			k.keepAssumed(x.ClientID, lots, x.VenueNs)
		} else {
			k.trades.put(x.ID, trade{x.Side, lots, x.PriceTick, x.VenueNs})
		}
	}
	for i := range p.Orders {
		b.recover(k, &p.Orders[i], nowNs)
	}
}

// Begin sets the start: executions on a symbol up to the venue's time are not ours, because nothing is known of the
// time before.
func (b *Blotter) Begin(symbol string, untilNs int64) {
	if k := b.bySymbol[symbol]; k != nil {
		k.trades.forgottenNs = max(k.trades.forgottenNs, untilNs)
	}
}

// recover makes the entry of an order of an earlier run.
func (b *Blotter) recover(k *book, o *connector.PastOrder, nowNs int64) {
	legs := o.Legs
	if len(legs) == 0 {
		legs = []connector.PastLeg{{ClientID: o.Origin}}
	}
	id := key{k.inst.No, o.Owner.Bot, o.OrderID}
	origin := cmp.Or(o.Origin, legs[0].ClientID)
	if b.open[id] != nil || b.byID[origin] != nil || origin == "" {
		return
	}
	e := b.newEntry(k, o.Owner, origin)
	e.recovered = true
	e.shown = o.Order.Order
	e.shown.TickSize, e.shown.LocalTimestampNs = k.inst.TickSize, 0
	e.priceTick = o.PriceTick
	e.seen = isActive(o.Status)
	e.place, e.req = idle, hft.StatusNone
	if !e.seen {
		e.place, e.req = uncertain, hft.StatusNew
	}
	e.shown.Req = e.req
	e.takeLegs(legs, nowNs)
	for _, l := range legs {
		b.know(e, l.ClientID)
		delete(k.assumed, l.ClientID) // the leg has them
		if l.VenueID != "" {
			k.venue[l.VenueID] = e
		}
	}
	e.now.qtyLots = max(k.lots(o.LeavesQty)+e.filledLots-e.priorLots(), 0)
	e.baseLots = max(e.totalLots()-k.lots(o.Qty), 0)
	e.takeTerms(o)
	for _, clientID := range o.ClientIDs {
		b.know(e, clientID)
	}
	if o.Amendment != "" && e.seen && !slices.ContainsFunc(legs,
		func(l connector.PastLeg) bool { return l.ClientID == o.Amendment }) && len(o.Terms) > 0 {
		last := o.Terms[len(o.Terms)-1]
		total := k.lots(last.Qty)
		e.target = terms{priceTick: last.PriceTick, openLots: max(total-e.filledLots, 0), totalLots: total}
		e.amend, e.amendID, e.amendNs = uncertain, o.Amendment, nowNs
	}
	e.fromNs = -1 // all there is
	if o.RequestedNs > 0 {
		e.fromNs = b.venueNs(o.RequestedNs) - 10*second
	}
	if k.readNs > 0 {
		e.fromNs = max(e.fromNs, k.readNs-overlapNs)
	}
	b.open[id] = e
	b.schedule(e)
}

// takeLegs takes over what an order has been at the venue.
func (e *entry) takeLegs(legs []connector.PastLeg, nowNs int64) {
	k := e.book
	for i := range legs {
		p := &legs[i]
		lots := k.lots(p.Executed)
		l := leg{clientID: p.ClientID, venueID: p.VenueID, cumLots: lots, filledLots: lots, toldLots: lots,
			assumedLots: min(k.lots(p.Assumed), lots),
			filledValue: p.Value / (k.inst.LotSize * k.inst.ContractValue), unpriced: p.Unpriced || p.Assumed > 0}
		e.filledLots += lots
		e.filledValue += l.filledValue
		e.valueUnknown = e.valueUnknown || p.Unpriced
		if i == len(legs)-1 {
			e.now = l
			return
		}
		l.done = p.VenueID == "" // nobody can be asked
		l.qtyLots, l.estimated = lots, true
		e.prior = append(e.prior, l)
		e.formerAtNs = nowNs
	}
}

// takeTerms takes over what the venue was asked for. Where the order was amended, what each of its legs was to have
// is not known.
func (e *entry) takeTerms(o *connector.PastOrder) {
	k := e.book
	e.asks(e.priceTick, e.now.qtyLots, e.totalLots())
	for _, t := range o.Terms {
		e.asks(t.PriceTick, k.lots(t.Qty), k.lots(t.Qty)-e.priorLots())
	}
	if len(o.Terms) == 1 && len(o.Legs) <= 1 && o.RequestedNs > 0 {
		return
	}
	if e.maxLots = k.lots(mostQty * k.inst.MaxQty); e.maxLots == 0 {
		e.maxLots = maxLots
	}
	if len(o.Terms) == 0 {
		e.lowTick, e.highTick = 0, 0
	}
}

// settled reports whether it is known what has become of a recovered entry.
func (e *entry) settled() bool {
	return e.over || e.answered && e.place == idle && e.end == hft.StatusNone && e.missingLots() <= 0 && e.whole()
}

// Recovering returns how many orders of an earlier run there are on a symbol of which it is not known yet what has
// become of them.
func (b *Blotter) Recovering(symbol string) (n int) {
	k := b.bySymbol[symbol]
	if k == nil {
		return 0
	}
	for _, e := range k.live {
		if e.recovered && !e.settled() {
			n++
		}
	}
	return n
}

// Settled reports whether no request on a symbol is without an outcome and nothing is executed that is not published.
func (b *Blotter) Settled(symbol string) bool {
	k := b.bySymbol[symbol]
	if k == nil {
		return true
	}
	for _, e := range k.live {
		if e.place == sent || e.place == uncertain || e.amending() || e.suspect || e.disputed || e.missingLots() != 0 ||
			e.recovered && !e.settled() {
			return false
		}
	}
	return !slices.ContainsFunc(b.strayed(), func(e *entry) bool { return e.book == k })
}

// Unknown returns those of the executions on a symbol that were not told and that are of orders which are not known
// here: they may be of an order of this runner that is over. Such an order has to be asked for by its venue id, and
// given to Missed.
func (b *Blotter) Unknown(symbol string, list []protocol.Report) (unknown []protocol.Report) {
	k := b.bySymbol[symbol]
	if k == nil {
		return nil
	}
	for i := range list {
		r := &list[i]
		if r.Symbol != symbol || r.TradeID == "" || r.VenueID == "" || r.TimestampNs <= k.trades.forgottenNs ||
			k.foreign[r.VenueID] ||
			k.trades.has(r.TradeID) || b.lookUp(k, r) != nil {
			continue
		}
		if r.ClientID == "" || b.Ours(r) {
			unknown = append(unknown, *r)
		}
	}
	return unknown
}

// maxForeign is how many external orders are remembered per symbol. One that is forgotten is returned by Unknown again,
// and so asked for again.
const maxForeign = 4096

// Foreign notes that an order of Unknown is nobody's here, in place of the oldest where there are too many.
func (b *Blotter) Foreign(symbol, venueID string) {
	k := b.bySymbol[symbol]
	if k == nil || k.foreign[venueID] {
		return
	}
	k.foreign[venueID] = true
	if len(k.foreignIDs) < maxForeign {
		k.foreignIDs = append(k.foreignIDs, venueID)
		return
	}
	delete(k.foreign, k.foreignIDs[k.oldestForeign])
	k.foreignIDs[k.oldestForeign] = venueID
	k.oldestForeign = (k.oldestForeign + 1) % maxForeign
}

// Missed takes executions that Unknown has returned, of one order, and what the venue says of that order. Each of this
// runner is reported once: to the bot that its client id names. It reports whether it was this runner's.
func (b *Blotter) Missed(order *protocol.Report, executions []protocol.Report, nowNs int64) (ours bool) {
	k := b.bySymbol[order.Symbol]
	if k == nil {
		return false
	}
	owner, orderID, ours := b.codec.Decode(order.ClientID)
	e := b.lookUp(k, order)
	if !ours || e == nil && !b.Ours(order) {
		b.Foreign(order.Symbol, order.VenueID)
		return false
	}
	if e == nil {
		if f := k.checkAdopted(order, b.venueNs(nowNs)); f.field != "" || k.lots(order.Qty) == 0 {
			b.counts.Unreadable++
			return true
		}
		e = b.newEntry(k, owner, order.ClientID)
		e.shown = hft.NewOrder(orderID, 0, k.inst.TickSize, order.Qty, order.Side, order.OrdType, order.TimeInForce)
		before, lots := *order, int64(0)
		for i := range executions {
			lots += k.lots(executions[i].LastQty)
		}
		// What was assumed is published, and listed among executions only now that it has an id.
		assumed := k.assumed[order.ClientID].lots
		before.CumQty = k.qty(max(k.lots(order.CumQty)-lots, 0) + min(assumed, lots))
		before.AvgPrice, before.TradeID = 0, ""
		e.takeHistory(&before, 0)
		e.adoptedNs, e.valueUnknown, e.now.venueID = 0, true, order.VenueID
		e.now.assumedLots = min(assumed, e.now.filledLots)
		delete(k.assumed, order.ClientID)
		k.venue[order.VenueID] = e
		if isFinal(order.Status) {
			e.shown = e.view() // that it was open is no news
		}
		if b.open[e.key()] == nil {
			b.open[e.key()] = e
		} else {
			k.strike(e)
			e.over, e.overShown, e.guessed, e.end = true, true, true, hft.StatusExpired
			e.shown.Status, e.forgetAtNs = hft.StatusExpired, nowNs+keepNs
		}
	}
	for i := range executions {
		b.apply(e, &executions[i], nowNs)
	}
	b.apply(e, order, nowNs)
	return true
}
