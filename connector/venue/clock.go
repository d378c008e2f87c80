package venue

import (
	"context"
	"errors"
	"time"

	"github.com/hftrunner/hftrunner/connector/internal/clocksync"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// longSuspension is from which time on connections are replaced after the machine was suspended: venues give up who does
// not answer their pings for a while.
const longSuspension = 5 * time.Second

// remeasureTimeout bounds the wait for a measurement of the venue's clock.
const remeasureTimeout = 3 * time.Second

// keepClock begins to follow the venue's clock.
func (c *Connector) keepClock() error {
	offset, known := time.Duration(0), false
	s, err := clocksync.New(clocksync.Config{ServerTimeNs: c.protocol.ServerTimeNs, NowNs: c.protocol.NowNs, Jumps: c.numJumps,
		OnEstimate: func(e clocksync.Estimate, stepped bool) {
			was := offset
			offset = time.Duration(e.OffsetAtNs(c.protocol.NowNs()))
			c.protocol.SetClockOffset(offset)
			c.clockOffset.Store(int64(offset))
			if stepped && known {
				c.log.Warn("the venue's clock and this machine's have drifted apart: using the venue's time from now on", "by", (offset - was).Round(time.Millisecond))
			}
			known = true
		},
		OnError: func(err error) { c.log.Debug("cannot fetch venue time", "error", err) }})
	if err != nil {
		return err
	}
	c.clockSync = s
	c.group.Go(func() { _ = s.Run(c.ctx) })
	if c.jumps != nil {
		c.group.Go(c.watchSuspensions)
	}
	return nil
}

// venueNs returns the venue's time at a local one, as far as its clock is known.
func (c *Connector) venueNs(localNs int64) int64 { return localNs + c.clockOffset.Load() }

// numJumps is how often the machine's time jumped.
func (c *Connector) numJumps() uint64 {
	if c.jumps == nil {
		return 0
	}
	n, _, _ := c.jumps.Jumps()
	return n
}

// suspended is for how long the machine was suspended.
func (c *Connector) suspended() time.Duration {
	if c.jumps == nil {
		return 0
	}
	_, suspended, _ := c.jumps.Jumps()
	return suspended
}

// watchSuspensions does at once what timers, which stood still while the machine was suspended, would do too late.
func (c *Connector) watchSuspensions() {
	const look = 250 * time.Millisecond
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for before := c.suspended(); ; {
		select {
		case <-ticker.C:
		case <-c.ctx.Done():
			return
		}
		now := c.suspended()
		was := now - before
		before = now
		if was == 0 {
			continue
		}
		if t := c.trade; t != nil {
			signal(t.resumed)
			signal(t.suspect)
		}
		if was >= longSuspension {
			reason := "the machine was suspended for " + was.Round(time.Second).String()
			c.renewMarket(reason)
			if t := c.trade; t != nil {
				t.keeper.Load().Renew(reason)
			}
		}
	}
}

// pause waits and reports whether to go on.
func (c *Connector) pause(d time.Duration) bool { return c.pauseUnless(d, nil) }

// pauseUnless waits, at most until wake has something, and reports whether to go on. The time for which the machine is
// suspended counts.
func (c *Connector) pauseUnless(d time.Duration, wake <-chan struct{}) bool {
	const look = time.Second
	for d > 0 {
		part, before := min(d, look), c.suspended()
		timer := time.NewTimer(part)
		select {
		case <-timer.C:
		case <-wake:
			timer.Stop()
			return true
		case <-c.ctx.Done():
			timer.Stop()
			return false
		}
		d -= part + c.suspended() - before
	}
	return c.ctx.Err() == nil
}

// untilRetry returns how long the venue wants not to hear a request again, 0 when it has not said.
func (c *Connector) untilRetry(err error) time.Duration {
	var f *protocol.Failure
	if !errors.As(err, &f) || f.RetryAt.IsZero() {
		return 0
	}
	return time.Duration(f.RetryAt.UnixNano() - c.protocol.NowNs())
}

// inWindow sends a request that the venue may be sent twice. When its time was refused it was not executed: the venue's
// clock is measured, and the request goes out once more.
func inWindow[T any](ctx context.Context, c *Connector, send func() (T, error)) (T, error) {
	answer, err := send()
	if protocol.CauseOf(err) != protocol.ClockOff {
		return answer, err
	}
	waiting, cancel := context.WithTimeout(ctx, remeasureTimeout)
	defer cancel()
	if c.clockSync.Remeasure(waiting) != nil {
		return answer, err
	}
	return send()
}
