package pluginapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
)

// newTester returns an adapter whose engines are e; its strategies do in Run what run says.
func newTester(t *testing.T, e *fakeEngine, run func(ctx context.Context, bot hft.Bot) error) *adapter {
	t.Helper()
	w := liveWiring()
	w.simulate = func(_ json.RawMessage, _ Strategy, rows *rowSender) (engine, error) {
		rows.OnRecord(&backtest.RecordRow{AssetNo: 1})
		return e, nil
	}
	a, err := newAdapter(recorderPlugin(&recorder{run: run}), w)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestBacktestOfAStrategy(t *testing.T) {
	var c collector
	e := &fakeEngine{}
	a := newTester(t, e, func(_ context.Context, bot hft.Bot) error {
		if bot != hft.Bot(e) {
			t.Errorf("Run got the bot %T", bot)
		}
		e.rows.Store(3)
		return nil
	})
	if err := a.Backtest(t.Context(), control.BacktestJob{Params: []byte(`{"qty": 2}`)}, c.take); err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 1 || len(c.results) != 1 || c.results[0].Rows != 3 {
		t.Errorf("%d records, results %+v", len(c.records), c.results)
	}
	if e.finished != nil || e.interrupted.Load() || !e.closed.Load() {
		t.Errorf("finished with %v, interrupted %t, closed %t", e.finished, e.interrupted.Load(), e.closed.Load())
	}
	// The strategy that a host configures is another matter.
	if err := a.Start(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "not configured") {
		t.Errorf("start after a backtest: %v", err)
	}
}

func TestBacktestOfAStrategyThatFails(t *testing.T) {
	for want, run := range map[string]func(context.Context, hft.Bot) error{
		"no balance":                       func(context.Context, hft.Bot) error { return errors.New("no balance") },
		"Run panicked: index out of range": func(context.Context, hft.Bot) error { panic("index out of range") },
	} {
		var c collector
		e := &fakeEngine{}
		if err := newTester(t, e, run).Backtest(t.Context(), control.BacktestJob{}, c.take); err != nil {
			t.Errorf("%s: a failure of the strategy is a result, got the error %v", want, err)
		}
		if e.finished == nil || !strings.HasPrefix(e.finished.Error(), want) || len(c.results) != 1 ||
			!e.closed.Load() {
			t.Errorf("finished with %v, %d results, closed %t", e.finished, len(c.results), e.closed.Load())
		}
	}
}

func TestBacktestRefuses(t *testing.T) {
	a := newTester(t, &fakeEngine{}, nil)
	update := func(control.BacktestUpdate) error {
		t.Error("an update came")
		return nil
	}
	err := a.Backtest(t.Context(), control.BacktestJob{Params: []byte(`{"qty": -1, "qyt": 2}`)}, update)
	var errs control.ParamErrors
	if !errors.As(err, &errs) || len(errs) != 2 {
		t.Errorf("wrong parameters: %v", err)
	}
	if err := a.Backtest(t.Context(), control.BacktestJob{Params: []byte(`{"bad": true}`)}, update); err == nil ||
		err.Error() != "bad is not good" {
		t.Errorf("an error of New: %v", err)
	}
	a.wiring.simulate = prepareEngine
	for spec, says := range map[string]string{
		`{"assets": [], "speed": 2}`: `unknown field "speed"`,
		`{`:                          "unexpected EOF",
		`{}`:                         "asset",
	} {
		err := a.Backtest(t.Context(), control.BacktestJob{Spec: []byte(spec)}, update)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", spec, err, says)
		}
	}
}

func TestBacktestIsCancelled(t *testing.T) {
	for name, returns := range map[string]error{"interrupted": hft.ErrInterrupted, "cancelled": context.Canceled} {
		var c collector
		ctx, cancel := context.WithCancel(t.Context())
		e := &fakeEngine{}
		a := newTester(t, e, func(runCtx context.Context, _ hft.Bot) error {
			cancel()
			<-runCtx.Done()
			return fmt.Errorf("wait: %w", returns)
		})
		if err := a.Backtest(ctx, control.BacktestJob{}, c.take); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if !errors.Is(e.finished, hft.ErrInterrupted) || !e.interrupted.Load() || !e.closed.Load() {
			t.Errorf("%s: finished with %v, interrupted %t, closed %t", name, e.finished, e.interrupted.Load(),
				e.closed.Load())
		}
	}
}

// TestBacktestHostIsGone: the strategy must not go on for nobody.
func TestBacktestHostIsGone(t *testing.T) {
	gone := errors.New("host is gone")
	e := &fakeEngine{}
	a := newTester(t, e, func(context.Context, hft.Bot) error {
		for !e.interrupted.Load() {
		}
		return hft.ErrInterrupted
	})
	err := a.Backtest(t.Context(), control.BacktestJob{}, func(control.BacktestUpdate) error { return gone })
	if !errors.Is(err, gone) || !e.closed.Load() {
		t.Errorf("%v, closed %t", err, e.closed.Load())
	}
}

func TestProgressComesByItself(t *testing.T) {
	e := &fakeEngine{}
	seen := make(chan struct{})
	a := newTester(t, e, func(context.Context, hft.Bot) error {
		e.rows.Store(5)
		<-seen
		return nil
	})
	var once sync.Once
	err := a.Backtest(t.Context(), control.BacktestJob{}, func(u control.BacktestUpdate) error {
		var p backtest.Progress
		if err := json.Unmarshal(u.Progress, &p); err != nil {
			return err
		}
		if p.Rows == 5 {
			once.Do(func() { close(seen) })
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestBacktestsSideBySideAreApart(t *testing.T) {
	w := liveWiring()
	w.simulate = func(spec json.RawMessage, s Strategy, _ *rowSender) (engine, error) {
		s.(*recorder).note("spec %s", spec)
		return &fakeEngine{}, nil
	}
	var mu sync.Mutex
	made := map[*recorder]bool{}
	plugin := Plugin[recorderParams]{Name: "p", New: func(p recorderParams) (Strategy, error) {
		r := &recorder{params: p, run: func(context.Context, hft.Bot) error { return nil }}
		mu.Lock()
		defer mu.Unlock()
		made[r] = true
		return r, nil
	}}
	a, err := newAdapter(plugin, w)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			var c collector
			job := control.BacktestJob{Params: fmt.Appendf(nil, `{"qty": %d}`, i), Spec: fmt.Appendf(nil, "%d", i)}
			if err := a.Backtest(t.Context(), job, c.take); err != nil || len(c.results) != 1 {
				t.Errorf("%d: %d results, %v", i, len(c.results), err)
			}
		})
	}
	wg.Wait()
	for r := range made {
		if want := fmt.Sprintf("spec %v, run", r.params.Qty); r.noted() != want {
			t.Errorf("strategy saw %q, want %q", r.noted(), want)
		}
	}
	if len(made) != 8 {
		t.Errorf("%d strategies were made, want 8", len(made))
	}
}

// FuzzSpec: what a host of another version sends makes an error at worst.
func FuzzSpec(f *testing.F) {
	good := backtest.Spec{Assets: []backtest.AssetSpec{{Symbol: "A", TickSize: 0.1, LotSize: 1, Depth: "hashmap",
		Files: []string{"a.npy"}, Exchange: backtest.ExchangeSpec{Model: "no_partial_fill", Queue: "risk_adverse"},
		Fee: backtest.FeeSpec{Model: "value"}, Type: "linear", ContractSize: 1}}}
	text, err := json.Marshal(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"assets": [{"depth": "roi", "roi_low": -1, "roi_high": 1e300}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, spec []byte) {
		t.Chdir(t.TempDir())
		e, err := prepareEngine(spec, &recorder{}, newRowSender(nil))
		if err == nil {
			t.Errorf("%s is an engine of no file: %T", spec, e)
		}
	})
}
