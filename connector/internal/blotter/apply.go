package blotter

import (
	"cmp"
	"slices"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// Ranks of statuses: an order goes through them upwards.
const (
	rankNone = iota
	rankNew
	rankPartial
	rankFinal
)

func rankOf(s hft.Status) int {
	switch s {
	case hft.StatusNew:
		return rankNew
	case hft.StatusPartiallyFilled:
		return rankPartial
	case hft.StatusFilled, hft.StatusCanceled, hft.StatusExpired, hft.StatusRejected:
		return rankFinal
	}
	return rankNone
}

// isActive reports whether a status is that of an open order.
func isActive(s hft.Status) bool { return s == hft.StatusNew || s == hft.StatusPartiallyFilled }

// isFinal reports whether a status is that of an order that has ended.
func isFinal(s hft.Status) bool { return rankOf(s) == rankFinal }

// Report takes what the venue says of an order without being asked. r is not kept, its texts are. An error says that it is
// about an order of this runner that is not known here and that it cannot be true: the open orders have to be asked for.
func (b *Blotter) Report(r *protocol.Report, nowNs int64) error {
	e, err := b.find(r, nowNs)
	if e != nil {
		b.apply(e, r, nowNs)
	}
	return err
}

// find returns the entry that a report is about, adopting an order of this runner that is not known. nil means that it
// is none of our business.
func (b *Blotter) find(r *protocol.Report, nowNs int64) (*entry, error) {
	k := b.bySymbol[r.Symbol]
	if k == nil {
		b.counts.Foreign++
		return nil, nil
	}
	if e := b.lookUp(k, r); e != nil {
		return e, nil
	}
	if e := b.byID[r.ClientID]; e != nil { // of another symbol
		b.unreadable(e, &falsehood{field: "symbol", text: r.Symbol, why: "is not the order's"}, nowNs)
		return nil, nil
	}
	return b.adopt(k, r, nowNs)
}

// lookUp returns the entry that has a report's ids, nil when there is none. The client id counts more: this side gives it
// and never twice, while a venue that was reset, as test networks are, gives its ids again.
func (b *Blotter) lookUp(k *book, r *protocol.Report) *entry {
	if e := b.byID[r.ClientID]; e != nil && e.book == k {
		return e
	}
	if r.VenueID == "" {
		return nil
	}
	return k.venue[r.VenueID]
}

// legOf returns the leg that a report is about, and whether that is the current one. It notes ids that are new.
func (b *Blotter) legOf(e *entry, r *protocol.Report, nowNs int64) (l *leg, current bool) {
	switch {
	case r.VenueID == "":
		return b.legOfClientID(e, r, nowNs)
	case r.VenueID == e.now.venueID:
		if e.isReplacement(r) {
			b.renamed(e, r)
		}
		return &e.now, true
	}
	for i := range e.prior {
		if e.prior[i].venueID == r.VenueID {
			return &e.prior[i], false
		}
	}
	if e.isReplacement(r) {
		b.newLeg(e, r, nowNs)
	} else {
		b.takeVenueID(e, r.VenueID)
	}
	return &e.now, true
}

// legOfClientID is legOf for a report without the venue's id.
func (b *Blotter) legOfClientID(e *entry, r *protocol.Report, nowNs int64) (l *leg, current bool) {
	switch {
	case e.isReplacement(r):
		b.newLeg(e, r, nowNs)
	case r.ClientID != "" && r.ClientID != e.now.clientID:
		for i := len(e.prior) - 1; i >= 0; i-- {
			if e.prior[i].clientID == r.ClientID {
				return &e.prior[i], false
			}
		}
	}
	return &e.now, true
}

// isReplacement reports whether a report has the client id that the amendment in flight gives the order.
func (e *entry) isReplacement(r *protocol.Report) bool {
	return r.ClientID != "" && r.ClientID == e.amendID && r.ClientID != e.now.clientID
}

// renamed notes that the current leg was amended in place, under another client id.
func (b *Blotter) renamed(e *entry, r *protocol.Report) {
	e.now.clientID = r.ClientID
	if e.amending() {
		e.priceNs = max(e.priceNs, r.TimestampNs)
		b.tookEffect(e)
	}
}

// takeVenueID gives the current leg the id that the venue has for it.
func (b *Blotter) takeVenueID(e *entry, venueID string) {
	b.dropVenueID(e, &e.now)
	e.now.venueID = venueID
	if former := e.book.venue[venueID]; former == nil || former.over {
		e.book.venue[venueID] = e
	}
}

// newLeg notes that another order at the venue has taken the place of the current one.
func (b *Blotter) newLeg(e *entry, r *protocol.Report, nowNs int64) {
	if len(e.prior) == maxPrior {
		e.foldedLots += e.prior[0].filledLots
		b.dropVenueID(e, &e.prior[0])
		e.prior = slices.Delete(e.prior, 0, 1)
	}
	old := e.now
	e.prior = append(e.prior, old)
	if !old.done && old.venueID != "" && e.formerAtNs == 0 {
		e.formerAtNs = nowNs + streamNs
	}
	e.now = leg{clientID: cmp.Or(r.ClientID, old.clientID), venueID: r.VenueID}
	b.know(e, e.now.clientID)
	if r.VenueID != "" {
		e.book.venue[r.VenueID] = e
	}
	e.rank, e.priceNs = rankNone, 0
	if !e.over {
		e.end, e.reason = hft.StatusNone, "" // what has ended was the former leg
	}
	e.guessed = e.over
	if e.amending() {
		b.tookEffect(e)
	} else {
		e.now.qtyLots = max(old.qtyLots-old.cumLots, 0)
	}
	e.now.estimated = true // what was executed of the former leg may not be known yet
	if lots := e.book.lots(r.Qty); lots > 0 {
		e.now.qtyLots, e.now.estimated = lots, false
	}
}

// tookEffect gives an entry the terms of the amendment in flight.
func (b *Blotter) tookEffect(e *entry) {
	e.now.qtyLots = max(e.target.totalLots-e.priorLots(), 0)
	e.priceTick = e.target.priceTick
	b.amended(e)
}

// amended notes that the amendment in flight took effect.
func (b *Blotter) amended(e *entry) {
	if e.amend == accepted && e.cancel == idle && !e.gone && !e.suspect {
		e.askAtNs = 0
	}
	e.amend = idle
	e.baseLots = e.target.totalLots - e.target.openLots
	if e.req == hft.StatusReplaced && !e.wantAmend {
		e.req = hft.StatusNone
	}
}

// apply takes over what a report says, unless it cannot be true.
func (b *Blotter) apply(e *entry, r *protocol.Report, nowNs int64) {
	if f := b.check(e, r, nowNs); f.field != "" {
		b.unreadable(e, &f, nowNs)
		return
	}
	b.accept(e, r, false, nowNs)
}

// accept takes over what a report says that was checked, and returns the leg that it is about. byAmend says that it
// acknowledges an amendment.
func (b *Blotter) accept(e *entry, r *protocol.Report, byAmend bool, nowNs int64) *leg {
	r = b.notAhead(r, nowNs)
	e.answered = e.answered || r.Channel == protocol.ChannelQuery && r.Status != hft.StatusNone
	l, current := b.legOf(e, r, nowNs)
	old := l.cumLots
	told, tells := l.told(e.book, r)
	b.claim(e, l, r, told, tells)
	l.takeEnd(r, told, old)
	l.takeAverage(r, told)
	var fill *execution
	if r.TradeID != "" {
		fill = b.take(e, l, r, tells)
	}
	if current { // a former leg's state is nothing to the order, only what was executed in it
		b.state(e, r, told, old, byAmend, nowNs)
	}
	over := e.over
	if fill != nil && rankOf(r.Status) == rankNone && e.wholeIsFilled() {
		e.end, e.guessed = hft.StatusFilled, true // of a channel that tells executions only
	}
	b.settle(e, fill, nowNs)
	unconfirmed := over && fill != nil || !over && e.now.filledLots > e.now.toldLots
	if e.over && e.askAtNs == 0 && unconfirmed {
		e.askAtNs = nowNs + streamNs // unless the venue says by then that this much is executed
		b.schedule(e)
	}
	return l
}

// notAhead returns a report whose time is not much ahead of the venue's clock: one wrong time must not outdate all that comes
// after it.
func (b *Blotter) notAhead(r *protocol.Report, nowNs int64) *protocol.Report {
	atNs := b.venueNs(nowNs) + trustedAheadNs
	if r.TimestampNs <= atNs {
		return r
	}
	b.report = *r
	b.report.TimestampNs = atNs
	return &b.report
}

// takeEnd notes that a report is of the leg's end and tells all that was executed.
func (l *leg) takeEnd(r *protocol.Report, told, old int64) {
	if r.HasCum && isFinal(r.Status) && (told >= old || l.ruined) {
		l.done = true
	}
}

// takeAverage takes over the average price of a report that tells no less executed than the one that is known.
func (l *leg) takeAverage(r *protocol.Report, told int64) {
	if positive(r.AvgPrice) && r.HasCum && told >= l.avgLots {
		l.avgPrice, l.avgLots = r.AvgPrice, told
	}
}

// wholeIsFilled reports whether an order without an end has nothing left to execute.
func (e *entry) wholeIsFilled() bool {
	total := e.totalLots()
	return e.end == hft.StatusNone && total > 0 && e.filledLots >= total && !e.now.estimated && !e.amending()
}

// told returns how much is executed of a leg by a report, and whether the report tells; otherwise it is what is known.
func (l *leg) told(k *book, r *protocol.Report) (lots int64, tells bool) {
	switch {
	case r.HasCum:
		return k.lots(r.CumQty), true
	case r.Status != hft.StatusFilled:
		return l.cumLots, false
	case r.Qty > 0:
		return k.lots(r.Qty), true
	}
	return l.qtyLots, true
}

// claim notes how much the venue says is executed of a leg. It is firm when two answers in a row say it; an answer that
// tells less than is known is disputed.
func (b *Blotter) claim(e *entry, l *leg, r *protocol.Report, told int64, tells bool) {
	if r.Channel == protocol.ChannelQuery && tells {
		l.firmLots, l.answeredLots = min(told, l.answeredLots), told
		if told >= l.cumLots {
			l.denied = doubt{}
		} else if !l.ruined {
			e.disputed = true
		}
	}
	l.cumLots = max(l.cumLots, told)
	if tells {
		l.toldLots = max(l.toldLots, told)
	}
}

// state takes over the status, price and quantity of a report about the current leg, which tells told executed lots
// where old were known.
func (b *Blotter) state(e *entry, r *protocol.Report, told, old int64, byAmend bool, nowNs int64) {
	rank := rankOf(r.Status)
	if rank == rankNone {
		return
	}
	if e.now.ruined {
		old = min(old, told) // it has its reason
	}
	if e.end != hft.StatusNone && e.guessed && !e.over {
		e.end, e.guessed = hft.StatusNone, false // nobody was told yet
	}
	if e.end != hft.StatusNone {
		b.stateAfterEnd(e, r, told, old, nowNs)
		return
	}
	switch {
	case rank == rankFinal && told >= old: // ends are not outdated by anything
	case rank == rankFinal:
		e.disputed = true // executed quantities do not shrink
		e.ask(nowNs)
		return
	case told < old || told == old && e.isOutdated(r):
		if byAmend {
			b.terms(e, r, true)
		}
		return
	}
	e.rank, e.tsNs = rank, max(e.tsNs, r.TimestampNs)
	b.shown(e)
	b.terms(e, r, byAmend)
	if rank == rankFinal {
		e.end, e.reason = r.Status, r.Reason
	}
}

// stateAfterEnd compares a status with the end that is known: it confirms it, or it shows that the order is still open.
func (b *Blotter) stateAfterEnd(e *entry, r *protocol.Report, told, old int64, nowNs int64) {
	final := isFinal(r.Status)
	if e.over && final {
		e.strayEnded()
	}
	switch {
	case !final && e.guessed && told >= old:
		b.stray(e, nowNs)
	case final && r.HasCum && told < old && e.askAtNs == 0:
		e.askAtNs = nowNs
	case r.Status == e.end && r.HasCum && told == old && e.over && !e.suspect:
		e.guessed, e.askAtNs = false, 0 // as concluded
	}
}

// isOutdated reports whether a report of as much executed as is known is older than what is known.
func (e *entry) isOutdated(r *protocol.Report) bool {
	return rankOf(r.Status) < e.rank || r.TimestampNs > 0 && r.TimestampNs < e.tsNs
}

// shown notes that the venue has the order: the submission is answered.
func (b *Blotter) shown(e *entry) {
	if e.place != idle && e.amend == idle && e.cancel == idle && !e.gone && !e.suspect {
		e.askAtNs = 0 // it has no need to be asked about any more
	}
	e.seen, e.place, e.absent = true, idle, doubt{}
	if e.req == hft.StatusNew {
		e.req = hft.StatusNone
	}
}

// terms takes over price and quantity. Times are in milliseconds and tie, so only a report that is newer than the one
// they are from changes them, or one that shows what an amendment in flight asks for.
func (b *Blotter) terms(e *entry, r *protocol.Report, byAmend bool) {
	priceTick, qtyLots, told := e.termsOf(r)
	if !told {
		if !byAmend || r.Status == hft.StatusNone {
			return
		}
		// The venue acknowledged and does not repeat what.
		priceTick, qtyLots = e.target.priceTick, max(e.target.totalLots-e.priorLots(), 0)
	}
	matches := e.amending() && e.matchesTarget(priceTick, qtyLots)
	if e.priceNs != 0 && r.TimestampNs <= e.priceNs && !matches && !byAmend {
		return
	}
	e.priceTick, e.now.qtyLots = priceTick, qtyLots
	e.now.estimated = e.now.estimated && !positive(r.Qty)
	e.priceNs = max(e.priceNs, r.TimestampNs, 1)
	if e.amending() && (matches || byAmend) {
		b.amended(e)
	}
}

// termsOf returns the price and quantity in a report, the order's own for what it does not tell. told is false when it tells
// neither.
func (e *entry) termsOf(r *protocol.Report) (priceTick, qtyLots int64, told bool) {
	priceTick, qtyLots = e.priceTick, e.now.qtyLots
	if positive(r.Price) && e.shown.OrdType == hft.Limit {
		priceTick = hft.PriceTick(r.Price, e.book.inst.TickSize)
	}
	if positive(r.Qty) {
		qtyLots = e.book.lots(r.Qty)
	}
	return priceTick, qtyLots, positive(r.Price) || positive(r.Qty)
}

// matchesTarget reports whether terms show that the amendment in flight took effect. Those that the order has anyway are no
// answer, nor is an end: what is canceled to be replaced may have had the same.
func (e *entry) matchesTarget(priceTick, qtyLots int64) bool {
	changes := priceTick != e.priceTick || qtyLots != e.now.qtyLots
	return changes && e.rank != rankFinal && priceTick == e.target.priceTick && qtyLots+e.priorLots() == e.target.totalLots
}
