package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/ipc"
)

// The strategies of these tests are this test binary under other names: TestMain serves the plugin that the name says.
func TestMain(m *testing.M) {
	if serve, ok := testPlugins[filepath.Base(os.Args[0])]; ok {
		serve()
	}
	if config := os.Getenv(attachedProgramEnv); config != "" {
		runAttached(config)
	}
	os.Exit(m.Run())
}

// patience is the time that a test waits for what must come.
const patience = 2 * time.Minute

// rig is a host with paper markets and real strategy processes.
type rig struct {
	t    testing.TB
	host *host.Host
	cfg  host.Config
	stop context.CancelFunc

	done chan struct{}
	exit host.Exit
	err  error
}

// newConfig returns a configuration with one paper connector "sim" on a synthetic market.
func newConfig(t testing.TB, speed float64, length time.Duration) host.Config {
	t.Helper()
	source, err := paper.NewSynthetic(paper.SyntheticConfig{Seed: 7, StartNs: 1_700_000_000_000_000_000, Duration: length})
	if err != nil {
		t.Fatal(err)
	}
	sim, err := paper.New(paper.Config{Source: source, Speed: speed, Exchange: paper.Exchange{
		OrderLatency: time.Millisecond, ResponseLatency: time.Millisecond, MakerFee: -0.00005, TakerFee: 0.0007}})
	if err != nil {
		t.Fatal(err)
	}
	// A socket's path has to be short, so not t.TempDir.
	dir, err := os.MkdirTemp("", "hft")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cfg := host.Config{Version: "test", PluginDir: filepath.Join(dir, "plugins"), StateDir: filepath.Join(dir, "state"),
		Journal: host.Journal{RingBytes: 1 << 20}, // the default takes longer to make than all the rest of a short run
		Supervision: host.Supervision{StartTimeout: patience, StopTimeout: 30 * time.Second, HeartbeatTimeout: 30 * time.Second,
			BackoffMin: 10 * time.Millisecond, BackoffMax: 100 * time.Millisecond, CrashLoopRestarts: 5, CrashLoopWindow: time.Minute},
		Connectors: []host.ConnectorConfig{{Name: "sim", Kind: "paper", Connector: sim}}}
	if err := os.Mkdir(cfg.PluginDir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name := range testPlugins {
		installPlugin(t, cfg.PluginDir, name)
	}
	return cfg
}

// installPlugin copies this test binary into the directory under a plugin's name, complete at once.
func installPlugin(t testing.TB, dir, name string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Link(self, filepath.Join(dir, name)); err == nil {
		return
	}
	copyFile(t, self, filepath.Join(dir, name), 0)
}

// copyFile copies a program by way of a temporary name, with extra bytes at its end.
func copyFile(t testing.TB, from, to string, extra int) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	tmp := filepath.Join(filepath.Dir(to), ".new-"+filepath.Base(to))
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err == nil {
		_, err = out.Write(make([]byte, extra))
	}
	if err := errors.Join(err, out.Close(), os.Rename(tmp, to)); err != nil {
		t.Fatal(err)
	}
}

// strategyOf returns a strategy block on BTCUSDT; params is marshalled.
func strategyOf(name, plugin string, params any, symbols ...string) host.StrategyConfig {
	raw, err := json.Marshal(params)
	if err != nil {
		panic(err)
	}
	if len(symbols) == 0 {
		symbols = []string{"BTCUSDT"}
	}
	cfg := host.StrategyConfig{Name: name, Plugin: plugin, Params: raw, Wait: ipc.WaitAdaptive, OnExit: host.CancelOrders,
		OnChange: host.RestartOnChange, Position: host.StrategyPosition}
	for _, s := range symbols {
		tick := 0.1
		if s == "ETHUSDT" {
			tick = 0.01
		}
		cfg.Instruments = append(cfg.Instruments, host.InstrumentConfig{Connector: "sim", Symbol: s, TickSize: tick,
			LotSize: 0.001, Depth: "window", LastTrades: 100})
	}
	return cfg
}

// start runs a host of cfg; it ends with the test.
func start(t testing.TB, cfg host.Config) *rig {
	t.Helper()
	level := hclog.Warn
	if testing.Verbose() {
		level = hclog.Debug
	}
	return startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Name: t.Name(), Level: level, Output: testWriter{t}}))
}

// startLogged is start with a log of the test's own.
func startLogged(t testing.TB, cfg host.Config, logger hclog.Logger) *rig {
	t.Helper()
	h, err := host.New(cfg, logger)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &rig{t: t, host: h, cfg: cfg, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.exit, r.err = h.Run(ctx)
	}()
	t.Cleanup(func() { r.end() })
	return r
}

// testWriter sends the host's log to the test's.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}

// end stops the host in order and returns the summary.
func (r *rig) end() host.Summary {
	r.stop()
	return r.await()
}

// await waits for the host's own end.
func (r *rig) await() host.Summary {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(patience):
		r.t.Fatal("the host does not end")
	}
	return r.host.Summary(r.exit)
}

// status returns the state of a strategy.
func (r *rig) status(name string) control.StrategyStatus {
	r.t.Helper()
	list, err := r.host.Strategies(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range list {
		if s.Name == name {
			return s
		}
	}
	r.t.Fatalf("no strategy %s", name)
	return control.StrategyStatus{}
}

// until waits until a strategy's state satisfies cond.
func (r *rig) until(name, what string, cond func(control.StrategyStatus) bool) control.StrategyStatus {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		s := r.status(name)
		if cond(s) {
			return s
		}
		select {
		case <-r.done:
			r.t.Fatalf("the host ended (%s, %v) before %s: %s", r.exit, r.err, name, what)
		default:
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not in time: %s; it is %+v", name, what, s)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func running(s control.StrategyStatus) bool { return s.State == "running" }

// alive reports whether a process exists.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
