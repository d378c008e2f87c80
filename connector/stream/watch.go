package stream

import (
	"context"
	"fmt"
	"time"
)

// quiet counts how often in a row a number did not change.
type quiet struct {
	seen  uint64
	ticks int
}

// tick takes the number at a tick and returns for how many ticks it has been the same. alive starts the count anew.
func (q *quiet) tick(number uint64, alive bool) int {
	if number != q.seen || alive {
		q.seen, q.ticks = number, 0
		return 0
	}
	q.ticks++
	return q.ticks
}

// ticksOf returns how many ticks without a sign are longer than a time. Ticks that were missed count for nothing, so a
// process that was held up does not take its venue for dead.
func ticksOf(d, period time.Duration) int { return int(d/period) + 1 }

// watch ends the connection when nothing comes, and sends pings.
func (c *conn) watch() {
	defer c.goroutines.Done()
	s := &c.stream
	const perWatch = 8 // a watch is late by no more than an eighth of its time
	period := s.Silence
	if s.QuietTopics > 0 {
		period = min(period, s.QuietTopics)
	}
	period = max(period/perWatch, time.Millisecond)
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	var pings <-chan time.Time
	if s.Ping != nil {
		t := time.NewTicker(s.PingInterval)
		defer t.Stop()
		pings = t.C
	}
	stable := time.NewTimer(c.keeper.config.StableAfter)
	defer stable.Stop()
	silent, topics := quiet{seen: c.wire.reads.Load()}, quiet{}
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-stable.C:
			c.stable.Store(true)
		case <-pings:
			c.pongsDue.Add(1)
			if c.write(s.Ping()) != nil {
				return
			}
		case <-ticker.C:
			// While OnFrame works nothing is read, which is not the venue's fault.
			busy := c.busy.Load()
			if silent.tick(c.wire.reads.Load(), busy) >= ticksOf(s.Silence, period) {
				c.end(fmt.Errorf("silent: nothing came for %v, not even a ping", s.Silence), false)
				return
			}
			ticks := topics.tick(c.data.Load(), busy || !c.isUp())
			if s.QuietTopics > 0 && ticks >= ticksOf(s.QuietTopics, period) {
				c.end(fmt.Errorf("connected, but no data for %v: are the topics right, and does this URL serve them", s.QuietTopics), true)
				return
			}
		}
	}
}

// keepAlive calls KeepAlive until the connection ends.
func (c *conn) keepAlive() {
	defer c.goroutines.Done()
	ticker := time.NewTicker(c.stream.KeepAliveInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
		}
		ctx, cancel := context.WithTimeout(c.ctx, c.keeper.config.OpenTimeout)
		err := c.stream.KeepAlive(ctx)
		cancel()
		if err == nil || c.ctx.Err() != nil {
			continue
		}
		select {
		case c.renew <- fmt.Sprintf("keep-alive failed: %v", err):
		default: // it is to be renewed already
		}
	}
}
