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
				c.end(fmt.Errorf("silent: no messages for %v, not even a ping", s.Silence), false)
				return
			}
			ticks := topics.tick(c.data.Load(), busy || !c.isUp())
			if s.QuietTopics > 0 && ticks >= ticksOf(s.QuietTopics, period) && !c.probing.Swap(true) {
				topics.ticks = 0
				c.goroutines.Add(1)
				go c.probe()
			}
		}
	}
}

// A WebSocket ping is waited for as long as the connection may be quiet, within these bounds.
const shortestPong, longestPong = 2 * time.Second, 10 * time.Second

// probe asks a connection that brings no data for a sign of life. Without one it is dead; with one it is the caller's
// to say whether it stays.
func (c *conn) probe() {
	defer c.goroutines.Done()
	defer c.probing.Store(false)
	k, quiet := c.keeper, c.stream.QuietTopics
	patience, reads := min(max(quiet, shortestPong), longestPong), c.wire.reads.Load()
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	err := c.socket.Ping(ctx)
	switch {
	case c.ctx.Err() != nil:
		return
	case err != nil && c.wire.reads.Load() == reads && !c.busy.Load():
		c.end(fmt.Errorf("dead: no data for %v, and no answer to a ping for %v", quiet, patience), false)
		return
	}
	k.callbacks.Lock()
	defer k.callbacks.Unlock()
	if c.ctx.Err() != nil {
		return
	}
	if err := k.config.OnQuiet(quiet); err != nil {
		c.end(err, true)
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
