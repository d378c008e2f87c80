package blotter

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// unreadable goes on after a report that cannot be true: nothing of it counts, and the order is asked about.
func (b *Blotter) unreadable(e *entry, f *falsehood, nowNs int64) {
	b.counts.Unreadable++
	e.suspect, e.falsehood = true, *f
	e.suspectNs, e.askAtNs = nowNs, nowNs
	b.schedule(e)
}

// unanswered counts an answer about an order that cannot be true or read. When there are too many in a row, the
// instrument takes no new orders until there is one that can.
func (b *Blotter) unanswered(e *entry, f *Failure) {
	if e.suspect = true; e.falsehood.field == "" {
		e.falsehood = falsehood{field: "answer", text: f.Msg, why: "cannot be read"}
	}
	if e.numUnreadable++; e.numUnreadable < maxUnreadable || e.stopping {
		return
	}
	if e.falsehood.published {
		b.ruin(e, fmt.Sprintf("the venue's answer, queried %d times: %v", e.numUnreadable, &e.falsehood))
		e.now.unpriced = true // not to be compared again
		return
	}
	e.stopping = true
	k := e.book
	if k.numStopping++; k.numStopping == 1 {
		b.stop(e, fmt.Sprintf("order %s: inconsistent answer from the venue, queried %d times: %v. None of it is counted, cancels are sent. "+
			"Check the order at the venue and the network path; it resumes when the venue's answer is consistent",
			e.now.clientID, e.numUnreadable, &e.falsehood))
	}
}

// readable goes on after an answer about an order that can be true, unless the question is older than what cannot.
func (b *Blotter) readable(e *entry) {
	if e.askedNs < e.suspectNs {
		return
	}
	e.suspect, e.falsehood, e.numUnreadable, e.otherID = false, falsehood{}, 0, ""
	if !e.stopping {
		return
	}
	e.stopping = false
	k := e.book
	if k.numStopping--; k.numStopping == 0 && !k.ruined {
		k.stopped = ""
		b.fail(k, connector.Owner{}, 0, hft.CustomKind, CodeResumed, k.inst.Symbol+" accepts new orders again: the venue's answers are consistent")
	}
}

// stop lets an instrument take no new orders.
func (b *Blotter) stop(e *entry, reason string) {
	k := e.book
	if k.ruined {
		return
	}
	k.stopped = k.inst.Symbol + " accepts no new orders: " + reason
	b.fail(k, connector.Owner{}, 0, hft.CustomKind, CodeStopped, k.stopped)
}

// ruin stops an instrument for good: what was published is not what the venue says, and cannot be taken back.
func (b *Blotter) ruin(e *entry, reason string) {
	b.stop(e, fmt.Sprintf("order %s: %s. Cancels are sent. Compare position and executions with the venue's, then restart the runner", e.now.clientID, reason))
	e.book.ruined = true
}

// doubt is something that is believed when it was said often enough, for long enough.
type doubt struct {
	times   int
	sinceNs int64
}

// again counts that it is said again. It reports whether to believe it, and if not, when to ask again.
func (d *doubt) again(nowNs int64) (believed bool, askAtNs int64) {
	switch {
	case d.times == 0:
		d.times, d.sinceNs = 1, nowNs
		return false, nowNs + againNs
	case d.times+1 < minAbsences || nowNs-d.sinceNs < absentNs:
		d.times++
		return false, max(nowNs+againNs, d.sinceNs+absentNs)
	}
	return true, 0
}

// withdraw takes back what was told of a leg above a quantity.
func (b *Blotter) withdraw(e *entry, l *leg, told int64) {
	b.counts.Withdrawn++
	l.denied = doubt{}
	if adopted := min(l.filledLots-told, l.adoptedLots); adopted > 0 { // it was never published here
		e.filledValue -= e.filledValue / float64(max(e.filledLots, 1)) * float64(adopted)
		l.adoptedLots, l.filledLots, e.filledLots = l.adoptedLots-adopted, l.filledLots-adopted, e.filledLots-adopted
	}
	if l.filledLots > told {
		l.ruined = true
		b.ruin(e, fmt.Sprintf("executions of %v were reported, the venue now says that it is %v", e.book.qty(l.filledLots), e.book.qty(told)))
	}
	l.cumLots = max(told, l.filledLots)
	l.firmLots, l.answeredLots = l.cumLots, l.cumLots
	if l.avgLots > l.cumLots {
		l.avgPrice, l.avgLots = 0, 0
	}
}

// firm reports whether what is executed of a leg by the venue's word was published, or was said by two answers in a row:
// nothing is assumed on the word of one message.
func (l *leg) firm() bool { return l.cumLots <= l.filledLots || l.firmLots >= l.cumLots }

// firm reports it of all legs.
func (e *entry) firm() bool {
	for i := range e.prior {
		if !e.prior[i].firm() {
			return false
		}
	}
	return e.now.firm()
}
