package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/venues"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// liveExchange is an exchange in this process that can be taken away and come back at its address.
type liveExchange struct {
	*testexchange.Exchange
	t      *testing.T
	venue  testexchange.Venue
	config testexchange.Config
}

func newExchange(t *testing.T, v testexchange.Venue) *liveExchange {
	t.Helper()
	e := &liveExchange{t: t, venue: v, config: testexchange.Config{Venues: []testexchange.Venue{v}, Seed: 7}}
	e.start()
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func (e *liveExchange) start() {
	e.t.Helper()
	started, err := testexchange.Start(e.config)
	if err != nil {
		e.t.Fatal(err)
	}
	e.Exchange = started
	e.config.FirstID += 1_000_000 // of the next one: a venue gives no id twice
	_, port, err := net.SplitHostPort(started.Address(e.venue))
	if err == nil {
		e.config.FirstPort, err = strconv.Atoi(port)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

// liveConfig is the configuration of a strategy on the exchange. Steps are left to the venue.
func (e *liveExchange) liveConfig(strategySettings string) string {
	return e.ConnectorBlock(e.venue) + fmt.Sprintf(`
strategy "a" {
  plugin = "join"
  %s
  instrument "test" "BTCUSDT" {
  }
  params {
    order_qty = 0.01
    interval  = "250ms"
  }
}
`, strategySettings)
}

// forgets is for an exchange that has no positions when it comes back: a mismatch would come after the test.
func forgets(text string) string {
	return strings.Replace(text, "  secret", "  mismatch_after = \"10m\"\n  secret", 1)
}

// open returns the client ids of the open orders.
func (e *liveExchange) open() []string {
	e.t.Helper()
	s, err := e.State(e.venue)
	if err != nil {
		e.t.Fatal(err)
	}
	var ids []string
	for _, o := range s.Orders {
		if o.Status == "New" || o.Status == "PartiallyFilled" {
			ids = append(ids, o.ClientID)
		}
	}
	return ids
}

// position returns the sum of the executions, less the fees that were taken from what was bought.
func (e *liveExchange) position() float64 {
	e.t.Helper()
	s, err := e.State(e.venue)
	if err != nil {
		e.t.Fatal(err)
	}
	sum := 0.0
	for _, x := range s.Executions {
		qty, err := strconv.ParseFloat(x.Qty, 64)
		if err != nil {
			e.t.Fatal(err)
		}
		if x.Side == "Sell" {
			qty = -qty
		}
		if x.FeeAsset != "USDT" && x.FeeAsset != "" {
			qty -= number(e.t, x.Fee)
		}
		sum += qty
	}
	return sum
}

// within waits for a condition.
func within(t *testing.T, what string, out fmt.Stringer, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still not so\n%s", what, out)
		}
	}
}

// instrument returns what the running host says of the strategy's instrument.
func (w *workspace) instrument() (control.InstrumentStatus, bool) {
	client, err := control.DialRunner(filepath.Join(w.state, host.SocketName))
	if err != nil {
		return control.InstrumentStatus{}, false
	}
	defer client.Close()
	all, err := client.Strategies(context.Background())
	if err != nil || len(all) != 1 || len(all[0].Instruments) != 1 {
		return control.InstrumentStatus{}, false
	}
	return all[0].Instruments[0], true
}

// A strategy trades at each venue over real sockets; what the runner says of it is what the exchange has, and Ctrl-C
// cancels its orders.
func TestLiveRun(t *testing.T) {
	t.Parallel()
	for no, v := range testexchange.Venues() {
		for i, entry := range []string{"rest", "ws"} {
			t.Run(string(v)+" "+entry, func(t *testing.T) {
				if i != no%2 {
					onlyLong(t)
				}
				t.Parallel()
				e := newExchange(t, v)
				w := newWorkspace(t, strings.Replace(e.liveConfig(""), "  secret", fmt.Sprintf("  order_entry = %q\n  secret", entry), 1))
				cmd, out := w.runner("run", "--summary", "out.json")
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				within(t, "three executions", out, func() bool {
					s, err := e.State(v)
					return err == nil && len(s.Executions) >= 3
				})
				_ = cmd.Process.Signal(syscall.SIGINT)
				if err := cmd.Wait(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				state, err := e.State(v)
				if err != nil {
					t.Fatal(err)
				}
				s := w.summary()
				st, in := s.Strategies[0], s.Strategies[0].Instruments[0]
				if s.Exit != host.ExitInterrupted || st.State != "stopped" || st.Fills != uint64(len(state.Executions)) || in.OpenOrders != 0 ||
					math.Abs(in.Position-e.position()) > 1e-9 || in.Fee == 0 || in.TradingVolume == 0 {
					t.Errorf("%+v; the exchange has %d executions and position %v\n%s", st, len(state.Executions), e.position(), out)
				}
				if open := e.open(); len(open) > 0 {
					t.Errorf("orders are still open: %v\n%s", open, out)
				}
				for id, n := range state.Submits {
					if n != 1 {
						t.Errorf("order %s was sent %d times", id, n)
					}
				}
			})
		}
	}
}

// The exchange goes away and comes back, knowing nothing of before: the book is empty meanwhile, then it is there again,
// and so are orders.
func TestLiveExchangeGoesAway(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	w := newWorkspace(t, forgets(e.liveConfig("")))
	cmd, out := w.runner("run", "--summary", "out.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "orders", out, func() bool { return len(e.open()) > 0 })
	if in, ok := w.instrument(); !ok || in.BestBid == 0 {
		t.Errorf("no book: %+v", in)
	}
	if err := e.Close(); err != nil {
		t.Logf("close: %v", err)
	}
	within(t, "no book", out, func() bool { in, ok := w.instrument(); return ok && in.BestBid == 0 && in.BestAsk == 0 })
	e.start()
	within(t, "a book again", out, func() bool { in, ok := w.instrument(); return ok && in.BestBid != 0 })
	within(t, "orders again", out, func() bool { return len(e.open()) > 0 })
	within(t, "as many orders as the exchange has", out, func() bool { in, ok := w.instrument(); return ok && in.OpenOrders == len(e.open()) })
	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if s := w.summary(); s.Connectors[0].Reconnects == 0 || s.Strategies[0].Restarts != 0 || s.Strategies[0].State != "stopped" || len(e.open()) > 0 {
		t.Errorf("%+v, open %v\n%s", s, e.open(), out)
	}
}

// The runner is killed with open orders. The next one finds them at the exchange and hands them to their bot, which
// cancels them; an order of somebody else stays.
func TestLiveKilledRunner(t *testing.T) {
	t.Parallel()
	for _, v := range someVenues(testexchange.Bybit) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			e := newExchange(t, v)
			w := newWorkspace(t, e.liveConfig(""))
			cmd, out := w.runner("run")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			within(t, "orders", out, func() bool { return len(e.open()) > 0 })
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			left := e.open()
			cmd, out = w.runner("run", "--summary", "out.json")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			within(t, "the orders of before are taken care of", out, func() bool {
				open := e.open()
				return len(open) > 0 && !slices.ContainsFunc(left, func(id string) bool { return slices.Contains(open, id) })
			})
			_ = cmd.Process.Signal(syscall.SIGINT)
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			state, err := e.State(v)
			if err != nil {
				t.Fatal(err)
			}
			for id, n := range state.Submits {
				if n != 1 {
					t.Errorf("order %s was sent %d times", id, n)
				}
			}
			if open := e.open(); len(open) > 0 {
				t.Errorf("orders are still open: %v\n%s", open, out)
			}
		})
	}
}

// recorded is the JSON of runner record, as far as it is looked at.
type recordedForm struct {
	Symbols []struct {
		Symbol   string   `json:"symbol"`
		Lines    int64    `json:"lines"`
		Files    []string `json:"files"`
		Repaired bool     `json:"repaired"`
	} `json:"symbols"`
	BadMessages int64 `json:"bad_messages"`
}

// What record writes of any venue is what backtest and replay read, also when it was killed in between.
func TestLiveRecord(t *testing.T) {
	t.Parallel()
	for _, v := range someVenues(testexchange.BinanceSpot) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			e := newExchange(t, v)
			w := newWorkspace(t, e.liveConfig(""))
			w.recordTwice()
			names, err := filepath.Glob(filepath.Join(w.dir, "data", "btcusdt_*.gz"))
			if err != nil || len(names) == 0 {
				t.Fatalf("%v, %v", names, err)
			}
			for i := range names {
				names[i] = strconv.Quote(names[i])
			}
			data := "[" + strings.Join(names, ", ") + "]"
			venues := strings.NewReplacer(`"day.gz"`, data, `"btcusdt.gz"`, data, `"binancefutures"`, strconv.Quote(string(v)), `"12ms"`, `"100ms"`)
			w.write("backtest.hcl", venues.Replace(backtestConfig))
			if text, code := w.output("backtest", "--config", "backtest.hcl", "--out", "results"); code != 0 || !strings.Contains(text, "BTCUSDT") {
				t.Errorf("backtest: exit code %d\n%s", code, text)
			}
			if _, ok := recordedFormats()[string(v)]; !ok {
				return // read by backtests only
			}
			w.write("replay.hcl", venues.Replace(replayConfig(`speed = "max"`)))
			text, code := w.output("run", "--config", "replay.hcl", "--summary", "out.json")
			if code != 0 {
				t.Fatalf("replay: exit code %d\n%s", code, text)
			}
			if s := w.summary(); s.Exit != host.ExitEndOfData || s.Connectors[0].BadMessages != 0 || s.Strategies[0].Events == 0 || s.Strategies[0].Orders == 0 {
				t.Errorf("%+v\n%s", s, text)
			}
		})
	}
}

// recordTwice records, kills the recorder, and records once more: what was flushed is there afterwards.
func (w *workspace) recordTwice() {
	w.t.Helper()
	size := func() (sum int64) {
		names, err := filepath.Glob(filepath.Join(w.dir, "data", "*.gz"))
		for _, name := range names {
			if info, statErr := os.Stat(name); statErr == nil {
				sum += info.Size()
			}
		}
		if err != nil {
			w.t.Fatal(err)
		}
		return sum
	}
	cmd, out := w.runner("record", "BTCUSDT", "--out", "data")
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	within(w.t, "a file", out, func() bool { return size() > 3000 })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	cmd, out = w.runner("record", "--out", "data", "--output", "json", "--log-level", "error")
	var stdout printed
	cmd.Stdout = &stdout
	before := size()
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	within(w.t, "more of it", out, func() bool { return size() > before+20_000 })
	_ = cmd.Process.Signal(syscall.SIGINT)
	code := w.wait(cmd)
	var form recordedForm
	if err := json.Unmarshal([]byte(stdout.String()), &form); err != nil || code != 0 {
		w.t.Fatalf("exit code %d, %v\n%s\n%s", code, err, &stdout, out)
	}
	if len(form.Symbols) != 1 || form.Symbols[0].Lines < 50 || len(form.Symbols[0].Files) == 0 || !form.Symbols[0].Repaired || form.BadMessages != 0 {
		w.t.Errorf("%+v", form)
	}
}

func (w *workspace) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// output runs the runner to its end.
func (w *workspace) output(args ...string) (text string, code int) {
	w.t.Helper()
	cmd, out := w.runner(args...)
	_ = cmd.Run()
	return out.String(), cmd.ProcessState.ExitCode()
}

// json runs the runner and reads its standard output.
func (w *workspace) json(v any, args ...string) (code int) {
	w.t.Helper()
	cmd, _ := w.runner(args...)
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = nil, &stderr
	text, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("%v: %v\n%s", args, err, stderr.String())
	}
	if err := json.Unmarshal(text, v); err != nil {
		w.t.Fatalf("%v: %v\n%s\n%s", args, err, text, stderr.String())
	}
	return cmd.ProcessState.ExitCode()
}

// offsetClock is wrong by a constant.
type offsetClock time.Duration

// NowNs returns the wrong time.
func (c offsetClock) NowNs() int64 { return time.Now().UnixNano() + int64(c) }

// checkForm is the JSON of runner check.
type checkForm struct {
	OK       bool `json:"ok"`
	Findings []struct {
		What    string `json:"what"`
		Value   string `json:"value"`
		Problem string `json:"problem"`
		Advice  string `json:"advice"`
		Blocks  bool   `json:"blocks"`
	} `json:"findings"`
}

func TestLiveCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(c *testexchange.Config)
		edit   func(config string) string
		code   int
		what   string // the finding with a problem, none when empty
		says   string
	}{
		{"all is well", nil, nil, 0, "", ""},
		{"clock off", func(c *testexchange.Config) { c.Clock = offsetClock(3 * time.Second) }, nil, 0, "clock", "feed latencies"},
		{"bad secret", nil, func(s string) string { return strings.Replace(s, "test-secret", "other", 1) }, 1, "key", "Signature"},
		{"wrong tick", nil, func(s string) string {
			return strings.Replace(s, "\"BTCUSDT\" {\n", "\"BTCUSDT\" {\n    tick_size = 0.5\n", 1)
		}, 1, "BTCUSDT", "0.5 and the venue's is 0.1"},
		{"no such symbol", nil, func(s string) string { return strings.Replace(s, "BTCUSDT", "NOPEUSDT", 1) }, 1, "NOPEUSDT", "rejects"},
		{"hedge mode", func(c *testexchange.Config) {
			c.Accounts = []testexchange.Account{{APIKey: testexchange.DefaultAPIKey, Secret: testexchange.DefaultSecret, Hedge: true}}
		}, nil, 1, "position mode", "hedge"},
		{"nobody there", nil, func(s string) string {
			return strings.Replace(s, `api_url     = "http://127.0.0.1:`, `api_url = "http://127.0.0.1:1`, 1)
		}, 1, "reachable", ""},
		{"no key", nil, func(s string) string {
			return strings.NewReplacer(`"test-key"`, `""`, `"test-secret"`, `""`).Replace(s)
		}, 0, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := &liveExchange{t: t, venue: testexchange.BinanceFutures, config: testexchange.Config{Venues: []testexchange.Venue{testexchange.BinanceFutures}}}
			if test.change != nil {
				test.change(&e.config)
			}
			e.start()
			defer e.Close()
			text := e.liveConfig("")
			if test.edit != nil {
				text = test.edit(text)
			}
			w := newWorkspace(t, text)
			var form checkForm
			code := w.json(&form, "check", "test", "--order-test", "--output", "json")
			var problems []string
			for _, f := range form.Findings {
				if f.Problem == "" {
					continue
				}
				problems = append(problems, f.What)
				if f.Advice == "" {
					t.Errorf("%s has a problem and no advice: %s", f.What, f.Problem)
				}
				if f.What == test.what && !strings.Contains(f.Problem, test.says) {
					t.Errorf("%s: %s", f.What, f.Problem)
				}
			}
			if want := []string{test.what}; code != test.code || form.OK != (code == 0) || (test.what == "") != (len(problems) == 0) ||
				test.what != "" && !slices.Equal(problems, want) {
				t.Errorf("exit code %d, problems %v, %+v", code, problems, form)
			}
			if s, err := e.State(e.venue); err != nil || len(s.Orders) > 0 {
				t.Errorf("an order was placed: %v, %v", s.Orders, err)
			}
		})
	}
}

// A step that is not the venue's and a symbol that it does not have are errors of the configuration, with their place;
// a venue that is not there is asked again until the end, which says that orders of an earlier run may be open there.
func TestLiveRefusals(t *testing.T) {
	t.Parallel()
	e := newExchange(t, testexchange.BinanceFutures)
	good := e.liveConfig("")
	place := fmt.Sprintf("runner.hcl:%d:3: error", 1+strings.Count(good[:strings.Index(good, "instrument")], "\n"))
	for _, test := range []struct {
		name, from, to string
		code           int
		says           string
	}{
		{"tick", "\"BTCUSDT\" {\n", "\"BTCUSDT\" {\n    tick_size = 0.01\n", 3, "tick_size of BTCUSDT is 0.01 and the venue's is 0.1"},
		{"lot", "\"BTCUSDT\" {\n", "\"BTCUSDT\" {\n    lot_size = 1\n", 3, "lot_size of BTCUSDT is 1 and the venue's is 0.001"},
		{"symbol", "BTCUSDT", "BTCUSDX", 3, "the venue rejects BTCUSDX"},
		{"gone", `api_url     = "http://127.0.0.1:`, `api_url = "http://127.0.0.1:1`, 6, "runner check test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t, strings.Replace(good, test.from, test.to, 1))
			cmd, out := w.runner("run")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			within(t, test.says, out, func() bool { return strings.Contains(out.String(), test.says) })
			if test.code == 6 {
				_ = cmd.Process.Signal(syscall.SIGINT)
			}
			if code := w.wait(cmd); code != test.code || code == 3 && !strings.Contains(out.String(), place) {
				t.Errorf("exit code %d\n%s", code, out)
			}
			if text, code := w.output("validate"); code != 0 || !strings.Contains(text, "not verified against the venue; run 'runner check test'") {
				t.Errorf("validate: exit code %d\n%s", code, text)
			}
		})
	}
}

// The wiring knows each venue that a configuration may name, on each network, and says what is wrong with a key.
func TestVenuesAreWired(t *testing.T) {
	for _, kind := range config.Kinds(venues.Kinds()).Names() {
		for _, network := range []string{"main", "testnet"} {
			f := writeConfig(t, fmt.Sprintf("connector %q \"x\" {\n  network = %q\n}\n", kind, network))
			if err := checkVenue(&f.Connectors[0]); err != nil {
				t.Errorf("%s %s: %v", kind, network, err)
			}
		}
		f := writeConfig(t, fmt.Sprintf("connector %q \"x\" {\n  network = \"main\"\n  api_key = \"k\"\n  secret = \"-----BEGIN nonsense\"\n  order_entry = \"ws\"\n}\n", kind))
		if err := checkVenue(&f.Connectors[0]); err == nil || strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%s: a key that is none: %v", kind, err)
		}
	}
}

// The example of a live connector: the exchange that testexchange is, gridtrading, and the steps that the venue has.
func TestLiveExample(t *testing.T) {
	e := newExchange(t, testexchange.BinanceFutures)
	t.Setenv("TESTEXCHANGE", e.Address(e.venue))
	s := runExampleFor(t, func(s *host.Summary) bool { return s.Strategies[0].Orders > 0 }, "--config", "examples/live.hcl")
	st := s.Strategies[0]
	state, err := e.State(e.venue)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(state.Heartbeats, func(h venue.Heartbeat) bool { return h.CountdownMs == 30_000 }) {
		t.Errorf("the dead-man's switch was not armed: %v", state.Heartbeats)
	}
	if s.Exit != host.ExitDuration || st.State != "stopped" || st.Orders == 0 || st.Rejects != 0 || st.LostEvents != 0 || len(e.open()) > 0 {
		t.Errorf("%+v, open %v", s, e.open())
	}
}

// The runner is killed and does not come back: the venue's dead-man's switch cancels its orders.
func TestLiveDeadMan(t *testing.T) {
	t.Parallel()
	e := &liveExchange{t: t, venue: testexchange.BinanceFutures, config: testexchange.Config{EventsPerSecond: 4, Seed: 3,
		Venues: []testexchange.Venue{testexchange.BinanceFutures}}}
	e.start()
	defer e.Close()
	// Large orders in a quiet market, so that something of them is still there when the switch works.
	settings := strings.NewReplacer("  secret", "  dead_man = \"5s\"\n  secret", `"250ms"`, `"2s"`, "0.01", "10")
	w := newWorkspace(t, settings.Replace(e.liveConfig("")))
	cmd, out := w.runner("run")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "orders, and the switch is armed", out, func() bool {
		s, err := e.State(e.venue)
		n := len(s.Heartbeats)
		return err == nil && n > 0 && s.Heartbeats[n-1].CountdownMs == 5000 && len(e.open()) > 0
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	within(t, "the venue has canceled the orders", out, func() bool {
		s, err := e.State(e.venue)
		return err == nil && len(e.open()) == 0 && slices.ContainsFunc(s.Orders, func(o venue.OrderState) bool { return o.Reason == string(market.ReasonCountdown) })
	})
}

// A recording is decoded with whichever of the two streams of trades it has, and a trade is never told twice.
func TestRecordedWithEitherStreamOfTrades(t *testing.T) {
	const single = `{"stream":"btcusdt@trade","data":{"e":"trade","E":1723088100000,"T":1723088100000,"s":"BTCUSDT","t":1,"p":"1.5","q":"2","X":"MARKET","m":true}}`
	const aggregated = `{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1723088100000,"a":1,"s":"BTCUSDT","p":"1.5","q":"2","f":1,"l":1,"T":1723088100000,"m":true}}`
	const quote = `{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1","T":1723088100000,"E":1723088100000}}`
	for _, name := range []string{venues.BinanceFutures, venues.BinanceSpot} {
		format := recordedFormats()[name]
		for _, test := range []struct {
			lines  []string
			trades int
		}{{[]string{quote, single, aggregated, single, quote}, 2}, {[]string{aggregated, single, aggregated}, 2}, {[]string{quote, quote}, 0}} {
			d, trades := format.NewDecoder(), 0
			for _, text := range test.lines {
				var m connector.Message
				if err := d.Decode(1723088100000000000, []byte(text), &m); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if m.Kind == connector.MessageTrade {
					trades += len(m.Events)
				}
			}
			if trades != test.trades {
				t.Errorf("%s: %d trades of %q, want %d", name, trades, test.lines, test.trades)
			}
			var m connector.Message
			if err := d.Decode(1, []byte(`{"e":`), &m); err == nil {
				t.Errorf("%s: half a message was taken", name)
			}
		}
	}
}
