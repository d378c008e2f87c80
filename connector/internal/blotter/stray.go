package blotter

import "github.com/hftrunner/hftrunner/connector/protocol"

import "slices"

// stray cancels an order that is at the venue although its end was concluded, at once for the first time.
func (b *Blotter) stray(e *entry, nowNs int64) {
	if e.strays == 0 {
		b.counts.Strays++
		b.complain(e, 0, "order still open at the venue although considered closed; canceling it")
	}
	if e.cancel != idle || e.cancelAtNs != 0 {
		return
	}
	e.wantCancel = true
	if !slices.Contains(b.strays, e) {
		b.strays = append(b.strays, e)
	}
	if e.strays++; e.strays > 1 {
		e.cancelAtNs = nowNs + backoff(e.strays-1)
		return
	}
	e.cancel, e.absent = sent, doubt{}
	b.send(e, Cancel)
}

// stillStray goes on with a stray whose cancel was accepted, after an answer to the question whether it has ended.
func (b *Blotter) stillStray(e *entry, r *protocol.Report, nowNs int64) {
	if e.cancel != accepted && e.cancel != uncertain {
		return
	}
	if rankOf(r.Status) == rankNone {
		e.askAtNs = nowNs + againNs
		return
	}
	e.cancel = idle
	e.cancelTries++
	e.cancelAtNs = nowNs + backoff(e.cancelTries)
}

// strayEnded notes that an order that showed up after its end was concluded has ended.
func (e *entry) strayEnded() {
	e.cancel, e.wantCancel, e.cancelAtNs, e.cancelTries, e.absent = idle, false, 0, 0, doubt{}
}
