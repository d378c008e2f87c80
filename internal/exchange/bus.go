package exchange

import (
	"math"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// NeverNs is the time of what is not going to happen.
const NeverNs int64 = math.MaxInt64

// Bus delivers messages in the order in which they were appended: a later one is never delivered before an earlier one
// that is still under way (OrderBus). It grows with what is under way and then allocates nothing more. The zero value
// is ready.
type Bus[T any] struct {
	ring  []delivery[T] // its length is a power of two
	head  int
	count int
}

type delivery[T any] struct {
	timestampNs int64
	message     T
}

// Append adds a copy of message, to be delivered at timestampNs or, if that is later, together with the last message
// under way. It returns the time of delivery.
func (b *Bus[T]) Append(timestampNs int64, message *T) int64 {
	if b.count == len(b.ring) {
		b.grow()
	}
	if b.count > 0 {
		last := &b.ring[(b.head+b.count-1)&(len(b.ring)-1)]
		timestampNs = max(timestampNs, last.timestampNs)
	}
	slot := &b.ring[(b.head+b.count)&(len(b.ring)-1)]
	slot.timestampNs, slot.message = timestampNs, *message
	b.count++
	return timestampNs
}

func (b *Bus[T]) grow() {
	ring := make([]delivery[T], max(16, 2*len(b.ring)))
	n := copy(ring, b.ring[b.head:])
	copy(ring[n:], b.ring[:b.head])
	b.ring, b.head = ring, 0
}

// NextNs returns when the next message is to be delivered, NeverNs when none is under way.
func (b *Bus[T]) NextNs() int64 {
	if b.count == 0 {
		return NeverNs
	}
	return b.ring[b.head].timestampNs
}

// Len returns the number of messages under way.
func (b *Bus[T]) Len() int { return b.count }

// Receive stores the next message in message if it is due at nowNs, and reports whether it was.
func (b *Bus[T]) Receive(nowNs int64, message *T) bool {
	if b.count == 0 || b.ring[b.head].timestampNs > nowNs {
		return false
	}
	*message = b.ring[b.head].message
	b.head = (b.head + 1) & (len(b.ring) - 1)
	b.count--
	return true
}

// Link carries requests from bots to exchanges and reports back, each after its latency. It is the Responder of its
// exchanges; one Link serves any number of them (AssetNo tells them apart), as long as they share a latency.
type Link struct {
	// ToExchange are the requests and ToLocal the reports under way.
	ToExchange Bus[Request]
	ToLocal    Bus[Report]

	entry, response sim.LatencyModel

	answered hft.Order // what the response's latency model sees; here so that it need not be allocated
}

// NewLink returns an empty link. entry and response must be two instances of a model that keeps a cursor; they may be
// the same value otherwise.
func NewLink(entry, response sim.LatencyModel) *Link {
	return &Link{entry: entry, response: response}
}

// Send puts a request of a bot made at timestampNs under way. A request that the latency model loses comes back as a
// report with RejectLost, a modification with the previous price and quantity.
func (l *Link) Send(timestampNs int64, r *Request) {
	latencyNs := l.entry.EntryNs(timestampNs, &r.Order)
	if latencyNs >= 0 {
		l.ToExchange.Append(timestampNs+latencyNs, r)
		return
	}
	report := refusalOf(r, sim.RejectLost)
	if r.Order.Req == hft.StatusReplaced && r.PrevQty > 0 {
		report.Order.PriceTick, report.Order.Qty = r.PrevPriceTick, r.PrevQty
	}
	l.ToLocal.Append(timestampNs-latencyNs, &report)
}

// Refuse puts a report under way that a request goes to no exchange; the order in it is the request. The bot gets it at
// timestampNs, or with the report that is under way before it.
func (l *Link) Refuse(timestampNs int64, r *Request, why sim.Reject) {
	report := refusalOf(r, why)
	report.Order.ExchTimestampNs = 0
	l.ToLocal.Append(timestampNs, &report)
}

func refusalOf(r *Request, why sim.Reject) Report {
	report := Report{Request: *r, Reject: why, Answers: r.Order.Req}
	report.Order.Req = hft.StatusRejected
	return report
}

// Respond puts a report that an exchange made at timestampNs under way.
func (l *Link) Respond(timestampNs int64, r *Report) {
	l.answered = r.Order
	l.answered.Req = r.Answers
	l.ToLocal.Append(timestampNs+l.response.ResponseNs(timestampNs, &l.answered), r)
}
