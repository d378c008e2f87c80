package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
)

// fakeHost is a host with one strategy.
type fakeHost struct {
	blocked chan struct{}
	ending  chan struct{} // closed when what blocks is answered
}

func (h *fakeHost) Version(context.Context) (control.VersionInfo, error) {
	return control.VersionInfo{
		Version: "1.2.3", APIVersion: 1, PID: 17, Config: "runner.hcl", StartedAt: time.Unix(1000, 5).UTC(),
	}, nil
}

func (h *fakeHost) Strategies(context.Context) ([]control.StrategyStatus, error) {
	return []control.StrategyStatus{fullStatus(), {Name: "second"}}, nil
}

// fullStatus has another value in every field.
func fullStatus() control.StrategyStatus {
	return control.StrategyStatus{
		Name: "grid-btc", Plugin: "gridtrading", Version: "1.0.0", State: "running", Reason: "because", PID: 4711,
		UptimeNs: 1, Restarts: 2, OrdersLeft: 13, Events: 3, LostEvents: 4, Resyncs: 5, Requests: 6, Orders: 7,
		Fills: 8, Rejects: 9,
		TickToOrder: 10, RestartGapNs: []int64{11, 12},
		Instruments: []control.InstrumentStatus{{
			Connector: "sim", Symbol: "BTCUSDT", Position: -1, BestBid: 2, BestAsk: 3, OpenOrders: 4, Fee: 5,
			TradingVolume: 6,
			TradingValue:  7, RealisedPnL: 8, OpenPnL: 9, Findings: map[string]uint64{"gap": 10, "mismatch": 11},
			BadMessages: 14, TradingState: "halted", TradingReason: "halted: why", Unattributed: 1.5,
			Mismatch: -2.5,
		}},
	}
}

// oneOrder has another value in every field.
func oneOrder() control.OpenOrder {
	return control.OpenOrder{Strategy: "left", Connector: "bf", Symbol: "BTCUSDT", ClientID: "x-1", Side: "Buy",
		Price: 60_000.1, OpenQty: 0.01}
}

func (h *fakeHost) Start(_ context.Context, name string, _ bool) (bool, error) {
	switch name {
	case "grid-btc":
		return true, nil
	case "broken":
		return false, fmt.Errorf("start broken: %w", &control.LaunchError{Cause: control.CauseChecksum, Path: "/p",
			Problem: "is odd", Fix: "look"})
	case "wrong":
		return false, fmt.Errorf("strategy wrong rejects its configuration: %w",
			control.ParamErrors{{Name: "qty", Problem: "is odd"}})
	case "left":
		return false, &control.OrdersLeftError{Strategy: "left", Orders: []control.OpenOrder{oneOrder()},
			Unaccounted: []string{"bf ETHUSDT", "bf \xff"}}
	case "running":
		return false, errors.New("strategy running runs already \xff")
	}
	return false, fmt.Errorf("start: %w", control.NewNotFoundError(name, []string{"grid-btc", "broken"}))
}

func (h *fakeHost) Stop(ctx context.Context, _ string) (bool, error) {
	if h.blocked != nil {
		close(h.blocked)
		select {
		case <-h.ending:
			return false, errors.New("the host is shutting down")
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
	return false, ctx.Err()
}

func (h *fakeHost) Restart(context.Context, string, bool) (control.RestartResult, error) {
	return control.RestartResult{Gap: 42 * time.Millisecond, OldPID: 1, NewPID: 2, Version: "1.0.1",
		StateLost: "too large"}, nil
}

func (h *fakeHost) Adopt(_ context.Context, a control.Adoption) (control.AdoptResult, error) {
	return control.AdoptResult{Qty: a.Qty, Price: a.Price, Position: 2, Unattributed: -1,
		Resumed: a.Strategy != "" && a.Connector == "sim" && a.Symbol == "BTCUSDT"}, nil
}

func (h *fakeHost) Halt(_ context.Context, connector, symbol string) ([]control.HaltedInstrument, error) {
	if connector != "sim" {
		return nil, &control.OrdersLeftError{Orders: []control.OpenOrder{{Connector: connector, Symbol: symbol}},
			Unaccounted: []string{"bf ETHUSDT"}}
	}
	return []control.HaltedInstrument{{Connector: connector, Symbol: symbol, Cause: "why"},
		{Connector: connector, Symbol: "ETHUSDT", Already: true, Cause: "before"}}, nil
}

func (h *fakeHost) Resume(_ context.Context, connector, symbol string) ([]control.Resumption, error) {
	if connector != "sim" {
		return nil, errors.New("there is no connector " + connector)
	}
	return []control.Resumption{{Symbol: symbol, Cause: "why"}, {Symbol: "ETHUSDT", Cause: "why", Refused: "not"}}, nil
}

// serveHost serves h until the test ends or stop is called.
func serveHost(t testing.TB, h *fakeHost) (socketPath string, stop func()) {
	t.Helper()
	// Not t.TempDir: its names are too long for a socket on macOS.
	folder, err := os.MkdirTemp("", "runner")
	if err != nil {
		t.Fatal(err)
	}
	socketPath = filepath.Join(folder, "s")
	lis, err := control.ListenRunner(socketPath)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- control.ServeRunner(ctx, lis, h) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(folder)
	}
	t.Cleanup(stop)
	return socketPath, stop
}

func dialHost(t testing.TB, socketPath string) *control.RunnerClient {
	t.Helper()
	c, err := control.DialRunner(socketPath)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRunnerCalls(t *testing.T) {
	socketPath, _ := serveHost(t, &fakeHost{})
	c := dialHost(t, socketPath)
	ctx := deadline(t)
	host := &fakeHost{}
	wantVersion, _ := host.Version(ctx)
	if v, err := c.Version(ctx); err != nil || v != wantVersion {
		t.Errorf("version is %+v, %v", v, err)
	}
	wantList, _ := host.Strategies(ctx)
	if list, err := c.Strategies(ctx); err != nil || !reflect.DeepEqual(list, wantList) {
		t.Errorf("strategies are\n%+v, %v, want\n%+v", list, err, wantList)
	}
	if already, err := c.Start(ctx, "grid-btc", false); err != nil || !already {
		t.Error(already, err)
	}
	wantRestart, _ := host.Restart(ctx, "", false)
	if r, err := c.Restart(ctx, "grid-btc", true); err != nil || r != wantRestart {
		t.Errorf("restart is %+v, %v", r, err)
	}
	asked := control.Adoption{Strategy: "grid-btc", Connector: "sim", Symbol: "BTCUSDT", Qty: 0.5, Price: 60000}
	wantAdopted, _ := host.Adopt(ctx, asked)
	if r, err := c.Adopt(ctx, asked); err != nil || r != wantAdopted || !r.Resumed {
		t.Errorf("adopt is %+v, %v", r, err)
	}
	wantHalted, _ := host.Halt(ctx, "sim", "BTCUSDT")
	if r, err := c.Halt(ctx, "sim", "BTCUSDT"); err != nil || !slices.Equal(r, wantHalted) {
		t.Errorf("halt is %+v, %v", r, err)
	}
	var left *control.OrdersLeftError
	if _, err := c.Halt(ctx, "bf", "BTCUSDT"); !errors.As(err, &left) || len(left.Orders) != 1 || left.Orders[0].Connector != "bf" ||
		len(left.Unaccounted) != 1 || !strings.Contains(err.Error(), "new orders are refused, but ") {
		t.Errorf("halt with orders left: %v", err)
	}
	wantResumed, _ := host.Resume(ctx, "sim", "BTCUSDT")
	if r, err := c.Resume(ctx, "sim", "BTCUSDT"); err != nil || !slices.Equal(r, wantResumed) {
		t.Errorf("resume is %+v, %v", r, err)
	}
	if r, err := c.Resume(ctx, "other", ""); err == nil || r != nil {
		t.Errorf("resume is %+v, %v", r, err)
	}
	info, err := os.Stat(socketPath)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket has the mode %v, %v", info.Mode(), err)
	}
}

// The test of the calls would not see a field that was added and not converted; this one sees a zero in fullStatus.
func TestStatusIsFull(t *testing.T) {
	var check func(v reflect.Value, path string)
	check = func(v reflect.Value, path string) {
		for i := range v.NumField() {
			f, name := v.Field(i), path+"."+v.Type().Field(i).Name
			if f.IsZero() {
				t.Errorf("%s is not set", name)
			}
			if f.Kind() == reflect.Slice && f.Len() > 0 && f.Index(0).Kind() == reflect.Struct {
				check(f.Index(0), name)
			}
		}
	}
	check(reflect.ValueOf(fullStatus()), "StrategyStatus")
}

func TestRunnerErrors(t *testing.T) {
	socketPath, stop := serveHost(t, &fakeHost{blocked: make(chan struct{})})
	c := dialHost(t, socketPath)
	ctx := deadline(t)
	_, err := c.Start(ctx, "gird-btc", false)
	var notFound *control.NotFoundError
	if !errors.Is(err, control.ErrNotFound) || !errors.As(err, &notFound) || notFound.Nearest != "grid-btc" ||
		err.Error() != `start: no strategy "gird-btc"; did you mean "grid-btc"?` {
		t.Errorf("unknown strategy: %v", err)
	}
	_, err = c.Start(ctx, "broken", false)
	var launch *control.LaunchError
	if !errors.As(err, &launch) || launch.Cause != control.CauseChecksum ||
		err.Error() != "start broken: plugin /p: is odd: look" {
		t.Errorf("failed launch: %v", err)
	}
	_, err = c.Start(ctx, "wrong", false)
	var params control.ParamErrors
	if !errors.As(err, &params) || len(params) != 1 || !strings.Contains(err.Error(), `parameter "qty" is odd`) {
		t.Errorf("wrong parameters: %v", err)
	}
	_, err = c.Start(ctx, "left", false)
	var left *control.OrdersLeftError
	if !errors.As(err, &left) || left.Strategy != "left" || len(left.Orders) != 1 || left.Orders[0] != oneOrder() ||
		!slices.Equal(left.Unaccounted, []string{"bf ETHUSDT", "bf \uFFFD"}) ||
		!strings.Contains(err.Error(), "may be open on bf ETHUSDT, ") ||
		!strings.HasSuffix(err.Error(), "\n  bf BTCUSDT x-1 Buy 0.01 at 60000.1") {
		t.Errorf("orders left: %v", err)
	}
	if _, err := c.Start(ctx, "running", false); err == nil || err.Error() != "strategy running runs already \uFFFD" {
		t.Errorf("another error: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := c.Stop(short, "grid-btc"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("timeout: %v", err)
	}
	stop()
	if _, err := c.Version(ctx); !errors.Is(err, control.ErrNoHost) {
		t.Errorf("host has ended: %v", err)
	}
}

func TestRunnerEndsCallsUnderWay(t *testing.T) {
	host := &fakeHost{blocked: make(chan struct{})}
	socketPath, stop := serveHost(t, host)
	c := dialHost(t, socketPath)
	done := make(chan error, 1)
	go func() {
		_, err := c.Stop(deadline(t), "grid-btc")
		done <- err
	}()
	<-host.blocked
	stop()
	if err := <-done; err == nil {
		t.Error("the call succeeded")
	}
}

// TestAnswersOfTheLastMoment: a request made while the host was there gets the answer that it is ending, not that
// there is none.
func TestAnswersOfTheLastMoment(t *testing.T) {
	host := &fakeHost{blocked: make(chan struct{}), ending: make(chan struct{})}
	socketPath, stop := serveHost(t, host)
	c := dialHost(t, socketPath)
	done := make(chan error, 1)
	go func() {
		_, err := c.Stop(deadline(t), "grid-btc")
		done <- err
	}()
	<-host.blocked
	go func() { // the answer is under way when the host ends
		for {
			conn, err := net.Dial("unix", socketPath)
			if err != nil {
				close(host.ending)
				return
			}
			_ = conn.Close()
		}
	}()
	stop()
	if err := <-done; err == nil || err.Error() != "the host is shutting down" {
		t.Errorf("it was told: %v", err)
	}
}

// TestConnectionThatSaysNothing: whoever connects and says nothing does not hold up the end of the host.
func TestConnectionThatSaysNothing(t *testing.T) {
	socketPath, stop := serveHost(t, &fakeHost{})
	conn, err := net.Dial("unix", socketPath)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := dialHost(t, socketPath).Version(deadline(t)); err != nil { // by now the other one is accepted, too
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { stop(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("it still waits")
	}
}

func TestNoHost(t *testing.T) {
	folder := t.TempDir()
	stale := filepath.Join(folder, "s")
	lis, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	lis.SetUnlinkOnClose(false)
	_ = lis.Close()
	for _, path := range []string{stale, filepath.Join(folder, "none")} {
		if _, err := control.DialRunner(path); !errors.Is(err, control.ErrNoHost) ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("dial %s: %v", path, err)
		}
	}
	// A stale socket is replaced, a live one is not.
	fresh, err := control.ListenRunner(stale)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := control.ListenRunner(stale); !errors.Is(err, control.ErrHostRunning) {
		t.Errorf("second host: %v", err)
	}
	// One whose file is another's by now leaves that.
	if err := os.Remove(stale); err != nil {
		t.Fatal(err)
	}
	newer, err := control.ListenRunner(stale)
	if err != nil {
		t.Fatal(err)
	}
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := control.ListenRunner(stale); !errors.Is(err, control.ErrHostRunning) {
		t.Errorf("the socket of the newer one: %v", err)
	}
	if err := newer.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("closing leaves %v, %v", left, err)
	}
	if _, err := control.ListenRunner(filepath.Join(folder, strings.Repeat("x", 100))); err == nil ||
		!strings.Contains(err.Error(), "shorter") {
		t.Errorf("long path: %v", err)
	}
}

// The names are those of the command line's JSON output, which scripts read.
func TestJSONNames(t *testing.T) {
	text, err := json.Marshal(control.StrategyStatus{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"","plugin":"","version":"","state":"","pid":0,"uptime_ns":0,"restarts":0,"orders_left":0,"events":0,"lost_events":0,` +
		`"resyncs":0,"requests":0,"orders":0,"fills":0,"rejects":0,"last_tick_to_order_ns":0,"restart_gap_ns":null,"instruments":null}`
	if string(text) != want {
		t.Errorf("status is %s", text)
	}
}

func BenchmarkRunnerStrategies(b *testing.B) {
	socketPath, _ := serveHost(b, &fakeHost{})
	c := dialHost(b, socketPath)
	for b.Loop() {
		if _, err := c.Strategies(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
