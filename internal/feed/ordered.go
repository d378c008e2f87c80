package feed

import (
	"math"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// Ordered is a Book whose rows end in the same book in two orders: that of receipt, which bots see, and that of exchange times,
// which an exchange sees. Rows of the same exchange time keep their order.
type Ordered struct {
	*Book
	// newestNs is the newest exchange time of the rows, floorNs what it was when all levels had been cleared: no row after that
	// is earlier.
	newestNs, floorNs int64
	// newestSeq is the newest place of the rows among all that the venue says (connector.Message.Seq).
	newestSeq int64
	rows      []hft.Event
}

// maxContradiction is by how much times may contradict the venue's sequence: one that is of later by more is wrong itself.
const maxContradiction = 10 * time.Second

// TakeRows takes a message as Book.Take does and returns its rows, which belong to Ordered or to the message: Out.Events with their
// times made good, behind a row that clears the book for each time that this is lost or begins anew and Out has no row for it.
func (o *Ordered) TakeRows(localNs int64, m *connector.Message) ([]hft.Event, Out) {
	out := o.Take(localNs, m)
	if m.Kind == connector.MessageTrade {
		return out.Events, out
	}
	o.rows = o.rows[:0]
	if out.Stale != "" {
		o.floorNs = o.newestNs
		o.rows = append(o.rows, clearRow(o.newestNs, localNs))
	}
	whole := len(out.Events) > 0 && out.Events[0].Kind() == hft.DepthClearEvent
	if out.Ready && !whole && len(out.Events) > 0 {
		o.rows, whole = append(o.rows, clearRow(max(o.newestNs, out.Events[0].ExchTimestampNs), localNs)), true
	}
	follows := m.Seq != 0 && m.Seq >= o.newestSeq
	switch {
	case whole:
		o.newestSeq = max(o.depthSeq, o.quote.seq)
	case follows && len(out.Events) > 0:
		o.newestSeq = m.Seq
	}
	for i := range out.Events {
		e := out.Events[i]
		if before := o.newestNs - e.ExchTimestampNs; follows && before > 0 && before <= int64(maxContradiction) {
			e.ExchTimestampNs = o.newestNs
		}
		o.newestNs = max(o.newestNs, e.ExchTimestampNs)
		if whole { // each row of a whole book is newer than the one before
			o.floorNs = o.newestNs
		}
		e.ExchTimestampNs = max(e.ExchTimestampNs, o.floorNs)
		o.rows = append(o.rows, e)
	}
	return o.rows, out
}

// clearRow clears both sides whole.
func clearRow(exchNs, localNs int64) hft.Event {
	return hft.Event{Ev: hft.DepthClearEvent, ExchTimestampNs: exchNs, LocalTimestampNs: localNs, Px: math.NaN()}
}
