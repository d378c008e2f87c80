package venue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// beatsPerWindow is how often the dead-man's switch is refreshed in its window. Venues want three times or more, and a
// request takes a while.
const beatsPerWindow = 4

// keepAlive refreshes the dead-man's switch of every symbol with open orders, and disarms it where there are none. One
// that gets its first order is armed at once.
func (t *trade) keepAlive() {
	defer close(t.beaten)
	c := t.c
	ticker := time.NewTicker(c.cfg.DeadMan / beatsPerWindow)
	defer ticker.Stop()
	for {
		var err error
		select {
		case <-ticker.C:
			err = t.beat(true)
		case <-t.resumed:
			err = t.beat(true)
		case <-t.exposed:
			err = t.beat(false)
		case <-c.ctx.Done():
			return
		}
		if errors.Is(err, protocol.ErrUnsupported) {
			c.critical(-1, "the venue has no dead-man's switch: remove dead_man from the configuration")
			return
		}
	}
}

// beat arms the switches of the symbols with open orders side by side: one slow answer must not let the others run out.
// With refresh it does so also for those that are armed already, and disarms those without orders.
func (t *trade) beat(refresh bool) error {
	c := t.c
	// Not the run's context: at the end the outcome has to be known before the switches are disarmed.
	ctx, cancel := context.WithTimeout(t.closing, min(c.cfg.DeadMan/beatsPerWindow, stopTimeout))
	defer cancel()
	return t.eachSymbol(func(inst *instrument) error {
		t.mu.Lock()
		open := t.blotter.OpenOn(inst.Symbol)+t.blotter.Unended(inst.Symbol) > 0
		t.mu.Unlock()
		window := time.Duration(0)
		if open {
			window = c.cfg.DeadMan
		}
		if !refresh && (inst.armed || !open) {
			return nil
		}
		err := t.arm(ctx, inst, window)
		if err != nil && !errors.Is(err, protocol.ErrUnsupported) {
			c.unanswered(question{"dead-man's switch of", inst.Symbol}, err)
		} else {
			c.outage.Works(question{"dead-man's switch of", inst.Symbol})
		}
		return err
	})
}

// eachSymbol does something for all symbols side by side and returns what went wrong.
func (t *trade) eachSymbol(do func(inst *instrument) error) error {
	var group sync.WaitGroup
	list := t.c.symbols.all()
	errs := make([]error, len(list))
	for i, inst := range list {
		group.Go(func() { errs[i] = do(inst) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// arm arms, refreshes or disarms a symbol's switch. One whose arming was not answered counts as armed.
func (t *trade) arm(ctx context.Context, inst *instrument, window time.Duration) error {
	if window == 0 && !inst.armed {
		return nil
	}
	inst.armed = true
	_, err := inWindow(ctx, t.c, func() (struct{}, error) { return struct{}{}, t.c.protocol.ArmDeadMan(ctx, inst.Symbol, window) })
	if err == nil && window == 0 || errors.Is(err, protocol.ErrUnsupported) {
		inst.armed = false
	}
	return err
}

// stop ends trading in order: the switches are disarmed, because orders that are kept are kept on purpose. Where an order may
// be open that was to be canceled, the switch stays armed: then the venue does it.
func (t *trade) stop() {
	<-t.beaten
	_ = t.eachSymbol(func(inst *instrument) error { // each says what went wrong
		t.mu.Lock()
		open, unended := t.blotter.OpenOn(inst.Symbol), t.blotter.Unended(inst.Symbol)
		t.mu.Unlock()
		until := t.closing
		if open > 0 {
			until = context.WithoutCancel(t.c.ctx) // the time is up, but a switch that stays armed would cancel what is kept
		}
		ctx, cancel := context.WithTimeout(until, stopTimeout)
		defer cancel()
		if unended > 0 && inst.armed {
			t.c.log.Error("the dead-man's switch stays armed, because orders with an unconfirmed cancel may be open: the venue cancels all orders on the symbol",
				"symbol", inst.Symbol, "orders", unended, "within", t.c.cfg.DeadMan)
			return nil
		}
		err := t.arm(ctx, inst, 0)
		if err != nil {
			t.c.log.Warn("cannot disarm the dead-man's switch: the venue will cancel the orders on the symbol", "symbol", inst.Symbol, "error", err)
		}
		return err
	})
}
