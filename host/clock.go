package host

import (
	"context"
	"time"
)

// NowNs returns the connector's time.
func (p *publisher) NowNs() int64 { return p.clock.NowNs() }

// WaitUntil waits for the time; see connector.Clock. It begins to count when the strategies are up.
func (p *publisher) WaitUntil(ctx context.Context, timestampNs int64, wake <-chan struct{}) (int64, error) {
	select {
	case <-p.started:
	case <-ctx.Done():
		return p.clock.NowNs(), ctx.Err()
	}
	if p.barrier != nil {
		return p.barrier.waitUntil(ctx, timestampNs, wake)
	}
	for {
		now := p.clock.NowNs()
		if now >= timestampNs {
			return timestampNs, ctx.Err()
		}
		timer := time.NewTimer(wallDuration(timestampNs-now, p.clock.Rate()))
		select {
		case <-timer.C:
		case <-wake:
			timer.Stop()
			return min(p.clock.NowNs(), timestampNs), nil
		case <-ctx.Done():
			timer.Stop()
			return p.clock.NowNs(), ctx.Err()
		}
	}
}

// wallDuration returns how long ns of a clock take at its rate, at most an hour.
func wallDuration(ns int64, rate float64) time.Duration {
	return time.Duration(min(float64(ns)/rate, float64(time.Hour)))
}
