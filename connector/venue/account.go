package venue

import (
	"context"
	"errors"
	"time"

	"hftrunner/connector"
	"hftrunner/connector/blotter"
	"hftrunner/connector/stream"
)

// prepare describes a private stream. A key that is not accepted may show here first.
func (t *trade) prepare(ctx context.Context) (stream.Stream, error) {
	s, err := t.c.protocol.UserStream(ctx)
	if err != nil && t.c.ctx.Err() == nil {
		t.c.heed(err)
	}
	return s, err
}

// onFrame takes a message of the private stream.
func (t *trade) onFrame(_ int64, frame []byte) {
	if err := t.c.protocol.DecodeUser(frame, t.c.userSink()); err != nil {
		t.c.sink.Count(connector.BadMessages, 1)
		t.c.badMessage(err, frame)
	}
}

// userSink takes what the private stream says.
func (c *Connector) userSink() UserSink { return (*userSink)(c.trade) }

type userSink trade

// Order takes a report about an order.
func (u *userSink) Order(r *blotter.Report) {
	t := (*trade)(u)
	t.mu.Lock()
	t.blotter.Report(r, t.c.nowNs())
	t.mu.Unlock()
	t.changed()
}

// Position takes the account's position.
func (u *userSink) Position(p Position) { u.c.position(p) }

// Balance takes a balance, which no bot asks for.
func (u *userSink) Balance(Balance) {}

// Renew replaces the private stream.
func (u *userSink) Renew(reason string) { u.keeper.Renew(reason) }

func (c *Connector) position(p Position) {
	if inst := c.symbols.named(p.Symbol); inst != nil {
		c.sink.Position(inst.No, p.Qty, p.TimestampNs)
	}
}

// onUp begins the reconciliation: what happened while the stream was down is asked for.
func (t *trade) onUp() {
	t.mu.Lock()
	t.up = true
	round := t.round
	t.mu.Unlock()
	t.c.group.Go(func() { t.reconcile(round) })
}

// onDown says that nobody sees what becomes of orders until the stream is up again.
func (t *trade) onDown(reason string, next time.Duration) {
	c := t.c
	if c.ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	wasUp := t.up
	t.up = false
	t.round++
	t.mu.Unlock()
	c.reconciled.Store(false)
	c.log.Warn("private stream down", "reason", reason, "next_attempt_in", next)
	if wasUp {
		c.interrupted("private stream: " + reason)
	}
}

// reconcile asks for open orders, executions and positions until it has them, or until the stream is lost again.
func (t *trade) reconcile(round uint64) {
	c := t.c
	for {
		err := t.reconcileOnce(round)
		switch {
		case c.ctx.Err() != nil || errors.Is(err, errVoid):
			return
		case err == nil:
			c.reconciled.Store(true)
			for _, inst := range c.symbols.all() {
				inst.mu.Lock()
				c.announce(inst)
				inst.mu.Unlock()
			}
			return
		}
		c.log.Warn("reconciliation failed, trying again", "error", err)
		c.heed(err)
		if !c.pause(retryPause) {
			return
		}
	}
}

// audit compares open orders and positions with the venue's from time to time.
func (t *trade) audit() {
	c := t.c
	for c.pause(c.cfg.AuditInterval) {
		t.mu.Lock()
		round, up := t.round, t.up
		t.mu.Unlock()
		if !up || !c.reconciled.Load() {
			continue
		}
		if err := t.reconcileOnce(round); err != nil && !errors.Is(err, errVoid) && c.ctx.Err() == nil {
			c.log.Warn("the venue could not be asked for orders and positions", "error", err)
			c.heed(err)
		}
	}
}

// errVoid: the private stream was lost during the reconciliation.
var errVoid = errors.New("the private stream was lost meanwhile")

func (t *trade) reconcileOnce(round uint64) error {
	c := t.c
	ctx, cancel := context.WithTimeout(c.ctx, 3*requestTimeout)
	defer cancel()
	for _, inst := range c.symbols.all() {
		t.mu.Lock()
		sinceNs := t.blotter.SinceNs(inst.Symbol)
		void := t.round != round
		t.mu.Unlock()
		if void {
			return errVoid
		}
		open, err := c.protocol.OpenOrders(ctx, inst.Symbol)
		if err != nil {
			return err
		}
		var executions []blotter.Report
		if sinceNs > 0 {
			if executions, err = c.protocol.Executions(ctx, inst.Symbol, sinceNs); err != nil {
				return err
			}
		}
		nowNs := c.nowNs()
		t.mu.Lock()
		t.blotter.Executions(executions, nowNs)
		t.blotter.Listed(inst.Symbol, open, nowNs)
		t.mu.Unlock()
	}
	t.changed()
	positions, err := c.protocol.Positions(ctx, c.symbols.names())
	if err != nil && !errors.Is(err, ErrUnsupported) {
		return err
	}
	for _, p := range positions {
		c.position(p)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.round != round {
		return errVoid
	}
	return nil
}

// fetch asks for executions on a symbol.
func (t *trade) fetch(symbol string, sinceNs int64) {
	c := t.c
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	defer cancel()
	executions, err := c.protocol.Executions(ctx, symbol, sinceNs)
	if err != nil {
		c.log.Warn("executions could not be asked for", "symbol", symbol, "error", err)
		c.heed(err)
		return // the record asks again
	}
	t.mu.Lock()
	t.blotter.Executions(executions, c.nowNs())
	t.mu.Unlock()
	t.changed()
}

// beatsPerWindow is how often the dead-man's switch is refreshed in its window. Venues want three times or more, and a
// request takes a while.
const beatsPerWindow = 4

// keepAlive refreshes the dead-man's switch of every symbol with open orders, and disarms it where there are none.
func (t *trade) keepAlive() {
	c := t.c
	for c.pause(c.cfg.DeadMan / beatsPerWindow) {
		for _, inst := range c.symbols.all() {
			t.mu.Lock()
			open := t.blotter.OpenOn(inst.Symbol) > 0
			t.mu.Unlock()
			window := time.Duration(0)
			if open {
				window = c.cfg.DeadMan
			}
			if err := t.arm(c.ctx, inst.Symbol, window); errors.Is(err, ErrUnsupported) {
				c.critical(-1, "the venue has no dead-man's switch: take dead_man out of the configuration")
				return
			} else if err != nil && c.ctx.Err() == nil {
				c.log.Error("the dead-man's switch could not be refreshed", "symbol", inst.Symbol, "error", err)
				c.heed(err)
			}
		}
	}
}

// arm arms, refreshes or disarms a symbol's switch.
func (t *trade) arm(ctx context.Context, symbol string, window time.Duration) error {
	t.armedMu.Lock()
	defer t.armedMu.Unlock()
	if window == 0 && !t.armed[symbol] {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := t.c.protocol.ArmDeadMan(ctx, symbol, window)
	if err == nil {
		t.armed[symbol] = window > 0
	}
	return err
}

// stop ends trading in order: the switches are disarmed, because orders that are kept are kept on purpose.
func (t *trade) stop() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.c.ctx), stopTimeout)
	defer cancel()
	for _, inst := range t.c.symbols.all() {
		if err := t.arm(ctx, inst.Symbol, 0); err != nil {
			t.c.log.Warn("the dead-man's switch could not be disarmed: the venue will cancel the orders on the symbol", "symbol", inst.Symbol, "error", err)
		}
	}
}
