package batch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startNs is the time at which the test's data begins, midnight of a day.
const startNs = int64(1_700_006_400e9)

// fake is an Executor whose strategy gains its parameter "gain" with each of ten records, a second apart, in every asset.
type fake struct {
	mu sync.Mutex
	// runs are the names of the jobs that were run, specs what they were given.
	runs  []string
	specs []backtest.Spec
	// fail are the reasons why jobs fail by name.
	fail map[string]error
	// hangs, when not nil, is waited for after the first progress.
	hangs chan struct{}
	// started, when not nil, gets the name of each job; the job then waits for its context to end.
	started chan string
}

func (f *fake) Close() error { return nil }

func (f *fake) Run(ctx context.Context, job *batch.Job, spec *backtest.Spec, log io.Writer, update func(control.BacktestUpdate) error) error {
	f.mu.Lock()
	f.runs = append(f.runs, job.Name())
	f.specs = append(f.specs, *spec)
	f.mu.Unlock()
	if f.started != nil {
		f.started <- job.Name()
		<-ctx.Done()
		return ctx.Err()
	}
	fmt.Fprintf(log, "the log of %s\n", job.Name())
	if err := f.fail[job.Name()]; err != nil {
		return err
	}
	var params struct{ Gain float64 }
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return err
	}
	day := startNs
	if job.Part == "2023-11-16" {
		day += 24 * 3600e9
	}
	var records []backtest.RecordRow
	result := backtest.Result{End: backtest.EndOfData, StartNs: day, EndNs: day + 9e9, Rows: 3}
	for asset := range spec.Assets {
		result.Assets = append(result.Assets, backtest.AssetResult{Symbol: spec.Assets[asset].Symbol,
			Counts:      backtest.Counts{Submits: 4, Fills: 2, Filled: 2, FillsByCause: map[string]int64{"queue": 1, "taker": 1}},
			FeedLatency: backtest.Distribution{Count: 3, MinNs: 1.5e6, MaxNs: 1.5e6, MeanNs: 1.5e6, Buckets: []backtest.Bucket{{FromNs: 1e6, ToNs: 2e6, Count: 3}}}})
	}
	for n := range 10 {
		for asset := range spec.Assets {
			records = append(records, backtest.RecordRow{AssetNo: int64(asset), Record: backtest.Record{TimestampNs: day + int64(n)*1e9, Price: 100,
				Balance: params.Gain * float64(n) * (1 + 0.1*float64(n%2)), NumTrades: int64(n)}})
		}
	}
	fills := []backtest.FillRow{{Side: hft.Buy, Maker: true, Cause: sim.CauseQueue, Price: 1, Qty: 1, RestedNs: 5e9}, {Side: hft.Sell, Cause: sim.CauseTaker}}
	half := len(records) * 7 / 10
	progress, _ := json.Marshal(backtest.Progress{Rows: 1, TotalRows: 3, TimestampNs: day})
	final, _ := json.Marshal(result)
	if f.hangs != nil {
		if err := update(control.BacktestUpdate{Progress: progress}); err != nil {
			return err
		}
		<-f.hangs
	}
	return errors.Join(
		update(control.BacktestUpdate{Progress: progress, Records: backtest.AppendRows(nil, records[:half])}),
		update(control.BacktestUpdate{Orders: backtest.AppendRows(nil, make([]backtest.OrderRow, 4)), Fills: backtest.AppendRows(nil, fills)}),
		update(control.BacktestUpdate{Records: backtest.AppendRows(nil, records[half:]), Result: final}))
}

// rig is a run directory with data and the jobs over it.
type rig struct {
	t      *testing.T
	dir    string
	fake   *fake
	cfg    batch.Config
	events []batch.Event
}

// newRig has jobs of gain 1 and 2 over two days of one symbol.
func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), fake: &fake{fail: map[string]error{}}}
	r.cfg = batch.Config{Dir: filepath.Join(r.dir, "out"), CacheDir: filepath.Join(r.dir, "cache"), Workers: 2,
		NewExecutor: func() batch.Executor { return r.fake },
		OnEvent:     func(e batch.Event) { r.events = append(r.events, e) },
		Formats:     map[string]connector.Format{"binancefutures": {NewDecoder: binance.Futures().Format.NewDecoder, Rule: connector.RuleFutures}}}
	files := []string{filepath.Join(r.dir, "b_20231115.npz"), filepath.Join(r.dir, "b_20231116.npz")}
	names := batch.PartNames(files)
	for _, path := range files {
		writeEvents(t, path, 3)
	}
	for _, gain := range []string{"1", "2"} {
		for n, path := range files {
			r.cfg.Jobs = append(r.cfg.Jobs, batch.Job{Strategy: "s", Part: names[n], Set: []batch.Setting{{Name: "gain", Value: gain}},
				Params:      json.RawMessage(`{"gain": ` + gain + `}`),
				ShownParams: json.RawMessage(`{"gain": ` + gain + `}`), DataCheck: batch.CheckWarn,
				Plugin: batch.Plugin{Name: "p", SHA256: "ab"}, Recordings: make([]batch.Recording, 1), Figures: batch.Figures{TradingDays: 365},
				Spec: backtest.Spec{Compat: "fixed", Assets: []backtest.AssetSpec{{
					Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001, Type: "linear",
					ContractSize: 1, Files: []string{path}}}}})
		}
	}
	return r
}

// writeEvents writes an event file of a level and trades.
func writeEvents(t testing.TB, path string, rows int) {
	t.Helper()
	w, err := npy.Create[hft.Event](path, npy.EventDtype(), int64(rows))
	if err != nil {
		t.Fatal(err)
	}
	for n := range rows {
		at := startNs + int64(n)*1e9
		e := hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | hft.BuyEvent | hft.TradeEvent,
			ExchTimestampNs: at, LocalTimestampNs: at + 1e6, Px: 100, Qty: 1}
		if n == 0 {
			e.SetKind(hft.DepthEvent)
		}
		if err := w.Write([]hft.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) run() []batch.JobResult {
	r.t.Helper()
	r.fake.runs, r.fake.specs, r.events = nil, nil, nil
	results, err := batch.Run(context.Background(), r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return results
}

// told are the texts of the events of a kind.
func (r *rig) told(kind batch.EventKind) []string {
	var list []string
	for _, e := range r.events {
		if e.Kind == kind {
			list = append(list, e.Text)
		}
	}
	return list
}

func statuses(results []batch.JobResult) string {
	var list []string
	for _, r := range results {
		s := string(r.Status)
		if r.Resumed {
			s += " before"
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

func TestRun(t *testing.T) {
	r := newRig(t)
	results := r.run()
	if got := statuses(results); got != "finished, finished, finished, finished" {
		t.Fatalf("%s: %+v", got, results)
	}
	if c := batch.Count(results); c != (batch.JobCounts{Total: 4, Finished: 4}) {
		t.Errorf("%+v", c)
	}
	slices.Sort(r.fake.runs)
	if got := strings.Join(r.fake.runs, "; "); got != "s gain=1 2023-11-15; s gain=1 2023-11-16; s gain=2 2023-11-15; s gain=2 2023-11-16" {
		t.Error(got)
	}
	folder := filepath.Join(r.cfg.Dir, "s", "gain=2", "2023-11-16")
	if results[3].Folder != filepath.Join("s", "gain=2", "2023-11-16") || results[3].Orders != 4 || results[3].Fills != 2 || results[3].Records[0] != 10 {
		t.Errorf("%+v", results[3])
	}
	var names []string
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "fills.csv fills.parquet job.json orders.csv orders.parquet plugin.log records.npz" {
		t.Errorf("the folder has %s", got)
	}
	f, err := os.Open(filepath.Join(folder, "fills.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if lines, err := csv.NewReader(f).ReadAll(); err != nil || len(lines) != 3 || lines[1][3] != "BTCUSDT" {
		t.Errorf("fills %v, %v", lines, err)
	}
	reader, err := npy.OpenMember[backtest.Record](filepath.Join(folder, "records.npz"), "0.npy", npy.RecordDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	rows := make([]backtest.Record, 20)
	if n, err := reader.Read(rows); n != 10 || rows[9].NumTrades != 9 {
		t.Errorf("%d records, the last %+v: %v", n, rows[9], err)
	}
}

// Two assets' records come mixed and are kept apart.
func TestSeveralAssets(t *testing.T) {
	r := newRig(t)
	r.cfg.Jobs = r.cfg.Jobs[:1]
	job := &r.cfg.Jobs[0]
	second := job.Spec.Assets[0]
	second.Symbol = "ETHUSDT"
	job.Spec.Assets = append(job.Spec.Assets, second)
	job.Recordings = append(job.Recordings, batch.Recording{})
	results := r.run()
	groups, err := batch.Evaluate(r.cfg.Dir, r.cfg.Jobs, results)
	if err != nil || len(groups) != 1 {
		t.Fatalf("%d groups, %v, %+v", len(groups), err, results)
	}
	g := groups[0]
	if len(g.Assets) != 2 || g.Mixed || g.Value("Return") != 2*(9*1.1) || g.Counts.Fills != 4 {
		t.Errorf("%+v", g)
	}
	if one, _ := g.Assets[1].Rows[0].Value("Return"); one != 9*1.1 {
		t.Errorf("return of one asset %v", one)
	}
	job.Spec.Assets[1].Symbol, job.Spec.Assets[1].Type = "ETHUSD", "inverse"
	if groups, err = batch.Evaluate(r.cfg.Dir, r.cfg.Jobs, results); err != nil || !groups[0].Mixed || groups[0].Value("Return") != 9*1.1 {
		t.Errorf("of different currencies: %+v, %v", groups, err)
	}
}

func TestResume(t *testing.T) {
	r := newRig(t)
	failing := r.cfg.Jobs[1].Name()
	r.fake.fail[failing] = errors.New("told to fail\nand why")
	results := r.run()
	if got := statuses(results); got != "finished, failed, finished, finished" || results[1].Reason() != "told to fail (see error.txt)" {
		t.Fatalf("%s: %+v", got, results[1])
	}
	folder := filepath.Join(r.cfg.Dir, results[1].Folder)
	for name, want := range map[string]string{"error.txt": "told to fail\nand why\n", "plugin.log": "the log of " + failing + "\n"} {
		if text, err := os.ReadFile(filepath.Join(folder, name)); string(text) != want {
			t.Errorf("%s is %q: %v", name, text, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "orders.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a job without a result keeps its orders: %v", err)
	}
	delete(r.fake.fail, failing)
	first := results[0]
	results = r.run()
	if got := statuses(results); got != "finished before, finished, finished before, finished before" || len(r.fake.runs) != 1 {
		t.Fatalf("%s, run %v", got, r.fake.runs)
	}
	if _, err := os.Stat(filepath.Join(folder, "error.txt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the reason of a failure stays: %v", err)
	}
	first.Resumed = true
	got, _ := json.Marshal(results[0])
	want, _ := json.Marshal(first)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What a finished job was made of is compared, and what differs is named.
func TestChangedInputs(t *testing.T) {
	for _, c := range []struct {
		change func(*rig, *batch.Job)
		want   string
		runs   int
	}{
		{func(*rig, *batch.Job) {}, "", 0},
		{func(_ *rig, j *batch.Job) { j.Plugin.SHA256 = "cd" }, "the plugin", 1},
		{func(_ *rig, j *batch.Job) { j.Params = json.RawMessage(`{"gain": 7}`) }, "the parameters", 1},
		{func(_ *rig, j *batch.Job) { j.Spec.Compat = "hftbacktest" }, "the backtest block or its instruments", 1},
		{func(_ *rig, j *batch.Job) { j.Recordings = []batch.Recording{{BaseLatency: 1}} }, "the backtest block or its instruments", 1},
		{func(_ *rig, j *batch.Job) { j.DataCheck = batch.CheckOff }, "data_check", 1},
		{func(_ *rig, j *batch.Job) { j.Plugin.Path = "elsewhere" }, "", 0},
		{func(r *rig, j *batch.Job) { writeEvents(r.t, j.Spec.Assets[0].Files[0], 4) }, "b_20231115.npz", 2}, // of both gains
	} {
		r := newRig(t)
		r.run()
		c.change(r, &r.cfg.Jobs[0])
		results := r.run()
		if len(r.fake.runs) != c.runs {
			t.Errorf("%s: %d jobs were run again: %s", c.want, len(r.fake.runs), statuses(results))
		}
		if told := strings.Join(r.told(batch.EventChanged), ", "); !strings.Contains(told, c.want) || c.want == "" && told != "" {
			t.Errorf("%s: told %q", c.want, told)
		}
	}
}

// A job's directory may be anything when it is continued: only a whole description of a finished job counts.
func TestBrokenFolder(t *testing.T) {
	for _, text := range []string{"", "{", "null", `{"status": "finished"}`, `{"status": "failed", "result": {}}`} {
		r := newRig(t)
		r.cfg.Jobs = r.cfg.Jobs[:1]
		dir := filepath.Join(r.cfg.Dir, r.cfg.Jobs[0].Folder())
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "job.json"), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		if got := statuses(r.run()); got != "finished" {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestInterrupt(t *testing.T) {
	r := newRig(t)
	r.fake.started = make(chan string, 4)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-r.fake.started
		<-r.fake.started
		cancel()
	}()
	results, err := batch.Run(ctx, r.cfg)
	if err != nil || statuses(results) != "interrupted, interrupted, interrupted, interrupted" || len(r.fake.runs) != 2 {
		t.Fatalf("%s, run %v, %v", statuses(results), r.fake.runs, err)
	}
	if _, err := os.Stat(filepath.Join(r.cfg.Dir, results[0].Folder)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an interrupted job leaves something behind: %v", err)
	}
	r.fake.started = nil
	if got := statuses(r.run()); got != "finished, finished, finished, finished" {
		t.Error(got)
	}
}

// TestStall: a stalled job is reported, and continues when it does.
func TestStall(t *testing.T) {
	r := newRig(t)
	r.cfg.Jobs, r.cfg.StallAfter = r.cfg.Jobs[:1], 10*time.Millisecond
	r.fake.hangs = make(chan struct{})
	freed := false
	r.cfg.OnEvent = func(e batch.Event) {
		if e.Kind == batch.EventWarning && e.Job != "" && !freed {
			freed = true
			if e.Job != r.cfg.Jobs[0].Name() || !strings.Contains(e.Text, "no progress for 10ms") {
				t.Errorf("%+v", e)
			}
			close(r.fake.hangs)
		}
	}
	if got := statuses(r.run()); got != "finished" || !freed {
		t.Errorf("%s, warned: %t", got, freed)
	}
}

// What is wrong with a plugin's updates fails its job.
func TestWrongUpdates(t *testing.T) {
	for name, u := range map[string]control.BacktestUpdate{
		"not a whole number": {Orders: []byte{1}}, "there is no asset 3": {Records: backtest.AppendRows(nil, []backtest.RecordRow{{AssetNo: 3}})},
		"progress": {Progress: json.RawMessage("x")}, "result": {Result: json.RawMessage("[]")}, "without a result": {},
		"rows of 88 bytes": {Fills: []byte{1}},
	} {
		r := newRig(t)
		r.cfg.Jobs = r.cfg.Jobs[:1]
		r.cfg.NewExecutor = func() batch.Executor { return wrong{u} }
		if results := r.run(); results[0].Status != batch.StatusFailed || !strings.Contains(results[0].Error, name) {
			t.Errorf("%s: %+v", name, results[0])
		}
	}
}

type wrong struct{ update control.BacktestUpdate }

func (wrong) Close() error { return nil }
func (w wrong) Run(_ context.Context, _ *batch.Job, _ *backtest.Spec, _ io.Writer, update func(control.BacktestUpdate) error) error {
	return update(w.update)
}

func TestMissingAndDamagedData(t *testing.T) {
	r := newRig(t)
	path := r.cfg.Jobs[0].Spec.Assets[0].Files[0]
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(r.cfg.Jobs[1].Spec.Assets[0].Files[0]); err != nil {
		t.Fatal(err)
	}
	results := r.run()
	for i, want := range []string{"truncated", "no such file"} {
		if r := results[i]; r.Status != batch.StatusFailed || !strings.Contains(r.Error, want) || !strings.Contains(r.Error, ".npz") {
			t.Errorf("%s: %+v", want, r)
		}
	}
	if len(r.fake.runs) != 0 {
		t.Errorf("run on it: %v", r.fake.runs)
	}
}

// Data that makes results wrong is a warning or the end of the job, as configured.
func TestDataCheck(t *testing.T) {
	for check, want := range map[batch.DataCheck]batch.Status{batch.CheckWarn: batch.StatusFinished, batch.CheckFail: batch.StatusFailed, batch.CheckOff: batch.StatusFinished} {
		r := newRig(t)
		r.cfg.Jobs = r.cfg.Jobs[:1]
		r.cfg.Jobs[0].DataCheck = check
		path := r.cfg.Jobs[0].Spec.Assets[0].Files[0]
		w, err := npy.Create[hft.Event](path, npy.EventDtype(), 1)
		if err != nil {
			t.Fatal(err)
		}
		bad := []hft.Event{{Ev: hft.ExchEvent | hft.LocalEvent | hft.BuyEvent | hft.DepthEvent,
			ExchTimestampNs: startNs, LocalTimestampNs: startNs - 1e9, Px: 1, Qty: 1}}
		if err := errors.Join(w.Write(bad), w.Close()); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from the cache
			results := r.run()
			warned := len(r.told(batch.EventWarning)) > 0
			if results[0].Status != want || warned != (check != batch.CheckOff) && !results[0].Resumed {
				t.Errorf("%s: %+v, warned %v", check, results[0], warned)
			}
			if check == batch.CheckFail && !strings.Contains(results[0].Error, "data_check") {
				t.Errorf("%s", results[0].Error)
			}
			if err := os.RemoveAll(r.cfg.Dir); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A recording that was converted without a look at its rows is looked over when that is wanted.
func TestRecordingIsCheckedLater(t *testing.T) {
	r := newRig(t)
	raw := filepath.Join(r.dir, "b_20231115.gz")
	if err := os.WriteFile(raw, recordedStart(t, 600), 0o600); err != nil {
		t.Fatal(err)
	}
	r.cfg.Jobs = r.cfg.Jobs[:1]
	r.cfg.Jobs[0].Spec.Assets[0].Files = []string{raw}
	r.cfg.Jobs[0].Recordings = []batch.Recording{{Format: "binancefutures"}}
	for _, check := range []batch.DataCheck{batch.CheckOff, batch.CheckFail} {
		r.cfg.Jobs[0].DataCheck = check
		results := r.run()
		if results[0].Status != batch.StatusFinished || (results[0].Data[0].EndNs != 0) != (check == batch.CheckFail) {
			t.Errorf("%s: %+v", check, results[0])
		}
		if err := os.RemoveAll(r.cfg.Dir); err != nil {
			t.Fatal(err)
		}
	}
}

// A recording is converted once, however many jobs want it, and not at all the next time.
func TestConvertedOnce(t *testing.T) {
	r := newRig(t)
	raw := filepath.Join(r.dir, "b_20231115.gz")
	if err := os.WriteFile(raw, recordedStart(t, 600), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range r.cfg.Jobs {
		r.cfg.Jobs[i].Part = fmt.Sprint(i)
		r.cfg.Jobs[i].Spec.Assets[0].Files = []string{raw}
		r.cfg.Jobs[i].Recordings = []batch.Recording{{Format: "binancefutures"}}
	}
	results := r.run()
	if got := statuses(results); got != "finished, finished, finished, finished" {
		t.Fatalf("%s: %s", got, results[0].Error)
	}
	if n := len(r.told(batch.EventConverted)); n != 1 {
		t.Errorf("converted %d times", n)
	}
	file := r.fake.specs[0].Assets[0].Files[0]
	if !filepath.IsAbs(file) || filepath.Ext(file) != ".npy" || results[0].Data[0].Path != raw || results[0].Data[0].Rows == 0 {
		t.Errorf("run on %s, told as %+v", file, results[0].Data)
	}
	if err := os.RemoveAll(r.cfg.Dir); err != nil {
		t.Fatal(err)
	}
	if r.run(); len(r.told(batch.EventConverted)) != 0 {
		t.Error("converted again")
	}
	if err := errors.Join(os.Remove(file), os.RemoveAll(r.cfg.Dir)); err != nil {
		t.Fatal(err)
	}
	if r.run(); len(r.told(batch.EventConverted)) != 1 {
		t.Error("a file that is gone from the cache is not made again")
	}
	for i := range r.cfg.Jobs {
		r.cfg.Jobs[i].Recordings = []batch.Recording{{Format: "morse"}}
	}
	if results := r.run(); results[0].Status != batch.StatusFailed || !strings.Contains(results[0].Error, `cannot convert format "morse"`) {
		t.Errorf("%+v", results[0])
	}
}

// recordedStart is the first lines of a recording of BTCUSDT.
func recordedStart(t *testing.T, lines int) []byte {
	t.Helper()
	f, err := os.Open(sampletest.Path(t, "binancefutures", "BTCUSDT"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4<<20)
	n, _ := io.ReadFull(z, text)
	all := bytes.SplitAfterN(text[:n], []byte("\n"), lines+1)
	if len(all) <= lines {
		t.Fatalf("the recording has only %d lines in its first 4 MiB", len(all))
	}
	return bytes.Join(all[:lines], nil)
}

func TestEvaluate(t *testing.T) {
	r := newRig(t)
	r.fake.fail["s gain=2 2023-11-16"] = errors.New("told to fail")
	results := r.run()
	groups, err := batch.Evaluate(r.cfg.Dir, r.cfg.Jobs, results)
	if err != nil || len(groups) != 2 {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	batch.Sort(groups, "Return")
	// Each day gains 9 * 1.1 times the parameter; the first has both days, the other one of them.
	if got := fmt.Sprintln(groups[0].Name(), groups[0].Value("Return"), groups[1].Name(), groups[1].Value("Return")); got != "s gain=1 19.8 s gain=2 19.8\n" {
		t.Error(got)
	}
	both, one := &groups[0], &groups[1]
	if len(both.Stats) != 3 || both.PartName(1) != "2023-11-16" || both.Counts.Fills != 4 || both.Finished != 2 || both.Error != "" {
		t.Errorf("%+v", both)
	}
	if len(one.Stats) != 1 || one.Finished != 1 || one.Error != "told to fail" {
		t.Errorf("%+v", one)
	}
	if !math.IsNaN(one.Value("Nonsense")) {
		t.Error("a figure that does not exist")
	}
	at := time.Unix(0, startNs)
	summary := batch.Summarize("1.0", r.cfg.Dir, at, r.cfg.Jobs, results, groups)
	if err := batch.WriteSummary(r.cfg.Dir, &summary); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(r.cfg.Dir, "summary.json"))
	if err != nil || strings.Contains(string(text), "buckets") {
		t.Errorf("%v\n%s", err, text)
	}
	page, err := batch.NewReport(r.cfg.Dir, batch.Page{Title: "T", Version: "1.0", CreatedAt: at, Metric: "SR"}, r.cfg.Jobs, results, groups)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Runs) != 2 || page.Sweep == nil || len(page.Sweep.Points) != 2 || page.Sweep.Points[1].Failure != "told to fail" ||
		page.Runs[0].Currency != "USDT" || len(page.Runs[0].Assets[0].Fills) != 4 || page.Runs[0].Queue.RestTime.P50 != 5 || len(page.Runs[0].FeedLatency) != 1 ||
		page.Runs[0].FeedLatency[0].P50 != 1.5 || page.Runs[0].FeedLatency[0].Count != 6 {
		t.Errorf("%+v", page)
	}
	if err := batch.WriteReport(r.cfg.Dir, page); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(r.cfg.Dir, "report.html"))
	if err != nil || !bytes.Contains(html, []byte("s gain=1")) {
		t.Errorf("%d bytes, %v", len(html), err)
	}
}

// Parts may come in any order, and those of the same time have no figures together.
func TestOrderOfParts(t *testing.T) {
	r := newRig(t)
	slices.Reverse(r.cfg.Jobs)
	groups, err := batch.Evaluate(r.cfg.Dir, r.cfg.Jobs, r.run())
	if err != nil || len(groups) != 2 || groups[0].Value("Return") != 2*19.8 || groups[0].PartName(0) != "2023-11-15" {
		t.Fatalf("%+v, %v", groups, err)
	}
	for i := range r.cfg.Jobs {
		r.cfg.Jobs[i].Part = fmt.Sprint(i)
	}
	groups, err = batch.Evaluate(r.cfg.Dir, r.cfg.Jobs, r.run())
	if err != nil || groups[0].Overlap == "" || !math.IsNaN(groups[0].Value("Return")) || groups[0].Finished != 2 {
		t.Errorf("%+v, %v", groups, err)
	}
}

// A day outside of the period is not run, and counts for nothing.
func TestOutsideOfThePeriod(t *testing.T) {
	r := newRig(t)
	for i := range r.cfg.Jobs {
		r.cfg.Jobs[i].Spec.FromNs = startNs + 60e9
		if i%2 == 1 { // the second day's data is the first's in this rig
			r.cfg.Jobs[i].Spec.FromNs, r.cfg.Jobs[i].Spec.ToNs = startNs, startNs+60e9
		}
	}
	results := r.run()
	if got := statuses(results); got != "skipped, finished, skipped, finished" || batch.Count(results).Skipped != 2 || len(r.fake.runs) != 2 {
		t.Fatalf("%s, run %v", got, r.fake.runs)
	}
	groups, err := batch.Evaluate(r.cfg.Dir, r.cfg.Jobs, results)
	if err != nil || groups[0].Skipped != 1 || groups[0].Warning() != "" || groups[0].Value("Return") != 9.9 {
		t.Errorf("%+v, %v", groups, err)
	}
	groups, err = batch.Evaluate(r.cfg.Dir, r.cfg.Jobs[:1], results[:1])
	if err != nil || groups[0].Warning() != "all data is outside of from and to" {
		t.Errorf("%+v, %v", groups, err)
	}
}

func TestPartNames(t *testing.T) {
	for _, c := range []struct{ files, want string }{
		{"a.npz", ""},
		{"btc_20240808.gz btc_20240809.gz", "2024-08-08 2024-08-09"},
		{"x/2024-08-08.npz y/2024-08-09.npz", "2024-08-08 2024-08-09"},
		{"a_20240808.gz b_20240808.gz", "a_20240808 b_20240808"},
		{"day1.npz day2.npy.gz", "day1 day2"},
		{"a/day.npz b/day.npz", "1-day 2-day"},
		{"123456789012.gz 20249999.gz", "123456789012 20249999"},
	} {
		if got := strings.Join(batch.PartNames(strings.Fields(c.files)), " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.files, got, c.want)
		}
	}
}

// Directories are below the run's, whatever is in names and values, and different jobs have different ones.
func FuzzFolder(f *testing.F) {
	f.Add("a", "b", "c")
	f.Add("..", "../..", "/etc/passwd")
	f.Add("", ".", "x\x00y")
	f.Fuzz(func(t *testing.T, strategy, value, part string) {
		if strategy == "" {
			return
		}
		folder := func(value string) string {
			return (&batch.Job{Strategy: strategy, Set: []batch.Setting{{Name: "n", Value: value}}, Part: part}).Folder()
		}
		got := folder(value)
		if !filepath.IsLocal(got) || got == "." || strings.ContainsAny(got, "\x00\\") {
			t.Errorf("folder %q", got)
		}
		if got == folder(value+"x") {
			t.Errorf("two jobs in %q", got)
		}
	})
}

// BenchmarkRun measures the overhead of a job around its strategy: its directory, its files, its description.
func BenchmarkRun(b *testing.B) {
	path := filepath.Join(b.TempDir(), "b.npz")
	writeEvents(b, path, 3)
	job := batch.Job{Params: json.RawMessage(`{"gain": 1}`), DataCheck: batch.CheckOff, Recordings: make([]batch.Recording, 1),
		Spec: backtest.Spec{Assets: []backtest.AssetSpec{{Symbol: "B", Files: []string{path}}}}}
	cfg := batch.Config{Dir: b.TempDir(), CacheDir: b.TempDir(), Workers: 1, NewExecutor: func() batch.Executor { return &fake{} }}
	for n := 0; b.Loop(); n++ {
		job.Strategy = fmt.Sprint(n)
		cfg.Jobs = []batch.Job{job}
		if results, err := batch.Run(context.Background(), cfg); err != nil || results[0].Status != batch.StatusFinished {
			b.Fatal(results, err)
		}
	}
}

// A run of one job: the directory that comes out.
func Example() {
	dir, err := os.MkdirTemp("", "batch")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	job := batch.Job{Strategy: "quotes", Params: json.RawMessage(`{"gain": 1}`), DataCheck: batch.CheckOff}
	results, err := batch.Run(context.Background(), batch.Config{Jobs: []batch.Job{job}, Dir: dir, CacheDir: dir, Workers: 1,
		NewExecutor: func() batch.Executor { return &fake{} }})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(results[0].Name, results[0].Status, results[0].Orders)
	// Output: quotes finished 4
}

// TestLatenciesOfAnotherTime: order latencies that were measured at another time than the data are refused, with both times.
func TestLatenciesOfAnotherTime(t *testing.T) {
	for name, c := range map[string]struct {
		afterNs int64
		want    string
	}{
		"of the time":  {1e9, ""},
		"of a day on":  {86_400e9, "BTCUSDT cover another period than its data"},
		"of the day":   {-86_400e9, "the data from 2023-11-15 00:00:00 UTC to 2023-11-15 00:00:02 UTC"},
		"of the years": {-86_400e9 * 800, "] are from 2021-"},
	} {
		r := newRig(t)
		path := filepath.Join(r.dir, "latency.npz")
		w, err := npy.Create[sim.LatencyRow](path, npy.LatencyDtype(), 1)
		if err != nil {
			t.Fatal(err)
		}
		at := startNs + c.afterNs
		if err := errors.Join(w.Write([]sim.LatencyRow{{ReqTimestampNs: at, ExchTimestampNs: at + 1, RespTimestampNs: at + 2}}), w.Close()); err != nil {
			t.Fatal(err)
		}
		for i := range r.cfg.Jobs {
			r.cfg.Jobs[i].Spec.Assets[0].Exchange.ModifyLatency = &backtest.LatencySpec{Files: []string{path}}
		}
		for _, result := range r.run() {
			if got := result.Error; (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("%s: %s, want %q", name, got, c.want)
			}
		}
	}
}
