package venue

import (
	"context"
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

// executionsTimeout bounds a query of executions, which may have many pages.
const executionsTimeout = time.Minute

// askExecutions asks for the executions on a symbol since a time and takes them. Where all are read, those of orders
// that are over here are claimed, before the list of open orders is taken: that counts what was executed of an
// unknown order as reported.
func (t *trade) askExecutions(session context.Context, inst *instrument, sinceNs int64, reads bool) error {
	c := t.c
	var executions []protocol.Report
	var err error
	if sinceNs > 0 {
		ctx, cancel := context.WithTimeout(session, executionsTimeout)
		defer cancel()
		executions, err = c.protocol.Executions(ctx, inst.Symbol, sinceNs)
		if err != nil && reads && protocol.Final(err) {
			t.unavailable(inst, sinceNs, err)
		} else if err != nil {
			return err
		}
	}
	c.outage.Works(question{"executions of", inst.Symbol}) // fetch does not ask again for what has come since
	t.mu.Lock()
	if err := session.Err(); err != nil {
		t.mu.Unlock()
		return err // what is known by now is asked for again
	}
	t.blotter.Executions(executions, c.nowNs())
	t.mu.Unlock()
	if !reads {
		return nil
	}
	return t.claim(session, inst, executions)
}

// fetch asks for executions on a symbol.
func (t *trade) fetch(symbol string, sinceNs int64) {
	c := t.c
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	defer cancel()
	executions, err := c.protocol.Executions(ctx, symbol, sinceNs)
	if err != nil {
		c.unanswered(question{"executions of", symbol}, err)
		return // the record asks again
	}
	c.outage.Works(question{"executions of", symbol})
	t.mu.Lock()
	t.blotter.Executions(executions, c.nowNs())
	t.mu.Unlock()
	t.changed()
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

// maxRefused is how often the venue has to refuse to tell of an order in a row until its executions are given up: nothing
// is known on the symbol, and no strategy begins there, while they are asked for.
const maxRefused = 5

// claim has the executions booked that are of orders of this runner which are over here, or which it does not know:
// executions may name their order by the venue's id only, so each such order is asked for. An error says that of some
// it is not known: all are to be read again.
func (t *trade) claim(ctx context.Context, inst *instrument, executions []protocol.Report) error {
	t.mu.Lock()
	unknown := t.blotter.Unknown(inst.Symbol, executions)
	t.mu.Unlock()
	of := make(map[string][]protocol.Report)
	for i := range unknown {
		of[unknown[i].VenueID] = append(of[unknown[i].VenueID], unknown[i])
	}
	var refused error
	for i := range unknown {
		id := unknown[i].VenueID
		some := of[id]
		if some == nil {
			continue
		}
		delete(of, id)
		order, err := t.c.protocol.QueryOrder(ctx, &protocol.Order{Symbol: inst.Symbol, VenueID: id})
		cause := protocol.CauseOf(err)
		switch {
		case err == nil:
			t.claimed(inst, &order, id, some)
		case cause == protocol.NotFound || cause == protocol.Gone:
			t.foreign(inst, id)
			t.c.log.Warn("executions of an order that the venue no longer knows: if it is this runner's, they are missing in its position",
				"symbol", inst.Symbol, "order", id, "executions", len(some), "error", err)
		case !protocol.Final(err):
			return err
		case !t.givesUp(inst, id):
			refused = fmt.Errorf("order %s: %w", id, err)
		default:
			t.c.critical(inst.No, fmt.Sprintf("%s: the venue does not tell of order %s, of which it lists %d executions: %v, "+
				"queried %d times. If it is this runner's, they are missing in its position: compare that with the venue's",
				inst.Symbol, id, len(some), err, maxRefused))
		}
	}
	return refused
}

// claimed gives the executions of an order to whom it is of. id is the venue's.
func (t *trade) claimed(inst *instrument, order *protocol.Report, id string, executions []protocol.Report) {
	order.Symbol = inst.Symbol
	t.mu.Lock()
	delete(inst.reading.refused, id)
	ours := t.blotter.Missed(order, executions, t.c.nowNs())
	t.mu.Unlock()
	if ours {
		t.c.log.Warn("executions that the private stream has not reported were found in the venue's list", "symbol", inst.Symbol,
			"order", order.ClientID, "executions", len(executions))
	}
}

// foreign notes that an order is not to be asked for again.
func (t *trade) foreign(inst *instrument, venueID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(inst.reading.refused, venueID)
	t.blotter.Foreign(inst.Symbol, venueID)
}

// givesUp counts a refusal to tell of an order and reports whether it was the last.
func (t *trade) givesUp(inst *instrument, venueID string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &inst.reading
	if r.refused == nil {
		r.refused = make(map[string]int)
	}
	if r.refused[venueID]++; r.refused[venueID] < maxRefused {
		return false
	}
	delete(r.refused, venueID)
	t.blotter.Foreign(inst.Symbol, venueID)
	return true
}

// unavailable reports executions that the venue no longer lists.
func (t *trade) unavailable(inst *instrument, sinceNs int64, err error) {
	since := time.Unix(0, sinceNs).UTC().Format(time.RFC3339)
	t.c.critical(inst.No,
		fmt.Sprintf("%s: the venue does not list the executions since %s: %v. What was executed meanwhile may be missing "+
			"in positions: compare them with the venue's", inst.Symbol, since, err))
}
