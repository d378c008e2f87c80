package runner

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// byHand lets the account's owner trade at the venue.
func (r *killRig) byHand(side hft.Side, qty string) {
	r.t.Helper()
	file := writeConfig(r.t, r.ConnectorBlock(r.venue))
	made, err := openConnector(&file.Connectors[0], hostipc.NewWallClock(), hclog.NewNullLogger())
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = closeUnused(made) }()
	p, err := made.(interface {
		Protocol() (protocol.Protocol, error)
	}).Protocol()
	if err != nil {
		r.t.Fatal(err)
	}
	order := protocol.Order{Symbol: "BTCUSDT", ClientID: "byhand" + qty[2:], Side: side, OrdType: hft.Market,
		TimeInForce: hft.IOC, Qty: qty}
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		_, err := p.Place(r.t.Context(), &order)
		switch {
		case err == nil:
			return
		case !strings.Contains(err.Error(), "too many orders") || time.Now().After(deadline):
			r.t.Fatal(err)
		}
	}
}

// on returns what the running host says of the strategies on a symbol.
func (r *killRig) on(symbol string) (list []control.InstrumentStatus) {
	for _, s := range r.w.statuses() {
		for _, in := range s.Instruments {
			if in.Symbol == symbol {
				list = append(list, in)
			}
		}
	}
	return list
}

func (r *killRig) halted(symbol string) bool {
	list := r.on(symbol)
	return len(list) > 0 && list[0].TradingState == "halted"
}

// TestPositionClosedByHand: the operator sells at the venue while strategies trade. The instrument is halted, also
// after a restart, nothing is sold, other instruments trade on, and with runner adopt it goes on.
func TestPositionClosedByHand(t *testing.T) {
	t.Parallel()
	// At Bybit these strategies never pause for long enough to be compared.
	for _, v := range []testexchange.Venue{testexchange.BinanceFutures} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			r := newKillRig(t, v, 21, nil)
			text, err := os.ReadFile(r.w.dir + "/runner.hcl")
			if err != nil {
				t.Fatal(err)
			}
			r.w.write("runner.hcl", strings.Replace(string(text), `"test" {`, "\"test\" {\n  mismatch_after = \"1s\"", 1))
			r.byHand(hft.Buy, "0.500")
			cmd, out := r.begin()
			defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
			within(t, "what belongs to no strategy is named", out, func() bool {
				list := r.on("BTCUSDT")
				return strings.Contains(out.String(), "belongs to no strategy") && len(list) == 2 && list[0].Unattributed == 0.5
			})
			r.halt(false)
			r.w.write("go", "")
			within(t, "executions", out, func() bool { return r.executed() >= 60 })
			r.byHand(hft.Sell, "0.800")
			r.halt(true)                                                              // nothing comes between a question and its answer
			if err := r.Arm(v, fault.Fault{Name: fault.CutConnections}); err != nil { // a reconnection compares at once
				t.Fatal(err)
			}
			within(t, "it is halted", out, func() bool { return r.halted("BTCUSDT") })
			within(t, "its orders are canceled", out, func() bool {
				list := r.on("BTCUSDT")
				return len(list) == 2 && list[0].OpenOrders+list[1].OpenOrders == 0
			})
			if list := r.on("BTCUSDT"); list[0].Mismatch != -0.8 || r.halted("ETHUSDT") {
				t.Errorf("%+v\n%s", list, out)
			}
			r.halt(false)
			held, count := r.netPositions()["BTCUSDT"], r.executed()
			within(t, "executions on the other symbol", out, func() bool { return r.executed() >= count+10 })
			if now := r.netPositions()["BTCUSDT"]; now != held {
				t.Errorf("the account had %v and has %v\n%s", held, now, out)
			}
			if os.Getenv("HFTRUNNER_LONG") != "" {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				cmd, out = r.begin()
				if !r.halted("BTCUSDT") || !strings.Contains(out.String(), "takes no new orders since an earlier run") {
					t.Errorf("it is not halted after a restart\n%s", out)
				}
				within(t, "the mismatch is found again", out, func() bool {
					list := r.on("BTCUSDT")
					return len(list) > 0 && list[0].Mismatch == -0.8
				})
			}
			r.halt(false)
			within(t, "a book", out, func() bool {
				list := r.on("BTCUSDT")
				return len(list) > 0 && list[0].BestBid > 0 && list[0].BestAsk > 0
			})
			r.halt(true)
			answer, code := r.w.output("adopt", "a", "test", "BTCUSDT")
			if code != 0 || !strings.Contains(answer, "0 belongs to no strategy; new orders are accepted again") {
				t.Fatalf("exit code %d: %s\n%s", code, answer, out)
			}
			within(t, "the strategies have what the account has", out, func() bool {
				now, sum := r.netPositions()["BTCUSDT"], 0.0
				for _, in := range r.on("BTCUSDT") {
					sum += in.Position
				}
				return math.Abs(sum-now) < 1e-9
			})
			if answer, code := r.w.output("adopt", "a", "test", "BTCUSDT"); code == 0 {
				t.Errorf("adopted again: %s", answer)
			}
			r.halt(false)
			r.w.write("go", "")
			before := r.executedOn("BTCUSDT")
			within(t, "it trades again", out, func() bool { return r.executedOn("BTCUSDT") > before })
		})
	}
}

// TestNoMismatch: while strategies trade, connections are lost, messages are left out and the venue closes positions,
// what the account has is what the strategies have.
func TestNoMismatch(t *testing.T) {
	if os.Getenv("HFTRUNNER_LONG") == "" {
		t.Skip("a minute at each venue: HFTRUNNER_LONG=1")
	}
	t.Parallel()
	for _, v := range []testexchange.Venue{testexchange.BinanceFutures, testexchange.Bybit} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			r := newKillRig(t, v, 22, func(c *testexchange.Config) {
				c.EventsPerSecond = 30
				c.Faults = []fault.Fault{{Name: fault.DropUserEvent, Probability: 0.05},
					{Name: fault.ReorderUserEvent, Probability: 0.1}, {Name: fault.DuplicateUserEvent, Probability: 0.1},
					{Name: fault.AckLost, Probability: 0.02}}
			})
			text, err := os.ReadFile(r.w.dir + "/runner.hcl")
			if err != nil {
				t.Fatal(err)
			}
			r.w.write("runner.hcl", strings.Replace(string(text), `"test" {`, "\"test\" {\n  mismatch_after = \"1s\"", 1))
			cmd, out := r.begin()
			defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
			r.halt(false)
			r.w.write("go", "")
			for n := range 20 {
				r.sleep(6 * time.Second)
				if n%2 == 0 {
					if err := r.Arm(v, fault.Fault{Name: fault.CutConnections}); err != nil {
						t.Fatal(err)
					}
				}
				if n%5 == 4 && r.netPositions()["ETHUSDT"] != 0 {
					_ = r.Happen(v, venue.Happening{Kind: "adl", Account: testexchange.DefaultAPIKey, Symbol: "ETHUSDT", Qty: "0.01"})
				}
			}
			if strings.Contains(out.String(), "do not match") {
				t.Errorf("%s", out)
			}
		})
	}
}

func (r *killRig) executedOn(symbol string) (n int) {
	s, err := r.State(r.venue)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, x := range s.Executions {
		if x.Symbol == symbol {
			n++
		}
	}
	return n
}
