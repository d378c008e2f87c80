package feed

import (
	"math"

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
	// depthNs is the newest exchange time of what the depth stream has said and of the quotes that it has passed, quoted are those
	// that it has not.
	depthNs int64
	quoted  []quotedAt
	rows    []hft.Event
}

// quotedAt is a quote's place in the venue's sequence, and the newest time of its rows and of those of the quotes before it.
type quotedAt struct{ seq, ns int64 }

// TakeRows takes a message as Book.Take does and returns its rows, which belong to Ordered or to the message: Out.Events with their
// times made good, behind a row that clears the book for each time that this is lost or begins anew and Out has no row for it.
func (o *Ordered) TakeRows(localNs int64, m *connector.Message) ([]hft.Event, Out) {
	out := o.Take(localNs, m)
	if m.Kind == connector.MessageTrade {
		return out.Events, out
	}
	o.rows = o.rows[:0]
	if out.Stale != "" {
		// The exchange loses the book with the message that shows it, as its receiver does, not with the last one before a gap.
		o.newestNs = max(o.newestNs, min(m.ExchTimestampNs, localNs))
		o.begin()
		o.rows = append(o.rows, clearRow(o.newestNs, localNs))
	}
	whole := len(out.Events) > 0 && out.Events[0].Kind() == hft.DepthClearEvent
	if out.Ready && !whole && len(out.Events) > 0 {
		o.rows, whole = append(o.rows, clearRow(max(o.newestNs, out.Events[0].ExchTimestampNs), localNs)), true
	}
	if o.ahead.forgotten { // what the stream says now may be about any level
		o.ahead.forgotten = false
		o.begin()
	}
	notBeforeNs := o.notBefore(m, &out)
	for i := range out.Events {
		e := out.Events[i]
		if whole { // each row of a whole book is newer than the one before
			notBeforeNs = o.newestNs
		}
		e.ExchTimestampNs = max(e.ExchTimestampNs, notBeforeNs, o.floorNs)
		o.newestNs = max(o.newestNs, e.ExchTimestampNs)
		o.rows = append(o.rows, e)
	}
	o.note(m, whole, out.Events)
	return o.rows, out
}

// begin lets no row that follows be earlier than those before.
func (o *Ordered) begin() {
	o.floorNs, o.depthNs, o.quoted = o.newestNs, o.newestNs, o.quoted[:0]
}

// notBefore returns the time before which no row of m is: its place in the venue's sequence is behind all that the depth stream has
// said and behind the quotes up to there. Times that say otherwise are wrong, those that Book.quotedNs makes up above all, which a
// stalled line makes too late; they are never later than the message was received. What the depth stream says behind the back of
// a quote that has overtaken it is about other levels, and keeps its time.
func (o *Ordered) notBefore(m *connector.Message, out *Out) int64 {
	switch {
	case m.Seq == 0 || out.Seen: // a book by times
		return 0
	case m.Kind == connector.MessageBBO:
		if n := len(o.quoted); n > 0 {
			return max(o.depthNs, o.quoted[n-1].ns)
		}
		return o.depthNs
	}
	passed := 0
	for passed < len(o.quoted) && o.quoted[passed].seq <= m.Seq {
		o.depthNs = max(o.depthNs, o.quoted[passed].ns)
		passed++
	}
	o.quoted = o.quoted[:copy(o.quoted, o.quoted[passed:])]
	return o.depthNs
}

// note notes the times of the rows, which are those of m.
func (o *Ordered) note(m *connector.Message, whole bool, rows []hft.Event) {
	switch {
	case whole:
		o.begin()
	case len(rows) == 0 || m.Seq == 0:
	case m.Kind == connector.MessageBBO:
		ns := o.rows[len(o.rows)-1].ExchTimestampNs // a quote has one time
		if len(o.quoted) == maxQuoted {
			o.thin()
		}
		o.quoted = append(o.quoted, quotedAt{m.Seq, ns})
	default:
		for i := range rows {
			o.depthNs = max(o.depthNs, o.rows[len(o.rows)-len(rows)+i].ExchTimestampNs)
		}
	}
}

// thin makes one of each two quotes: with the place of the first and the time of the second no row comes too early.
func (o *Ordered) thin() {
	n := 0
	for i := 0; i < len(o.quoted); i += 2 {
		o.quoted[n] = quotedAt{o.quoted[i].seq, o.quoted[min(i+1, len(o.quoted)-1)].ns}
		n++
	}
	o.quoted = o.quoted[:n]
}

// clearRow clears both sides whole.
func clearRow(exchNs, localNs int64) hft.Event {
	return hft.Event{Ev: hft.DepthClearEvent, ExchTimestampNs: exchNs, LocalTimestampNs: localNs, Px: math.NaN()}
}
