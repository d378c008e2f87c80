package runner

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// trade lets both strategies trade from where they have begun until there are more executions, and kills the host.
func (r *killRig) trade(executions int, args ...string) {
	r.t.Helper()
	cmd, out := r.begin(args...)
	r.halt(false)
	r.w.write("go", "")
	before := r.executed()
	within(r.t, "executions", out, func() bool { return r.executed() >= before+executions })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func (r *killRig) executed() int {
	s, err := r.State(r.venue)
	if err != nil {
		r.t.Fatal(err)
	}
	return len(s.Executions)
}

// began returns what a strategy has begun with.
func (r *killRig) began(name string) (all []begins) {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.w.dir, name+".json"))
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// TestFresh: run --fresh begins from nothing and lists what it ignores, and so does the run after it: it has what was
// executed since.
func TestFresh(t *testing.T) {
	t.Parallel()
	r := newKillRig(t, testexchange.BinanceFutures, 3, nil)
	r.trade(60)
	r.halt(true)
	before, err := r.State(r.venue)
	if err != nil {
		t.Fatal(err)
	}
	cmd, out := r.begin("--fresh")
	for name := range r.bots {
		for i, b := range r.began(name) {
			if b.State != (hft.StateValues{}) {
				t.Errorf("strategy %s begins with %+v on %d", name, b.State, i)
			}
		}
	}
	was, _ := r.books(&before, r.bots["a"], "BTCUSDT")
	// What the host had not heard of when it was killed is not in the journal.
	found := regexp.MustCompile(`ignored because of --fresh: strategy=a symbol=BTCUSDT .* trades=(\d+)`).FindStringSubmatch(out.String())
	if found == nil || number(t, found[1]) > float64(was.NumTrades) || number(t, found[1]) < 1 {
		t.Errorf("it does not list %+v\n%s", was, out)
	}
	r.halt(false)
	r.w.write("go", "")
	within(t, "executions", out, func() bool { return r.executed() >= len(before.Executions)+60 })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	cmd, out = r.begin()
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	after, err := r.State(r.venue)
	if err != nil {
		t.Fatal(err)
	}
	for name, bot := range r.bots {
		for i, symbol := range []string{"BTCUSDT", "ETHUSDT"} {
			old, _ := r.books(&before, bot, symbol)
			sum, _ := r.books(&after, bot, symbol)
			got := r.began(name)[i].State
			if got.NumTrades != sum.NumTrades-old.NumTrades ||
				math.Abs(got.Position-(sum.Position-old.Position)) > 1e-9 ||
				math.Abs(got.Fee-(sum.Fee-old.Fee)) > 1e-6 {
				t.Errorf("strategy %s, %s: it has %+v, executed were %+v and then %+v\n%s", name, symbol, got, old,
					sum, out)
			}
		}
	}
}

// someVenues are all with HFTRUNNER_LONG=1.
func someVenues(one testexchange.Venue) []testexchange.Venue {
	if os.Getenv("HFTRUNNER_LONG") != "" {
		return testexchange.Venues()
	}
	return []testexchange.Venue{one}
}

// TestStrategyNotInTheFile: what a strategy holds that is not in the file is named, its orders are followed up, and
// what is executed of them is there when the strategy is again.
func TestStrategyNotInTheFile(t *testing.T) {
	t.Parallel()
	for _, v := range someVenues(testexchange.BinanceFutures) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			r := newKillRig(t, v, 4, nil)
			r.trade(60)
			both, err := os.ReadFile(filepath.Join(r.w.dir, "runner.hcl"))
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(both), `strategy "b"`)
			r.w.write("runner.hcl", strings.Replace(first, "  instrument \"test\" \"ETHUSDT\" {\n  }\n", "", 1))
			delete(r.bots, "b")
			cmd, out := r.begin()
			r.halt(false)
			within(t, "strategy b is named", out, func() bool {
				return strings.Contains(out.String(),
					"strategy b holds")
			})
			before := r.executed()
			r.w.write("go", "")
			within(t, "executions", out, func() bool { return r.executed() >= before+40 })
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			r.bots["b"] = 12
			r.w.write("runner.hcl", string(both))
			cmd, out = r.begin()
			defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
			r.check(out)
		})
	}
}

// TestMissedByTheStream: executions that the private stream has not reported, of orders that are over for the host and
// of those that are not, are booked after a restart.
func TestMissedByTheStream(t *testing.T) {
	t.Parallel()
	for _, v := range someVenues(testexchange.BinanceSpot) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			r := newKillRig(t, v, 6, func(c *testexchange.Config) {
				c.Faults = []fault.Fault{{Name: fault.DropUserEvent, Probability: 0.2}, {Name: fault.ReorderUserEvent,
					Probability: 0.1},
					{Name: fault.AckLost, Probability: 0.05}, {Name: fault.DuplicateUserEvent, Probability: 0.1}}
			})
			for range 3 {
				r.trade(40)
				<-time.After(100 * time.Millisecond)
			}
			cmd, out := r.begin()
			defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
			r.check(out)
		})
	}
}

// TestAccountEventsOfTheDowntime: what the venue did to the account while no host was there is booked before the
// strategies begin, and once.
func TestAccountEventsOfTheDowntime(t *testing.T) {
	t.Parallel()
	for _, v := range []testexchange.Venue{testexchange.BinanceFutures, testexchange.Bybit} {
		t.Run(string(v), func(t *testing.T) {
			if v != testexchange.BinanceFutures {
				onlyLong(t)
			}
			t.Parallel()
			r := newKillRig(t, v, 8, nil)
			r.trade(60)
			r.halt(true)
			happen := func(h venue.Happening) {
				h.Account = testexchange.DefaultAPIKey
				if err := r.Happen(r.venue, h); err != nil {
					t.Fatal(err)
				}
			}
			before := r.netPositions()
			happen(venue.Happening{Kind: "funding", Symbol: "BTCUSDT", RatePPM: 100})
			happen(venue.Happening{Kind: "funding", Symbol: "ETHUSDT", RatePPM: -100})
			if before["ETHUSDT"] != 0 {
				happen(venue.Happening{Kind: "liquidation", Symbol: "ETHUSDT"})
			}
			cmd, out := r.launch() // one that is killed before it has asked
			within(t, "it starts", out, func() bool { return strings.Contains(out.String(), "runner starts") })
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			for _, again := range []bool{false, true} { // the second time nothing is new
				cmd, out = r.begin()
				s, err := r.State(r.venue)
				if err != nil {
					t.Fatal(err)
				}
				paid, has, holds := 0.0, 0.0, map[string]float64{}
				for _, f := range s.Funding {
					paid += number(t, f.Paid)
				}
				for name := range r.bots {
					for i, symbol := range []string{"BTCUSDT", "ETHUSDT"} {
						state := r.began(name)[i].State
						has += state.Funding
						holds[symbol] += state.Position
					}
				}
				if paid == 0 || math.Abs(has+paid) > 1e-6 {
					t.Errorf("the venue has taken %v, the strategies have %v\n%s", paid, has, out)
				}
				for symbol, qty := range r.netPositions() {
					if math.Abs(holds[symbol]-qty) > 1e-9 {
						t.Errorf("%s: the venue has %v, the strategies have %v\n%s", symbol, qty, holds[symbol], out)
					}
				}
				if halted := before["ETHUSDT"] != 0; r.halted("ETHUSDT") != halted || r.halted("BTCUSDT") {
					t.Errorf("ETHUSDT is to be halted: %t, BTCUSDT is: %t\n%s", halted, r.halted("BTCUSDT"), out)
				}
				if again { // by then it is halted since an earlier run
					text, code := r.w.output("resume", "test", "ETHUSDT")
					if code != 0 || !strings.Contains(text, "ETHUSDT: n") || r.halted("ETHUSDT") {
						t.Errorf("exit code %d: %s\n%s", code, text, out)
					}
				}
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
		})
	}
}

// netPositions returns the account's positions by symbol.
func (r *killRig) netPositions() map[string]float64 {
	s, err := r.State(r.venue)
	if err != nil {
		r.t.Fatal(err)
	}
	list := make(map[string]float64)
	for _, p := range s.Positions {
		list[p.Symbol] += number(r.t, p.Qty)
	}
	return list
}
