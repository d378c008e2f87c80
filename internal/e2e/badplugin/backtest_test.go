package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
)

// eventFile writes a recorded second: a book that does not change and a trade each millisecond.
func eventFile(t *testing.T) string {
	t.Helper()
	const trades = 1000
	const both = hft.ExchEvent | hft.LocalEvent
	rows := []hft.Event{
		{Ev: both | hft.DepthEvent | hft.BuyEvent, Px: 100, Qty: 1},
		{Ev: both | hft.DepthEvent | hft.SellEvent, Px: 100.1, Qty: 1},
	}
	for range trades {
		rows = append(rows, hft.Event{Ev: both | hft.TradeEvent | hft.BuyEvent, Px: 100.1, Qty: 1})
	}
	for i := range rows {
		rows[i].ExchTimestampNs = 1_700_000_000_000_000_000 + int64(i)*int64(time.Millisecond)
		rows[i].LocalTimestampNs = rows[i].ExchTimestampNs + 1
	}
	path := filepath.Join(t.TempDir(), "second.npy")
	w := must[*npy.Writer[hft.Event]](t)(npy.Create[hft.Event](path, npy.EventDtype(), int64(len(rows))))
	if err := errors.Join(w.Write(rows), w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// backtestJob is a backtest of that second.
func backtestJob(t *testing.T, params string) control.BacktestJob {
	t.Helper()
	spec := backtest.Spec{RecordIntervalNs: int64(100 * time.Millisecond), Assets: []backtest.AssetSpec{{
		Connector: "sim", Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001, Depth: "window",
		Files:    []string{eventFile(t)},
		Exchange: backtest.ExchangeSpec{Model: "no_partial_fill", Queue: "risk_adverse"},
		Fee:      backtest.FeeSpec{Model: "value"}, Type: "linear", ContractSize: 1,
	}}}
	return control.BacktestJob{StrategyName: "s", Params: []byte(params), Spec: must[[]byte](t)(json.Marshal(spec))}
}

// launch starts a plugin that nobody configures.
func launch(t *testing.T, plugin string) (*control.Process, *syncBuffer) {
	t.Helper()
	log := &syncBuffer{}
	spawner := control.NewSpawner()
	p, err := control.Launch(t.Context(), control.LaunchConfig{
		Spawner: spawner, Path: filepath.Join(plugins, plugin),
		Log:          hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Trace, DisableTime: true}),
		StartTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(errors.Join(err, spawner.Close()))
	}
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), spawner.Close()); err != nil {
			t.Error(err)
		}
	})
	return p, log
}

// outcome is a host's view of a backtest.
type outcome struct {
	result  backtest.Result
	records int
}

func runBacktest(ctx context.Context, p *control.Process, job control.BacktestJob) (o outcome, err error) {
	err = p.Backtest(ctx, job, func(u control.BacktestUpdate) error {
		rows, err := backtest.DecodeRows[backtest.RecordRow](u.Records)
		o.records += len(rows)
		if err == nil && u.Result != nil {
			err = json.Unmarshal(u.Result, &o.result)
		}
		return err
	})
	return o, err
}

func TestPrintsInBacktest(t *testing.T) {
	p, log := launch(t, "prints")
	o, err := runBacktest(t.Context(), p, backtestJob(t, "{}"))
	if err != nil || o.result.End != backtest.EndOfData || o.result.Rows < 1000 || o.records < 9 {
		t.Errorf("%d records, result %+v, %v", o.records, o.result, err)
	}
	awaitText(t, log, "stdout: prints: best bid 100\n")
	awaitText(t, log, "prints: past os.Stdout\n")
}

func TestPanicsInBacktest(t *testing.T) {
	p, log := launch(t, "panics")
	o, err := runBacktest(t.Context(), p, backtestJob(t, `{"after_events": 50}`))
	if err != nil || o.result.End != backtest.EndError || !strings.HasPrefix(o.result.Error,
		"Run panicked: panics: as configured\n") || !strings.Contains(o.result.Error, "main.go") {
		t.Errorf("result %+v, %v", o.result, err)
	}
	awaitText(t, log, "panics: as configured")
	// The next one has the same process and another strategy, which does not come as far.
	if o, err := runBacktest(t.Context(), p, backtestJob(t, `{"after_events": 100000}`)); err != nil ||
		o.result.End != backtest.EndOfData {
		t.Errorf("the next backtest: %+v, %v", o.result, err)
	}
}

func TestPluginsThatEndTheirProcessInABacktest(t *testing.T) {
	for _, c := range []struct{ plugin, params, says string }{
		{"panics", `{"after_events": 50, "goroutine": true}`, "panic: panics: in a goroutine"},
		{"quits", `{"after_events": 50, "code": 9}`, "exit status 9, last output: quits: that is enough, with 9"},
		{"quits", `{"after_events": 50, "code": 0}`, "exit status 0"},
	} {
		p, _ := launch(t, c.plugin)
		if _, err := runBacktest(t.Context(), p, backtestJob(t, c.params)); !errors.Is(err, control.ErrPluginExited) ||
			!strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s: %v", c.plugin, c.params, err)
		}
	}
}

// TestPluginsThatDoNotObeyInABacktest: a host that has cancelled is free at once, and Close is the end of the process.
func TestPluginsThatDoNotObeyInABacktest(t *testing.T) {
	for _, c := range []struct{ plugin, params, says string }{
		{"hangs", `{"after_events": 50}`, "hanging from now on"},
		{"slowstop", `{}`, "running from now on"},
	} {
		p, log := launch(t, c.plugin)
		ctx, cancel := context.WithCancel(t.Context())
		updates := 0
		err := p.Backtest(ctx, backtestJob(t, c.params), func(u control.BacktestUpdate) error {
			if u.Result != nil {
				t.Errorf("%s: result %s", c.plugin, u.Result)
			}
			// The host still hears of it, though not of any progress.
			if updates++; strings.Contains(log.String(), c.says) {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, control.ErrPluginExited) || updates == 0 {
			t.Errorf("%s: after %d updates %v", c.plugin, updates, err)
		}
		select {
		case <-p.Exited():
			t.Errorf("%s has ended: %v", c.plugin, p.ExitError())
		default:
		}
		if err := p.Close(); err != nil {
			t.Errorf("close %s: %v", c.plugin, err)
		}
		cancel()
	}
}

func TestFailsConfigInBacktest(t *testing.T) {
	p, _ := launch(t, "failsconfig")
	_, err := runBacktest(t.Context(), p, backtestJob(t, `{"qty": 2}`))
	if err == nil || !strings.Contains(err.Error(), "nothing is good enough") ||
		errors.Is(err, control.ErrPluginExited) {
		t.Errorf("backtest: %v", err)
	}
	var params control.ParamErrors
	if _, err := runBacktest(t.Context(), p, backtestJob(t, `{"qty": -2}`)); !errors.As(err, &params) {
		t.Errorf("backtest with a wrong parameter: %v", err)
	}
}

// TestOneMisbehavesBesideOthers: backtests of one process are apart as long as it lives.
func TestOneMisbehavesBesideOthers(t *testing.T) {
	p, _ := launch(t, "panics")
	var wg sync.WaitGroup
	for i := range 6 {
		params, end := `{"after_events": 100000}`, backtest.EndOfData
		if i%2 == 1 {
			params, end = `{"after_events": 100}`, backtest.EndError
		}
		job := backtestJob(t, params)
		wg.Go(func() {
			if o, err := runBacktest(t.Context(), p, job); err != nil || o.result.End != end {
				t.Errorf("%s: %v, %v, want %v", params, o.result.End, err, end)
			}
		})
	}
	wg.Wait()
}

// TestBacktestBesideALiveStrategy: the strategy that a host runs in the same process goes on.
func TestBacktestBesideALiveStrategy(t *testing.T) {
	h := newMiniHost(t, "panics", `{"after_events": 1000000000}`)
	h.start()
	if o, err := runBacktest(t.Context(), h.process, backtestJob(t, `{"after_events": 50}`)); err != nil ||
		o.result.End != backtest.EndError {
		t.Errorf("backtest: %+v, %v", o.result, err)
	}
	for before := h.control.Progress(); h.control.Progress() == before; time.Sleep(time.Millisecond) {
		if err := h.process.ExitError(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.process.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if exit, err := h.process.Wait(t.Context()); err != nil || exit.Error != "" {
		t.Errorf("exit is %+v, %v", exit, err)
	}
}
