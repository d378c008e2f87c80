package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
)

// fakeBatch is the number of bytes of rows that an update of the fake strategy has in each list.
const fakeBatch = 300_000

// Backtest does what the parameters say and shows in its updates what it got.
func (f *fakeStrategy) Backtest(ctx context.Context, job control.BacktestJob,
	update func(control.BacktestUpdate) error) error {
	var params struct {
		Mode    string
		Batches int
	}
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return fmt.Errorf("parse parameters: %w", err)
	}
	result, err := json.Marshal(fmt.Sprintf("%s %s", job.StrategyName, job.Spec))
	if err != nil {
		return err
	}
	stderr := os.NewFile(2, "stderr") // os.Stderr goes through the control plane and is late at the end
	rows := make([]byte, fakeBatch)   // used again and again: an update is only lent
	for i := range params.Batches {
		for j := range rows {
			rows[j] = byte(i)
		}
		u := control.BacktestUpdate{Progress: fmt.Appendf(nil, "%d", i), Records: rows[:1], Orders: rows,
			Fills: rows[:2]}
		if err := update(u); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "sent %d\n", i)
	}
	switch params.Mode {
	case "wrong":
		return control.ParamErrors{{Name: "qty", Problem: "is too much \xff"}}
	case "fails":
		return errors.New("no such data \xfe")
	case "exits":
		fmt.Fprintln(stderr, "panic: out of memory")
		os.Exit(7)
	case "forgets":
		return nil
	case "waits":
		<-ctx.Done()
		fmt.Fprintln(stderr, "interrupted:", ctx.Err())
		return ctx.Err()
	}
	return update(control.BacktestUpdate{Result: result})
}

func job(params string) control.BacktestJob {
	return control.BacktestJob{StrategyName: "grid", Params: []byte(params), Spec: []byte(`{"assets": 1}`)}
}

func TestBacktestStreams(t *testing.T) {
	p := mustLaunch(t, nil)
	const batches = 20
	var updates []control.BacktestUpdate
	err := p.Backtest(deadline(t), job(`{"batches": 20}`), func(u control.BacktestUpdate) error {
		updates = append(updates, u)
		return nil
	})
	if err != nil || len(updates) != batches+1 {
		t.Fatalf("%d updates, %v", len(updates), err)
	}
	for i, u := range updates[:batches] {
		want := bytes.Repeat([]byte{byte(i)}, fakeBatch)
		if string(u.Progress) != fmt.Sprint(i) || !bytes.Equal(u.Orders, want) || len(u.Records) != 1 ||
			len(u.Fills) != 2 || u.Result != nil {
			t.Errorf("update %d: progress %s, %d bytes of orders, result %q", i, u.Progress, len(u.Orders), u.Result)
		}
	}
	if u := updates[batches]; string(u.Result) != `"grid {\"assets\": 1}"` || u.Orders != nil {
		t.Errorf("last update is %+v", u)
	}
}

func TestBacktestEnds(t *testing.T) {
	for _, c := range []struct{ name, params, says string }{
		{"an error", `{"mode": "fails", "batches": 1}`, "backtest: no such data \uFFFD"},
		{"not decodable", `{`, "parse parameters"},
		{"no result", `{"mode": "forgets", "batches": 1}`, "without a result"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := mustLaunch(t, nil).Backtest(deadline(t), job(c.params),
				func(control.BacktestUpdate) error { return nil })
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, control.ErrPluginExited) {
				t.Errorf("backtest ends with %v, want %q", err, c.says)
			}
		})
	}
}

func TestBacktestParamErrors(t *testing.T) {
	err := mustLaunch(t, nil).Backtest(deadline(t), job(`{"mode": "wrong"}`), func(control.BacktestUpdate) error {
		t.Error("an update came")
		return nil
	})
	var errs control.ParamErrors
	if !errors.As(err, &errs) || len(errs) != 1 || errs[0] != (control.ParamError{Name: "qty",
		Problem: "is too much \uFFFD"}) {
		t.Errorf("wrong parameters are reported as %#v", err)
	}
}

func TestBacktestOfAnOldPlugin(t *testing.T) {
	p, err := launch(t, "old", nil)
	if err != nil {
		t.Fatal(err)
	}
	err = p.Backtest(deadline(t), job(`{}`), func(control.BacktestUpdate) error { return nil })
	if !errors.Is(err, control.ErrNoBacktest) || !strings.Contains(err.Error(), "rebuild") {
		t.Errorf("an old plugin: %v", err)
	}
}

func TestBacktestPluginExits(t *testing.T) {
	var updates int
	p := mustLaunch(t, nil)
	err := p.Backtest(deadline(t), job(`{"mode": "exits", "batches": 3}`), func(control.BacktestUpdate) error {
		updates++
		return nil
	})
	if !errors.Is(err, control.ErrPluginExited) || !strings.Contains(err.Error(),
		"exit status 7, last output: panic: out of memory") {
		t.Errorf("after %d updates: %v", updates, err)
	}
	if err := p.Backtest(deadline(t), job(`{}`), nil); !errors.Is(err, control.ErrPluginExited) {
		t.Errorf("a backtest in a dead process: %v", err)
	}
}

func TestBacktestIsCancelled(t *testing.T) {
	log := &lockedBuffer{}
	p := mustLaunch(t, func(c *control.LaunchConfig) { c.Log = log.logger() })
	ctx, cancel := context.WithCancel(deadline(t))
	err := p.Backtest(ctx, job(`{"mode": "waits", "batches": 1}`), func(control.BacktestUpdate) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, control.ErrPluginExited) {
		t.Errorf("a cancelled backtest: %v", err)
	}
	log.await(t, "interrupted: context canceled\n")
	if err := p.Backtest(deadline(t), job(`{}`), func(control.BacktestUpdate) error { return nil }); err != nil {
		t.Errorf("the next one in the same process: %v", err)
	}
}

func TestBacktestUpdateIsRefused(t *testing.T) {
	log := &lockedBuffer{}
	p := mustLaunch(t, func(c *control.LaunchConfig) { c.Log = log.logger() })
	full := errors.New("disk is full")
	err := p.Backtest(deadline(t), job(`{"mode": "waits", "batches": 1}`),
		func(control.BacktestUpdate) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("backtest ends with %v", err)
	}
	log.await(t, "interrupted: context canceled\n")
}

// TestBacktestWaits shows the back pressure: the plugin stands still while nothing is taken.
func TestBacktestWaits(t *testing.T) {
	log := &lockedBuffer{}
	p := mustLaunch(t, func(c *control.LaunchConfig) { c.Log = log.logger() })
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	err := p.Backtest(ctx, job(`{"batches": 2000}`), func(control.BacktestUpdate) error {
		for before := ""; before != log.String(); {
			before = log.String()
			time.Sleep(100 * time.Millisecond)
		}
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ends with %v", err)
	}
	if text := log.String(); strings.Contains(text, "sent 1999\n") {
		t.Error("600 MB went on the way to a host that takes nothing")
	}
}

func TestBacktestsSideBySide(t *testing.T) {
	p := mustLaunch(t, nil)
	var wg sync.WaitGroup
	var updates atomic.Int64
	for range 4 {
		wg.Go(func() {
			err := p.Backtest(deadline(t), job(`{"batches": 5}`), func(control.BacktestUpdate) error {
				updates.Add(1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := updates.Load(); n != 4*6 {
		t.Errorf("%d updates, want 24", n)
	}
	if _, err := p.Describe(deadline(t)); err != nil {
		t.Error(err)
	}
}

// BenchmarkBacktestUpdates measures a backtest of one batch of rows, from the call to the result.
func BenchmarkBacktestUpdates(b *testing.B) {
	p := mustLaunch(b, nil)
	b.SetBytes(fakeBatch + 3)
	b.ReportAllocs()
	for b.Loop() {
		err := p.Backtest(context.Background(), job(`{"batches": 1}`),
			func(control.BacktestUpdate) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}
