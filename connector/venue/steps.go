package venue

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"hftrunner/connector"
	"hftrunner/connector/feed"
	"hftrunner/hft"
)

// CodeOffGrid is the code of error events of kind hft.CustomKind that say that the venue has sent a price or quantity of an
// instrument that is no multiple of its steps. There is one for each instrument; connector.OffGrid counts them.
const CodeOffGrid int64 = 105

// offGrid tells of prices and quantities that are no multiples of the steps. The instrument's lock is held, so the log comes
// later.
func (c *Connector) offGrid(inst *instrument, out *feed.Out) {
	c.sink.Count(connector.OffGrid, uint64(out.OffGridRows))
	if out.OffGrid == "" {
		return
	}
	text := inst.Symbol + ": " + out.OffGrid + ": has the venue changed its steps? Such values are rounded; they are counted, and not told again"
	c.sink.Error(&connector.Error{InstrumentNo: inst.No, LiveError: hft.CustomLiveError(CodeOffGrid, hft.StringValue(text))})
	c.group.Go(func() { c.log.Warn(text) })
}

// CodeStepsChanged is the code of error events of kind hft.CustomKind that say that the venue has changed the steps of an
// instrument: it takes no new orders until the runner is started again, and its open ones are canceled.
const CodeStepsChanged int64 = 106

const (
	// DefaultStepsInterval is how often the venue is asked for its rules anew, unless configured.
	DefaultStepsInterval = time.Hour
	// stepsAgain is after how long steps that differ are asked for a second time, stepsPause the least time between two rounds.
	stepsAgain, stepsPause = 5 * time.Second, time.Minute
)

// watchSteps asks for the steps of all instruments after each reconnection and now and then, until the connector stops.
func (c *Connector) watchSteps() {
	again := min(stepsAgain, c.cfg.StepsInterval)
	for c.pauseUnless(c.cfg.StepsInterval, c.reconnected) {
		changed := c.changedSteps(c.symbols.all())
		if len(changed) > 0 {
			if !c.pause(again) {
				return
			}
			c.stopChanged(changed)
		}
		if !c.pause(min(stepsPause, c.cfg.StepsInterval)) {
			return
		}
	}
}

// stopChanged asks a second time, for nothing is canceled on one answer, and stops the instruments of which both say the same.
func (c *Connector) stopChanged(first map[*instrument]Filters) {
	var some []*instrument
	for inst := range first {
		some = append(some, inst)
	}
	second := c.changedSteps(some)
	for inst, f := range first {
		s, still := second[inst]
		if still && sameStep(f.TickSize, s.TickSize) && sameStep(f.LotSize, s.LotSize) {
			c.stopTrading(inst, &s)
			continue
		}
		c.log.Warn("the venue told of other steps of an instrument, and did not say so again: nothing is done",
			"symbol", inst.Symbol, "tick_size", f.TickSize, "lot_size", f.LotSize)
	}
}

// changedSteps asks for the steps of instruments and returns those that differ. What is not answered, or cannot be true, is no
// difference.
func (c *Connector) changedSteps(instruments []*instrument) map[*instrument]Filters {
	var names []string
	for _, inst := range instruments {
		names = append(names, inst.Symbol)
	}
	if len(names) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	list, err := c.protocol.Filters(ctx, names)
	cancel()
	switch {
	case c.ctx.Err() != nil:
		return nil
	case CauseOf(err) == Refused && len(names) > 1: // one that the venue does not have any more keeps no other from being looked at
		changed := map[*instrument]Filters{}
		for _, inst := range instruments {
			for i, f := range c.changedSteps([]*instrument{inst}) {
				changed[i] = f
			}
		}
		return changed
	case err != nil:
		c.heed(err)
		if text := "the venue does not tell the steps of " + strings.Join(names, ", ") + ": " + err.Error(); c.complain.fresh(text) {
			c.log.Warn(text)
		}
		signal(c.reconnected) // soon again
		return nil
	}
	told := make(map[string]Filters, len(list))
	for _, f := range list {
		told[f.Symbol] = f
	}
	changed := map[*instrument]Filters{}
	for _, inst := range instruments {
		f, ok := told[inst.Symbol]
		switch {
		case !ok || !possibleStep(f.TickSize) || !possibleStep(f.LotSize):
			if text := fmt.Sprintf("the venue's answer has no steps of %s that can be true", inst.Symbol); c.complain.fresh(text) {
				c.log.Warn(text, "tick_size", f.TickSize, "lot_size", f.LotSize)
			}
		case !sameStep(inst.TickSize, f.TickSize) || !sameStep(inst.LotSize, f.LotSize):
			changed[inst] = f
		}
	}
	return changed
}

func possibleStep(step float64) bool { return step > 0 && !math.IsInf(step, 0) }

// stopTrading lets an instrument take no new orders, cancels those that are open, and says so the first time.
func (c *Connector) stopTrading(inst *instrument, f *Filters) {
	text := fmt.Sprintf("%s takes no new orders, and its open ones are canceled: the venue has changed tick_size %v, lot_size %v to %v, %v. "+
		"Start the runner again to trade with the new steps", inst.Symbol, inst.TickSize, inst.LotSize, f.TickSize, f.LotSize)
	first := inst.stopped.CompareAndSwap(nil, &text)
	if t := c.trade; t != nil {
		t.mu.Lock()
		t.blotter.CancelOn(inst.Symbol, c.nowNs()) // one that was adopted since the last time, too
		t.changed()
		t.mu.Unlock()
	}
	if first {
		c.sink.Error(&connector.Error{InstrumentNo: inst.No, LiveError: hft.CustomLiveError(CodeStepsChanged, hft.StringValue(text))})
		c.log.Error(text)
	}
}
