package venue

import (
	"context"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// CodeOffGrid is the code of error events of kind hft.CustomKind that say that the venue has sent a price or quantity of an
// instrument that is no multiple of its steps. There is one for each instrument; its feed.Report counts them.
const CodeOffGrid int64 = 105

// offGrid tells, with the first one, of prices and quantities that are no multiples of the steps. The instrument's lock is held,
// so the log comes later.
func (c *Connector) offGrid(inst *instrument, first string) {
	text := inst.Symbol + ": " + first + ": the venue may have changed its tick or lot size. Such values are rounded and counted, not reported again"
	c.sink.Error(&connector.Error{InstrumentNo: inst.No, LiveError: hft.CustomLiveError(CodeOffGrid, hft.StringValue(text))})
	c.group.Go(func() { c.log.Warn(text) })
}

// CodeStepsChanged is the code of error events of kind hft.CustomKind that say that the venue has changed the steps of an
// instrument: it takes no new orders until the runner is started again, and its open ones are canceled.
const CodeStepsChanged int64 = 106

const (
	// defaultStepsInterval is how often the venue is asked for its rules anew, unless configured.
	defaultStepsInterval = time.Hour
	// stepsAgain is after how long steps that differ are asked for a second time, stepsPause the least time between two rounds.
	stepsAgain, stepsPause = 5 * time.Second, time.Minute
)

// stepsQuestion is about the steps of all instruments.
var stepsQuestion = question{"tick and lot sizes", ""}

// watchSteps asks for the steps of all instruments after each reconnection and now and then, until the connector stops.
func (c *Connector) watchSteps() {
	again, pause := min(stepsAgain, c.cfg.StepsInterval), min(stepsPause, c.cfg.StepsInterval)
	for c.pauseUnless(c.cfg.StepsInterval, c.reconnected) {
		for {
			err := c.checkSteps(again)
			if err == nil {
				break
			}
			if !c.pause(max(again, c.untilRetry(err))) {
				return
			}
		}
		if !c.pause(pause) {
			return
		}
	}
}

// checkSteps stops the instruments whose steps have changed: nothing is canceled on one answer, so those are asked for a second
// time. An error says that the venue has not answered.
func (c *Connector) checkSteps(again time.Duration) error {
	first, err := c.askSteps(c.symbols.all())
	if err != nil {
		return err
	}
	var changed []*instrument
	for inst, f := range first {
		if !inst.hasSteps(&f) {
			changed = append(changed, inst)
		}
	}
	if len(changed) == 0 || !c.pause(again) {
		return nil
	}
	second, err := c.askSteps(changed)
	if err != nil {
		return err
	}
	for _, inst := range changed {
		f := first[inst]
		if s, told := second[inst]; told && sameStep(f.TickSize, s.TickSize) && sameStep(f.LotSize, s.LotSize) {
			c.stopTrading(inst, &s)
			continue
		}
		c.log.Warn("the venue reported a different tick or lot size once and then not again: ignored",
			"symbol", inst.Symbol, "tick_size", f.TickSize, "lot_size", f.LotSize)
	}
	return nil
}

// hasSteps reports whether the steps of an instrument are these.
func (i *instrument) hasSteps(f *protocol.Filters) bool {
	return sameStep(i.TickSize, f.TickSize) && sameStep(i.LotSize, f.LotSize)
}

// askSteps asks for the steps of instruments and returns what can be true of the answer. That the venue refuses to speak about
// one is no error.
func (c *Connector) askSteps(instruments []*instrument) (map[*instrument]protocol.Filters, error) {
	var names []string
	for _, inst := range instruments {
		names = append(names, inst.Symbol)
	}
	steps := make(map[*instrument]protocol.Filters, len(instruments))
	if len(names) == 0 {
		return steps, nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, timeoutOf(len(names)))
	list, err := c.protocol.Filters(ctx, names)
	cancel()
	switch {
	case protocol.Final(err) && len(names) > 1: // one that the venue does not have any more keeps no other from being looked at
		for _, inst := range instruments {
			one, err := c.askSteps([]*instrument{inst})
			if err != nil {
				return nil, err
			}
			maps.Copy(steps, one)
		}
		return steps, nil
	case protocol.Final(err):
		c.unanswered(question{stepsQuestion.what, names[0]}, err)
		c.outage.Works(stepsQuestion)
		return steps, nil
	case err != nil:
		if c.ctx.Err() == nil {
			c.unanswered(stepsQuestion, err)
		}
		return nil, err
	}
	c.outage.Works(stepsQuestion)
	told := make(map[string]protocol.Filters, len(list))
	for _, f := range list {
		told[f.Symbol] = f
	}
	for _, inst := range instruments {
		f, ok := told[inst.Symbol]
		if ok && possibleStep(f.TickSize) && possibleStep(f.LotSize) {
			steps[inst] = f
			continue
		}
		if text := fmt.Sprintf("the venue's answer has no valid tick and lot size of %s", inst.Symbol); c.complain.fresh(text) {
			c.log.Warn(text, "tick_size", f.TickSize, "lot_size", f.LotSize)
		}
	}
	return steps, nil
}

// sameStep reports whether two steps are the same.
func sameStep(a, b float64) bool { return math.Abs(a-b) <= 1e-9*b }

func possibleStep(step float64) bool { return step > 0 && !math.IsInf(step, 0) }

// stopTrading lets an instrument take no new orders, cancels those that are open, and says so the first time.
func (c *Connector) stopTrading(inst *instrument, f *protocol.Filters) {
	text := fmt.Sprintf("%s accepts no new orders, and its open ones are canceled: the venue has changed tick_size %v, lot_size %v to %v, %v. "+
		"Restart the runner to trade with the new sizes", inst.Symbol, inst.TickSize, inst.LotSize, f.TickSize, f.LotSize)
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
