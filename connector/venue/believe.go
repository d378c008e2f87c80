package venue

import (
	"errors"
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// maxDoubts is how many answers in a row have to say what cannot be true until it is said loudly.
const maxDoubts = 3

// believe counts the answers about an instrument's orders and position that cannot be true: without one that can be,
// it takes no
// new orders. The lock is held.
func (t *trade) believe(inst *instrument, wrong error) {
	if errors.As(wrong, new(notTold)) {
		return // it is asked again
	}
	text, code := inst.Symbol+" accepts new orders again: the venue's orders and position are consistent",
		blotter.CodeResumed
	t.switched(inst, wrong)
	switch {
	case wrong == nil && inst.doubts < maxDoubts:
		inst.doubts = 0
		return
	case wrong == nil:
		inst.doubts = 0
	default:
		inst.doubt = wrong
		was := inst.doubts
		if inst.doubts++; errors.As(wrong, new(protocol.HedgeMode)) {
			inst.doubts = max(inst.doubts, maxDoubts) // plain enough
		}
		if was >= maxDoubts || inst.doubts < maxDoubts {
			return
		}
		code = blotter.CodeStopped
		text = fmt.Sprintf("%s accepts no new orders: %v, queried %d times. Cancels are sent. Check it at the venue and on the network path; "+
			"it resumes when the venue's answer is consistent", inst.Symbol, wrong, inst.doubts)
		if errors.As(wrong, new(protocol.HedgeMode)) {
			text = fmt.Sprintf("%s accepts no new orders: %v. Cancels are sent", inst.Symbol, wrong)
		}
	}
	t.Error(&connector.Error{InstrumentNo: inst.No, LiveError: hft.CustomLiveError(code, hft.StringValue(text))})
}

// switched tells of an instrument that had one position and is in hedge mode now. The lock is held.
func (t *trade) switched(inst *instrument, wrong error) {
	var hedge protocol.HedgeMode
	was := inst.oneWay
	switch {
	case wrong == nil:
		inst.oneWay = true
	case errors.As(wrong, &hedge):
		inst.oneWay = false
	}
	if hedge != "" && was {
		e := &connector.AccountEvent{Kind: connector.HedgeMode, InstrumentNo: -1, Symbol: inst.Symbol, Text: hedge.Error(),
			TimestampNs: t.c.venueNs(t.c.nowNs())}
		t.c.group.Go(func() { t.c.sink.Account(e) }) // whoever takes it logs, without the lock
	}
}

// noPosition takes a position of the private stream that cannot be true, or is none: then the symbol takes no new
// orders
// from now on.
func (t *trade) noPosition(symbol string, err error) {
	if inst := t.c.symbols.named(symbol); inst != nil && errors.As(err, new(protocol.HedgeMode)) {
		t.mu.Lock()
		t.believe(inst, err)
		t.mu.Unlock()
	}
	t.doubt(err)
}
