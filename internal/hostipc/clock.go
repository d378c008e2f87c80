package hostipc

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
)

// Clock is the time that the host and the bots of a connector share. The host owns it; Start, Step and Show may be
// called from one goroutine, everything else from any. It never goes back.
type Clock struct {
	stepped     bool
	startNs     int64
	rate        float64
	monoStartNs atomic.Int64 // 0 until started
	nowNs       atomic.Int64 // of a stepped clock
	shown       atomic.Uint64
	machine     *machine // of a wall clock, else nil

	mu       sync.Mutex // guards segments, and monoStartNs against their description
	segments []*shm.Segment
}

// NewClock returns a clock that shows startNs and, once started, runs at rate against the wall clock.
func NewClock(startNs int64, rate float64) *Clock { return &Clock{startNs: startNs, rate: rate} }

// NewSteppedClock returns a clock that shows startNs until Step and Show move it.
func NewSteppedClock(startNs int64) *Clock {
	c := &Clock{startNs: startNs, stepped: true}
	c.nowNs.Store(startNs)
	return c
}

// Stepped reports whether the clock moves by Step only.
func (c *Clock) Stepped() bool { return c.stepped }

// Start lets a clock run that does not yet.
func (c *Clock) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stepped && c.monoStartNs.Load() == 0 {
		c.begin(shm.MonotonicNs())
	}
}

// begin lets the clock, and every bot's view of it, show its start at a monotonic time. The lock is held.
func (c *Clock) begin(monoNs int64) {
	c.monoStartNs.Store(monoNs)
	for _, s := range c.segments {
		atomic.StoreInt64(ring.Int64Word(s, ring.OffClockMono), monoNs) // SYNC POINT: clock start
	}
}

// Step moves a stepped clock to timestampNs; it never goes back. The bots see the new time with the first record that
// is published at it, or by Show.
func (c *Clock) Step(timestampNs int64) { c.nowNs.Store(max(timestampNs, c.nowNs.Load())) }

// Show lets the bots see the time of a stepped clock, and that for now nothing else happens at it: waits that end at
// this time are over.
func (c *Clock) Show() {
	shown := c.shown.Add(1)
	for _, s := range c.segments {
		atomic.StoreInt64(ring.Int64Word(s, ring.OffClockNow), c.nowNs.Load()) // SYNC POINT: clock step
		atomic.StoreUint64(s.Word64(ring.OffClockShown), shown)                // SYNC POINT: clock shown
	}
}

// NowNs returns the time. A wall clock makes a system call each millisecond for it.
func (c *Clock) NowNs() int64 {
	if c.stepped {
		return c.nowNs.Load()
	}
	monoNs := shm.MonotonicNs()
	if m := c.machine; m != nil && m.due(monoNs) {
		c.noticeSuspension(monoNs)
		monoNs = shm.MonotonicNs()
	}
	return ring.ClockAt(c.startNs, c.monoStartNs.Load(), c.rate, monoNs)
}

// lookAgain is the longest wait at a stretch: a timer stands still while the machine is suspended, the clock does not.
const lookAgain = time.Second

// WaitUntil waits until a running clock shows timestampNs, until wake has something, which it takes, or until ctx ends,
// and returns the time then, at most timestampNs. The error is ctx's.
func (c *Clock) WaitUntil(ctx context.Context, timestampNs int64, wake <-chan struct{}) (int64, error) {
	for {
		now := c.NowNs()
		if now >= timestampNs {
			return timestampNs, ctx.Err()
		}
		timer := time.NewTimer(time.Duration(min(float64(timestampNs-now)/c.rate, float64(lookAgain))))
		select {
		case <-timer.C:
		case <-wake:
			timer.Stop()
			return min(c.NowNs(), timestampNs), nil
		case <-ctx.Done():
			timer.Stop()
			return c.NowNs(), ctx.Err()
		}
	}
}

// describe writes the clock into a segment's header before it is published, and keeps it current from then on.
func (c *Clock) describe(s *shm.Segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mode := uint64(ring.ClockRunning)
	if c.stepped {
		mode = ring.ClockStepped
	}
	*s.Word64(ring.OffClockMode) = mode
	*ring.Int64Word(s, ring.OffClockStart) = c.startNs
	*s.Word64(ring.OffClockRate) = math.Float64bits(c.rate)
	*ring.Int64Word(s, ring.OffClockMono) = c.monoStartNs.Load()
	*ring.Int64Word(s, ring.OffClockNow) = c.nowNs.Load()
	*s.Word64(ring.OffClockShown) = c.shown.Load()
	c.segments = append(c.segments, s)
}

func (c *Clock) forget(s *shm.Segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, known := range c.segments {
		if known == s {
			c.segments = append(c.segments[:i], c.segments[i+1:]...)
			return
		}
	}
}
