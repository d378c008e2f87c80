package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	_ "github.com/hftrunner/hftrunner/pluginapi" // of the plugins that are built here: a kept result is not of another one
	"github.com/hftrunner/hftrunner/runner/internal/cli"
)

// built holds the directory of the runner and the example plugins, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// build builds the runner and the example plugins as make does and returns their directory.
func build(t *testing.T) (bin, root string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "built"); built.err != nil {
			return
		}
		plugins := filepath.Join(built.dir, "plugins")
		built.err = os.Mkdir(plugins, 0o755)
		for to, from := range map[string]string{built.dir: "./cmd/runner", plugins: "./plugins/examples/..."} {
			built.err = errors.Join(built.err, goBuild(root, to+string(filepath.Separator), from))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir, root
}

// goBuild builds programs without what a debugger needs, which is quicker.
func goBuild(dir, to, from string, flags ...string) error {
	c := exec.Command("go", append(append([]string{"build", "-ldflags=-s -w", "-o", to}, flags...), from)...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", from, err, out)
	}
	return nil
}

// testPlugins holds the directory of the program with the plugins of these tests, built once. It is a program of
// its own as hosts copy plugins and take their checksums, and the test binary is large.
var testPlugins struct {
	once sync.Once
	dir  string
	err  error
}

// testPlugin builds the program of testdata/plugins, which is each plugin by its name, and returns its path.
func testPlugin(t *testing.T) string {
	t.Helper()
	const source = "testdata/plugins"
	testPlugins.once.Do(func() {
		if testPlugins.dir, testPlugins.err = os.MkdirTemp("", "plugins"); testPlugins.err != nil {
			return
		}
		_, testPlugins.err = os.ReadDir(source) // so that go test does not take a result for one of other sources
		testPlugins.err = errors.Join(testPlugins.err, goBuild(source, filepath.Join(testPlugins.dir, "plugin"), ".", raceFlags()...))
	})
	if testPlugins.err != nil {
		t.Fatal(testPlugins.err)
	}
	return filepath.Join(testPlugins.dir, "plugin")
}

// runExampleFor runs an example for a short time and, when what has to happen has not happened in it, for a long one.
func runExampleFor(t *testing.T, happened func(*host.Summary) bool, args ...string) host.Summary {
	t.Helper()
	var s host.Summary
	for _, duration := range []string{"3s", "10s", "40s"} {
		if s, _ = runExample(t, append(args, "--duration", duration)...); happened(&s) {
			break
		}
	}
	return s
}

// runExample runs the built runner in the root of the repository, as a user would, and returns its summary.
func runExample(t *testing.T, args ...string) (host.Summary, map[string]any) {
	t.Helper()
	bin, root := build(t)
	state, err := os.MkdirTemp("", "runner") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	path := filepath.Join(t.TempDir(), "summary.json")
	c := exec.Command(filepath.Join(bin, "runner"), append([]string{"run", "--log-level", "warn", "--summary", path}, args...)...)
	c.Dir = root
	c.Env = append(os.Environ(), "RUNNER_PLUGIN_DIR="+filepath.Join(bin, "plugins"), "RUNNER_STATE_DIR="+state, "REPLAY_SPEED=max")
	if out, err := c.CombinedOutput(); err != nil && c.ProcessState.ExitCode() != cli.ExitGivenUp { // which the summary says, too
		t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s host.Summary
	var keys map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	return s, keys
}

// onlyLong passes over what takes long unless HFTRUNNER_LONG is set.
func onlyLong(t *testing.T) {
	t.Helper()
	if os.Getenv("HFTRUNNER_LONG") == "" {
		t.Skip("a long test: set HFTRUNNER_LONG=1")
	}
}

// A recording through decoder, book, shared memory and a strategy process to fills; it ends by itself.
func TestReplayExample(t *testing.T) {
	t.Run("sample", func(t *testing.T) {
		dir := sampletest.Dir(t)
		replayExample(t, dir, uint64(sampletest.Lines(t, "binancefutures", "BTCUSDT")))
	})
	t.Run("recorded", func(t *testing.T) {
		onlyLong(t)
		path := datatest.Recording(t, "binancefutures", "btcusdt_20240808.gz")
		replayExample(t, filepath.Dir(filepath.Dir(path)), 500_000)
	})
}

func replayExample(t *testing.T, data string, minEvents uint64) {
	t.Setenv("HFTRUNNER_DATA", data)
	s, keys := runExample(t, "--config", "examples/replay.hcl")
	st := s.Strategies[0]
	if s.Exit != host.ExitEndOfData || st.State != "ended" || st.LostEvents != 0 || st.Fills == 0 || st.Events < minEvents {
		t.Errorf("exit %s, strategy %+v", s.Exit, st)
	}
	if got := s.Connectors[0]; got.Events < minEvents || got.Gaps != 0 || got.BadMessages != 0 {
		t.Errorf("connector %+v", got)
	}
	checkKeys(t, keys)
}

// checkKeys: the keys of the summary are an interface that other programs read.
func checkKeys(t *testing.T, summary map[string]any) {
	t.Helper()
	first := func(m map[string]any, key string) map[string]any {
		list, ok := m[key].([]any)
		if !ok || len(list) == 0 {
			t.Fatalf("%s is no list with something in it: %v", key, m[key])
		}
		return list[0].(map[string]any)
	}
	strategy := first(summary, "strategies")
	for _, c := range []struct {
		what string
		got  map[string]any
		want string
	}{
		{"summary", summary, "connectors exit strategies stray_orders unconfirmed_orders uptime_ns version"},
		{"connector", first(summary, "connectors"), "bad_messages events feeds gaps kind messages name reconnects stopped_streams"},
		{"strategy", strategy, "events feed_latency_ns fills instruments lost_events name orders plugin rejects requests restart_gap_ns " +
			"restarts resyncs state tick_to_order_ns version"},
		{"instrument", first(strategy, "instruments"), "best_ask best_bid connector fee open_orders open_pnl position realised_pnl symbol " +
			"trading_value trading_volume"},
		{"latency", strategy["tick_to_order_ns"].(map[string]any), "max p50 p99 p999"},
	} {
		var keys []string
		for k := range c.got {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("keys of %s:\n got %s\nwant %s", c.what, got, c.want)
		}
	}
}

// The configuration of make run. With HFTRUNNER_LONG it runs long enough for every strategy to have fills.
func TestMainExample(t *testing.T) {
	long := os.Getenv("HFTRUNNER_LONG") != ""
	s := runExampleFor(t, func(s *host.Summary) bool {
		return !slices.ContainsFunc(s.Strategies, func(st host.StrategySummary) bool { return st.Orders == 0 || long && st.Fills == 0 })
	})
	if s.Exit != host.ExitDuration || len(s.Strategies) != 2 {
		t.Fatalf("exit %s, %d strategies", s.Exit, len(s.Strategies))
	}
	for _, st := range s.Strategies {
		if st.State != "stopped" || st.Restarts != 0 || st.Orders == 0 || st.Events == 0 || long && st.Fills == 0 {
			t.Errorf("%+v", st)
		}
	}
}
