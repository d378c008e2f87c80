package host

import (
	"fmt"
	"math"
	"strings"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// account keeps the account's position in an instrument as the venue has reported it, and which of its events were
// booked.
type account struct {
	known    bool
	qty      float64
	firstNs  int64 // the venue's time of the first position, before which none is known
	trail    trail
	closings map[string]*closing
	booked   map[string]bool       // ids of executions and settlements
	order    []journal.BookedEvent // those of booked, the oldest first
	eventsNs int64                 // the venue's time up to which all are booked, 0 while that is not known
}

// maxBooked is the number of ids that are remembered for an instrument, and of those that may be listed again any number.
const maxBooked = 4096

// moved takes the position that the venue has told.
func (a *account) moved(qty float64, venueNs int64) {
	switch {
	case !a.known:
		a.firstNs = venueNs
	case qty != a.qty:
		a.trail.changed(venueNs, a.qty, qty-a.qty)
	}
	a.known, a.qty = true, qty
}

// positionAt returns the account's position just before an event, if the venue has told it; it may tell the position before
// what has changed it. What it was before the first one told in this run, strategies' orders may have changed since. A
// first one of the very time of a close is what the close has left.
func (i *instrument) positionAt(e *connector.AccountEvent) (net float64, told bool) {
	a := &i.account
	if a.known && (e.TimestampNs > a.firstNs || e.TimestampNs == a.firstNs && !e.Kind.Closes()) {
		return a.trail.at(e.TimestampNs, a.qty), true
	}
	return 0, false
}

// unattributed returns the part of the account's position that belongs to no strategy, as far as it is known.
func (i *instrument) unattributed() float64 {
	if o := &i.owner().ownership; o.known {
		return o.unattributed
	}
	return 0
}

// heldAt returns what the strategies and the account had at an event, and the time up to which the executions of
// strategies are those before it. Some of the event's own time may be from before it, since a venue's times tie. That is so
// if then the strategies' positions agree better with the account's; where the venue has not told that, those of a close
// are, since nothing is left to be executed when the venue closes, unless the close would then be larger than what it closes.
func (i *instrument) heldAt(e *connector.AccountEvent) (untilNs int64, own, net float64) {
	after := 0.0
	for _, h := range i.byBot() {
		own += h.at(e.TimestampNs)
		after += h.at(e.TimestampNs + 1)
	}
	net, told := i.positionAt(e)
	nobody, closes := i.unattributed(), -float64(e.Side)
	var with bool
	if told {
		with = math.Abs(net-nobody-after) < math.Abs(net-nobody-own)
	} else if with = e.Kind.Closes(); with {
		enough := e.Qty - i.lotSize/2
		with = (after+nobody)*closes > enough || (own+nobody)*closes < enough
	}
	if with {
		untilNs, own = e.TimestampNs+1, after
	} else {
		untilNs = e.TimestampNs
	}
	if !told {
		net = own + nobody
	}
	return untilNs, own, net
}

// once reports whether an id is new, and remembers it.
func (a *account) once(id string, venueNs int64) bool {
	if a.booked[id] {
		return false
	}
	if a.booked == nil {
		a.booked = make(map[string]bool)
	}
	a.booked[id] = true
	a.order = append(a.order, journal.BookedEvent{ID: id, VenueNs: venueNs})
	for len(a.order) > maxBooked && a.order[0].VenueNs < a.eventsNs-journal.EventsAgainNs {
		delete(a.booked, a.order[0].ID)
		a.order = a.order[1:]
	}
	return true
}

// sightings are the ids of the newest events of symbols that nobody trades here: the venue lists them again and again.
type sightings struct {
	seen  map[string]bool
	order []string
}

// once reports whether an id is new, and remembers it.
func (s *sightings) once(id string) bool {
	if s.seen[id] {
		return false
	}
	if s.seen == nil {
		s.seen = make(map[string]bool)
	}
	s.seen[id] = true
	if s.order = append(s.order, id); len(s.order) > maxBooked {
		delete(s.seen, s.order[0])
		s.order = s.order[1:]
	}
	return true
}

// closing deals out the executions of one order of the venue's to those who held the side that it closes, as they
// held it when the first execution came.
type closing struct{ shares []share }

// share is the part of a side that one strategy holds; holding is nil for the part of no strategy.
type share struct {
	holding *holding
	lots    int64 // held at the beginning
	dealt   int64 // closed since
}

// deal divides lots among the shares in proportion to what they held, so that after any number of executions each is
// within two lots of its exact part, and none is turned round. It returns what each gets, and what nobody held.
func (c *closing) deal(lots int64) (each []int64, over int64) {
	held, sum := int64(0), lots
	for i := range c.shares {
		held += c.shares[i].lots
		sum += c.shares[i].dealt
	}
	each = make([]int64, len(c.shares))
	for lots > 0 {
		best, most := -1, math.Inf(-1)
		for i := range c.shares {
			s := &c.shares[i]
			if s.dealt == s.lots {
				continue
			}
			if missing := float64(s.lots)*float64(sum)/float64(held) - float64(s.dealt); missing > most {
				best, most = i, missing
			}
		}
		if best < 0 {
			return each, lots
		}
		s := &c.shares[best]
		n := max(1, min(lots, s.lots-s.dealt, int64(most)))
		s.dealt += n
		each[best] += n
		lots -= n
	}
	return each, 0
}

// Account books what the venue did to the account to the strategies that it concerns, and tells them.
func (p *publisher) Account(e *connector.AccountEvent) {
	p.mu.Lock()
	p.together = new(journal.Group)
	told, news := p.bookEvent(e)
	p.record.append(p.together)
	p.together = nil
	p.mu.Unlock()
	if !news {
		return
	}
	pairs := []any{"event", e.Kind.String(), "symbol", e.Symbol, "details", detailsOf(e)}
	if told != "" {
		pairs = append(pairs, "booked_to", told)
	}
	switch {
	case e.Kind == connector.Funding && told != "":
		p.log.Info("funding was settled", pairs...)
	case e.Kind.Closes() && told != "":
		p.log.Error("the venue closed a position of the account", append(pairs, "consequence", haltedByEvent,
			"fix", p.resumeText(e.Symbol))...)
	case e.Kind.Closes():
		p.log.Error("the venue closed a position of the account", pairs...)
	case e.Kind == connector.HedgeMode:
		p.log.Error("the account was switched to hedge mode", append(pairs, "consequence", haltedByEvent, "fix",
			"switch it back at the venue, then: "+p.resumeText(""))...)
	case e.Kind == connector.OtherRunner:
		p.log.Error("another runner with the same order_prefix trades on the account", append(pairs, "consequence",
			haltedByEvent+", its orders are left alone", "fix", "stop it, or give it another order_prefix, then: "+
				p.resumeText("")+"; if there is none (state_dir lost, another machine): runner run --take-over")...)
	default:
		p.log.Warn("the venue reports a change of the account", pairs...)
	}
}

// haltedByEvent describes the consequence of an event for the instruments that it concerns.
const haltedByEvent = "no new orders there, open ones are canceled, nothing is sold"

// resumeText is the command that lifts a halt.
func (p *publisher) resumeText(symbol string) string {
	return strings.TrimSpace("runner resume " + p.name + " " + symbol)
}

// bookEvent returns what was booked to whom, and whether the event was new. The lock is held.
func (p *publisher) bookEvent(e *connector.AccountEvent) (told string, news bool) {
	switch e.Kind {
	case connector.HedgeMode: // nobody knows whose positions there are from now on
		p.haltAll(e, e.Text)
		return "", true
	case connector.BalanceChanged:
		p.gained(e.Asset, e.Amount, e.Kind.String())
	case connector.OtherRunner:
		return "", p.haltAll(e, otherRunner+e.Text)
	}
	if e.InstrumentNo < 0 || e.InstrumentNo >= len(p.instruments) {
		return "", e.ID == "" || p.elsewhere.once(fmt.Sprint(e.Kind, " ", e.Symbol, " ", e.ID))
	}
	inst := p.instruments[e.InstrumentNo]
	id := e.ID
	if e.Kind == connector.Funding {
		id = journal.FundingPrefix + id
	}
	if e.ID != "" && !inst.account.once(id, e.TimestampNs) {
		return "", false
	}
	switch {
	case e.Kind.Closes():
		if told = p.closed(inst, e); told != "" {
			p.halt(inst, fmt.Sprintf("the venue closed a position of the account: %v, %s", e.Kind, detailsOf(e)))
		}
	case e.Kind == connector.Funding:
		told = p.funded(inst, e)
	default:
		p.warn(inst.no, connector.Owner{}, e)
	}
	return told, true
}

// warn sends an account event to bots as an error event.
func (p *publisher) warn(instrumentNo int, owner connector.Owner, e *connector.AccountEvent) {
	live := hft.CustomLiveError(hft.CodeAccount, hft.StringValue(e.Kind.String()+": "+detailsOf(e)))
	p.sendError(&connector.Error{InstrumentNo: instrumentNo, Owner: owner, LiveError: live})
}

func detailsOf(e *connector.AccountEvent) string {
	switch {
	case e.Kind.Closes():
		return fmt.Sprintf("%v %v at %v", e.Side, e.Qty, e.Price)
	case e.Kind == connector.Funding:
		return fmt.Sprintf("%v %s", e.Amount, e.Asset)
	}
	return e.Text
}

// closed books an execution that the venue made on its own. The lock is held.
func (p *publisher) closed(inst *instrument, e *connector.AccountEvent) (told string) {
	lots := int64(math.Round(e.Qty / inst.lotSize))
	if lots <= 0 {
		return ""
	}
	id := e.OrderID
	if id == "" {
		id = e.ID
	}
	c := inst.account.closings[id]
	if c == nil {
		c = inst.closing(e)
		if inst.account.closings == nil || len(inst.account.closings) >= maxBooked {
			inst.account.closings = make(map[string]*closing)
		}
		inst.account.closings[id] = c
	}
	each, over := c.deal(lots)
	var list []string
	for i, n := range each {
		if n == 0 {
			continue
		}
		part := float64(n) / float64(lots)
		qty := float64(n) * inst.lotSize
		if whole, ok := hft.WholeLots(qty, inst.lotSize); ok {
			qty = whole
		}
		h := c.shares[i].holding
		if h == nil {
			over += n
			continue
		}
		h.forced(e, qty, part)
		p.warn(inst.no, connector.Owner{Bot: h.owner.Bot}, e)
		list = append(list, fmt.Sprintf("%s %v", h.strategy, qty))
	}
	if over > 0 {
		p.unowned(inst, e, float64(over)/float64(lots))
		list = append(list, fmt.Sprintf("no strategy %v", float64(over)*inst.lotSize))
	}
	return strings.Join(list, ", ")
}

// closing returns who holds the side that an execution closes.
func (i *instrument) closing(e *connector.AccountEvent) *closing {
	c := &closing{}
	closes := -float64(e.Side) // the sign of the positions
	untilNs, own, net := i.heldAt(e)
	for _, h := range i.byBot() {
		if lots := int64(math.Round(h.at(untilNs) * closes / i.lotSize)); lots > 0 {
			c.shares = append(c.shares, share{holding: h, lots: lots})
		}
	}
	if lots := int64(math.Round((net - own) * closes / i.lotSize)); lots > 0 {
		c.shares = append(c.shares, share{lots: lots})
	}
	return c
}

// forced books a part of an execution that the venue made on its own.
func (h *holding) forced(e *connector.AccountEvent, qty, part float64) {
	h.book(e.Side, qty, e.Price, e.Value*part, e.Fee*part, 0, e.TimestampNs)
	o := hft.Order{Side: e.Side, TickSize: h.cfg.TickSize, Qty: qty, ExecQty: qty,
		ExecPriceTick: hft.PriceTick(e.Price, h.cfg.TickSize),
		Status:        hft.StatusFilled, ExchTimestampNs: e.TimestampNs}
	head := h.head(journal.KindExecution, h.owner)
	noteTogether(h.pub, &head, &journal.Execution{Order: o, Holding: h.sums(), Value: e.Value * part,
		Fee: e.Fee * part, FeePaid: e.FeePaid * part,
		Kind: executionKind(e.Kind)}, "", "", e.OrderID, e.ID, e.FeeAsset)
	if h.port != nil {
		h.port.SendState(h.feedNo, &h.state)
	}
}

// unowned records the part of an event that belongs to no strategy.
func (p *publisher) unowned(inst *instrument, e *connector.AccountEvent, part float64) {
	head := journal.Head{Kind: journal.KindExecution, Instrument: inst.journalNo(p)}
	if e.Kind == connector.Funding {
		head.Kind = journal.KindFunding
		noteTogether(p, &head, &journal.Funding{Amount: e.Amount * part, Rate: e.Rate, Price: e.Price,
			Position: inst.account.qty, VenueNs: e.TimestampNs},
			e.Asset, e.ID)
		return
	}
	o := hft.Order{Side: e.Side, TickSize: inst.tickSize, Qty: e.Qty * part, ExecQty: e.Qty * part,
		ExecPriceTick: hft.PriceTick(e.Price, inst.tickSize), Status: hft.StatusFilled, ExchTimestampNs: e.TimestampNs}
	noteTogether(p, &head, &journal.Execution{Order: o, Value: e.Value * part, Fee: e.Fee * part,
		FeePaid: e.FeePaid * part,
		Kind:    executionKind(e.Kind)}, "", "", e.OrderID, e.ID, e.FeeAsset)
	if inst.ownership.known {
		p.attribute(inst, inst.ownership.unattributed+e.Qty*part*float64(e.Side), e.Kind.String())
	}
}

func executionKind(k connector.AccountEventKind) journal.ExecutionKind {
	switch k {
	case connector.Liquidation:
		return journal.Liquidation
	case connector.ADL:
		return journal.ADL
	case connector.Settlement:
		return journal.Settlement
	case connector.Delivery:
		return journal.Delivery
	}
	return journal.Transfer
}

// funded books funding to each strategy in proportion to its position: those of the other side get what the account's
// net position has saved them. The lock is held.
func (p *publisher) funded(inst *instrument, e *connector.AccountEvent) (told string) {
	untilNs, own, net := inst.heldAt(e)
	if net == 0 || math.Signbit(net) == math.Signbit(own) && math.Abs(own) > math.Abs(net) {
		net = own // what the venue has told of the account is of another time
	}
	if net == 0 {
		p.unowned(inst, e, 1)
		return "no strategy"
	}
	var list []string
	for _, h := range inst.byBot() {
		held := h.at(untilNs)
		if held == 0 {
			continue
		}
		amount := e.Amount * held / net
		h.state.Funding += amount
		head := h.head(journal.KindFunding, h.owner)
		noteTogether(p, &head, &journal.Funding{Amount: amount, Rate: e.Rate, Price: e.Price, Position: net,
			VenueNs: e.TimestampNs,
			Holding: h.sums()}, e.Asset, e.ID)
		if h.port != nil {
			h.port.SendState(h.feedNo, &h.state)
		}
		list = append(list, fmt.Sprintf("%s %.8g", h.strategy, amount))
	}
	if rest := 1 - own/net; math.Abs(rest) > 1e-9 {
		p.unowned(inst, e, rest)
		list = append(list, fmt.Sprintf("no strategy %.8g", e.Amount*rest))
	}
	return strings.Join(list, ", ")
}
