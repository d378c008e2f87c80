package venue

import (
	"context"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	// eventsOverlap is the period of the last list that the next one repeats, because the venue may list an event late.
	eventsOverlap = 2 * time.Minute
	// fundingDelay is the time between two questions for a settlement that the stream has told and no list has, and
	// fundingTries how often it is asked for.
	fundingDelay = 5 * time.Second
	fundingTries = 24
)

var eventsQuestion = question{"account events", ""}

// happened passes on what the venue did to the account on its own. It may have been passed on before.
func (t *trade) happened(e *connector.AccountEvent) {
	e.InstrumentNo = -1
	if inst := t.c.symbols.named(e.Symbol); inst != nil {
		e.InstrumentNo = inst.No
	}
	if e.Kind.Closes() && e.InstrumentNo >= 0 {
		t.c.symbols.named(e.Symbol).watch.moved()
		t.mu.Lock()
		fee, known := t.blotter.FeeInQuote(e.InstrumentNo, e.FeePaid, e.FeeAsset, e.Qty, e.Price)
		t.mu.Unlock()
		if e.Fee = fee; !known {
			e.Fee = 0
			t.c.log.Warn("the fee of a forced close is not counted: its asset has no known price", "symbol", e.Symbol,
				"fee", e.FeePaid, "asset", e.FeeAsset)
		}
	}
	t.c.sink.Account(e)
}

// beginInquiring lets inquire work on the session, where the venue can be asked. The lock is held.
func (t *trade) beginInquiring() {
	select {
	case <-t.inquiry: // of the session before
	default:
	}
	session := t.session
	if historian, can := t.c.protocol.(protocol.Historian); can {
		t.c.group.Go(func() { t.inquire(session, historian) })
	}
}

// inquire lists what the venue did to the account when executions are known in a session, because the stream may
// have missed it, and each time that the stream reports a settlement of funding.
func (t *trade) inquire(session context.Context, historian protocol.Historian) {
	var settled chan struct{} // a settlement that is told before waits until executions are known
	for {
		select {
		case <-session.Done():
			return
		case <-t.inquiry:
			settled = t.settled
			t.learnEvents(session, historian, false)
		case <-settled:
			t.learnEvents(session, historian, true)
		}
	}
}

// learnEvents is listEvents until it succeeds; with settled, until a settlement is listed that is newer.
func (t *trade) learnEvents(session context.Context, historian protocol.Historian, settled bool) {
	c, wait := t.c, retryPause
	for tries := 1; session.Err() == nil; tries++ {
		found, err := t.listEvents(session, historian)
		switch {
		case session.Err() != nil:
			return
		case err != nil && protocol.Final(err):
			c.log.Error("the venue does not list what it did to the account: positions may lack a liquidation, and "+
				"funding is not booked", "error", err)
			t.eventsKnown(0)
			return
		case err != nil:
			c.unanswered(eventsQuestion, err)
			c.pauseUnless(max(wait, c.untilRetry(err)), session.Done())
			wait = min(2*wait, strayPause)
			continue
		}
		c.outage.Works(eventsQuestion)
		switch {
		case found || !settled:
			return
		case tries > fundingTries:
			c.log.Error("the venue reported a funding settlement but does not list it: it is not booked", "asked",
				tries)
			return
		}
		c.pauseUnless(fundingDelay, session.Done())
	}
}

// eventsKnown notes that account events are listed up to the venue's time, 0 where the venue does not list them. What is
// known of executions can be journaled then.
func (t *trade) eventsKnown(untilNs int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, inst := range t.c.symbols.all() {
		r := &inst.reading
		if untilNs > 0 && r.asked {
			r.eventsNs = max(r.eventsNs, untilNs)
		}
		r.listed, r.eventless = r.listed || r.asked || untilNs == 0, untilNs == 0
	}
	t.concludeAll()
}

// askEvents returns the time since which account events are not listed of some instrument whose executions are known.
// Those of others have to wait: nobody can say yet who held what.
func (t *trade) askEvents(nowNs int64) (sinceNs int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sinceNs = nowNs
	for _, inst := range t.c.symbols.all() {
		r := &inst.reading
		if r.asked = inst.early.over; r.asked {
			sinceNs = min(sinceNs, max(r.eventsNs-int64(eventsOverlap), r.eventsFromNs))
		}
	}
	return sinceNs
}

// wait reports whether account events of a symbol are to be listed once more, when its executions are known.
func (t *trade) wait(symbol string) bool {
	inst := t.c.symbols.named(symbol)
	t.mu.Lock()
	defer t.mu.Unlock()
	return inst != nil && !inst.reading.asked
}

// inquireSoon has account events listed where executions have come to be known since they were. The lock is held.
func (t *trade) inquireSoon() {
	for _, inst := range t.c.symbols.all() {
		if inst.early.over && !inst.reading.asked {
			signal(t.inquiry)
			return
		}
	}
}

// listEvents passes on what has happened since it was last listed, and reports whether a settlement is newer.
func (t *trade) listEvents(session context.Context, historian protocol.Historian) (found bool, err error) {
	ctx, cancel := context.WithTimeout(session, listTimeout)
	defer cancel()
	nowNs := t.c.venueNs(t.c.nowNs())
	list, err := historian.AccountEvents(ctx, t.askEvents(nowNs))
	if err != nil {
		return false, err
	}
	for i := range list {
		e := &list[i]
		if e.Kind == connector.Funding && e.TimestampNs > t.fundedNs {
			found, t.fundedNs = true, e.TimestampNs
		}
		if t.wait(e.Symbol) {
			continue
		}
		t.happened(e)
	}
	if err := session.Err(); err != nil {
		return false, err // what has waited is listed again
	}
	t.eventsKnown(nowNs)
	return found, nil
}
