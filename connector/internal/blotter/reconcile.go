package blotter

import (
	"cmp"
	"fmt"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// adopt returns a new entry for an order of this runner that is not known, nil when the report is about an order of
// others or one that is over for long. What was executed before counts as published.
func (b *Blotter) adopt(k *book, r *protocol.Report, nowNs int64) (*entry, error) {
	owner, orderID, _ := b.codec.Decode(r.ClientID)
	if !b.Ours(r) {
		b.counts.Foreign++
		return nil, nil
	}
	if f := k.checkAdopted(r, b.venueNs(nowNs)); f.field != "" {
		b.counts.Unreadable++
		return nil, fmt.Errorf("order %s, which is not known here: inconsistent answer from the venue: %v", r.ClientID, &f)
	}
	executedLots := k.newLots(r)
	if !k.isAdoptable(r, executedLots) {
		b.counts.Forgotten++
		return nil, nil
	}
	b.counts.Adopted++
	e := b.newEntry(k, owner, r.ClientID)
	e.shown = hft.NewOrder(orderID, 0, k.inst.TickSize, r.Qty, r.Side, r.OrdType, r.TimeInForce)
	e.takeHistory(r, executedLots)
	if b.open[e.key()] == nil {
		b.open[e.key()] = e
		return e, nil
	}
	// The bot has a newer order of this id, so this one cannot be shown to it: it is canceled.
	k.strike(e)
	e.over, e.overShown, e.guessed, e.end = true, true, true, hft.StatusExpired
	e.shown.Status, e.forgetAtNs = hft.StatusExpired, nowNs+keepNs
	return e, nil
}

// Unheard reports whether a report is about an order of this runner that is not known.
func (b *Blotter) Unheard(r *protocol.Report) bool {
	k := b.bySymbol[r.Symbol]
	if k == nil || b.lookUp(k, r) != nil {
		return false
	}
	return b.Ours(r)
}

// checkAdopted returns what cannot be true in a report about an order that is not known.
func (k *book) checkAdopted(r *protocol.Report, venueNs int64) falsehood {
	f := k.check(r, venueNs)
	if most := mostQty * k.inst.MaxQty; most > 0 && r.Qty > most && f.field == "" {
		f = falsehood{field: "quantity", value: r.Qty, why: fmt.Sprintf("where the venue accepts at most %v", k.inst.MaxQty)}
	}
	return f
}

// newLots is how much a report says was executed that nobody has counted yet.
func (k *book) newLots(r *protocol.Report) int64 {
	if r.TradeID == "" || !k.priced(r.LastPrice) || k.trades.has(r.TradeID) {
		return 0
	}
	return k.lots(r.LastQty)
}

// isAdoptable reports whether a report tells enough of an order to go on with it, and the order has not ended for long.
func (k *book) isAdoptable(r *protocol.Report, executedLots int64) bool {
	sided := r.Side == hft.Buy || r.Side == hft.Sell
	return sided && k.lots(r.Qty) != 0 && (isActive(r.Status) || executedLots != 0) && r.Channel != protocol.ChannelAck
}

// takeHistory takes over what had become of an order until it was adopted, without the execution of executedLots that the report
// is about.
func (e *entry) takeHistory(r *protocol.Report, executedLots int64) {
	k := e.book
	e.now.qtyLots = k.lots(r.Qty)
	if positive(r.Price) {
		e.priceTick = hft.PriceTick(r.Price, k.inst.TickSize)
		e.shown.PriceTick = e.priceTick
	}
	if r.HasCum {
		e.now.cumLots = max(k.lots(r.CumQty)-executedLots, 0)
		e.filledLots, e.now.filledLots, e.now.adoptedLots = e.now.cumLots, e.now.cumLots, e.now.cumLots
		e.now.unpriced = e.now.cumLots > 0
		if positive(r.AvgPrice) {
			e.filledValue = max(r.AvgPrice*float64(e.filledLots+executedLots)-r.LastPrice*float64(executedLots), 0)
		}
	}
	if e.adoptedNs = r.TimestampNs; executedLots > 0 {
		e.adoptedNs--
	}
	e.seen, e.unheard = true, true
	// What was asked for is not known: at most what the venue takes, and any price.
	if e.maxLots = k.lots(mostQty * k.inst.MaxQty); e.maxLots == 0 {
		e.maxLots = maxLots
	}
}

// Listed takes the list of open orders on a symbol, as after a reconnect and at the start: unknown orders of this runner
// are adopted, known ones that are missing are asked about. Those of others are not touched. An error is about an order
// of this runner that is not known here and that the list says of what cannot be true: it has to be asked for again. askedNs is
// when the question was sent.
func (b *Blotter) Listed(symbol string, open []protocol.Report, askedNs, nowNs int64) error {
	k := b.bySymbol[symbol]
	if k == nil {
		return nil
	}
	var wrong error
	b.round++
	for i := range open {
		r := &open[i]
		if r.Symbol != symbol {
			continue
		}
		e, err := b.find(r, nowNs)
		wrong = cmp.Or(wrong, err)
		if e == nil {
			continue
		}
		e.listed = b.round
		b.apply(e, r, nowNs)
		if r.HasCum && e.missingLots() <= 0 && e.whole() {
			e.completeNs = max(e.completeNs, b.venueNs(askedNs)-listLagNs) // an order may rest for weeks
		}
		if e.disputed && e.askAtNs == 0 {
			e.askAtNs = nowNs
			b.schedule(e)
		}
	}
	for _, e := range k.live {
		if e.listed != b.round && e.place != sent && e.end == hft.StatusNone {
			e.ask(nowNs)
			b.schedule(e)
		}
	}
	return wrong
}

// Executions takes executions that were asked for, as after a reconnect. Those that were counted already and those of
// unknown orders are passed over.
func (b *Blotter) Executions(list []protocol.Report, nowNs int64) {
	for i := range list {
		r := &list[i]
		k := b.bySymbol[r.Symbol]
		if k == nil {
			continue
		}
		if e := b.lookUp(k, r); e != nil {
			b.apply(e, r, nowNs)
		}
	}
}

// SinceNs returns the venue's time from which executions on a symbol may be missing while no execution of its open orders
// is known to: what to ask for after the stream was down. 0 when there is no open order on it.
func (b *Blotter) SinceNs(symbol string) int64 {
	k := b.bySymbol[symbol]
	if k == nil {
		return 0
	}
	sinceNs := int64(0)
	for _, e := range k.live {
		if ns := b.sinceNs(e); sinceNs == 0 || ns < sinceNs {
			sinceNs = ns
		}
	}
	return sinceNs
}

// sinceNs returns the venue's time from which executions of an entry may be missing, below 0 when that is not known. The
// venue's clock is known but for a little, and its times tie.
func (b *Blotter) sinceNs(e *entry) int64 {
	switch {
	case e.completeNs > 0:
		return e.completeNs - second
	case e.recovered:
		return e.fromNs
	case e.shown.LocalTimestampNs == 0: // adopted
		return -1
	}
	return b.venueNs(e.shown.LocalTimestampNs) - 10*second
}
