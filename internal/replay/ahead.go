package replay

import (
	"cmp"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/paper"
)

// maxAheadRows bounds what is read ahead, 64 bytes each. One that waits for the bots alone, or the exchange, counts half.
const maxAheadRows = 1 << 22

// ahead puts what was read into two orders: that of receipt for the bots, that of exchange times for the exchange.
type ahead struct {
	// rows are those that somebody has not got yet; base is the number of the first one.
	rows []hft.Event
	base int
	// received has batches in the order of receipt, happened rows of one exchange time each in the order of it.
	received, happened queue
	// held counts the rows of either queue, most is how many are read ahead.
	held, most int
	// lastNs is the time of what was handed out last.
	lastNs int64
}

// waiting is what was not handed out yet. Its rows are those from from to to, by number.
type waiting struct {
	batch    paper.Batch // without Events
	from, to int
}

// queue has waiting ones in the order of their times.
type queue struct {
	list []waiting
	head int
}

func (q *queue) waiting() []waiting { return q.list[q.head:] }

// insert puts w behind all that are not later.
func (q *queue) insert(w *waiting) {
	if len(q.list) == cap(q.list) && 2*q.head >= len(q.list) {
		q.list, q.head = q.list[:copy(q.list, q.list[q.head:])], 0
	}
	at := q.head + len(q.waiting())
	if at > q.head && q.list[at-1].batch.TimestampNs > w.batch.TimestampNs {
		n, _ := slices.BinarySearchFunc(q.waiting(), w.batch.TimestampNs+1, func(w waiting, ns int64) int { return cmp.Compare(w.batch.TimestampNs, ns) })
		at = q.head + n
		if q.head > 0 && n < len(q.waiting())-n { // fewer are before it
			q.head--
			copy(q.list[q.head:], q.list[q.head+1:at])
			q.list[at-1] = *w
			return
		}
	}
	q.list = slices.Insert(q.list, at, *w)
}

// push takes a batch and its rows, the first ones of which the bots do not get.
func (a *ahead) push(b *paper.Batch, rows []hft.Event, exchangeOnly int) {
	a.compact(len(rows))
	from := a.base + len(a.rows)
	a.rows = append(a.rows, rows...)
	a.held += 2*len(rows) - exchangeOnly
	w := waiting{*b, from + exchangeOnly, from + len(rows)}
	w.batch.To, w.batch.Events = paper.ToBots, nil
	a.received.insert(&w)
	for i := 0; i < len(rows); {
		end := i + 1
		for end < len(rows) && rows[end].ExchTimestampNs == rows[i].ExchTimestampNs {
			end++
		}
		a.happened.insert(&waiting{paper.Batch{TimestampNs: min(rows[i].ExchTimestampNs, b.TimestampNs), InstrumentNo: b.InstrumentNo,
			To: paper.ToExchange}, from + i, from + end})
		i = end
	}
}

// full reports whether as much waits as is read ahead.
func (a *ahead) full() bool { return a.held >= a.most }

// next returns the queue with what comes first, nil when there is nothing. Of one time the bots' comes first, as in a backtest.
func (a *ahead) next() *queue {
	received, happened := a.received.waiting(), a.happened.waiting()
	switch {
	case len(received) == 0 && len(happened) == 0:
		return nil
	case len(happened) == 0 || len(received) > 0 && received[0].batch.TimestampNs <= happened[0].batch.TimestampNs:
		return &a.received
	}
	return &a.happened
}

// pop hands out the first of a queue and returns how late it is. Its rows are valid until the next push.
func (a *ahead) pop(q *queue, b *paper.Batch) (lateNs int64) {
	w := &q.list[q.head]
	q.head++
	a.held -= w.to - w.from
	*b = w.batch
	b.Events = a.rows[w.from-a.base : w.to-a.base]
	lateNs = max(a.lastNs-b.TimestampNs, 0)
	b.TimestampNs += lateNs
	a.lastNs = b.TimestampNs
	return lateNs
}

// compact makes room for n more rows in the place of those that everybody has got.
func (a *ahead) compact(n int) {
	if len(a.rows)+n <= cap(a.rows) {
		return
	}
	first := a.base + len(a.rows)
	for _, q := range []*queue{&a.received, &a.happened} {
		for i := range q.waiting() {
			first = min(first, q.waiting()[i].from)
		}
	}
	if gone := first - a.base; 2*gone >= len(a.rows) {
		a.rows, a.base = a.rows[:copy(a.rows, a.rows[gone:])], first
	}
}
