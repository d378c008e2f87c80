package host

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/journal"
)

const second = int64(time.Second)

// watched is shared with a log and a clock.
func watched(on OnMismatch, own ...float64) (*publisher, []*holding, *strings.Builder) {
	p, list := shared(own...)
	out := new(strings.Builder)
	p.log = hclog.New(&hclog.LoggerOptions{Output: out})
	p.onMismatch, p.mismatchAfter, p.clock = on, 10*time.Second, hostipc.NewWallClock()
	p.bySymbol = map[string]*instrument{"BTCUSDT": p.instruments[0]}
	return p, list, out
}

// answer tells a settled position at a second of the venue's time, all before it being known.
func answer(p *publisher, qty float64, at int64) time.Duration {
	return p.PositionSettled(connector.SettledPosition{Qty: qty, AskedNs: at * second, KnownNs: at * second})
}

// TestPositions: a difference is a mismatch when the same one is there again after a while, with everything known that
// might explain it.
func TestPositions(t *testing.T) {
	p, _, out := watched(HaltOnMismatch, 2, -0.5)
	o := &p.instruments[0].ownership
	if again := answer(p, 1.75, 0); again != 0 || o.unattributed != 0.25 ||
		!strings.Contains(out.String(), "belongs to no strategy") {
		t.Fatalf("at first sight: again %v, %+v\n%s", again, o, out)
	}
	halted := func() bool { return p.instruments[0].trading.state == tradingHalted }
	unchanged := func(what string) {
		t.Helper()
		if o.mismatch != 0 || halted() {
			t.Fatalf("%s: %+v", what, o)
		}
	}
	answer(p, 1.75, 1)
	if again := answer(p, 1, 100); again != 10*time.Second {
		t.Errorf("asked again after %v", again)
	}
	answer(p, 1.25, 105) // another one
	if again := answer(p, 1.25, 111); again != 4*time.Second {
		t.Errorf("asked again after %v", again)
	}
	unchanged("too early")
	p.PositionSettled(connector.SettledPosition{Qty: 1.25, AskedNs: 120 * second, KnownNs: 104 * second})
	unchanged("executions are not known")
	if again := answer(p, 1.25, 121); again != 0 || o.mismatch != -0.5 || !halted() {
		t.Errorf("again %v, %+v", again, o)
	}
	answer(p, 1.25, 130)
	if n := strings.Count(out.String(), "positions do not match"); n != 1 {
		t.Errorf("said %d times\n%s", n, out)
	}
	answer(p, 1.75, 140)
	if o.mismatch != 0 || !halted() || !strings.Contains(out.String(), "agrees with the strategies' again") {
		t.Errorf("%+v\n%s", o, out)
	}
	cause := p.instruments[0].trading
	for req, refused := range map[hft.Status]bool{hft.StatusNew: true, hft.StatusReplaced: true,
		hft.StatusCanceled: false} {
		if reason := cause.refuses(&hft.Order{Req: req}); (reason != "") != refused {
			t.Errorf("request %v: %q", req, reason)
		}
	}
}

// TestMismatchThatOnlyWarns: with "warn" trading goes on.
func TestMismatchThatOnlyWarns(t *testing.T) {
	p, _, out := watched(WarnOnMismatch, 1)
	answer(p, 1, 0)
	answer(p, 0, 10)
	answer(p, 0, 20)
	inst := p.instruments[0]
	if inst.ownership.mismatch != -1 || inst.trading.state != tradingActive || !strings.Contains(out.String(), "on_mismatch") {
		t.Errorf("%+v, %+v\n%s", inst.ownership, inst.trading, out)
	}
}

// TestRecoveringIsNotCompared: what an earlier run has left is asked for first.
func TestRecoveringIsNotCompared(t *testing.T) {
	p, _, _ := watched(HaltOnMismatch, 1)
	p.instruments[0].recovering = true
	if again := answer(p, 5, 0); again == 0 || p.instruments[0].ownership.known {
		t.Errorf("again %v, %+v", again, p.instruments[0].ownership)
	}
}

// TestForcedCloseOfNobody: what the venue closes of no strategy's position makes no difference.
func TestForcedCloseOfNobody(t *testing.T) {
	p, list, _ := watched(HaltOnMismatch, 1)
	p.Position(0, 4, 5)
	answer(p, 4, 0)
	p.Account(forcedClose(connector.ADL, "1", hft.Sell, 2))
	p.Position(0, 2, 10)
	o := &p.instruments[0].ownership
	if again := answer(p, 2, 1); again != 0 || positions(list) != "0.500" || o.unattributed != 1.5 {
		t.Errorf("again %v, %s, %+v", again, positions(list), o)
	}
}

// TestPositionsOfEarlierRuns: what belongs to no strategy, and a halt, outlive the run.
func TestPositionsOfEarlierRuns(t *testing.T) {
	p, _, out := watched(HaltOnMismatch)
	qty := 0.5
	gone := &journal.Account{}
	gone.OwnPosition = 2
	p.past = past{"BTCUSDT": {unattributed: &qty, accounts: map[uint64]*journal.Account{9: gone}}}
	p.halts = map[string]journal.Halt{"BTCUSDT": {State: 2, Cause: "positions do not match"}}
	inst := p.instruments[0]
	p.resume(inst)
	if again := answer(p, 2.5, 0); again != 0 || inst.ownership.mismatch != 0 || inst.trading.state != tradingHalted {
		t.Errorf("again %v, %+v\n%s", again, inst, out)
	}
	answer(p, 2, 10)
	answer(p, 2, 20)
	if inst.ownership.mismatch != -0.5 {
		t.Errorf("%+v", inst.ownership)
	}
}

// TestAdopt: what belongs to no strategy is booked to one at a price, and what was halted trades again.
func TestAdopt(t *testing.T) {
	p, list, _ := watched(HaltOnMismatch, 2, 1)
	answer(p, 3, 0)
	answer(p, 1, 10) // the operator has sold 2
	if _, _, err := p.adopt(1, &control.Adoption{Strategy: "a", Connector: "test", Symbol: "BTCUSDT", Price: 90}); err == nil ||
		!strings.Contains(err.Error(), "being looked into") {
		t.Errorf("a difference that is new: %v", err)
	}
	answer(p, 1, 20)
	for _, c := range []struct {
		bot  uint64
		a    control.Adoption
		says string
	}{
		{1, control.Adoption{Symbol: "ETHUSDT"}, "no strategy trades ETHUSDT"},
		{7, control.Adoption{Strategy: "z", Price: 90}, "strategy z does not trade"},
		{1, control.Adoption{Strategy: "a", Price: 90, Qty: 0.0005}, "whole number of lots"},
		{1, control.Adoption{Strategy: "a", Price: 90, Qty: 3}, "not a part of that"},
		{1, control.Adoption{Strategy: "a", Price: -1}, "must be positive"},
		{0, control.Adoption{Qty: 1}, "goes with a strategy"},
	} {
		if c.a.Symbol == "" {
			c.a.Symbol = "BTCUSDT"
		}
		if _, _, err := p.adopt(c.bot, &c.a); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.a, err, c.says)
		}
	}
	r, _, err := p.adopt(1, &control.Adoption{Strategy: "a", Symbol: "BTCUSDT", Price: 90, Qty: 1.5})
	if err != nil || r != (control.AdoptResult{Qty: -1.5, Price: 90, Position: 0.5, Unattributed: -0.5, Resumed: true}) {
		t.Errorf("%+v, %v", r, err)
	}
	a := list[0]
	if got := positions(list); got != "0.500 1.000" || a.state.Balance != -200+135 || a.profit.realised != -15 ||
		a.state.NumTrades != 1 || p.instruments[0].trading.state != tradingActive {
		t.Errorf("positions %s, %+v, %+v, %+v", got, a.state, a.profit, p.instruments[0].trading)
	}
	if again := answer(p, 1, 30); again != 0 {
		t.Errorf("again %v", again)
	}
	if _, _, err := p.adopt(0, &control.Adoption{Symbol: "BTCUSDT"}); err == nil || !strings.Contains(err.Error(), "match") {
		t.Errorf("nothing is open: %v", err)
	}
	// The rest goes to b, and then there is nothing.
	if r, _, err = p.adopt(2, &control.Adoption{Strategy: "b", Symbol: "BTCUSDT", Price: 90}); err != nil || r.Position != 0.5 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, _, err := p.adopt(2, &control.Adoption{Strategy: "b", Symbol: "BTCUSDT", Price: 90}); err == nil {
		t.Error("nothing was adopted")
	}
	answer(p, 0, 40)
	answer(p, 0, 50)
	if r, _, err = p.adopt(0, &control.Adoption{Symbol: "BTCUSDT"}); err != nil || r.Unattributed != -1 || !r.Resumed {
		t.Errorf("--none: %+v, %v", r, err)
	}
}
