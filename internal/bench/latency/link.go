package latency

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// replyCapacity is the capacity of the way back, in records; only one is ever under way.
const replyCapacity = 64

// Offsets of the words in the private segment, each alone in its pair of cache lines.
const (
	offPhase       = 0 * 128 // what the parent wants: a phase constant
	offPhaseSeen   = 1 * 128 // the phase the child is in
	offRawPing     = 2 * 128 // written by the parent
	offRawPong     = 3 * 128 // written by the child
	offChildParked = 4 * 128
	offChildBell   = 5 * 128
	offOwnParked   = 6 * 128 // the parent's
	offOwnBell     = 7 * 128
	offReplies     = 8 * 128 // the queue
)

// Phases. Each change is a new value of the phase word: the phase in the low bits, a count above.
const (
	phaseRaw     = 1
	phaseRecords = 2
	phaseQuit    = 3
	phaseMask    = 3
)

// rawStop ends the raw phase, recordStop in FeedRecord.Lo the record phase.
const (
	rawStop    = ^uint64(0)
	recordStop = 1
)

// link is the memory between the two: the feed as a strategy gets it, read-only for the child, and the private rest.
type link struct {
	feed, private *shm.Segment
}

func newLink(feedCapacity, replyWords int) (*link, error) {
	feed, err := shm.Create("latency-feed", shm.BroadcastSize(feedCapacity))
	if err != nil {
		return nil, err
	}
	if err := feed.SealFutureWrites(); err != nil {
		return nil, errors.Join(err, feed.Close())
	}
	private, err := shm.Create("latency-private", offReplies+shm.QueueSize(replyCapacity, replyWords))
	if err != nil {
		return nil, errors.Join(err, feed.Close())
	}
	return &link{feed: feed, private: private}, nil
}

func openLink(feedFD, privateFD int) (*link, error) {
	feed, err := shm.Open(feedFD, true)
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	private, err := shm.Open(privateFD, false)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("private: %w", err), feed.Close())
	}
	return &link{feed: feed, private: private}, nil
}

func (l *link) close() error { return errors.Join(l.feed.Close(), l.private.Close()) }

// bell wakes one sleeper in the other process, and costs a system call only if it does sleep.
type bell struct {
	parked, count *uint32
}

// sleep waits until ready reports true, or at most about timeout.
func (b bell) sleep(ready func() bool, timeout time.Duration) {
	seen := atomic.LoadUint32(b.count)
	atomic.StoreUint32(b.parked, 1)
	if !ready() { // after the flag: either we see the record, or its writer sees the flag
		shm.FutexWait(b.count, seen, timeout)
	}
	atomic.StoreUint32(b.parked, 0)
}

// ring wakes the sleeper. Call it after a store that is a full barrier.
func (b bell) ring() {
	if atomic.LoadUint32(b.parked) != 0 {
		atomic.AddUint32(b.count, 1)
		shm.FutexWake(b.count, 1)
	}
}
