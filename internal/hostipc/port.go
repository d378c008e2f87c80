package hostipc

import (
	"fmt"
	"math"
	"os"
	"sync/atomic"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
	"github.com/hftrunner/hftrunner/ipc"
)

// MaxBacklog is how many records a Port queues aside for a bot that does not read, before it is stalled.
const MaxBacklog = 1 << 19

// Port is the host's end of the private queues of one bot with one connector.
//
// The Send methods and Flush are for the goroutine that holds the connector's publishing lock: that is what puts
// orders and feed in one sequence. Recv and Pending are for the one goroutine that serves the bot's requests. Nothing
// waits: what does not fit into the queue is kept aside, up to MaxBacklog records, then the port is Stalled and drops.
type Port struct {
	feed    *Feed
	control *Control
	segment *shm.Segment
	down    *shm.Producer
	up      *shm.Consumer
	backlog []ring.DownRecord
	head    int
	stalled atomic.Bool
	corrupt atomic.Bool
	queued  atomic.Int64
	encoded []byte
	handled atomic.Uint64
	in      ring.UpRecord
}

// NewPort makes the queues between a connector and a bot; the bot is woken by the feed from now on.
func NewPort(feed *Feed, control *Control) (*Port, error) {
	s, err := ring.Create("hftrunner-private", ring.PrivateSize(), ring.DownCapacity)
	if err != nil {
		return nil, err
	}
	p := &Port{feed: feed, control: control, segment: s}
	p.down = shm.NewProducer(s, ring.HeaderSize, ring.DownCapacity, ring.DownWords)
	p.up = shm.NewConsumer(s, ring.UpOffset(), ring.UpCapacity, ring.UpWords)
	ring.Publish(s)
	feed.attach(control)
	return p, nil
}

// File returns the segment's file, to be inherited by the strategy process; it belongs to the port.
func (p *Port) File() *os.File { return p.segment.File() }

// send publishes a record or queues it aside.
func (p *Port) send(r *ring.DownRecord) {
	if p.stalled.Load() {
		return
	}
	if p.head == len(p.backlog) && p.put(r) {
		return
	}
	if len(p.backlog)-p.head >= MaxBacklog {
		p.stalled.Store(true)
		return
	}
	if p.head > 0 && len(p.backlog) == cap(p.backlog) {
		n := copy(p.backlog, p.backlog[p.head:])
		p.backlog, p.head = p.backlog[:n], 0
	}
	p.backlog = append(p.backlog, *r)
	p.queued.Store(int64(len(p.backlog) - p.head))
}

func (p *Port) put(r *ring.DownRecord) bool {
	switch p.down.Put(r[:]) {
	case shm.PutOK:
		return true
	case shm.PutCorrupt:
		p.corrupt.Store(true)
		p.stalled.Store(true)
	}
	return false
}

// Flush publishes what was queued aside, as far as it fits, and wakes the bot if it is parked.
func (p *Port) Flush() {
	for p.head < len(p.backlog) && p.put(&p.backlog[p.head]) {
		p.head++
	}
	if p.head == len(p.backlog) {
		p.backlog, p.head = p.backlog[:0], 0
	}
	p.queued.Store(int64(len(p.backlog) - p.head))
	p.wake()
}

// Queued returns how many records are queued aside.
func (p *Port) Queued() int { return int(p.queued.Load()) }

// Taken reports whether the bot has taken every record sent to it. It is for the goroutine that sends.
func (p *Port) Taken() bool {
	consumed, ok := p.down.Consumed()
	return ok && p.Queued() == 0 && consumed == p.down.Produced()
}

// Stalled reports that records were dropped: the bot did not read for too long or damaged its queue, and has to be
// restarted.
func (p *Port) Stalled() bool { return p.stalled.Load() }

// Corrupt reports that the bot damaged its queue.
func (p *Port) Corrupt() bool { return p.corrupt.Load() }

// wake wakes the bot, if it is parked. Putting a record was a full barrier, so the look at the parked flag comes after.
func (p *Port) wake() { p.control.wake(p.feed.clock.stepped) }

func (p *Port) record(kind, flags uint8, count, feedNo int) (r ring.DownRecord) {
	r.SetHead(kind, flags, count, feedNo, p.feed.Tail(), p.feed.clock.NowNs())
	return r
}

// SendOrder reports an order and the state after it.
func (p *Port) SendOrder(feedNo int, o *hft.Order, s *hft.StateValues) {
	r := p.record(uint8(ipc.EventOrder), 0, 0, feedNo)
	ring.PutOrder(r.Body(), o)
	ring.PutState(r.Body()[ring.OrderWords:], s)
	p.send(&r)
	p.wake()
}

// SendState reports position and state.
func (p *Port) SendState(feedNo int, s *hft.StateValues) {
	r := p.record(uint8(ipc.EventPosition), 0, 0, feedNo)
	ring.PutState(r.Body()[ring.OrderWords:], s)
	p.send(&r)
	p.wake()
}

// SendError reports an error event of any length; feedNo is -1 when it is about no instrument. What is longer than
// 64 MiB loses its value.
func (p *Port) SendError(feedNo int, e *hft.LiveError) {
	p.encoded = ring.AppendError(p.encoded[:0], e)
	if len(p.encoded) > ring.MaxErrorBytes {
		short := *e
		short.Val = hft.StringValue(fmt.Sprintf("value of %d bytes dropped", len(p.encoded)))
		p.encoded = ring.AppendError(p.encoded[:0], &short)
	}
	for b := p.encoded; len(b) > 0; {
		n := min(len(b), ring.ErrorPieceBytes)
		r := p.record(ring.DownError, 0, n, feedNo)
		body := r.Body()
		body[0] = uint64(len(b) - n) // bytes still to come
		for i, c := range b[:n] {
			body[1+i/8] |= uint64(c) << (8 * (i % 8))
		}
		p.send(&r)
		b = b[n:]
	}
	p.wake()
}

// SendSnapshot answers a RegisterInstrument: the bot's orders, its state and the instrument's book, whose levels are
// best first, bids then asks.
func (p *Port) SendSnapshot(feedNo int, orders []hft.Order, s *hft.StateValues, levels []hft.Event) {
	start := p.record(uint8(ipc.EventBatchStart), 0, 0, feedNo)
	p.send(&start)
	for i := range orders {
		p.SendOrder(feedNo, &orders[i], s)
	}
	p.SendState(feedNo, s)
	clearBook := p.record(ring.DownClear, 0, 0, feedNo)
	clearBook.Body()[0] = uint64(p.feed.clock.NowNs())
	p.send(&clearBook)
	for len(levels) > 0 {
		n := 1
		for n < len(levels) && n < ring.LevelsPerRecord && levels[n].Side() == levels[0].Side() {
			n++
		}
		side := uint8(0)
		if levels[0].Side() == hft.Sell {
			side = 1
		}
		r := p.record(ring.DownLevels, side, n, feedNo)
		body := r.Body()
		body[0] = uint64(levels[0].ExchTimestampNs)
		for i := range n {
			body[1+2*i] = math.Float64bits(levels[i].Px)
			body[2+2*i] = math.Float64bits(levels[i].Qty)
		}
		p.send(&r)
		levels = levels[n:]
	}
	end := p.record(uint8(ipc.EventBatchEnd), 0, 0, feedNo)
	p.send(&end)
	p.wake()
}

// Recv takes the bot's next request. ok is false when there is none; an error says what is wrong with a request that
// was taken, q then holds the FeedNo and order id it claims.
func (p *Port) Recv(q *Request) (ok bool, err error) {
	if !p.up.Next(p.in[:]) {
		return false, nil
	}
	return true, q.get(&p.in)
}

// Done counts a request as handled, for Handled.
func (p *Port) Done() { p.handled.Add(1) }

// Handled returns how many requests have been handled. Any goroutine may ask.
func (p *Port) Handled() uint64 { return p.handled.Load() }

// Pending reports whether Recv has something to take.
func (p *Port) Pending() bool { return p.up.Ready() }

// Damaged reports that the bot has written into its request queue what the queue cannot hold: nothing can be taken
// from it any more. It is for the goroutine that calls Recv.
func (p *Port) Damaged() bool { return p.up.Corrupt() }

// Close ends the wake-ups and releases the host's mapping.
func (p *Port) Close() error {
	p.feed.detach(p.control)
	return p.segment.Close()
}
