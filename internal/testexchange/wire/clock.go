package wire

import (
	"sync/atomic"
	"time"
)

// Clock is the time of an exchange.
type Clock interface {
	// NowNs returns nanoseconds since 1970.
	NowNs() int64
}

// WallClock is the time of the machine.
type WallClock struct{}

// NowNs returns the time of the machine.
func (WallClock) NowNs() int64 { return time.Now().UnixNano() }

// ScriptedClock stands still until it is moved. It is safe for concurrent use.
type ScriptedClock struct{ ns atomic.Int64 }

// NewScriptedClock returns a clock that shows startNs.
func NewScriptedClock(startNs int64) *ScriptedClock {
	c := new(ScriptedClock)
	c.ns.Store(startNs)
	return c
}

// NowNs returns the time it was moved to.
func (c *ScriptedClock) NowNs() int64 { return c.ns.Load() }

// Advance moves the clock forward and returns the new time.
func (c *ScriptedClock) Advance(d time.Duration) int64 { return c.ns.Add(int64(d)) }
