package connectortest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/connector"
)

// Clock is a manual clock: its time passes while the connector waits, up to a limit that the test moves.
type Clock struct {
	mu      sync.Mutex
	nowNs   int64
	limitNs int64
	change  chan struct{} // closed and replaced when limitNs or asked changes

	asked   uint64 // calls of Settle
	settled uint64 // the newest of them that found the connector idle
	idle    chan struct{}
}

var _ connector.Clock = (*Clock)(nil)

// NewClock returns a clock that stands at startNs.
func NewClock(startNs int64) *Clock {
	return &Clock{nowNs: startNs, limitNs: startNs, change: make(chan struct{}), idle: make(chan struct{})}
}

// NowNs returns the time.
func (c *Clock) NowNs() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowNs
}

// WaitUntil is for the connector: it returns at timestampNs as soon as the limit allows that.
func (c *Clock) WaitUntil(ctx context.Context, timestampNs int64, wake <-chan struct{}) (int64, error) {
	for {
		if err := ctx.Err(); err != nil {
			return c.NowNs(), err
		}
		c.mu.Lock()
		if timestampNs > c.nowNs {
			// What was asked for before time passes belongs to this instant.
			select {
			case <-wake:
				nowNs := c.nowNs
				c.mu.Unlock()
				return nowNs, nil
			default:
			}
		}
		if timestampNs <= c.limitNs {
			c.nowNs = max(c.nowNs, timestampNs)
			c.mu.Unlock()
			return timestampNs, nil
		}
		c.nowNs = max(c.nowNs, c.limitNs)
		nowNs := c.nowNs
		// Here, and only here, the connector has nothing to do.
		if c.settled != c.asked {
			c.settled = c.asked
			close(c.idle)
			c.idle = make(chan struct{})
		}
		change := c.change
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return nowNs, ctx.Err()
		case <-wake:
			return nowNs, nil
		case <-change:
		}
	}
}

// Advance lets d pass. It does not wait for the connector: see Settle.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limitNs += int64(d)
	c.changed()
}

func (c *Clock) changed() {
	close(c.change)
	c.change = make(chan struct{})
}

// Settle waits until the connector has done everything up to the limit and waits for more, or until ctx ends.
func (c *Clock) Settle(ctx context.Context) error {
	c.mu.Lock()
	c.asked++
	asked := c.asked
	c.changed()
	for c.settled < asked {
		idle := c.idle
		c.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("connectortest: the connector does not come to rest: %w", ctx.Err())
		}
		c.mu.Lock()
	}
	c.mu.Unlock()
	return nil
}

// wallClock is the clock of a live connector. Its zero value is right.
type wallClock struct {
	// OffsetNs is by how much it is wrong; nil for not at all.
	OffsetNs *atomic.Int64
}

var _ connector.Clock = wallClock{}

// NowNs returns the time.
func (c wallClock) NowNs() int64 {
	nowNs := time.Now().UnixNano()
	if c.OffsetNs != nil {
		nowNs += c.OffsetNs.Load()
	}
	return nowNs
}

// WaitUntil waits; see connector.Clock.
func (c wallClock) WaitUntil(ctx context.Context, timestampNs int64, wake <-chan struct{}) (int64, error) {
	var timer <-chan time.Time
	switch d := timestampNs - c.NowNs(); {
	case d <= 0:
		return timestampNs, ctx.Err()
	case timestampNs != math.MaxInt64:
		t := time.NewTimer(time.Duration(d))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
		return timestampNs, nil
	case <-wake:
		return min(c.NowNs(), timestampNs), nil
	case <-ctx.Done():
		return c.NowNs(), ctx.Err()
	}
}
