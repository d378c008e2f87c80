package hostipc

import (
	"fmt"
	"math"
	"os"
	"slices"
	"sync/atomic"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
)

// Feed is the host's end of one connector's broadcast ring. Every method is for the goroutine that holds the
// connector's publishing lock; nothing waits for a bot.
type Feed struct {
	name     string
	segment  *shm.Segment
	ring     *shm.BroadcastWriter
	clock    *Clock
	capacity int
	controls []*Control // of the bots to wake
}

// NewFeed makes the feed of a connector. capacity is the number of slots, a power of two, or 0 for
// 65,536. Bots can only map it read-only.
func NewFeed(name string, capacity int, clock *Clock) (*Feed, error) {
	if capacity == 0 {
		capacity = ring.DefaultFeedCapacity
	}
	if err := shm.CheckBroadcast(math.MaxInt, ring.HeaderSize, capacity); err != nil || capacity < 2 {
		return nil, fmt.Errorf("feed capacity %d of connector %s: must be a power of two from 2 to 2^30", capacity,
			name)
	}
	s, err := ring.Create("hftrunner-feed", ring.HeaderSize+shm.BroadcastSize(capacity), capacity)
	if err != nil {
		return nil, err
	}
	clock.describe(s)
	f := &Feed{name: name, segment: s, clock: clock, capacity: capacity}
	f.ring = shm.NewBroadcastWriter(s, ring.HeaderSize, capacity)
	ring.Publish(s)
	if err := s.SealFutureWrites(); err != nil {
		return nil, fmt.Errorf("seal the feed of connector %s: %w", name, err)
	}
	return f, nil
}

// File returns the segment's file, to be inherited by strategy processes; it belongs to the feed.
func (f *Feed) File() *os.File { return f.segment.File() }

// Tail returns the sequence of the last event published.
func (f *Feed) Tail() uint64 { return f.ring.Tail() }

// Published returns how many events have been published. Any goroutine may call it, also after Close.
func (f *Feed) Published() uint64 { return f.ring.Committed() }

// Publish publishes the events as one batch of the instrument and wakes parked bots.
func (f *Feed) Publish(feedNo int, events []hft.Event) {
	if len(events) == 0 {
		return
	}
	monoNs := shm.MonotonicNs()
	var rec shm.FeedRecord
	last := len(events) - 1
	for i := range events {
		ring.PutFeed(&rec, feedNo, monoNs, i < last, &events[i])
		f.ring.Put(&rec)
		if i&(f.capacity/2-1) == f.capacity/2-1 {
			f.ring.Commit() // a batch longer than the ring: readers that are lapped need a tail to go on from
		}
	}
	f.ring.Commit()
	f.wake()
}

// End marks the end of recorded data: bots see it once they have received everything before.
func (f *Feed) End() {
	atomic.StoreUint64(f.segment.Word64(ring.OffFeedEnd), f.Tail()+1) // SYNC POINT: end of data
	f.wake()
}

func (f *Feed) wake() {
	for _, c := range f.controls {
		c.wake(f.clock.stepped)
	}
}

func (f *Feed) attach(c *Control) { f.controls = append(f.controls, c) }

func (f *Feed) detach(c *Control) {
	f.controls = slices.DeleteFunc(f.controls, func(known *Control) bool { return known == c })
}

// Close tells the bots that the host is done and releases the host's mapping.
func (f *Feed) Close() error {
	atomic.StoreUint64(f.segment.Word64(ring.OffFeedClosed), 1) // SYNC POINT: feed closed
	f.wake()
	f.clock.forget(f.segment)
	return f.segment.Close()
}
