package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/venues"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeHost runs until its context ends or it is told to end.
type fakeHost struct {
	end     chan host.Exit
	err     error
	left    []control.OpenOrder
	strayed []control.OpenOrder
	untold  []string
	started chan struct{}
	once    sync.Once
}

func newFakeHost() *fakeHost {
	return &fakeHost{end: make(chan host.Exit, 1), started: make(chan struct{})}
}

func (h *fakeHost) Run(ctx context.Context) (host.Exit, error) {
	h.once.Do(func() { close(h.started) })
	if h.err != nil {
		return host.ExitError, h.err
	}
	select {
	case exit := <-h.end:
		return exit, nil
	case <-ctx.Done():
		return host.ExitInterrupted, nil
	}
}

func (h *fakeHost) Strategies(context.Context) ([]control.StrategyStatus, error) {
	return sampleStatus(), nil
}
func (h *fakeHost) Summary(exit host.Exit) host.Summary {
	s := sampleSummary(exit)
	s.UnconfirmedOrders, s.StrayOrders, s.UnaccountedInstruments = h.left, h.strayed, h.untold
	return s
}

func (h *fakeHost) SummaryAtOnce() host.Summary { return h.Summary(host.ExitInterrupted) }
func (h *fakeHost) Kill()                       {}

func sampleStatus() []control.StrategyStatus {
	found := map[string]uint64{"gap": 2, "mismatch": 1, "off_the_grid": 17, "seen_trades": 4, "outdated_quote": 900}
	return []control.StrategyStatus{
		{Name: "grid-btc", Plugin: "gridtrading", Version: "1.0.0", State: "running", PID: 4711, UptimeNs: 3_725e9,
			Restarts: 1, Events: 1_234_567, Fills: 42, TickToOrder: 12_345, Instruments: []control.InstrumentStatus{
				{Connector: "sim", Symbol: "BTCUSDT", Position: -0.1 - 0.2, BestBid: 59_999.9, BestAsk: 60_000,
					OpenOrders: 20, Fee: -1.5, RealisedPnL: 1_000, OpenPnL: -2.25, Findings: found, BadMessages: 3}}},
		{Name: "obimm", Plugin: "obimm", Version: "1.0.0", State: "failed", Reason: "5 restarts within 1m0s",
			Instruments: []control.InstrumentStatus{
				{Connector: "sim", Symbol: "BTCUSDT", BestBid: 59_999.9, BestAsk: 60_000, Findings: found},
				{Connector: "sim", Symbol: "ETHUSDT", Findings: map[string]uint64{"outdated_quote": 3}, BadMessages: 3}}},
	}
}

func sampleSummary(exit host.Exit) host.Summary {
	return host.Summary{Version: "1.2.3", UptimeNs: 20e9, Exit: exit,
		Connectors: []host.ConnectorSummary{{Name: "sim", Kind: "paper", Messages: 8_930, Events: 12_392,
			Feeds: feed.Forms([]feed.Report{{Symbol: "BTCUSDT", Depth: 8_000, Trades: 930,
				Found: [feed.NumFindings]feed.Found{feed.Gap: {N: 1,
					First: feed.Problem{Finding: feed.Gap, File: "btcusdt.gz", Line: 7, LocalNs: 1_700_000_000_000_000_000,
						What: "depth updates after 6 are missing"}}}}})}},
		Strategies: []host.StrategySummary{
			{Name: "grid-btc", Plugin: "gridtrading", Version: "1.0.0", State: "stopped", Restarts: 1,
				Events: 1_234_567, Requests: 72, Orders: 50, Fills: 8,
				Instruments: []control.InstrumentStatus{{Connector: "sim", Symbol: "BTCUSDT", Position: -0.04,
					BestBid: 60_053, BestAsk: 60_053.1,
					Fee: -0.2399, TradingVolume: 0.08, TradingValue: 4_798.5, RealisedPnL: 0.6, OpenPnL: -2.42}},
				FeedLatencyNs: host.Percentiles{P50: -1.27e9, P99: 999, P999: 1_000, Max: 10_000},
				TickToOrderNs: host.Percentiles{P50: 2_260, P99: 175e6},
				RestartGapNs:  []int64{2_040_000}},
			{Name: "idle", Plugin: "obimm", State: "stopped"}}}
}

// lockedBuffer is an output that a command's log and its last words may be written to at the same time, as to a file.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fakeRemote is a running host with one strategy.
type fakeRemote struct{ closed bool }

func (r *fakeRemote) Close() error { r.closed = true; return nil }
func (r *fakeRemote) Version(context.Context) (control.VersionInfo, error) {
	return control.VersionInfo{Version: "1.2.2", APIVersion: 1, PID: 99, Config: "other.hcl",
		StartedAt: time.Unix(1_700_000_000, 0).UTC()}, nil
}
func (r *fakeRemote) Strategies(context.Context) ([]control.StrategyStatus, error) {
	return sampleStatus(), nil
}
func (r *fakeRemote) known(name string) error {
	if name == "grid-btc" {
		return nil
	}
	return control.NewNotFoundError(name, []string{"grid-btc"})
}
func (r *fakeRemote) Start(_ context.Context, name string, _ bool) (bool, error) {
	return false, r.known(name)
}
func (r *fakeRemote) Stop(_ context.Context, name string) (bool, error) { return true, r.known(name) }
func (r *fakeRemote) Restart(_ context.Context, name string, _ bool) (control.RestartResult, error) {
	return control.RestartResult{Gap: 2 * time.Millisecond, OldPID: 1, NewPID: 2, Version: "1.0.1"}, r.known(name)
}

func (r *fakeRemote) Halt(_ context.Context, connector, symbol string) ([]control.HaltedInstrument, error) {
	if connector == "away" {
		return nil, &control.OrdersLeftError{Unaccounted: []string{"away"}}
	}
	return []control.HaltedInstrument{{Connector: "sim", Symbol: "BTCUSDT", Cause: "halted: runner halt"},
		{Connector: "sim", Symbol: "ETHUSDT", Already: true, Cause: "halted: liquidation"}}, nil
}

func (r *fakeRemote) Resume(_ context.Context, _, symbol string) ([]control.Resumption, error) {
	switch symbol {
	case "":
		return []control.Resumption{{Symbol: "BTCUSDT", Cause: "halted: liquidation"},
			{Symbol: "ETHUSDT", Cause: "halted: positions", Refused: "positions do not match by 1"}}, nil
	case "BTCUSDT":
		return []control.Resumption{{Symbol: symbol, Cause: "halted: liquidation"}}, nil
	}
	return nil, nil
}

func (r *fakeRemote) Adopt(_ context.Context, a control.Adoption) (control.AdoptResult, error) {
	if a.Strategy == "" {
		return control.AdoptResult{Unattributed: -0.3, Resumed: true}, nil
	}
	return control.AdoptResult{Qty: -a.Qty, Price: 60000.5, Position: -0.3}, r.known(a.Strategy)
}

const goodConfig = `connector "paper" "sim" {
}
strategy "grid-btc" {
  plugin = "gridtrading"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
}
`

// rig is an App with everything faked.
type rig struct {
	*App
	out, err lockedBuffer
	host     *fakeHost
	remote   *fakeRemote
	signals  chan os.Signal
	aborted  chan int
	dir      string
}

func newRig(t *testing.T, source string) *rig {
	t.Helper()
	r := &rig{host: newFakeHost(), signals: make(chan os.Signal, 2), aborted: make(chan int, 1), dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(r.dir, "runner.hcl"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	r.App = &App{Kinds: venues.Kinds(), Version: "1.2.3", Stdout: &r.out, Stderr: &r.err, Signals: r.signals,
		Abort:       func(code int) { r.aborted <- code },
		NewHost:     func(context.Context, *config.File, hclog.Logger) (Host, error) { return r.host, nil },
		PluginNames: func(string) ([]string, error) { return []string{"gridtrading", "other"}, nil },
		Describe: func(_ context.Context, _ string, names []string) (map[string]host.PluginInfo, error) {
			infos := map[string]host.PluginInfo{}
			for _, n := range names {
				infos[n] = host.PluginInfo{Name: n, Path: "/plugins/" + n, SHA256: "abc",
					Description: control.Description{Name: n, Version: "1.0.0", Doc: "does things",
						Params: []control.Param{{Name: "grid_num", Type: "int", Default: int64(10), Min: new(float64),
							Doc: "orders a side"},
							{Name: "note", Type: "string", Default: ""}}}}
			}
			return infos, nil
		},
		Dial: func(socket string) (Remote, error) {
			if r.remote == nil {
				return nil, fmt.Errorf("connect to %s: %w", socket, control.ErrNoHost)
			}
			return r.remote, nil
		},
		Bench: func(context.Context, BenchOptions) ([]BenchRow, error) {
			return []BenchRow{{Path: "there and back", Count: 1000,
				LatencyNs: host.Percentiles{P50: 210, P99: 300, P999: 1500, Max: 20_000}, RawNs: 105}}, nil
		}}
	return r
}

func (r *rig) run(args ...string) int {
	return r.Run(context.Background(), append([]string{"--config", filepath.Join(r.dir, "runner.hcl")}, args...))
}

// evilRemote has a strategy that calls itself what clears a terminal.
type evilRemote struct{ fakeRemote }

func (r *evilRemote) Strategies(context.Context) ([]control.StrategyStatus, error) {
	const evil = "\x1b[2J\u009b31mx\ny\r"
	return []control.StrategyStatus{{Name: evil, Plugin: evil, Version: evil, State: "failed", Reason: evil,
		Instruments: []control.InstrumentStatus{{Connector: evil, Symbol: evil}}}}, nil
}
func (r *evilRemote) Stop(context.Context, string) (bool, error) {
	return false, errors.New("\x1b]0;title\x07 was refused")
}

// What others say is printed without control characters.
func TestOutsideTextIsPlain(t *testing.T) {
	for _, args := range []string{"ps", "ps --output json", "stop grid-btc"} {
		r := newRig(t, goodConfig)
		r.Dial = func(string) (Remote, error) { return &evilRemote{}, nil }
		r.run(strings.Fields(args)...)
		text := r.out.String() + r.err.String()
		if text == "" || strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) && c != '\n' }) {
			t.Errorf("%s: %q", args, text)
		}
	}
}

// TestRunEndedAtOnce: Ctrl-C while the plugins are asked what they are says so, and which venues were not asked what is
// open.
func TestRunEndedAtOnce(t *testing.T) {
	venue := strings.Replace(goodConfig, "strategy ", "connector \"binancefutures\" \"bf\" {\n  network = \"testnet\"\n  api_key = \"k\"\n  secret = \"s\"\n}\n\nstrategy ", 1)
	for name, test := range map[string]struct {
		source string
		code   int
		says   string
	}{"paper": {goodConfig, ExitFailure, "before it started\n"},
		"a venue": {venue, ExitOrdersLeft, "may be open on bf"}} {
		r := newRig(t, test.source)
		ctx, cancel := context.WithCancel(context.Background())
		describe := r.Describe
		r.Describe = func(ctx context.Context, dir string, names []string) (map[string]host.PluginInfo, error) {
			cancel()
			return describe(ctx, dir, names)
		}
		code := r.Run(ctx, []string{"--config", filepath.Join(r.dir, "runner.hcl"), "run"})
		cancel()
		if code != test.code || !strings.Contains(r.err.String(), test.says) ||
			strings.Contains(r.err.String(), "context canceled") {
			t.Errorf("%s: exit code %d\n%s", name, code, r.err.String())
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   string
		source string
		change func(*rig)
		want   int
		stderr string
	}{
		{"no command", "", goodConfig, nil, ExitUsage, "no command given"},
		{"unknown command", "valdate", goodConfig, nil, ExitUsage, `did you mean "validate"?`},
		{"unknown flag", "run --durration 1s", goodConfig, nil, ExitUsage, "unknown flag: --durration"},
		{"bad duration", "run --duration 0s", goodConfig, nil, ExitUsage, "must be above 0"},
		{"bad output", "ps --output xml", goodConfig, nil, ExitUsage, "must be text or json"},
		{"bad level", "ps --log-level loud", goodConfig, nil, ExitUsage, "must be trace"},
		{"help of the command", "check-data", goodConfig, nil, ExitUsage,
			"check-data needs at least one FILE\nTry 'runner check-data --help'"},
		{"too much", "ps grid-btc", goodConfig, nil, ExitUsage, `ps takes no arguments, got "grid-btc"`},
		{"adopt nothing", "adopt sim", goodConfig, nil, ExitUsage, "adopt takes a strategy, or --none"},
		{"adopt too much", "adopt --none a sim BTCUSDT", goodConfig, nil, ExitUsage,
			"adopt --none takes a connector and a symbol"},
		{"halt nothing", "halt", goodConfig, nil, ExitUsage, "halt takes a connector, and a symbol if it is not all of it, or --all"},
		{"halt all and one", "halt sim --all", goodConfig, nil, ExitUsage, "or --all"},
		{"halt leaves orders", "halt away", goodConfig, func(r *rig) { r.remote = &fakeRemote{} }, ExitOrdersLeft,
			"orders of an earlier run may be open on away"},
		{"resume nothing", "resume", goodConfig, nil, ExitUsage,
			"resume takes a connector, and a symbol if it is not all"},
		{"resume is refused", "resume sim", goodConfig, func(r *rig) { r.remote = &fakeRemote{} }, ExitFailure,
			"ETHUSDT is still halted: positions do not match by 1"},
		{"adopt no quantity", "adopt a sim BTCUSDT x", goodConfig, nil, ExitUsage, `"x" is not a quantity`},
		{"no name", "restart", goodConfig, nil, ExitUsage, "takes the name of one strategy"},
		{"valid", "validate", goodConfig, nil, ExitOK, ""},
		{"invalid", "validate", "bogus = 1\n", nil, ExitConfig, `unknown argument "bogus"`},
		{"invalid as JSON", "validate --output json", "bogus = 1\n", nil, ExitConfig, "is not valid: 1 error"},
		{"run invalid", "run", "bogus = 1\n", nil, ExitConfig, `unknown argument "bogus"`},
		{"plugin fails", "run", goodConfig, func(r *rig) {
			r.Describe = func(context.Context, string, []string) (map[string]host.PluginInfo, error) {
				return map[string]host.PluginInfo{"gridtrading": {Err: errors.New("exec format error")}}, nil
			}
		}, ExitPluginFailed, "exec format error"},
		{"plugin ends at its start", "run", goodConfig, func(r *rig) {
			r.Describe = func(context.Context, string, []string) (map[string]host.PluginInfo, error) {
				return map[string]host.PluginInfo{"gridtrading": {Err: &control.LaunchError{Cause: control.CauseExited,
					Problem: "no licence server"}}}, nil
			}
			r.host.end <- host.ExitEndOfData
		}, ExitOK, "no licence server"},
		{"plugin unknown", "run", strings.Replace(goodConfig, `"gridtrading"`, `"gridtradin"`, 1), nil, ExitConfig,
			`did you mean "gridtrading"?`},
		{"strategy does not start", "run", goodConfig, func(r *rig) {
			r.host.err = &host.StartError{Strategy: "grid-btc", Err: errors.New("refused")}
		}, ExitPluginFailed, "strategy grid-btc: refused"},
		{"connector fails", "run", goodConfig, func(r *rig) { r.host.err = errors.New("feed broke") }, ExitFailure,
			"feed broke"},
		{"connector fails with orders open", "run", goodConfig, func(r *rig) {
			r.host.err, r.host.left = errors.New("feed broke"),
				[]control.OpenOrder{{Strategy: "grid-btc", Connector: "sim"}}
		}, ExitOrdersLeft, "check at the venue\nfeed broke"},
		{"connector fails, an earlier run's orders not told", "run", goodConfig, func(r *rig) {
			r.host.err, r.host.untold = errors.New("feed broke"), []string{"sim BTCUSDT"}
		}, ExitOrdersLeft,
			"may be open on sim BTCUSDT, the venue has not reported them: check at the venue\nfeed broke"},
		{"an earlier run's orders not told", "run", goodConfig, func(r *rig) {
			r.host.untold = []string{"sim BTCUSDT"}
			r.host.end <- host.ExitEndOfData
		}, ExitOrdersLeft, "may be open on sim BTCUSDT"},
		{"orders of a strategy that is not in the file", "run", goodConfig, func(r *rig) {
			r.host.strayed = []control.OpenOrder{{Connector: "sim"}}
			r.host.end <- host.ExitEndOfData
		}, ExitOrdersLeft, "1 order left open"},
		{"ends with an error", "run", goodConfig, func(r *rig) { r.host.end <- host.ExitError }, ExitFailure,
			"see the log"},
		{"end of data", "run", goodConfig, func(r *rig) { r.host.end <- host.ExitEndOfData }, ExitOK, ""},
		{"summary not writable", "run --summary /nonexistent/x.json", goodConfig, nil, ExitFailure,
			"create the summary"},
		{"no host", "ps", goodConfig, nil, ExitNoHost, "no host is running at state/runner.sock"},
		{"no host at a socket", "stop grid-btc --socket /tmp/x.sock", goodConfig, nil, ExitNoHost, "/tmp/x.sock"},
		{"unknown strategy", "stop gridbtc", goodConfig, func(r *rig) { r.remote = &fakeRemote{} }, ExitUsage,
			`did you mean "grid-btc"?`},
		{"strategy of no such name", "stop xyz", goodConfig, func(r *rig) { r.remote = &fakeRemote{} }, ExitUsage,
			`no strategy "xyz"; there are grid-btc, obimm`},
		{"ps despite a bad file", "ps", "runner {\n  state_dir = \"s\"\n}\nbogus = 1\n", nil, ExitNoHost,
			"s/runner.sock"},
		{"version without host", "version", goodConfig, nil, ExitOK, ""},
		{"no plugin folder", "plugins", goodConfig, func(r *rig) {
			r.PluginNames = func(string) ([]string, error) { return nil, errors.New("no such folder") }
		}, ExitFailure, "set plugin_dir"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.source)
			if c.change != nil {
				c.change(r)
			}
			if got := r.run(strings.Fields(c.args)...); got != c.want {
				t.Errorf("exit code %d, want %d; stderr:\n%s", got, c.want, r.err.String())
			}
			if !strings.Contains(r.err.String(), c.stderr) {
				t.Errorf("no %q in stderr:\n%s", c.stderr, r.err.String())
			}
		})
	}
}

func TestRunInterrupted(t *testing.T) {
	r := newRig(t, goodConfig)
	go func() { <-r.host.started; r.signals <- syscall.SIGINT }()
	if code := r.run("run"); code != ExitOK || !strings.Contains(r.out.String(), "ended: interrupted") {
		t.Errorf("exit code %d, output:\n%s", code, r.out.String())
	}
}

func TestRunInterruptedTwice(t *testing.T) {
	r := newRig(t, goodConfig)
	stuck := make(chan struct{})
	r.NewHost = func(context.Context, *config.File, hclog.Logger) (Host, error) { return stuckHost{r.host, stuck}, nil }
	go func() {
		<-r.host.started
		r.interruptTwice()
	}()
	done := make(chan struct{})
	go func() { defer close(done); r.run("run") }()
	if code := <-r.aborted; code != ExitOrdersLeft {
		t.Errorf("aborted with %d", code)
	}
	close(stuck)
	<-done
}

// interruptTwice sends what ends a command at once.
func (r *rig) interruptTwice() {
	r.signals <- syscall.SIGINT
	time.Sleep(echoes + 50*time.Millisecond)
	r.signals <- syscall.SIGINT
}

// One request to end may bring several signals: a closed terminal a hangup of the kernel and one of the shell, at any
// time, timeout(1) two of the same at a time. None of them ends a run at once.
func TestRunInterruptedOnceBySeveralSignals(t *testing.T) {
	for name, send := range map[string]func(chan<- os.Signal){
		"timeout": func(c chan<- os.Signal) { c <- syscall.SIGTERM; c <- syscall.SIGTERM; c <- syscall.SIGTERM },
		"closed terminal": func(c chan<- os.Signal) {
			c <- syscall.SIGHUP
			time.Sleep(echoes + 50*time.Millisecond)
			c <- syscall.SIGHUP
		},
		"closed terminal after Ctrl-C": func(c chan<- os.Signal) {
			c <- syscall.SIGINT
			time.Sleep(echoes + 50*time.Millisecond)
			c <- syscall.SIGHUP
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, goodConfig)
			r.signals = make(chan os.Signal) // a signal that was sent has been looked at, but for the last
			r.Signals = r.signals
			stuck := make(chan struct{})
			r.NewHost = func(context.Context, *config.File, hclog.Logger) (Host, error) { return stuckHost{r.host, stuck}, nil }
			go func() {
				<-r.host.started
				send(r.signals)
				r.signals <- syscall.SIGHUP
				close(stuck)
			}()
			if code := r.run("run"); code != ExitOK || !strings.Contains(r.out.String(), "ended: interrupted") {
				t.Errorf("exit code %d, output:\n%s", code, r.out.String())
			}
			select {
			case code := <-r.aborted:
				t.Errorf("aborted with %d", code)
			default:
			}
		})
	}
}

// A second runner with the same state folder says so, and has no summary of a run that there was not.
func TestRunWhereOneRuns(t *testing.T) {
	r := newRig(t, goodConfig)
	r.host.err = fmt.Errorf("listen on state/runner.sock: %w: stop it first", control.ErrHostRunning)
	if code := r.run("run"); code != ExitFailure || r.out.String() != "" ||
		!strings.Contains(r.err.String(), "a host is already running: stop it first") {
		t.Errorf("exit code %d, output:\n%s%s", code, r.out.String(), r.err.String())
	}
}

// stuckHost does not stop when it is told to.
type stuckHost struct {
	*fakeHost
	stuck chan struct{}
}

func (h stuckHost) Run(context.Context) (host.Exit, error) {
	h.once.Do(func() { close(h.started) })
	<-h.stuck
	return host.ExitInterrupted, nil
}

func TestRunForADuration(t *testing.T) {
	r := newRig(t, goodConfig)
	path := filepath.Join(r.dir, "summary.json")
	if code := r.run("run", "--duration", "20ms", "--summary", path, "--output", "json"); code != ExitOK {
		t.Fatalf("exit code %d: %s", code, r.err.String())
	}
	fromFile, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fromFile, []byte(r.out.String())) {
		t.Errorf("the file and the output differ:\n%s\n%s", fromFile, r.out.String())
	}
	var s host.Summary
	if err := json.Unmarshal(fromFile, &s); err != nil || s.Exit != host.ExitDuration {
		t.Errorf("exit %q, %v", s.Exit, err)
	}
	if strings.Contains(string(fromFile), "null") {
		t.Errorf("null where a list belongs:\n%s", fromFile)
	}
}

// What people and programs read, as golden files.
func TestGolden(t *testing.T) {
	for name, args := range map[string]string{
		"ps": "ps", "ps.json": "ps --output json", "validate": "validate", "plugins": "plugins",
		"plugins.json": "plugins --output json",
		"start":        "start grid-btc", "stop": "stop grid-btc", "restart": "restart grid-btc",
		"restart.json": "restart grid-btc --output json",
		"adopt":        "adopt grid-btc sim BTCUSDT 0.3", "adopt.json": "adopt --none sim BTCUSDT --output json",
		"halt": "halt --all", "halt.json": "halt sim --output json",
		"resume": "resume sim BTCUSDT", "resume.json": "resume sim BTCUSDT --output json",
		"resume.none": "resume sim XRPUSDT",
		"bench":       "bench", "bench.json": "bench --output json", "summary": "run", "summary.json": "run --output json",
		"help": "--help",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, goodConfig)
			r.remote = &fakeRemote{}
			r.host.end <- host.ExitEndOfData
			if code := r.run(strings.Fields(args)...); code != ExitOK {
				t.Fatalf("exit code %d: %s", code, r.err.String())
			}
			got := strings.ReplaceAll(r.out.String(), r.dir, "DIR")
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := errors.Join(os.MkdirAll("testdata", 0o755),
					os.WriteFile(golden, []byte(got), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v; run the test with -update", err)
			}
			if got != string(want) {
				t.Errorf("differs from %s; run the test with -update if that is right. Got:\n%s", golden, got)
			}
		})
	}
}

func TestVersionOfARunningHost(t *testing.T) {
	r := newRig(t, goodConfig)
	r.remote = &fakeRemote{}
	if code := r.run("version"); code != ExitOK || !strings.Contains(r.out.String(),
		"host 1.2.2 (strategy API 1), process 99, other.hcl") {
		t.Errorf("exit code %d, output:\n%s", code, r.out.String())
	}
	if !r.remote.closed {
		t.Error("the connection was left open")
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{whole(0), "0"}, {whole(999), "999"}, {whole(-1000), "-1,000"},
		{whole(uint64(math.MaxUint64)), "18,446,744,073,709,551,615"},
		{decimal(0.1 + 0.2), "0.3"}, {decimal(-1e-12), "0"}, {decimal(1234567.5), "1,234,567.5"},
		{decimal(math.NaN()), none},
		{money(0), "0"}, {money(-0.00001), "0"}, {money(0.5), "+0.5000"}, {money(-1234.567), "-1,234.57"},
		{amount(12), "12.00"},
		{latency(0), none}, {latency(999), "999 ns"}, {latency(1_000), "1.00 µs"}, {latency(-12_340_000), "-12.3 ms"},
		{latency(2_000_000_000), "2.00 s"},
		{uptime(59.9e9), "59s"}, {uptime(61e9), "1m01s"}, {uptime(3_725e9), "1h02m"}, {mid(0, 1), none},
		{mid(1, 2), "1.5"},
		{count(1, "strategy"), "1 strategy"}, {count(2, "strategy"), "2 strategies"}, {count(0, "error"), "0 errors"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// The terminal's lines stay at the bottom: what was shown is erased before anything is printed.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := &screen{terminal: &out, width: func() int { return 10 }}
	s.Show([]string{"one", "a line that is too long"})
	for _, part := range []string{"half a ", "log line\nnext"} {
		if _, err := s.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	s.Show([]string{"two"})
	s.Clear()
	want := "one\na line t…\n" +
		"\x1b[2A\r\x1b[Jhalf a log line\none\na line t…\n" +
		"\x1b[2A\r\x1b[Jtwo\n" +
		"\x1b[1A\r\x1b[J"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

// Without a terminal there is one line for all strategies, a minute apart.
func TestStatusIsLogged(t *testing.T) {
	var out bytes.Buffer
	hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true}).Info("status", statusPairs(sampleStatus())...)
	if got := strings.Count(out.String(), "\n"); got != 1 || statusEvery < time.Minute {
		t.Errorf("%d lines each %v:\n%s", got, statusEvery, out.String())
	}
	want := `[INFO]  status: running="1 of 2" events=1234567 open_orders=20 fills=42 net_pnl="+999.25" not_running="obimm failed" feeds="sim BTCUSDT: gap 2, mismatch 1, off the grid 17, seen trades 4; sim: 3 bad messages"` + "\n"
	if out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
}

// TestPositionLines: instruments that are halted, mismatches and what belongs to no strategy are named once.
func TestPositionLines(t *testing.T) {
	in := control.InstrumentStatus{Connector: "live", Symbol: "BTCUSDT", TradingState: "halted",
		TradingReason: "halted: positions do not match", Mismatch: -0.8, Unattributed: 0.5}
	st := control.StrategyStatus{Instruments: []control.InstrumentStatus{in, {Connector: "live", Symbol: "ETHUSDT"}}}
	want := []string{"live BTCUSDT: halted: positions do not match; -0.8 of the account's position cannot be explained; " +
		"0.5 belongs to no strategy"}
	if got := positionLines([]control.StrategyStatus{st, st}); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func Example() {
	app := &App{Version: "1.0.0", Stdout: os.Stdout, Stderr: os.Stderr,
		Dial: func(string) (Remote, error) { return &fakeRemote{}, nil }}
	code := app.Run(context.Background(), []string{"restart", "grid-btc", "--socket", "state/runner.sock"})
	fmt.Println("exit code", code)
	// Output:
	// grid-btc restarted: version 1.0.1, process 2 after 1, gap 2.00 ms
	// exit code 0
}

// validate --schema needs no configuration.
func TestValidateSchema(t *testing.T) {
	r := newRig(t, "no { configuration")
	if code := r.run("validate", "--schema"); code != ExitOK || !json.Valid([]byte(r.out.String())) ||
		!strings.Contains(r.out.String(), `"plugin_dir"`) {
		t.Errorf("exit code %d: %s%s", code, &r.out, &r.err)
	}
}
