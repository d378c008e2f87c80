package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/internal/control"
)

// backtestConfig has a strategy with two days of data.
const backtestConfig = `connector "paper" "sim" {
}
strategy "grid-btc" {
  plugin = "gridtrading"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    grid_num = 5
  }
  backtest {
    book_size  = 1000
    data_check = "off"
    data "BTCUSDT" {
      files = "DIR/day_*.npz"
    }
  }
}
`

// fakeExecutors run jobs that gain grid_num a day, or wait for the end.
type fakeExecutors struct {
	closed bool
	// hang, when not nil, gets each job's name; the job then waits for its context.
	hang chan string
	// deaf: it does not even listen to its context until release is closed.
	release chan struct{}
}

func (f *fakeExecutors) NewExecutor() batch.Executor { return fakeExecutor{f} }
func (f *fakeExecutors) Close() error                { f.closed = true; return nil }

type fakeExecutor struct{ *fakeExecutors }

func (fakeExecutor) Close() error { return nil }

func (f fakeExecutor) Run(ctx context.Context, job *batch.Job, _ *backtest.Spec, _ io.Writer,
	update func(control.BacktestUpdate) error) error {
	if f.hang != nil {
		f.hang <- job.Name()
		if f.release != nil {
			<-f.release
		}
		<-ctx.Done()
		return ctx.Err()
	}
	var params struct {
		GridNum float64 `json:"grid_num"`
	}
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return err
	}
	if params.GridNum == 13 {
		return errors.New("thirteen brings bad luck\nwith a trace")
	}
	day := int64(1_700_006_400e9)
	if strings.HasSuffix(job.Part, "16") {
		day += 24 * 3600e9
	}
	var rows []backtest.RecordRow
	for n := range int64(5) {
		rows = append(rows, backtest.RecordRow{Record: backtest.Record{TimestampNs: day + n*10e9, Price: 100,
			Balance: params.GridNum * float64(n*n), NumTrades: n}})
	}
	result, err := json.Marshal(backtest.Result{End: backtest.EndOfData, StartNs: day, EndNs: day + 40e9,
		Assets: []backtest.AssetResult{{Symbol: "BTCUSDT", Counts: backtest.Counts{Submits: 7, Fills: 4}}}})
	if err != nil {
		return err
	}
	return update(control.BacktestUpdate{Records: backtest.AppendRows(nil, rows), Result: result})
}

func newBacktestRig(t *testing.T) (*rig, *fakeExecutors) {
	r := newRig(t, "")
	for _, name := range []string{"day_20231115.npz", "day_20231116.npz"} {
		w, err := npy.Create[hft.Event](filepath.Join(r.dir, name), npy.EventDtype(), 0)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	source := strings.ReplaceAll(backtestConfig, "DIR", r.dir)
	if err := os.WriteFile(filepath.Join(r.dir, "runner.hcl"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fakeExecutors{}
	r.NewExecutors = func(string) Executors { return f }
	r.Now = func() time.Time { return time.Unix(1_800_000_000, 0) }
	r.Environ = append(r.Environ, "RUNNER_STATE_DIR="+filepath.Join(r.dir, "state"))
	return r, f
}

// What people read of a sweep: each run, the table with the best first, the failures.
func TestBacktestGolden(t *testing.T) {
	r, f := newBacktestRig(t)
	if code := r.run("backtest", "--set", "grid_num=5,13,10", "--jobs", "1", "--sort", "Return"); code != ExitFailure ||
		!f.closed {
		t.Fatalf("exit code %d: %s", code, r.err.String())
	}
	got := strings.ReplaceAll(r.out.String(), r.dir, "DIR")
	golden := filepath.Join("testdata", "backtest.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
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
	if !strings.Contains(r.err.String(), "2 of 6 runs failed") {
		t.Errorf("stderr: %s", r.err.String())
	}
}

// The summary's keys are an interface that other programs read.
func TestBacktestJSON(t *testing.T) {
	r, _ := newBacktestRig(t)
	if code := r.run("backtest", "--output", "json"); code != ExitOK {
		t.Fatalf("exit code %d: %s", code, r.err.String())
	}
	var kinds []string
	var last map[string]any
	for line := range strings.Lines(r.out.String()) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		kinds = append(kinds, fmt.Sprint(last["event"]))
	}
	if kinds[0] != "start" || !slices.Contains(kinds, "job_end") || kinds[len(kinds)-1] != "summary" {
		t.Errorf("events %v", kinds)
	}
	summary := last["summary"].(map[string]any)
	result := summary["results"].([]any)[0].(map[string]any)
	for _, c := range []struct {
		what string
		got  map[string]any
		want string
	}{
		{"summary", summary, "created_at dir interrupted jobs results version"},
		{"jobs", summary["jobs"].(map[string]any), "failed finished interrupted resumed skipped total"},
		{"result", result, "assets counts jobs params parts plugin set stats strategy"},
		{"stats", result["stats"].(map[string]any), "end end_ns figures start start_ns uneven"},
		{"part", result["parts"].([]any)[1].(map[string]any), "part stats"},
		{"job", result["jobs"].([]any)[0].(map[string]any),
			"data error folder name part result resumed seconds status"},
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
	file, err := os.ReadFile(filepath.Join(r.dir, "state", "backtests", "20270115T080000Z-grid-btc", "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var fromFile map[string]any
	if err := json.Unmarshal(file, &fromFile); err != nil || fmt.Sprint(fromFile) != fmt.Sprint(summary) {
		t.Errorf("the file differs from the output: %v\n%s", err, file)
	}
}

func TestBacktestTwiceInterrupted(t *testing.T) {
	r, f := newBacktestRig(t)
	f.hang, f.release = make(chan string, 2), make(chan struct{})
	done := make(chan int)
	go func() { done <- r.run("backtest", "--jobs", "1") }()
	<-f.hang
	r.interruptTwice()
	if code := <-r.aborted; code != ExitFailure {
		t.Errorf("aborted with %d", code)
	}
	close(f.release)
	if code := <-done; code != ExitFailure || !strings.Contains(r.err.String(),
		"0 of 2 runs done before the interruption") {
		t.Errorf("exit code %d: %s", code, r.err.String())
	}
}

// A run is continued with what it was begun with, unless the command line says otherwise.
func TestBacktestContinued(t *testing.T) {
	r, _ := newBacktestRig(t)
	out := filepath.Join(r.dir, "out")
	if code := r.run("backtest", "grid-btc", "--set", "grid_num=13,10", "--out", out); code != ExitFailure {
		t.Fatalf("exit code %d: %s", code, r.err.String())
	}
	r.out.b.Reset()
	if code := r.Run(context.Background(), []string{"backtest", "--resume", out}); code != ExitFailure ||
		!strings.Contains(r.out.String(), "2 runs finished before and unchanged") ||
		!strings.Contains(r.out.String(), "bad luck") {
		t.Errorf("exit code %d:\n%s%s", code, r.out.String(), r.err.String())
	}
	r.out.b.Reset()
	if code := r.Run(context.Background(), []string{"backtest", "--resume", out, "--set",
		"grid_num=10"}); code != ExitOK || strings.Contains(r.out.String(), "bad luck") {
		t.Errorf("exit code %d:\n%s%s", code, r.out.String(), r.err.String())
	}
}

// The bars of a terminal: what runs, how fast, where in the data, how long it will take.
func TestBacktestBars(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	v := &backtestView{now: func() time.Time { return now }, screen: &screen{}, out: &bytes.Buffer{}}
	v.event(batch.Event{Kind: batch.EventStart, Total: 3, Done: 1})
	v.event(batch.Event{Kind: batch.EventConvert, File: "data/day.gz", Stage: "reading", Done: 1, Total: 4})
	v.event(batch.Event{Kind: batch.EventJobStart, Job: "a x=1"})
	now = now.Add(2 * time.Second)
	v.event(batch.Event{Kind: batch.EventConvert, File: "data/day.gz", Stage: "reading", Done: 3e6, Total: 4e6})
	v.event(batch.Event{Kind: batch.EventProgress, Job: "a x=1",
		Progress: &backtest.Progress{Rows: 5e6, TotalRows: 20e6, TimestampNs: 1_700_000_000e9}})
	want := []string{
		"convert day.gz (reading)  ██████████████████░░░░░░   75 %  1.5 M bytes/s  ETA 0s",
		"a x=1                     ██████░░░░░░░░░░░░░░░░░░   25 %  2.5 M rows/s  2023-11-14 22:13:20  ETA 6s",
		"1 of 3 runs done"}
	if got := v.lines(); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	v.event(batch.Event{Kind: batch.EventConvert, File: "data/day.gz", Stage: "writing", Done: 1, Total: 2})
	v.event(batch.Event{Kind: batch.EventJobEnd, Job: "a x=1", Status: batch.StatusFailed, Text: "why"})
	if got := v.lines(); len(got) != 2 || !strings.HasPrefix(got[0], "convert day.gz (writing)") ||
		got[1] != "2 of 3 runs done, 1 failed" {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	v.event(batch.Event{Kind: batch.EventConverted, File: "data/day.gz"})
	if got := v.lines(); len(got) != 1 {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
