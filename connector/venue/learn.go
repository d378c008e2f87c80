package venue

import (
	"cmp"
	"context"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// learnPause is how long the private stream may be down until orders of an earlier run are asked for without it, and between two
// such questions. After one that fails it is longer each time, up to maxLearnPause.
const learnPause, maxLearnPause = 3 * time.Second, time.Minute

// learn asks what an earlier run has left where the private stream, with which it is asked otherwise, is not there: orders can be
// named and ended without it. New ones are not taken, because nobody would see what becomes of them.
func (t *trade) learn() {
	c := t.c
	wait := learnPause
	for pause := learnPause; c.pause(pause); {
		t.mu.Lock()
		up := t.up
		t.mu.Unlock()
		var err error
		if !up {
			err = t.learnAll()
		}
		if pause = learnPause; err == nil {
			wait = learnPause
			continue
		}
		c.unanswered(accountQuestion, err)
		pause, wait = max(wait, c.untilRetry(err)), min(2*wait, maxLearnPause)
	}
}

// learnAll asks for the open orders on the symbols of which they are not known, and then on all others.
func (t *trade) learnAll() error {
	var passed error
	for _, inst := range t.c.symbols.all() {
		if inst.known.Load() {
			continue
		}
		if err := t.learnOf(inst); err != nil {
			passed = cmp.Or(passed, err)
			if !ofOneSymbol(err) {
				return err
			}
		}
	}
	if lister, can := t.c.protocol.(protocol.AllLister); can && !t.listedStrays() {
		t.learnOthers(lister)
	}
	return passed
}

// learnOf asks for the open orders on a symbol.
func (t *trade) learnOf(inst *instrument) error {
	c := t.c
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	defer cancel()
	askedNs := c.nowNs()
	open, err := c.protocol.OpenOrders(ctx, inst.Symbol)
	if err != nil {
		return err
	}
	t.mu.Lock()
	if t.up {
		t.mu.Unlock()
		return nil // it is asked on the session
	}
	err = t.takeList(inst, open, askedNs)
	t.mu.Unlock()
	t.changed()
	if err != nil {
		return &protocol.Failure{Cause: protocol.Refused, Err: err}
	}
	return nil
}

// takeList takes the list of open orders on a symbol. The error is about what of it cannot be true or read. The lock is held.
func (t *trade) takeList(inst *instrument, open protocol.OpenList, askedNs int64) error {
	wrong := t.blotter.Listed(inst.Symbol, open.Orders, askedNs, t.c.nowNs())
	unread := t.passOver(&inst.unread, "open orders on "+inst.Symbol, open.Unread, func(row *protocol.UnreadRow) bool { return t.blotter.Knows(row.ClientID) })
	wrong = cmp.Or(wrong, unread)
	if wrong == nil {
		inst.known.Store(true)
	}
	return wrong
}

// learnOthers asks for the open orders on all symbols, as rarely as findStrays does.
func (t *trade) learnOthers(lister protocol.AllLister) {
	c := t.c
	t.mu.Lock()
	early := c.nowNs() < t.strays.askAtNs
	t.mu.Unlock()
	if early {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, listTimeout)
	defer cancel()
	list, err := lister.AllOpenOrders(ctx)
	if err != nil {
		t.mu.Lock()
		t.strays.askAtNs = c.nowNs() + int64(max(c.untilRetry(err), 5*learnPause))
		t.mu.Unlock()
		c.unanswered(strayQuestion, err)
		return
	}
	c.outage.Works(strayQuestion)
	t.strayed(list, true)
}
