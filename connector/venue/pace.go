package venue

import (
	"slices"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// dropEnded drops the cancels of orders that have ended while they waited, by the private stream. The lock is held.
func (t *trade) dropEnded(l *line) {
	before := len(l.waiting)
	l.waiting = slices.DeleteFunc(l.waiting, func(a *blotter.Action) bool { return !t.blotter.Canceling(a.ClientID) })
	t.held -= before - len(l.waiting)
}

// canceling reports whether a cancel is still wanted.
func (t *trade) canceling(clientID string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.blotter.Canceling(clientID)
}

// longestPause is how long cancels pause at most: what is to go by one way may go by another that is open again. Asking too early
// costs the venue nothing.
const longestPause = 2 * time.Second

// untilRoom returns how long a cancel pauses that the venue's limit of orders did not let through, 0 after any other failure.
func (c *Connector) untilRoom(err error) time.Duration {
	if protocol.CauseOf(err) != protocol.OrderRate {
		return 0
	}
	return min(c.untilRetry(err), longestPause)
}

// putBack puts cancels that the venue's limit of orders did not let through at the head of their line, which pauses until there
// is room again. It reports false, having done nothing, for any other failure.
func (t *trade) putBack(inst *instrument, l *line, some []*blotter.Action, err error) bool {
	pause := t.c.untilRoom(err)
	if some[0].Request != blotter.Cancel || pause <= 0 {
		return false
	}
	if outage := t.c.failureOf(err).Outage; outage {
		t.c.answered(blotter.Cancel, err, outage)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	l.waiting = slices.Concat(some, l.waiting)
	t.held += len(some)
	l.pausedUntilNs = t.c.nowNs() + int64(pause)
	if l.resume == nil {
		l.resume = time.AfterFunc(pause, func() { t.goOn(inst, l) })
	} else {
		l.resume.Reset(pause)
	}
	return true
}

// singly puts the cancels of a batch that the venue has not answered at the head of their line, to go one by one for a while: a
// second cancel does no harm, and another way may be open. What becomes of those is told; what has ended by then is not sent.
func (t *trade) singly(inst *instrument, l *line, some []*blotter.Action) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	l.singlyUntilNs = t.c.nowNs() + singlyNs
	l.waiting = slices.Concat(some, l.waiting)
	t.held += len(some)
	t.advance(inst, l, false) // the batch may hold up nothing any more, so that its end lets nothing go
	return true
}

// goOn sends what a line holds after a pause.
func (t *trade) goOn(inst *instrument, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		l.pausedUntilNs = 0
		t.advance(inst, l, false)
	}
}

// slot returns what a request of a line calls when it is over, for the next to go. A cancel that is answered late does not hold
// up those behind it.
func (t *trade) slot(inst *instrument, l *line, request blotter.Request) (leave func()) {
	var once sync.Once
	free := func() {
		once.Do(func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.left(inst, l)
		})
	}
	if request != blotter.Cancel {
		return free
	}
	late := time.AfterFunc(slotPatience, free)
	return func() {
		late.Stop()
		free()
	}
}
