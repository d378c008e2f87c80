package ipc

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/shm"
)

const (
	// adaptiveSpin is how long an adaptive bot spins after its last event before it parks.
	adaptiveSpin = 20 * time.Microsecond
	// maxPark bounds one sleep, so that a parked bot shows its heartbeat and notices that the host is gone.
	maxPark = 400 * time.Millisecond
	// spinsPerCheck is how often a spin looks at its queues before it looks at clocks.
	spinsPerCheck = 256
	// checksPerYield is how often a spin looks at clocks before it lets other goroutines run. Not every time: yielding
	// wakes a thread of the process, which may take the goroutine to another processor, some microseconds each time.
	checksPerYield = 64
	// eventsPerCount is how many events a bot counts privately before it shows the count.
	eventsPerCount = 256
)

// RecvTimeout waits for the next event; see Channel.
func (c *sharedChannel) RecvTimeout(_ uint64, timeout time.Duration, ev *LiveEvent) (int, error) {
	if c.off() {
		return -1, errClosed
	}
	c.mark.Enter("ipc: sharedChannel.RecvTimeout")
	instNo, err := c.recv(timeout, ev)
	c.mark.Leave()
	if c.off() { // asked last: what was read after Close is nothing
		return -1, errClosed
	}
	return instNo, err
}

func (c *sharedChannel) recv(timeout time.Duration, ev *LiveEvent) (int, error) {
	if c.isInterrupted() {
		c.heartbeat()
		return -1, hft.ErrInterrupted
	}
	if instNo, ok := c.poll(ev); ok {
		c.active()
		return instNo, nil
	}
	instNo, err := c.waitFor(timeout, ev)
	if err == nil {
		c.active()
	}
	return instNo, err
}

// active notes that the bot has received or sent something: the time of a stepped clock is over for it only when the
// host has shown it once more, because what it got may not be all, and what it sent may be answered, at this time.
func (c *sharedChannel) active() {
	if c.clock.stepped {
		c.shownBefore = c.clock.timesShown()
	}
}

// reached reports whether a wait is over. shown is how often a stepped clock had been shown before the queues were
// looked at.
func (c *sharedChannel) reached(nowNs, deadlineNs int64, shown uint64) bool {
	if !c.clock.stepped || nowNs != deadlineNs {
		return nowNs >= deadlineNs
	}
	return shown != c.shownBefore
}

// waitFor polls, spins and parks until there is an event or a reason to return without one.
func (c *sharedChannel) waitFor(timeout time.Duration, ev *LiveEvent) (int, error) {
	deadlineNs := saturatingAdd(c.NowNs(), int64(timeout))
	spinUntil := shm.MonotonicNs() + int64(adaptiveSpin)
	for checks := 1; ; checks++ {
		c.heartbeat()
		gen := atomic.LoadUint64(c.control.workGen) // SYNC POINT: work generation
		shown := c.clock.timesShown()
		end := c.ended() // before the poll: what was published before the end is there
		for range spinsPerCheck {
			if instNo, ok := c.poll(ev); ok {
				return instNo, nil
			}
		}
		if err := c.stopped(end); err != nil {
			return -1, err
		}
		nowNs := c.NowNs()
		if timeout < 0 || c.reached(nowNs, deadlineNs, shown) {
			return -1, hft.ErrTimeout
		}
		if c.clock.stepped {
			c.idle(gen, deadlineNs)
		}
		monoNs := shm.MonotonicNs()
		if monoNs >= c.checkHostAt {
			if c.checkHostAt = monoNs + int64(maxPark); !c.hostAlive() {
				return -1, hft.ErrPeerGone
			}
		}
		switch {
		case c.wait == WaitPark, c.wait == WaitAdaptive && monoNs >= spinUntil:
			c.park(gen, deadlineNs-nowNs)
		case checks%checksPerYield == 0:
			runtime.Gosched()
		}
	}
}

// ended reports whether the data of every connector has ended.
func (c *sharedChannel) ended() bool {
	for _, l := range c.connectors {
		end := atomic.LoadUint64(l.feedEnd) // SYNC POINT: end of data
		if end == 0 || l.delivered+1 < end {
			return false
		}
	}
	return true
}

// stopped returns why the bot has nothing more to wait for, nil if it has.
func (c *sharedChannel) stopped(end bool) error {
	switch {
	case c.isInterrupted():
		return hft.ErrInterrupted
	case end:
		return hft.ErrEndOfData
	}
	if err := c.lifeline.lost(); err != nil {
		return err
	}
	for _, l := range c.connectors {
		if atomic.LoadUint64(l.feedClosed) == 0 {
			return nil
		}
	}
	return hft.ErrPeerGone
}

func (c *sharedChannel) isInterrupted() bool {
	return c.interrupted.Load() || c.off() || atomic.LoadUint64(c.control.stop) != 0 // SYNC POINT: stop
}

// heartbeat shows the host that the strategy calls its bot, and how far it is.
func (c *sharedChannel) heartbeat() {
	c.control.numProgress++
	atomic.StoreUint64(c.control.progress, c.control.numProgress)
	atomic.StoreUint64(c.control.events, c.control.numEvents)
}

// idle tells the host of a stepped clock that everything up to gen has been received, and until when the bot waits.
func (c *sharedChannel) idle(gen uint64, deadlineNs int64) {
	if atomic.LoadUint64(c.control.idleGen) == gen+1 && atomic.LoadInt64(c.control.deadline) == deadlineNs {
		return
	}
	atomic.StoreInt64(c.control.deadline, deadlineNs)
	atomic.StoreUint64(c.control.idleGen, gen+1) // SYNC POINT: idle generation
	atomic.AddUint32(c.control.idleBell, 1)
	shm.FutexWake(c.control.idleBell, 1)
}

// park sleeps on the doorbell. The queues are looked at once more after the parked flag is visible: a writer either
// sees the flag or has published before.
func (c *sharedChannel) park(gen uint64, remainingNs int64) {
	bell := atomic.LoadUint32(c.control.doorbell) // SYNC POINT: doorbell
	atomic.StoreUint32(c.control.parked, 1)       // SYNC POINT: bot parked
	if !c.pending(gen) {
		shm.FutexWait(c.control.doorbell, bell, min(c.clock.wallDuration(time.Duration(remainingNs)), maxPark))
	}
	atomic.StoreUint32(c.control.parked, 0)
}

// pending reports whether something has arrived, without taking it.
func (c *sharedChannel) pending(gen uint64) bool {
	if c.isInterrupted() || c.ended() || c.lifeline.lost() != nil {
		return true
	}
	if c.clock.stepped && atomic.LoadUint64(c.control.workGen) != gen {
		return true
	}
	for _, l := range c.connectors {
		if l.reader.Ready() || l.down.Ready() || atomic.LoadUint64(l.feedClosed) != 0 {
			return true
		}
	}
	return false
}

func saturatingAdd(a, b int64) int64 {
	if s := a + b; b < 0 || s >= a {
		return s
	}
	return math.MaxInt64
}
