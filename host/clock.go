package host

import (
	"context"
	"time"
)

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
