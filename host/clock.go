package host

import (
	"context"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/hostipc"
)

// NewClock returns the wall clock of this moment, running. It goes on by the machine's monotonic clock, over suspensions too:
// that somebody sets the wall clock does not move it.
func NewClock() connector.Clock { return hostipc.NewWallClock() }

// NowNs returns the connector's time.
func (p *publisher) NowNs() int64 { return p.clock.NowNs() }

// WaitUntil waits for the time; see connector.Clock. It begins to count when the strategies are up, with a venue at once.
func (p *publisher) WaitUntil(ctx context.Context, timestampNs int64, wake <-chan struct{}) (int64, error) {
	select {
	case <-p.started:
	case <-ctx.Done():
		return p.clock.NowNs(), ctx.Err()
	}
	if p.barrier != nil {
		return p.barrier.waitUntil(ctx, timestampNs, wake)
	}
	return p.clock.WaitUntil(ctx, timestampNs, wake)
}

// Jumps returns how often the machine's time jumped; see connector.JumpWatcher.
func (p *publisher) Jumps() (n uint64, suspended, set time.Duration) { return p.clock.Jumps() }

// clockOf returns the clock of a connector: the host's unless it brings its own time.
func clockOf(c connector.Connector, wall *hostipc.Clock) *hostipc.Clock {
	timeliner, ok := c.(connector.Timeliner)
	if !ok {
		return wall
	}
	t := timeliner.Timeline()
	switch {
	case t.Stepped:
		return hostipc.NewSteppedClock(t.StartNs)
	case t.StartNs == 0:
		return wall
	}
	return hostipc.NewClock(t.StartNs, t.Rate)
}
