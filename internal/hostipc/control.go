package hostipc

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
)

// Control is the host's end of a bot's control page: wake-ups, the order to stop, and what the bot says of itself.
// One strategy process has one. Methods may be called from any goroutine until Close. What the bot writes is a claim:
// it serves supervision and statistics and is never used to address memory.
type Control struct {
	segment *shm.Segment
	workGen atomic.Uint64

	counting sync.Mutex
}

// NewControl makes a control page.
func NewControl() (*Control, error) {
	s, err := ring.Create("hftrunner-control", ring.ControlSize, 0)
	if err != nil {
		return nil, err
	}
	ring.Publish(s)
	return &Control{segment: s}, nil
}

// File returns the page's file, to be inherited by the strategy process; it belongs to the control page.
func (c *Control) File() *os.File { return c.segment.File() }

// wake lets a parked bot look at its queues. counted also marks that there is work, for Idle.
func (c *Control) wake(counted bool) {
	if counted {
		// Under a lock: of two wakers the one with the older number must not be the last to store.
		c.counting.Lock()
		atomic.StoreUint64(c.segment.Word64(ring.OffWorkGen), c.workGen.Add(1)) // SYNC POINT: work generation
		c.counting.Unlock()
	}
	if atomic.LoadUint32(c.segment.Word32(ring.OffBotParked)) != 0 { // SYNC POINT: bot parked
		bell := c.segment.Word32(ring.OffDoorbell)
		atomic.AddUint32(bell, 1) // SYNC POINT: doorbell
		shm.FutexWake(bell, 1)
	}
}

// Wake lets the bot look at its queues and at its clock, which the host has stepped.
func (c *Control) Wake() { c.wake(true) }

// Interrupt makes every waiting call of the bot return hft.ErrInterrupted.
func (c *Control) Interrupt() {
	atomic.StoreUint64(c.segment.Word64(ring.OffStop), 1) // SYNC POINT: stop
	bell := c.segment.Word32(ring.OffDoorbell)
	atomic.AddUint32(bell, 1)
	shm.FutexWake(bell, 1)
}

// BotStats is what a bot says of itself.
type BotStats struct {
	// Events applied, events Lost by being too slow, and how often the books were rebuilt for it.
	Events, Lost, Resyncs uint64
}

// Stats returns what the bot says of itself.
func (c *Control) Stats() BotStats {
	return BotStats{
		Events:  atomic.LoadUint64(c.segment.Word64(ring.OffEvents)),
		Lost:    atomic.LoadUint64(c.segment.Word64(ring.OffLost)),
		Resyncs: atomic.LoadUint64(c.segment.Word64(ring.OffResyncs)),
	}
}

// Progress returns a number that changes as long as the strategy calls its bot: its heartbeat.
func (c *Control) Progress() uint64 {
	return atomic.LoadUint64(c.segment.Word64(ring.OffProgress)) + atomic.LoadUint64(c.segment.Word64(ring.OffEvents))
}

// Idle reports whether the bot of a stepped clock has received everything and waits, until when, and how many
// requests it has sent before.
func (c *Control) Idle() (deadlineNs int64, sent uint64, idle bool) {
	gen := atomic.LoadUint64(c.segment.Word64(ring.OffIdleGen)) // SYNC POINT: idle generation
	if gen != c.workGen.Load()+1 {
		return 0, 0, false
	}
	return atomic.LoadInt64(ring.Int64Word(c.segment, ring.OffWaitDeadline)),
		atomic.LoadUint64(c.segment.Word64(ring.OffSent)), true
}

// WaitIdle sleeps until the bot rings that it is idle, at most timeout. bell is what IdleBell returned before the
// caller found it busy.
func (c *Control) WaitIdle(bell uint32, timeout time.Duration) {
	shm.FutexWait(c.segment.Word32(ring.OffIdleBell), bell, timeout)
}

// IdleBell returns the counter that WaitIdle sleeps on.
func (c *Control) IdleBell() uint32 { return atomic.LoadUint32(c.segment.Word32(ring.OffIdleBell)) }

// WaitRequest sleeps until the bot rings for a request, at most timeout. It returns at once when pending reports true
// after the bot can see that the host is parked.
func (c *Control) WaitRequest(pending func() bool, timeout time.Duration) {
	bell := atomic.LoadUint32(c.segment.Word32(ring.OffRequestBell))
	parked := c.segment.Word32(ring.OffHostParked)
	atomic.StoreUint32(parked, 1) // SYNC POINT: host parked
	if !pending() {
		shm.FutexWait(c.segment.Word32(ring.OffRequestBell), bell, timeout)
	}
	atomic.StoreUint32(parked, 0)
}

// RingRequest wakes the goroutine that sleeps in WaitRequest.
func (c *Control) RingRequest() {
	bell := c.segment.Word32(ring.OffRequestBell)
	atomic.AddUint32(bell, 1)
	shm.FutexWake(bell, 1)
}

// Close releases the host's mapping.
func (c *Control) Close() error { return c.segment.Close() }
