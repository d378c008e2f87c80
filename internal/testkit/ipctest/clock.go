package ipctest

import (
	"math"
	"slices"
	"sync"
	"time"
)

// ManualClock is a clock that stands until it is moved: by Advance, or by a bot of a Hub that waits. What is scheduled
// with At runs when the clock gets there. It may be used by several goroutines.
type ManualClock struct {
	mu      sync.Mutex
	nowNs   int64
	actions []scheduled // in the order in which they run
}

// scheduled is one action of a ManualClock.
type scheduled struct {
	atNs int64
	run  func()
}

// NewManualClock returns a clock that shows startNs.
func NewManualClock(startNs int64) *ManualClock { return &ManualClock{nowNs: startNs} }

// NowNs returns what the clock shows, in nanoseconds.
func (c *ManualClock) NowNs() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowNs
}

// At schedules run for the time timestampNs; actions of one time run in the order in which they were scheduled. One
// whose time is over runs at the next move. run is called by the goroutine that moves the clock.
func (c *ManualClock) At(timestampNs int64, run func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := len(c.actions)
	for i > 0 && c.actions[i-1].atNs > timestampNs {
		i--
	}
	c.actions = slices.Insert(c.actions, i, scheduled{timestampNs, run})
}

// Advance moves the clock by d, at most to the end of time, and runs what is due on the way.
func (c *ManualClock) Advance(d time.Duration) {
	untilNs := addSaturating(c.NowNs(), d)
	for c.step(untilNs) {
	}
}

// step moves the clock to the next action that is due until untilNs and runs it; without one it moves to untilNs and
// returns false.
func (c *ManualClock) step(untilNs int64) bool {
	c.mu.Lock()
	if len(c.actions) == 0 || c.actions[0].atNs > untilNs {
		c.nowNs = max(c.nowNs, untilNs)
		c.mu.Unlock()
		return false
	}
	next := c.actions[0]
	c.actions = slices.Delete(c.actions, 0, 1)
	c.nowNs = max(c.nowNs, next.atNs)
	c.mu.Unlock()
	next.run()
	return true
}

// addSaturating returns ns later by d, at most the largest time there is.
func addSaturating(ns int64, d time.Duration) int64 {
	if d > 0 && ns > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return ns + int64(max(d, 0))
}
