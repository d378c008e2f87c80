package host

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// journaled gives a publisher a journal, and returns what reads its state.
func journaled(t *testing.T, p *publisher) (state func() *journal.State) {
	t.Helper()
	dir := t.TempDir()
	w, _, err := journal.Open(journal.Config{Dir: dir, NowNs: p.clock.NowNs})
	if err != nil {
		t.Fatal(err)
	}
	p.record = &recorder{clock: p.clock, log: p.log}
	p.record.writer.Store(w)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return func() *journal.State {
		t.Helper()
		if err := w.Sync(); err != nil {
			t.Fatal(err)
		}
		s, _, err := journal.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// TestForcedCloseHalts: what the venue closes halts the instrument, with the cause of the first of its executions. The
// journal gets both in one step.
func TestForcedCloseHalts(t *testing.T) {
	t.Parallel()
	p, _, out := watched(HaltOnMismatch, 2)
	state := journaled(t, p)
	e := forcedClose(connector.ADL, "1", hft.Sell, 0.5)
	p.mu.Lock()
	p.together = new(journal.Group)
	p.bookEvent(e)
	if s := state(); len(s.Halts) != 0 || len(s.Strategies) != 0 {
		t.Errorf("one by one: %+v, %+v", s.Halts, s.Strategies)
	}
	p.record.append(p.together)
	p.together = nil
	p.mu.Unlock()
	number := p.instruments[0].number
	check := func(cause string) {
		t.Helper()
		at, s := p.instruments[0].trading, state()
		if halt := s.Halts[number]; at.state != tradingHalted || !strings.Contains(at.cause, cause) || halt.Cause != at.cause ||
			len(s.Strategies) != 1 || s.Strategies[1].Holdings[number].OwnPosition != p.instruments[0].holdings[1].profit.position {
			t.Errorf("%+v, %+v, %+v", at, s.Halts, s.Strategies)
		}
	}
	check("auto-deleveraging, Sell 0.5 at 90")
	p.Account(forcedClose(connector.Liquidation, "2", hft.Sell, 1))
	check("auto-deleveraging, Sell 0.5 at 90")
	if text := out.String(); !strings.Contains(text, "runner resume test BTCUSDT") {
		t.Error(text)
	}
	p.instruments[0].trading = trading{}
	if p.Account(e); p.instruments[0].trading.state != tradingActive {
		t.Error("an event that was booked halts again")
	}
}

// TestHedgeModeHalts: all instruments of the connector.
func TestHedgeModeHalts(t *testing.T) {
	t.Parallel()
	p, _, out := watched(HaltOnMismatch, 2)
	other := &instrument{no: 1, symbol: "ETHUSDT", tickSize: 0.1, lotSize: 0.001, holdings: map[uint64]*holding{}}
	p.instruments, p.bySymbol["ETHUSDT"] = append(p.instruments, other), other
	state := journaled(t, p)
	p.Account(&connector.AccountEvent{Kind: connector.HedgeMode, InstrumentNo: -1, Text: "the account is in hedge mode: switch it"})
	for _, inst := range p.instruments {
		if inst.trading.state != tradingHalted || state().Halts[inst.number].Cause != "halted: the account is in hedge mode: switch it" {
			t.Errorf("%s: %+v", inst.symbol, inst.trading)
		}
	}
	if !strings.Contains(out.String(), "switch it back at the venue, then: runner resume test") {
		t.Error(out)
	}
	if list, err := p.lift(""); err != nil || len(list) != 2 || len(state().Halts) != 0 || other.trading != (trading{}) {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestResume: a halt is lifted, but not where positions do not match.
func TestResume(t *testing.T) {
	t.Parallel()
	p, _, _ := watched(HaltOnMismatch, 2)
	inst := p.instruments[0]
	if list, err := p.lift("BTCUSDT"); err != nil || len(list) != 0 {
		t.Errorf("nothing is halted: %+v, %v", list, err)
	}
	if _, err := p.lift("XRPUSDT"); err == nil {
		t.Error("an instrument that is not there")
	}
	answer(p, 2, 0)
	answer(p, 1, 10)
	p.halt(inst, "the venue closed it")
	for _, at := range []int64{0, 20, 30} { // a difference that was found, and one that has lasted
		if at > 0 {
			answer(p, 1, at)
		}
		if list, err := p.lift("BTCUSDT"); err != nil || len(list) != 1 || !strings.Contains(list[0].Refused, "positions do not match by -1") ||
			inst.trading.state != tradingHalted {
			t.Errorf("%d: %+v, %v", at, list, err)
		}
	}
	answer(p, 2, 40)
	want := []control.Resumption{{Symbol: "BTCUSDT", Cause: inst.trading.cause}}
	if list, err := p.lift(""); err != nil || !slices.Equal(list, want) || inst.trading.state != tradingActive {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestManyEvents: events that may be listed again are booked once, however many there are; older ones are forgotten.
func TestManyEvents(t *testing.T) {
	t.Parallel()
	var a account
	const n = 3 * maxBooked
	for _, first := range []bool{true, false} {
		for i := range n {
			if fresh := a.once(fmt.Sprint(i), 1); fresh != first {
				t.Fatalf("event %d is new: %t", i, fresh)
			}
		}
	}
	if len(a.order) != n {
		t.Fatalf("%d events", len(a.order))
	}
	a.eventsNs = journal.EventsAgainNs + 2
	if a.once("next", a.eventsNs); len(a.order) != maxBooked || len(a.booked) != maxBooked {
		t.Errorf("%d and %d events are left", len(a.order), len(a.booked))
	}
}
