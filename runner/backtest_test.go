package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// backtestConfig is a backtest of the plugin join over day.gz.
const backtestConfig = `
connector "paper" "sim" {
}
strategy "a" {
  plugin = "join"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    order_qty = 0.01
    interval  = "12ms"
  }
  backtest {
    data "BTCUSDT" {
      files  = "day.gz"
      format = "binancefutures"
    }
  }
}
`

// sweepOf are the flags of a sweep of n runs, one after the other.
func sweepOf(n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%.3f", 0.001*float64(i+1))
	}
	return []string{"backtest", "--set", "order_qty=" + strings.Join(values, ","), "--out", "results", "--jobs", "1"}
}

func newBacktestWorkspace(t *testing.T) *workspace {
	w := newWorkspace(t, backtestConfig)
	if err := os.WriteFile(filepath.Join(w.dir, "day.gz"), gzipped(sampleLines(t, 2500)), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// finished are the descriptions of finished runs by path.
func (w *workspace) finished() map[string]string {
	w.t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.dir, "results", "a", "*", "job.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	texts := map[string]string{}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			w.t.Fatal(err)
		}
		texts[p] = string(text)
	}
	return texts
}

// startedSweep starts a sweep and waits until some of its runs are finished.
func (w *workspace) startedSweep(n int) (*exec.Cmd, fmt.Stringer) {
	w.t.Helper()
	cmd, out := w.runner(sweepOf(n)...)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); len(w.finished()) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("no run finishes:\n%s", out)
		}
	}
	return cmd, out
}

func (w *workspace) backtestSummary() (s batch.Summary) {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "results", "summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// resumed continues a sweep of n runs of which some are finished, and checks that those are left as they are.
func (w *workspace) resumed(n int) {
	w.t.Helper()
	before := w.finished()
	if len(before) == 0 || len(before) >= n {
		w.t.Fatalf("%d of %d runs were finished, so there is nothing to see", len(before), n)
	}
	again, out := w.runner("backtest", "--resume", "results")
	if err := again.Run(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	after := w.finished()
	if len(after) != n || !strings.Contains(out.String(), fmt.Sprintf("%d runs finished before and unchanged", len(before))) {
		w.t.Errorf("%d of %d finished:\n%s", len(after), n, out)
	}
	for path, text := range before {
		if after[path] != text {
			w.t.Errorf("%s was written again", path)
		}
	}
	s := w.backtestSummary()
	if s.Interrupted || s.Jobs.Resumed != len(before) || s.Jobs.Finished != n || len(s.Results) != n {
		w.t.Errorf("%+v", s.Jobs)
	}
}

// Ctrl-C: what is finished stays and is reported, the command to continue is printed, and it does the rest.
func TestBacktestInterrupted(t *testing.T) {
	t.Parallel()
	w := newBacktestWorkspace(t)
	cmd, out := w.startedSweep(60)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"interrupted; a second Ctrl-C or SIGTERM forces exit", "continue with: runner backtest --resume results", "STRATEGY", "not done", "report.html"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if s := w.backtestSummary(); !s.Interrupted || s.Jobs.Finished < 2 || s.Jobs.Finished+s.Jobs.Interrupted != 60 {
		t.Errorf("%+v", s.Jobs)
	}
	w.resumed(60)
}

// A second Ctrl-C while a sweep cannot end, as nobody reads what it says: what strategies have started ends, too.
func TestSweepEndedAtOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("who started a process is found on Linux only")
	}
	t.Parallel()
	w := newWorkspace(t, strings.NewReplacer(`"join"`, `"ladder"`, `interval  = "12ms"`, "orders = 1\n    child = true").Replace(backtestConfig))
	w.write("day.gz", string(gzipped(sampleLines(t, 500))))
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd, out := w.runner(append(sweepOf(400), "--output", "json")...) // which says more than a pipe holds
	cmd.Stdout = pipe
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var children []int
	within(t, "a run is finished and the strategy has left a child", out, func() bool {
		for _, pid := range childrenOf(t, cmd.Process.Pid) {
			children = append(children, childrenOf(t, pid)...)
		}
		return len(children) > 0 && len(w.finished()) > 0
	})
	fill(pipe)
	for before := -1; before != len(w.finished()); time.Sleep(time.Second) { // until it stands still
		before = len(w.finished())
	}
	if code := w.signalTwice(cmd, func() {}); code != 1 || !strings.Contains(out.String(), "forced exit; finished runs are kept") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	defer func() {
		for _, pid := range children { // of a failed test
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}()
	for _, pid := range children {
		within(t, "the child is gone", out, func() bool { return !alive(pid) })
	}
}

// kill -9: finished runs are whole, whatever was being written.
func TestBacktestKilled(t *testing.T) {
	onlyLong(t)
	t.Parallel()
	w := newBacktestWorkspace(t)
	cmd, _ := w.startedSweep(60)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, as told
	w.resumed(60)
}

// The example of the README: two strategies over recordings, with fills, figures and a report.
func TestBacktestExample(t *testing.T) {
	t.Run("sample", func(t *testing.T) { backtestExample(t, sampletest.Dir(t), 38_976) })
	t.Run("recorded", func(t *testing.T) {
		onlyLong(t)
		backtestExample(t, filepath.Dir(filepath.Dir(datatest.Recording(t, "binancefutures", "btcusdt_20240808.gz"))), 569_412)
	})
}

func backtestExample(t *testing.T, data string, rows int64) {
	t.Parallel()
	bin, root := build(t)
	dir := t.TempDir()
	c := exec.Command(os.Args[0])
	c.Args = []string{"runner", "backtest", "--config", "examples/backtest.hcl", "--out", filepath.Join(dir, "results")}
	c.Dir = root
	c.Env = append(os.Environ(), "RUNNER_PLUGIN_DIR="+filepath.Join(bin, "plugins"), "RUNNER_STATE_DIR="+filepath.Join(dir, "state"), "HFTRUNNER_DATA="+data)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := (&workspace{t: t, dir: dir}).backtestSummary()
	if len(s.Results) != 2 || s.Jobs.Finished != 2 {
		t.Fatalf("%+v\n%s", s.Jobs, out)
	}
	for _, r := range s.Results {
		if sr, ok := r.Stats.Value("SR"); !ok || sr == 0 || r.Counts.Fills == 0 || r.Jobs[0].Data[0].Rows != rows {
			t.Errorf("%+v", r)
		}
		for _, a := range r.Jobs[0].Result.Assets {
			if a.Counts.Submits == 0 || a.FeedLatency.Count == 0 || a.RoundTrip.P50Ns == 0 {
				t.Errorf("%s: %+v", r.Strategy, a)
			}
		}
	}
	if len(s.Results[1].Assets) != 2 {
		t.Errorf("figures of %d instruments", len(s.Results[1].Assets))
	}
}
