package host

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// sharing is watched with a second instrument of the same asset, in which strategy 9 holds more; balance hands over a
// balance.
func sharing(t *testing.T, on OnMismatch, own, more float64) (p *publisher, out *strings.Builder,
	state func() *journal.State, balance func(no int, qty float64, at int64) time.Duration) {
	p, _, out = watched(on, own)
	other := &instrument{no: 1, symbol: "BTCUSDC", tickSize: 0.1, lotSize: 0.001, holdings: map[uint64]*holding{}}
	h := &holding{cfg: InstrumentConfig{TickSize: 0.1, LotSize: 0.001}, mode: StrategyPosition, strategy: "z",
		pub: p, feedNo: 1}
	h.owner.Bot = 9
	other.holdings[9] = h
	p.instruments, p.bySymbol["BTCUSDC"] = append(p.instruments, other), other
	state = journaled(t, p)
	h.book(hft.Buy, more, 100, more*100, 0, 0, 1)
	return p, out, state, func(no int, qty float64, at int64) time.Duration {
		return p.PositionSettled(connector.SettledPosition{InstrumentNo: no, Asset: "BTC", Shared: []int{1 - no},
			Qty: qty, AskedNs: at * second, KnownNs: at * second})
	}
}

// TestSharedBalance: two instruments of one asset share the balance. Deposits and fees that are paid in the asset belong
// to nobody; what is missing is a mismatch of both.
func TestSharedBalance(t *testing.T) {
	t.Parallel()
	for _, on := range []OnMismatch{"", HaltOnMismatch} {
		p, out, state, balance := sharing(t, on, 2, 1)
		first, other := p.instruments[0], p.instruments[1]
		again := balance(1, 10.00012345, 0)
		if again != 0 || math.Abs(other.owner().ownership.unattributed-7.00012345) > 1e-12 {
			t.Fatalf("again %v, %+v", again, other.owner().ownership)
		}
		p.Account(&connector.AccountEvent{Kind: connector.BalanceChanged, InstrumentNo: -1, Asset: "BTC", Amount: 2.5})
		p.Order(&connector.OrderUpdate{Fill: true, FeePaid: 0.5, FeeAsset: "BTC",
			Order: connector.Order{InstrumentNo: 1, Owner: connector.Owner{Bot: 9},
				Order: hft.Order{OrderID: 1, TickSize: 0.1, Side: hft.Buy, ExecQty: 1, ExecPriceTick: 1000, Qty: 1,
					Status: hft.StatusFilled}}})
		for no := range 2 {
			if again := balance(no, 13.00012345, 10); again != 0 {
				t.Errorf("with a deposit, a purchase and a fee: again %v, %+v", again, other.owner().ownership)
			}
		}
		balance(0, 12.50012345, 20)
		balance(1, 12.50012345, 40)
		o := &first.owner().ownership
		halts := on == HaltOnMismatch
		if o.mismatch != -0.5 || first.trading.mismatched() != halts || other.trading.mismatched() != halts ||
			!strings.Contains(out.String(), "the account has 12.50012345 BTC, the strategies 4") {
			t.Errorf("%+v, %+v, %+v\n%s", o, first.trading, other.trading, out)
		}
		was := o.unattributed
		r, _, err := p.adopt(9, &control.Adoption{Strategy: "z", Connector: "test", Symbol: "BTCUSDC", Price: 90, Qty: 0.25})
		if err != nil ||
			r.Qty != 0.25 || r.Resumed != halts || other.holdings[9].profit.position != 2.25 ||
			math.Abs(o.unattributed-(was-0.75)) > 1e-12 || first.trading.state != tradingActive {
			t.Errorf("%+v, %v, %+v", r, err, o)
		}
		if again := balance(0, 12.50012345, 50); again != 0 {
			t.Errorf("again %v, %+v", again, o)
		}
		if s := state(); s.Unattributed[first.owner().number] != o.unattributed || len(s.Unattributed) != 1 {
			t.Errorf("the journal has %v, not %v", s.Unattributed, o.unattributed)
		}
	}
}

// TestBalanceOfEarlierRuns: the instrument that had what belongs to nobody goes on with it, whichever comes first; if two
// had different figures, the balance counts as at first sight.
func TestBalanceOfEarlierRuns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		first, other float64
		again        time.Duration
		left         float64
	}{{0, 7, 0, 7}, {7, 0, 0, 7}, {7, 8, 0, 7}, {0, 6, 10 * time.Second, 6}} {
		p, _, _, balance := sharing(t, "", 2, 1)
		p.instruments[0].ownership = ownership{known: true, unattributed: test.first}
		p.instruments[1].ownership = ownership{known: true, unattributed: test.other}
		again, o := balance(1, 10, 0), &p.instruments[0].owner().ownership
		if again != test.again || o.unattributed != test.left {
			t.Errorf("%v: again %v, %+v", test, again, o)
		}
	}
}

// TestAdoptionLeavesOtherHalts: 'runner adopt' explains a mismatch. What was halted because the venue has closed a
// position stays so, whichever of the two came first.
func TestAdoptionLeavesOtherHalts(t *testing.T) {
	t.Parallel()
	for _, closedFirst := range []bool{true, false} {
		p, _, out := watched(HaltOnMismatch, 2)
		inst := p.instruments[0]
		answer(p, 2, 0)
		closes := func() {
			p.Account(forcedClose(connector.ADL, "1", hft.Sell, 0.5))
		}
		if closedFirst {
			closes()
		}
		answer(p, 1, 30)
		answer(p, 1, 50)
		if !closedFirst {
			closes()
			answer(p, 0.5, 60)
			answer(p, 0.5, 80)
		}
		r, tell, err := p.adopt(0, &control.Adoption{Connector: "test", Symbol: "BTCUSDT"})
		if err != nil || r.Resumed || inst.trading.state != tradingHalted ||
			!strings.Contains(inst.trading.cause, "auto-deleveraging") {
			t.Fatalf("%+v, %v, %+v", r, err, inst.trading)
		}
		if tell(); !strings.Contains(out.String(), "runner resume test BTCUSDT") {
			t.Error(out)
		}
		if list, err := p.lift("BTCUSDT"); err != nil || len(list) != 1 || inst.trading.state != tradingActive {
			t.Errorf("%+v, %v", list, err)
		}
	}
}
