package stream

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/hashicorp/go-hclog"
)

// opening is the result of one attempt.
type opening struct {
	conn *conn
	err  error
}

// loop is the state of Run. One goroutine uses it; connections are opened beside it, one at a time.
type loop struct {
	k       *Keeper
	ctx     context.Context
	backOff *backoff.ExponentialBackOff
	opened  chan opening
	opening bool
	// again is set when a renewal is asked for while a connection is being opened, whose Prepare did not know of it.
	again bool
	// current is the connection that is up, old the one it has replaced, while their overlap lasts.
	current, old *conn
	// reason is why current is to be replaced.
	reason   string
	refusals int
	// fatal is why no further attempt is made; Run returns it when the last connection has ended.
	fatal error

	retry, lifetime, overlap, settle *time.Timer
	// settling is set while current does not deliver yet.
	settling bool
	// waiting is set while retry runs, for pause; least of it is what the venue has asked for.
	waiting      bool
	pause, least time.Duration
	// watch looks, while waiting, whether the machine was suspended: retry stood still then.
	watch   *time.Ticker
	watched watched
}

// watched is when the pause began and when watch looked last, by the local clock, which goes on in a suspension, and by
// its ticks, which do not.
type watched struct {
	beganNs, nowNs int64
	tick           time.Time // zero before the first
}

const (
	// watchEvery is how often watch looks, minSlept the least suspension that is one: a busy machine is late, too.
	watchEvery, minSlept = time.Second, 5 * time.Second
)

func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

func newLoop(k *Keeper, ctx context.Context) *loop {
	const jitter, growth = 0.5, 2
	watch := time.NewTicker(watchEvery)
	watch.Stop()
	return &loop{k: k, ctx: ctx, watch: watch, opened: make(chan opening, 1), retry: stopped(), lifetime: stopped(),
		overlap: stopped(), settle: stopped(),
		backOff: &backoff.ExponentialBackOff{InitialInterval: k.config.BackOffMin, RandomizationFactor: jitter,
			Multiplier:  growth,
			MaxInterval: k.config.BackOffMax}}
}

// endOf returns a channel that is closed when a connection has ended; nil for no connection.
func endOf(c *conn) <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.done
}

// renewalOf returns where a connection says that it wants to be replaced.
func renewalOf(c *conn) <-chan string {
	if c == nil {
		return nil
	}
	return c.renew
}

func (l *loop) run() error {
	ctx, cancel := context.WithCancel(l.ctx)
	l.ctx = ctx
	defer l.shutdown(cancel)
	l.open()
	for l.current != nil || l.fatal == nil {
		select {
		case <-ctx.Done():
			return nil
		case result := <-l.opened:
			l.opening = false
			if result.err == nil {
				l.takeOver(result.conn)
			} else {
				l.failed(result.err)
			}
		case <-l.retry.C:
			l.attempt()
		case tick := <-l.watch.C:
			l.lookForSuspension(tick)
		case reason := <-l.k.renew:
			l.want(reason)
		case reason := <-renewalOf(l.current):
			l.want(reason)
		case <-l.lifetime.C:
			l.want("maximum connection age reached")
		case <-endOf(l.current):
			l.lost()
		case <-endOf(l.old):
			l.old = nil
			l.adopt()
		case <-l.settle.C:
			l.adopt()
		case <-l.overlap.C:
			l.endOld()
		}
	}
	return l.fatal
}

// endOld closes the connection that was replaced, if it still lives.
func (l *loop) endOld() {
	if l.old != nil {
		l.old.end(errReplaced, true)
	}
}

// open begins an attempt.
func (l *loop) open() {
	l.opening, l.again = true, false
	go func() {
		c, err := l.k.open(l.ctx)
		l.opened <- opening{c, err}
	}()
}

// schedule begins an attempt after a pause, of which the venue has asked for the least.
func (l *loop) schedule(pause, least time.Duration) {
	l.waiting, l.pause, l.least = true, pause, least
	l.retry.Reset(pause)
	nowNs := l.k.config.NowNs()
	l.watched = watched{beganNs: nowNs, nowNs: nowNs}
	l.watch.Reset(watchEvery)
}

// attempt begins the attempt that was scheduled.
func (l *loop) attempt() {
	l.waiting = false
	l.watch.Stop()
	l.open()
}

// lookForSuspension cuts a pause short after the machine was suspended: the network is another, and what the venue has
// asked for has passed meanwhile, or the rest of it is waited for.
func (l *loop) lookForSuspension(tick time.Time) {
	if !l.waiting {
		return
	}
	w, nowNs, ticked := &l.watched, l.k.config.NowNs(), watchEvery
	if !w.tick.IsZero() {
		ticked = tick.Sub(w.tick)
	}
	slept := time.Duration(nowNs-w.nowNs) - ticked
	w.nowNs, w.tick = nowNs, tick
	if slept < minSlept {
		return
	}
	l.backOff.Reset()
	rest := l.least - time.Duration(nowNs-w.beganNs)
	l.k.config.Logger.Debug("the machine was suspended, retrying without further delay", "what", l.k.config.What,
		"suspended", slept, "rest", max(rest, 0))
	if rest <= 0 {
		l.retry.Stop()
		l.attempt()
		return
	}
	l.retry.Reset(rest)
}

// want asks for a connection to replace the current one.
func (l *loop) want(reason string) {
	if l.current == nil && !l.opening || l.waiting {
		return // Prepare will be called anyway
	}
	l.fatal, l.refusals = nil, 0
	l.reason = reason
	if l.opening {
		l.again = true
		return
	}
	l.k.config.Logger.Info("opening a new connection to take over", "stream", l.current.stream.Name, "reason", reason)
	if l.current.lasted() {
		l.backOff.Reset()
		l.open()
		return
	}
	l.schedule(l.backOff.NextBackOff(), 0) // a venue or a caller that wants renewals all the time gets them slowly
}

// takeOver makes a connection the current one.
func (l *loop) takeOver(c *conn) {
	k := l.k
	l.refusals = 0
	k.connects.Add(1)
	l.adopt() // of two renewals within one overlap the first is the old one now
	if l.old != nil {
		l.old.end(errReplaced, true)
		<-l.old.done
	}
	l.old, l.current = l.current, c
	k.current.Store(c)
	l.lifetime.Stop()
	if life := c.stream.Lifetime; life > 0 {
		const spread = 10
		l.lifetime.Reset(life - rand.N(life/spread+1))
	}
	if l.old != nil {
		k.renewals.Add(1)
		l.overlap.Reset(k.config.Overlap)
		k.config.Logger.Info("the new connection has taken over", "stream", c.stream.Name)
		l.call(func() { k.config.OnRenewed(l.reason) })
		l.settling = true
		if k.direct {
			l.adopt()
		} else {
			l.settle.Reset(k.config.Settle)
		}
	} else {
		level := hclog.Debug
		if k.connects.Load() == 1 {
			level = hclog.Info
		}
		l.call(k.config.OnUp)
		k.config.Logger.Log(level, "connected", "stream", c.stream.Name)
		l.settling = true
		l.adopt()
	}
	k.config.Outage.Works(k)
	if l.again {
		l.again = false
		l.want(l.reason)
	}
}

// adopt lets the current connection deliver.
func (l *loop) adopt() {
	if l.settling && l.current != nil {
		close(l.current.adopted)
	}
	l.settling = false
	l.settle.Stop()
}

// failed looks at an attempt that did not succeed.
func (l *loop) failed(err error) {
	k := l.k
	if l.ctx.Err() != nil {
		return
	}
	var refused *RefusedError
	var passing *backoff.RetryAfterError
	if errors.As(err, &refused) && !errors.As(err, &passing) {
		l.refusals++
		if l.refusals == 1 {
			k.config.Logger.Error("the venue rejects the logon or subscription, retrying", "error", err, "at_most",
				k.config.MaxRefusals)
		}
	} else {
		l.refusals = 0
	}
	refusedForGood := l.refusals >= k.config.MaxRefusals
	lasting := k.config.RefusedPause > 0 && k.connects.Load() > 0
	if final(err) || refusedForGood && !lasting {
		l.fatal = err
		if l.current == nil {
			l.call(func() { k.config.OnDown(err.Error(), 0) })
		}
		k.config.Logger.Error("giving up connecting", "what", k.config.What, "error", err)
		k.config.Outage.Works(k) // it is not wanted any more
		return
	}
	least := k.config.wait(err)
	if refusedForGood {
		least = max(least, k.config.RefusedPause)
	}
	pause := max(l.backOff.NextBackOff(), least)
	l.schedule(pause, least)
	if l.current != nil {
		k.config.Outage.Failed(k, k.config.What+" (the old connection stays)", err, "next_attempt_in", pause)
		return
	}
	l.call(func() { k.config.OnDown(err.Error(), pause) })
	k.config.Outage.Failed(k, k.config.What, err, "next_attempt_in", pause)
}

// lost looks at the end of the current connection.
func (l *loop) lost() {
	k := l.k
	c := l.current
	l.current, l.settling = nil, false
	l.lifetime.Stop()
	l.settle.Stop()
	if l.old != nil && l.old.ctx.Err() == nil {
		// The one that was to be closed still lives: it serves until the next one has come up.
		l.current, l.old = l.old, nil
		k.current.Store(l.current)
		l.overlap.Stop()
		k.config.Logger.Warn("the new connection is lost, the old one takes over again", "stream", c.stream.Name,
			"error", c.err)
		l.want("the connection that took over was lost: " + c.err.Error())
		return
	}
	k.current.Store(nil)
	k.drops.Add(1)
	if c.lasted() {
		l.backOff.Reset()
	}
	pause := time.Duration(0)
	switch {
	case l.fatal != nil, l.opening: // no further attempt, or one is on its way
	case l.waiting:
		pause = l.pause // of a renewal; the venue may have asked for it
	default:
		pause = l.backOff.NextBackOff()
		l.schedule(pause, 0)
	}
	l.call(func() { k.config.OnDown(c.err.Error(), pause) })
	if l.fatal != nil {
		k.config.Logger.Error("the connection is lost, and its replacement failed", "what", k.config.What, "error",
			c.err)
		return // nothing here would say that it works again
	}
	k.config.Outage.Failed(k, k.config.What, c.err, "next_attempt_in", pause)
}

// call calls back, never beside another callback.
func (l *loop) call(f func()) {
	l.k.callbacks.Lock()
	defer l.k.callbacks.Unlock()
	f()
}

// polite reports whether connections of a keeper that runs with ctx say goodbye; see Keeper.Run.
func polite(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ctx.Err()) }

// shutdown ends everything and waits for it.
func (l *loop) shutdown(cancel context.CancelFunc) {
	goodbye := polite(l.ctx)
	cancel()
	l.watch.Stop()
	l.k.current.Store(nil)
	open := []*conn{l.current, l.old}
	if l.opening {
		open = append(open, (<-l.opened).conn)
	}
	open = slices.DeleteFunc(open, func(c *conn) bool { return c == nil })
	for _, c := range open {
		c.end(errShutdown, goodbye)
	}
	for _, c := range open {
		<-c.done
	}
	for _, t := range []*time.Timer{l.retry, l.lifetime, l.overlap, l.settle} {
		t.Stop()
	}
}
