package venue

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

const (
	// readEvery is the interval at which executions on a symbol are read although the private stream tells of them,
	// readOverlap how far back from where they were read to the last time. After readAfter executions they are read
	// sooner.
	readEvery, readOverlap = 10 * time.Minute, time.Minute
	readAfter              = 500
)

var _ connector.Recoverer = (*Connector)(nil)

// Recover takes what earlier runs knew of an instrument; see connector.Recoverer.
func (c *Connector) Recover(p connector.Past) {
	c.startMu.Lock()
	defer c.startMu.Unlock()
	c.past[p.InstrumentNo] = p
}

// lineage is what the host knows of the client ids of earlier runs.
type lineage struct {
	newest   uint64
	takeOver bool
}

// RecoverIDs takes what is known of client ids; see connector.Recoverer.
func (c *Connector) RecoverIDs(newest uint64, takeOver bool) {
	c.startMu.Lock()
	defer c.startMu.Unlock()
	c.lineage = &lineage{newest, takeOver}
}

// others tells of an order that another runner with the same prefix has sent. The lock is held.
func (t *trade) others(r protocol.Report) {
	owner, id, _ := t.codec.Decode(r.ClientID)
	t.aliens = append(t.aliens, connector.AccountEvent{Kind: connector.OtherRunner, InstrumentNo: -1,
		Symbol: r.Symbol, OrderID: r.VenueID, Side: r.Side,
		Text: fmt.Sprintf("order %s on %s, which is number %d of bot %d, was not sent by this runner", r.ClientID,
			r.Symbol, id, owner.Bot),
		TimestampNs: t.c.venueNs(t.c.nowNs())})
	signal(t.wake) // whoever takes it logs, without the lock
}

// tellOthers passes on orders of other runners, before anybody is told that an account is known.
func (t *trade) tellOthers() {
	t.mu.Lock()
	list := t.aliens
	t.aliens = nil
	t.mu.Unlock()
	for i := range list {
		t.c.sink.Account(&list[i])
	}
}

// journaler returns who keeps a journal, nil for nobody.
func (t *trade) journaler() connector.Journaler {
	j, _ := t.c.sink.(connector.Journaler)
	return j
}

// noteSent tells the journal of a submission or an amendment. With an error it must not be sent. The lock is held.
func (t *trade) noteSent(a *blotter.Action) error {
	j := t.journaler()
	if j == nil {
		return nil
	}
	newest := a.ClientID
	if a.Request == blotter.Amend {
		newest = a.NewClientID
	}
	s := &t.sent
	s.Order.InstrumentNo, s.Owner, s.Origin, s.ClientID, s.NewClientID, s.Number = a.InstrumentNo, a.Owner, a.Origin,
		a.ClientID, a.NewClientID, t.codec.Number(newest)
	s.Order.Order = hft.NewOrder(a.OrderID, a.PriceTick, t.c.symbols.named(a.Symbol).TickSize, a.Qty, a.Side,
		a.OrdType, a.TimeInForce)
	s.Req, s.LocalTimestampNs = hft.StatusNew, a.LocalTimestampNs
	if a.Request == blotter.Amend {
		s.Req = hft.StatusReplaced
	}
	return j.Sent(s)
}

// noteAnswered tells the journal of an answer. The lock is held.
func (t *trade) noteAnswered(a *blotter.Action, r *protocol.Report, f *blotter.Failure) {
	j := t.journaler()
	if j == nil || a.Request > blotter.Cancel {
		return
	}
	n := &t.answered
	*n = connector.Answer{Order: connector.Order{InstrumentNo: a.InstrumentNo, Owner: a.Owner}, Origin: a.Origin,
		ClientID: a.ClientID, VenueID: r.VenueID, VenueNs: r.TimestampNs, Outcome: connector.AnswerAccepted}
	n.Order.Order = hft.NewOrder(a.OrderID, a.PriceTick, t.c.symbols.named(a.Symbol).TickSize, a.Qty, a.Side,
		a.OrdType, a.TimeInForce)
	n.Req, n.LocalTimestampNs = hft.StatusNew, a.LocalTimestampNs
	switch a.Request {
	case blotter.Amend:
		n.Req = hft.StatusReplaced
	case blotter.Cancel:
		n.Req = hft.StatusCanceled
	}
	if f != nil {
		n.Outcome, n.Code, n.Reason = connector.AnswerRefused, int64(f.Code), f.Text()
		if f.Cause == protocol.Unknown {
			n.Outcome = connector.AnswerUnknown
		}
	}
	j.Answered(n)
}

// reading holds the time up to which the executions on a symbol are known; under trade's mutex.
type reading struct {
	// untilNs is the venue's time up to which they are, 0 while nothing is known; pendingNs that up to which they
	// were read, while it is not known yet what has become of orders of an earlier run. Else it is 0.
	untilNs, pendingNs int64
	// nextNs is the time of the next reading, told the number reported since.
	nextNs int64
	told   int
	// eventsNs is the venue's time up to which account events are listed, never before eventsFromNs. listed is true once
	// they were in this run, asked while they are or were asked for.
	eventsNs, eventsFromNs int64
	// eventless is true where the venue does not list them.
	asked, listed, eventless bool
	// progress is that of a reading which is not over. Who has put something into turn uses it.
	progress progress
	turn     chan struct{}
	// refused is how often the venue has refused to tell of which order executions are, by its id of the order.
	refused map[string]int
}

// readSince returns the venue's time from which executions on a symbol may be missing, 0 when there are none to ask
// for, and whether all since the last reading are to be read now. The lock is held.
func (t *trade) readSince(inst *instrument) (sinceNs int64, reads bool) {
	r := &inst.reading
	sinceNs = t.blotter.SinceNs(inst.Symbol)
	if reads = t.c.nowNs() >= r.nextNs || r.told >= readAfter; !reads || r.untilNs == 0 { // there is nothing before
		return sinceNs, reads
	}
	readNs := r.untilNs - int64(readOverlap)
	if sinceNs <= 0 {
		return readNs, true
	}
	return min(sinceNs, readNs), true
}

// hasRead notes that the executions on a symbol were read up to the venue's time. The lock is held.
func (t *trade) hasRead(inst *instrument, untilNs int64) {
	r := &inst.reading
	if r.untilNs == 0 {
		t.blotter.Begin(inst.Symbol, untilNs)
	}
	r.pendingNs, r.nextNs, r.told = untilNs, t.c.nowNs()+int64(readEvery), 0
	t.conclude(inst)
}

// conclude tells the journal how far the executions on a symbol are known, when that is so. The lock is held.
func (t *trade) conclude(inst *instrument) {
	r := &inst.reading
	if _, can := t.c.protocol.(protocol.Historian); can && !r.listed {
		return
	}
	if r.pendingNs == 0 || t.blotter.Recovering(inst.Symbol) > 0 {
		return
	}
	r.untilNs, r.pendingNs = max(r.untilNs, r.pendingNs), 0
	if j := t.journaler(); j != nil {
		j.ExecutionsRead(inst.No, r.untilNs, r.eventsNs)
	}
}

// concludeAll is conclude for every symbol. The lock is held.
func (t *trade) concludeAll() {
	for _, inst := range t.c.symbols.all() {
		t.conclude(inst)
	}
}
