package venue

import (
	"context"
	"time"

	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// trySweep begins to cancel all orders on a symbol with one request where the venue is quicker with it, enough are waiting, and
// all that are open are to be canceled. It reports whether it did.
func (t *trade) trySweep(inst *instrument, l *line) bool {
	sweeper, ok := t.c.protocol.(protocol.Sweeper)
	if !ok || l.asking || len(l.waiting) < fewest || t.c.nowNs() < l.nextSweepNs || !t.blotter.AllToEnd(inst.Symbol, nil) {
		return false
	}
	l.asking, l.sweep = true, make(chan struct{})
	waiting := t.take(l, len(l.waiting))
	t.begin(func(begun func()) {
		begun()
		t.sweep(inst, l, sweeper, waiting)
	})
	return true
}

// sweep cancels all orders on a symbol if the venue has none on it that is not to be canceled. What waits meanwhile waits for a
// moment only: then it goes as it can, and the sweep comes after it if the venue answers after all.
func (t *trade) sweep(inst *instrument, l *line, sweeper protocol.Sweeper, waiting []*blotter.Action) {
	answer := make(chan bool, 1)
	t.c.group.Go(func() { answer <- t.onlyUnwanted(inst, listTimeout) })
	late := time.NewTimer(sweepPatience)
	defer late.Stop()
	var only, released bool
	select {
	case only = <-answer:
	case <-late.C:
		t.release(inst, l, waiting)
		released, only = true, <-answer
		only = only && t.onlyUnwanted(inst, sweepPatience) // what it was a while ago: somebody else may have an order by now
	}
	t.mu.Lock()
	l.asking, l.nextSweepNs = false, t.c.nowNs()+sweepPauseNs
	// New orders have not waited since the release: there may be one by now.
	if released && only && t.blotter.Unended(inst.Symbol) > 0 && t.blotter.AllToEnd(inst.Symbol, nil) {
		released, l.sweep = false, make(chan struct{})
		waiting = t.take(l, len(l.waiting))
	}
	t.mu.Unlock()
	switch {
	case released:
		return
	case !only:
		t.release(inst, l, waiting)
		return
	}
	ctx, cancel := context.WithTimeout(t.requests, requestTimeout)
	defer cancel()
	reports, err := sweeper.CancelAll(ctx, inst.Symbol)
	nowNs := t.c.nowNs()
	t.mu.Lock()
	for i := range reports {
		_ = t.blotter.Report(&reports[i], nowNs) // the orders are known, they were just asked for
	}
	close(l.sweep)
	l.sweep = nil
	t.mu.Unlock()
	t.answers(l, waiting, err, func(i int) (protocol.Report, error) {
		a := waiting[i]
		return protocol.Report{Channel: protocol.ChannelAck, Symbol: a.Symbol, ClientID: a.ClientID, VenueID: a.VenueID}, nil
	})
	t.mu.Lock()
	t.left(inst, l)
	t.mu.Unlock()
}

// onlyUnwanted asks the venue whether all that is open on a symbol is this runner's and to be canceled. A row that cannot be read may
// be anybody's.
func (t *trade) onlyUnwanted(inst *instrument, timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(t.requests, timeout)
	defer cancel()
	open, err := t.c.protocol.OpenOrders(ctx, inst.Symbol)
	t.mu.Lock()
	defer t.mu.Unlock()
	return err == nil && len(open.Unread) == 0 && t.blotter.AllToEnd(inst.Symbol, open.Orders)
}

// release sends the cancels that a sweep was to be in place of. New orders on the symbol have waited: they go after these, which
// have their own sequence.
func (t *trade) release(inst *instrument, l *line, waiting []*blotter.Action) {
	t.mu.Lock()
	l.waiting = append(waiting, l.waiting...)
	t.held += len(waiting)
	outer := t.turn
	t.turn = nil
	if !t.closed {
		t.advance(inst, l, true)
	}
	last := t.turn
	t.turn = outer
	t.mu.Unlock()
	if last != nil {
		<-last
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	close(l.sweep)
	l.sweep = nil
	t.left(inst, l)
}
