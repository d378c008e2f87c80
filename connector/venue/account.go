package venue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// prepare describes a private stream. A key that is not accepted may show here first.
func (t *trade) prepare(ctx context.Context) (protocol.Stream, error) {
	s, err := t.c.protocol.UserStream(ctx)
	if err != nil && t.c.ctx.Err() == nil {
		t.c.heed(err)
	}
	return s, err
}

// onFrame takes a message of the private stream.
func (t *trade) onFrame(_ int64, frame []byte) {
	if err := t.c.protocol.DecodeUser(frame, t.c.userSink()); err != nil {
		t.c.badMessage(unreadable, err, frame)
		signal(t.suspect) // it may have been about an execution
	}
}

// userSink takes what the private stream says.
func (c *Connector) userSink() protocol.UserSink { return (*userSink)(c.trade) }

type userSink trade

// Order takes a report about an order.
func (u *userSink) Order(r *protocol.Report) {
	t := (*trade)(u)
	t.mu.Lock()
	if t.holds(r) {
		t.mu.Unlock()
		return
	}
	err := t.blotter.Report(r, t.c.nowNs())
	t.strays.report(r)
	t.mu.Unlock()
	if err != nil {
		t.doubt(err)
	}
	t.changed()
}

// doubt notes a message of the private stream that can be read and cannot be true, and has the account asked for.
func (t *trade) doubt(err error) {
	t.c.badMessage(unreadable, err, nil)
	signal(t.suspect)
}

// Position takes the account's position.
func (u *userSink) Position(p protocol.Position) {
	if err := u.c.position(p, true); err != nil {
		(*trade)(u).noPosition(p.Symbol, err)
	}
}

// Balance takes a balance, which is a position on spot.
func (u *userSink) Balance(b protocol.Balance) {
	if err := u.c.balance(b, true); err != nil {
		(*trade)(u).doubt(err)
	}
}

// Account takes what the venue did to the account on its own.
func (u *userSink) Account(e *connector.AccountEvent) {
	if t := (*trade)(u); !t.holdsClose(e) {
		t.happened(e)
	}
}

// Settled has funding asked for.
func (u *userSink) Settled() { signal(u.settled) }

// Renew replaces the private stream.
func (u *userSink) Renew(reason string) { u.keeper.Load().Renew(reason) }

const (
	// maxPosition is the largest position that can be true, in orders of the venue's largest quantity.
	maxPosition = 1e4
	// maxAhead is how far ahead of the venue's clock a position's time may be; what is further than trustedAhead does not
	// keep an answer from being newer.
	maxAhead, trustedAhead = 24 * time.Hour, time.Minute
)

// check returns what cannot be true of a position. One that jumps by more than an order can be is believed when it is told
// twice in a row. The instrument's mutex is held.
func (i *instrument) check(p protocol.Position, venueNs int64) error {
	lots := math.Abs(p.Qty) / i.LotSize
	switch {
	case !(lots < 1<<53) || math.Abs(lots-math.Round(lots)) > 1e-6+1e-12*lots:
		return fmt.Errorf("%s: a position of %v is not a whole number of lots of %v", p.Symbol, p.Qty, i.LotSize)
	case i.maxQty > 0 && math.Abs(p.Qty) > maxPosition*i.maxQty:
		return fmt.Errorf("%s: a position of %v where the venue accepts orders of at most %v", p.Symbol, p.Qty, i.maxQty)
	case p.TimestampNs < 0 || p.TimestampNs > venueNs+int64(maxAhead):
		return fmt.Errorf("%s: a position's time of %d ns is more than a day ahead or before 1970", p.Symbol, p.TimestampNs)
	case i.maxQty > 0 && math.Abs(p.Qty-i.position) > i.maxQty && p.Qty != i.jump:
		i.jump = p.Qty
		return fmt.Errorf("%s: a position of %v after %v where the venue accepts orders of at most %v: querying again", p.Symbol, p.Qty, i.position, i.maxQty)
	}
	return nil
}

// position passes a position on, unless it cannot be true. What was asked for may be older than what the private stream
// has told meanwhile.
func (c *Connector) position(p protocol.Position, streamed bool) error {
	inst := c.symbols.named(p.Symbol)
	if inst == nil {
		return nil
	}
	if p.Err != nil {
		return p.Err
	}
	venueNs := c.venueNs(c.nowNs())
	inst.mu.Lock()
	defer inst.mu.Unlock()
	if !streamed && p.TimestampNs < inst.positionNs {
		return nil
	}
	if err := inst.check(p, venueNs); err != nil {
		return err
	}
	inst.position, inst.jump = p.Qty, p.Qty
	if !streamed {
		inst.watch.answered(p.Qty)
	} else {
		inst.watch.moved()
		inst.positionNs = max(inst.positionNs, min(p.TimestampNs, venueNs+int64(trustedAhead)))
	}
	c.sink.Position(inst.No, p.Qty, p.TimestampNs)
	return nil
}

// onUp begins the reconciliation: what happened while the stream was down is asked for.
func (t *trade) onUp() {
	t.wasUp.Store(true)
	t.c.outage.Awaits(accountQuestion)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.up = true
	if t.back != nil {
		close(t.back)
		t.back = nil
	}
	t.session, t.endSession = context.WithCancel(t.c.ctx)
	t.beginReconciling()
	t.beginFinding()
	t.beginInquiring()
}

// beginReconciling lets reconcile work on the session. The lock is held.
func (t *trade) beginReconciling() {
	session := t.session
	t.reconciling = true
	t.c.group.Go(func() { t.reconcile(session) })
}

// onDown says that nobody sees what becomes of orders until the stream is up again.
func (t *trade) onDown(reason string, _ time.Duration) {
	c := t.c
	if c.ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	wasUp := t.up
	t.up = false
	if t.endSession != nil {
		t.endSession()
	}
	if wasUp {
		t.back = make(chan struct{})
	}
	back := t.back
	for _, inst := range c.symbols.all() {
		inst.accounted.Store(false)
		inst.early.over, inst.reading.asked = false, false
	}
	t.mu.Unlock()
	if !wasUp {
		return
	}
	c.interrupted("private stream: " + reason)
	if c.cfg.CancelOnDisconnect > 0 {
		c.group.Go(func() { t.cancelUnless(back) })
	}
}

// cancelUnless cancels all orders of this runner when an outage of the private stream lasts too long; back is closed when
// it is over. What orders go by may work meanwhile; where it does not, the record of orders tries again until it does.
func (t *trade) cancelUnless(back <-chan struct{}) {
	c := t.c
	if !c.pauseUnless(c.cfg.CancelOnDisconnect, back) {
		return
	}
	if open := t.cancelAllUnless(back); open > 0 {
		c.log.Warn("private stream down for too long, canceling all orders of this runner", "after", c.cfg.CancelOnDisconnect, "orders", open)
	}
}

// cancelAllUnless cancels all orders unless back is closed, and returns how many are open.
func (t *trade) cancelAllUnless(back <-chan struct{}) (open int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-back:
		return 0 // the next outage has its own time
	default:
	}
	if open = t.blotter.Open(); open > 0 {
		t.blotter.CancelAll(t.c.nowNs())
		t.changed()
	}
	return open
}

// reconcile asks for positions, open orders and executions until it has them of every symbol, or until the stream is lost
// again. There is one for each session.
func (t *trade) reconcile(session context.Context) {
	c := t.c
	for {
		err := t.reconcileOnce(session, false)
		t.mu.Lock()
		t.inquireSoon() // what the venue closed is booked to those who hold it after the executions are known
		t.mu.Unlock()
		switch {
		case session.Err() != nil:
			return
		case err == nil:
			if t.reconciled(session) {
				c.accounted()
				return
			}
			continue // a symbol was added meanwhile
		}
		c.unanswered(accountQuestion, err)
		if !c.pause(retryPause) {
			return
		}
	}
}

// reconciled ends the work on a session when every symbol is accounted for.
func (t *trade) reconciled(session context.Context) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if session.Err() != nil {
		return true
	}
	for _, inst := range t.c.symbols.all() {
		if !inst.accounted.Load() {
			return false
		}
	}
	t.reconciling = false
	return true
}

// suspectPause is the least time between audits that a message asks for which cannot be read.
const suspectPause = 5 * time.Second

// audit compares open orders and positions with the venue's from time to time, and soon after a message that could not be
// read.
func (t *trade) audit() {
	c := t.c
	least := min(suspectPause, c.cfg.AuditInterval)
	for c.pause(least) && c.pauseUnless(c.cfg.AuditInterval-least, t.suspect) {
		t.mu.Lock()
		session, up := t.session, t.up
		t.mu.Unlock()
		if !up {
			continue
		}
		switch err := t.reconcileOnce(session, true); {
		case session.Err() != nil:
		case err == nil:
			c.accounted()
		default:
			c.unanswered(accountQuestion, err)
		}
	}
}

// reconcileOnce asks about the symbols that are not accounted for since the private stream came up, or about every one. A
// symbol about which the venue refuses to speak, or says what cannot be read, does not hold up the others; nor does one about
// which it takes too long.
func (t *trade) reconcileOnce(session context.Context, every bool) error {
	c := t.c
	var list []*instrument
	for _, inst := range c.symbols.all() {
		if every || !inst.accounted.Load() {
			list = append(list, inst)
		}
	}
	if len(list) == 0 {
		return nil
	}
	before := t.sightsOf(list)
	wrong, passed := t.askPositions(session, list)
	if passed != nil && (wrong == nil || every) { // what is accounted for stays so
		return passed
	}
	late := false
	for i, inst := range list {
		err := t.askOrders(session, inst, wrong[inst.Symbol], before[i])
		switch {
		case err == nil:
			continue
		case ofOneSymbol(err):
		case errors.Is(err, context.DeadlineExceeded) && session.Err() == nil && !late:
			late = true // a second one is the venue's
		default:
			return err
		}
		passed = cmp.Or(passed, fmt.Errorf("%s: %w", inst.Symbol, err))
	}
	t.changed()
	return passed
}

// ofOneSymbol reports whether a question about a symbol has failed for a reason that says nothing of other symbols.
func ofOneSymbol(err error) bool {
	return protocol.CauseOf(err) == protocol.Refused || isUnreadable(err)
}

// askOrders asks for the open orders on a symbol, then for the executions: one that happens between is in the second
// reply, and the private stream, which is up, tells what comes after. wrong is what the venue says of the symbol's position, where
// that cannot be true: its orders are known all the same, and no other symbol waits for it. An open order that cannot be read hides
// no other; while it is or may be this runner's the orders are not known.
func (t *trade) askOrders(session context.Context, inst *instrument, wrong error, before sight) error {
	c := t.c
	t.mu.Lock()
	sinceNs, reads := t.readSince(inst)
	t.mu.Unlock()
	askedNs := c.nowNs()
	ctx, cancel := context.WithTimeout(session, requestTimeout)
	defer cancel()
	open, err := c.protocol.OpenOrders(ctx, inst.Symbol)
	if err != nil {
		return err
	}
	if err := t.askExecutions(session, inst, sinceNs, reads); err != nil {
		return err
	}
	t.mu.Lock()
	if err := session.Err(); err != nil {
		t.mu.Unlock()
		return err // what is known by now is asked for again
	}
	listed := t.takeList(inst, open, askedNs)
	if reads && listed == nil {
		t.hasRead(inst, c.venueNs(askedNs))
	}
	var closes []connector.AccountEvent
	if listed == nil {
		closes = t.takeEarly(inst)
	}
	wrong = cmp.Or(listed, wrong)
	inst.accounted.Store(wrong == nil)
	t.believe(inst, wrong)
	if wrong == nil {
		t.compare(inst, before)
	}
	t.mu.Unlock()
	t.tellOthers()
	for i := range closes {
		t.happened(&closes[i])
	}
	if wrong != nil {
		t.catchUp() // should this have been the audit
		return &protocol.Failure{Cause: protocol.Refused, Err: wrong}
	}
	inst.mu.Lock()
	defer inst.mu.Unlock()
	c.announce(inst)
	return nil
}
