package venue

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// early is what the private stream tells of a symbol before the executions on it are known since the stream came up. What
// the venue closed waits: until then nobody can say who held it. So do reports of orders that are not known here, of which
// executed what nobody has booked would count as booked. trade's mutex guards it.
type early struct {
	over    bool // the executions are known
	closes  []connector.AccountEvent
	reports []protocol.Report
}

// maxEarly bounds the reports that wait; what more there is is found by the audit.
const maxEarly = 4096

// holds keeps a report that has to wait. The lock is held.
func (t *trade) holds(r *protocol.Report) bool {
	inst := t.c.symbols.named(r.Symbol)
	if inst == nil || inst.early.over || !t.blotter.Unheard(r) {
		return false
	}
	if e := &inst.early; len(e.reports) < maxEarly {
		e.reports = append(e.reports, *r)
	}
	return true
}

// holdsClose keeps a close that has to wait.
func (t *trade) holdsClose(e *connector.AccountEvent) bool {
	inst := t.c.symbols.named(e.Symbol)
	if inst == nil || !e.Kind.Closes() {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if inst.early.over {
		return false
	}
	inst.early.closes = append(inst.early.closes, *e)
	return true
}

// takeEarly takes the reports that have waited, when the executions are known, and returns the closes. The lock is held.
func (t *trade) takeEarly(inst *instrument) []connector.AccountEvent {
	e := inst.early
	inst.early = early{over: true}
	for i := range e.reports {
		if err := t.blotter.Report(&e.reports[i], t.c.nowNs()); err != nil {
			t.doubt(err)
		}
	}
	return e.closes
}
