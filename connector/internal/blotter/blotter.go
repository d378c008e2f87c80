package blotter

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// Config is what a Blotter needs.
type Config struct {
	// Codec makes and recognises client order ids.
	Codec *clientid.Codec
	// Output takes updates, errors and requests.
	Output Output
	// VenueNs returns the venue's time at a local time, by which times are compared; nil where local times are as good.
	VenueNs func(localNs int64) int64
	// Other takes an order of another runner with the same prefix, once; nil for nobody. It is called within the Blotter's
	// methods and must not call them.
	Other func(r protocol.Report)
}

// Counts is what a Blotter counted since it was made.
type Counts struct {
	// Foreign reports were about orders of others, Forgotten ones about own orders that are over for long.
	Foreign, Forgotten uint64
	// Fills are the executions published, Assumed those of them that were concluded from the executed quantity.
	Fills, Assumed uint64
	// FeesUnknown are executions whose fee is not counted, because its asset has no known price.
	FeesUnknown uint64
	// Repeated executions had been counted before.
	Repeated uint64
	// Adopted orders were found at the venue and not known.
	Adopted uint64
	// Unreadable reports could not be true. Withdrawn are the executed quantities that the venue did not stay with.
	Unreadable, Withdrawn uint64
	// Others are orders of other runners with the same prefix.
	Others uint64
	// Strays are orders that showed up at the venue after their end was concluded; they are canceled.
	Strays uint64
}

// key is what a bot knows an order by.
type key struct {
	instrumentNo int
	bot, orderID uint64
}

// Blotter is the record of the orders of one runner at one venue. One goroutine at a time uses it; see the package.
type Blotter struct {
	codec   *clientid.Codec
	out     Output
	venueNs func(localNs int64) int64
	other   func(r protocol.Report)
	lineage lineage

	byNo     map[int]*book
	bySymbol map[string]*book
	byID     map[string]*entry // by client id
	open     map[key]*entry    // whose end is not published
	agenda   agenda
	strays   []*entry // see strayed
	free     []*entry
	round    uint64 // of Listed

	// pausedUntilNs is until when the venue takes no submissions, because of pause; pauseOutage is that failure's Outage.
	pausedUntilNs int64
	pauseOutage   bool
	pause         string
	counts        Counts
	prices        map[pair]float64 // of assets that fees are paid in

	// Reused, so that nothing is allocated.
	action Action
	update connector.OrderUpdate
	fill   execution
	report protocol.Report
}

// New returns a Blotter without instruments and orders.
func New(cfg Config) (*Blotter, error) {
	if cfg.Codec == nil || cfg.Output == nil {
		return nil, errors.New("blotter: Codec and Output must be set")
	}
	if cfg.VenueNs == nil {
		cfg.VenueNs = func(localNs int64) int64 { return localNs }
	}
	return &Blotter{codec: cfg.Codec, out: cfg.Output, venueNs: cfg.VenueNs, other: cfg.Other,
		byNo: make(map[int]*book), bySymbol: make(map[string]*book),
		byID: make(map[string]*entry), open: make(map[key]*entry), prices: make(map[pair]float64)}, nil
}

// Register adds an instrument. Reports about symbols that are not registered are ignored.
func (b *Blotter) Register(inst Instrument) error {
	switch {
	case !positive(inst.TickSize) || !positive(inst.LotSize):
		return fmt.Errorf("blotter: %s: tick size %v and lot size %v must be above 0", inst.Symbol, inst.TickSize, inst.LotSize)
	case inst.Symbol == "" || b.bySymbol[inst.Symbol] != nil || b.byNo[inst.No] != nil:
		return fmt.Errorf("blotter: instrument %d %q has no symbol or is registered already", inst.No, inst.Symbol)
	}
	if inst.ContractValue == 0 {
		inst.ContractValue = 1
	}
	k := &book{inst: inst, trades: newTradeRing(), venue: make(map[string]*entry), assumed: make(map[string]assumption),
		foreign: make(map[string]bool)}
	b.byNo[inst.No], b.bySymbol[inst.Symbol] = k, k
	return nil
}

// Counts returns the counters.
func (b *Blotter) Counts() Counts { return b.counts }

// Open returns how many orders are open: those whose end has not been published.
func (b *Blotter) Open() int { return len(b.open) }

// OpenOn returns how many orders are open on a symbol.
func (b *Blotter) OpenOn(symbol string) int {
	if k := b.bySymbol[symbol]; k != nil {
		return len(k.live)
	}
	return 0
}

// Submit takes a new order and sends it, or refuses it at once while the venue takes none.
func (b *Blotter) Submit(o *connector.Order, nowNs int64) {
	k := b.byNo[o.InstrumentNo]
	if k == nil {
		b.refuseNew(nil, o, fmt.Sprintf("submit: instrument %d is not known to the connector", o.InstrumentNo), false)
		return
	}
	id := key{o.InstrumentNo, o.Owner.Bot, o.OrderID}
	if b.open[id] != nil {
		// An update would be about the order that is open.
		b.fail(k, o.Owner, o.OrderID, hft.OrderError, 0, "submit: the bot has an open order of this id")
		return
	}
	if nowNs < b.pausedUntilNs {
		b.refuseNew(k, o, b.pause, b.pauseOutage)
		return
	}
	if k.stopped != "" {
		b.refuseNew(k, o, "submit: "+k.stopped, false)
		return
	}
	clientID, err := b.codec.Encode(o.Owner, o.OrderID)
	if err != nil {
		b.refuseNew(k, o, "submit: "+err.Error(), false)
		return
	}
	e := b.newEntry(k, o.Owner, clientID)
	e.shown = o.Order
	e.shown.Status, e.shown.Req, e.shown.LeavesQty = hft.StatusNone, hft.StatusNew, o.Qty
	e.shown.ExecQty, e.shown.ExecPriceTick, e.shown.ExchTimestampNs = 0, 0, 0
	e.req, e.priceTick, e.now.qtyLots = hft.StatusNew, o.PriceTick, k.lots(o.Qty)
	e.asks(o.PriceTick, e.now.qtyLots)
	b.open[id] = e
	e.place = sent
	b.send(e, Place)
	b.schedule(e)
}

// refuseNew answers a submission that is not sent, with outage because the venue fails as a whole.
func (b *Blotter) refuseNew(k *book, o *connector.Order, reason string, outage bool) {
	b.update = connector.OrderUpdate{Order: *o}
	b.update.Status, b.update.Req = hft.StatusExpired, hft.StatusRejected
	b.out.Order(&b.update)
	if k == nil {
		k = &book{inst: Instrument{No: o.InstrumentNo}}
	}
	e := errorOf(k, o.Owner, o.OrderID, hft.OrderError, 0, reason)
	e.Outage = outage
	b.out.Error(&e)
}

// Cancel asks for an order's cancellation: at once, or as soon as the submission or modification in flight is answered.
func (b *Blotter) Cancel(o *connector.Order, nowNs int64) {
	e := b.open[key{o.InstrumentNo, o.Owner.Bot, o.OrderID}]
	if e == nil {
		b.refuseUnknown(o)
		return
	}
	if e.owner != o.Owner {
		return // meant for an order of an earlier process, which is over and canceled already
	}
	e.req, e.shown.Req, e.shown.LocalTimestampNs = hft.StatusCanceled, hft.StatusCanceled, o.LocalTimestampNs
	b.toEnd(e)
	e.wantAmend = false
	b.settle(e, nil, nowNs)
}

// toEnd notes that an order is to be canceled. One whose cancel was refused, and is to be tried again later, is tried now.
func (b *Blotter) toEnd(e *entry) {
	if !e.wantCancel {
		e.cancelAtNs, e.cancelTries = 0, 0
	}
	e.toEnd, e.wantCancel = true, true
}

// CancelAll asks for the cancellation of every open order of every bot, as Cancel does, without a bot having asked for it. A
// modification that waits is refused.
func (b *Blotter) CancelAll(nowNs int64) { b.cancelOn(nil, nowNs) }

// CancelOn is CancelAll of the orders on a symbol.
func (b *Blotter) CancelOn(symbol string, nowNs int64) {
	if k := b.bySymbol[symbol]; k != nil {
		b.cancelOn(k, nowNs)
	}
}

// cancelOn cancels the orders on an instrument, on all for nil.
func (b *Blotter) cancelOn(k *book, nowNs int64) {
	var open []*entry
	for id, e := range b.open {
		if k == nil || id.instrumentNo == k.inst.No {
			open = append(open, e) // settling may take it out of the map
		}
	}
	for _, e := range open {
		if e.over || e.wantCancel {
			continue
		}
		if e.wantAmend {
			e.wantAmend = false
			b.refuse(e)
		}
		b.toEnd(e)
		b.settle(e, nil, nowNs)
	}
}

// Modify gives an order the price and quantity of o; the quantity is what is to stay open. A modification is refused
// while a cancel is under way, and waits for the answer to an earlier submission or modification.
func (b *Blotter) Modify(o *connector.Order, nowNs int64) {
	e := b.open[key{o.InstrumentNo, o.Owner.Bot, o.OrderID}]
	if e == nil {
		b.refuseUnknown(o)
		return
	}
	if e.wantCancel || nowNs < b.pausedUntilNs || e.book.stopped != "" {
		reason, outage := b.pause, b.pauseOutage
		switch {
		case e.wantCancel:
			reason, outage = "modify: the order is being canceled", false
		case e.book.stopped != "":
			reason, outage = "modify: "+e.book.stopped, false
		}
		b.update = connector.OrderUpdate{Order: connector.Order{InstrumentNo: o.InstrumentNo, Owner: e.owner, Order: e.view()}}
		b.update.Req, b.update.LocalTimestampNs = hft.StatusRejected, o.LocalTimestampNs
		b.out.Order(&b.update)
		out := errorOf(e.book, e.owner, o.OrderID, hft.OrderError, 0, reason)
		out.Outage = outage
		b.out.Error(&out)
		return
	}
	e.req, e.shown.Req, e.shown.LocalTimestampNs = hft.StatusReplaced, hft.StatusReplaced, o.LocalTimestampNs
	e.toEnd = false // a cancel that was refused is not tried again
	e.wantAmend, e.wanted = true, terms{priceTick: o.PriceTick, openLots: e.book.lots(o.Qty)}
	b.settle(e, nil, nowNs)
}

// refuseUnknown answers a request about an order that is not open: it lost the race against the order's end.
func (b *Blotter) refuseUnknown(o *connector.Order) {
	b.update = connector.OrderUpdate{Order: *o}
	b.update.Req = hft.StatusRejected
	b.out.Order(&b.update)
}

// newEntry returns an entry of a client id that is known from now on.
func (b *Blotter) newEntry(k *book, owner connector.Owner, clientID string) *entry {
	var e *entry
	if n := len(b.free); n > 0 {
		e, b.free = b.free[n-1], b.free[:n-1]
		*e = entry{prior: e.prior[:0], ids: e.ids[:0]}
	} else {
		e = new(entry)
	}
	e.book, e.owner, e.now.clientID, e.dueAt = k, owner, clientID, -1
	b.know(e, clientID)
	k.enlist(e)
	return e
}

// maxIDs is how many client ids of one order are kept: more than it goes by at a time.
const maxIDs = 2 * maxPrior

// know lets an entry be found by a client id. When there are too many the oldest that it does not go by is forgotten: a venue
// that amends in place keeps the first one for good, and uses none of those that a replacement would have had.
func (b *Blotter) know(e *entry, clientID string) {
	if b.byID[clientID] == e {
		return
	}
	if len(e.ids) >= maxIDs {
		if i := slices.IndexFunc(e.ids, func(id string) bool { return !e.goesBy(id) }); i >= 0 {
			delete(b.byID, e.ids[i])
			e.ids = slices.Delete(e.ids, i, i+1)
		}
	}
	e.ids = append(e.ids, clientID)
	b.byID[clientID] = e
}

// goesBy reports whether a client id is that of the order, of a former leg, or of an order that may have taken its place.
func (e *entry) goesBy(clientID string) bool {
	return clientID == e.now.clientID || clientID == e.amendID ||
		slices.ContainsFunc(e.prior, func(l leg) bool { return l.clientID == clientID })
}

// forget drops an entry whose end was published long ago. What was assumed of it is remembered: the venue may list it yet.
func (b *Blotter) forget(e *entry) {
	for _, id := range e.ids {
		if b.byID[id] == e {
			delete(b.byID, id)
		}
	}
	b.dropVenueID(e, &e.now)
	e.book.keepAssumed(e.now.clientID, e.now.assumedLots, e.tsNs)
	for i := range e.prior {
		b.dropVenueID(e, &e.prior[i])
		e.book.keepAssumed(e.prior[i].clientID, e.prior[i].assumedLots, e.tsNs)
	}
	b.agenda.remove(e)
	b.free = append(b.free, e)
}

// dropVenueID takes a leg's venue id out of the index.
func (b *Blotter) dropVenueID(e *entry, l *leg) {
	if e.book.venue[l.venueID] == e {
		delete(e.book.venue, l.venueID)
	}
}
