package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/ipc"
)

func TestStrategiesTradeToFills(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{
		strategyOf("one", "quoter", quoterParams{FirstID: 1, Ticks: 0}),
		strategyOf("two", "quoter", quoterParams{FirstID: 1, Ticks: 0}, "BTCUSDT", "ETHUSDT"),
	}
	r := start(t, cfg)
	for _, name := range []string{"one", "two"} {
		r.until(name, "fills", func(s control.StrategyStatus) bool { return s.Fills > 0 && s.Events > 0 })
	}
	pids := []int{r.status("one").PID, r.status("two").PID}
	sum := r.end()
	if r.err != nil || sum.Exit != host.ExitInterrupted {
		t.Fatalf("exit %s, %v", sum.Exit, r.err)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	for _, s := range sum.Strategies {
		if s.Orders == 0 || s.Fills == 0 || s.LostEvents != 0 || s.TickToOrderNs.P50 <= 0 {
			t.Errorf("%+v", s)
		}
		for _, i := range s.Instruments {
			if i.OpenOrders != 0 {
				t.Errorf("%s: on_exit=cancel left %d orders of %s", s.Name, i.OpenOrders, i.Symbol)
			}
		}
	}
	if c := sum.Connectors[0]; c.Messages == 0 || c.Events == 0 {
		t.Errorf("%+v", c)
	}
}

// sightings reads what a quoter wrote.
func sightings(t *testing.T, path string) (list []sighting) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var s sighting
		if err := json.Unmarshal(sc.Bytes(), &s); err != nil {
			t.Fatalf("%s: %v", sc.Text(), err)
		}
		list = append(list, s)
	}
	return list
}

func TestKilledPluginComesBack(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	out := filepath.Join(t.TempDir(), "out")
	victim := strategyOf("victim", "quoter", quoterParams{Out: out, KeepQuotes: true, Ticks: 20_000})
	victim.OnExit = host.KeepOrders
	cfg.Strategies = []host.StrategyConfig{victim, strategyOf("other", "quoter", quoterParams{})}
	r := start(t, cfg)
	before := r.until("victim", "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
	r.until("other", "fills", func(s control.StrategyStatus) bool { return s.Fills > 0 })
	otherPID := r.status("other").PID

	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	after := r.until("victim", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
	if after.Restarts != 1 {
		t.Errorf("restarts %d", after.Restarts)
	}
	events := r.status("other").Events
	r.until("other", "more events", func(s control.StrategyStatus) bool { return s.Events > events+100 })
	if s := r.status("other"); s.PID != otherPID || s.LostEvents != 0 || s.Resyncs != 0 || s.Restarts != 0 {
		t.Errorf("the other strategy noticed: %+v", s)
	}
	r.end()
	// The new process had its orders, position and a full book before its first event.
	var starts []sighting
	for _, s := range sightings(t, out) {
		if s.What == "start" {
			starts = append(starts, s)
		}
	}
	if len(starts) != 2 {
		t.Fatalf("%d starts: %+v", len(starts), starts)
	}
	if s := starts[1]; s.Orders < 2-int(after.Fills) || s.Orders == 0 || s.BestBid == 0 || s.BestAsk <= s.BestBid ||
		s.Position != after.Instruments[0].Position && after.Fills == 0 {
		t.Errorf("at its start the new process saw %+v; the host has %+v", s, after)
	}
}

func TestOnExitCancelsOrders(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.BackoffMin, cfg.Supervision.BackoffMax = time.Hour, time.Hour
	cfg.Strategies = []host.StrategyConfig{strategyOf("victim", "quoter", quoterParams{KeepQuotes: true, Ticks: 20_000})}
	r := start(t, cfg)
	s := r.until("victim", "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
	if err := syscall.Kill(s.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.until("victim", "its orders canceled", func(s control.StrategyStatus) bool {
		return s.State == "backoff" && s.Instruments[0].OpenOrders == 0
	})
}

func TestHotRestartHandsOver(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	out := filepath.Join(t.TempDir(), "out")
	cfg.Strategies = []host.StrategyConfig{
		strategyOf("grid", "quoter", quoterParams{Out: out, KeepQuotes: true, Ticks: 20_000}),
		strategyOf("other", "quoter", quoterParams{}),
	}
	r := start(t, cfg)
	before := r.until("grid", "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
	client, err := control.DialRunner(filepath.Join(cfg.StateDir, host.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	result, err := client.Restart(context.Background(), "grid", false)
	if err != nil {
		t.Fatal(err)
	}
	if result.Gap <= 0 || result.OldPID != before.PID || result.NewPID == before.PID || alive(before.PID) {
		t.Errorf("%+v; old process alive: %v", result, alive(before.PID))
	}
	t.Logf("gap %v", result.Gap)
	after := r.status("grid")
	if after.PID != result.NewPID || after.Instruments[0].OpenOrders != 2 || len(after.RestartGapNs) != 1 || after.Orders != before.Orders {
		t.Errorf("after: %+v\nbefore: %+v", after, before)
	}
	r.end()
	var starts []sighting
	for _, s := range sightings(t, out) {
		if s.What == "start" {
			starts = append(starts, s)
		}
	}
	if len(starts) != 2 || starts[1].Orders != 2 || starts[1].Restored == 0 || starts[1].BestBid == 0 {
		t.Errorf("starts %+v", starts)
	}
}

func TestFailedHotRestartKeepsTheOldProcess(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	strategy := strategyOf("grid", "quoter", quoterParams{})
	strategy.OnChange = host.IgnoreChange
	cfg.Strategies = []host.StrategyConfig{strategy}
	r := start(t, cfg)
	before := r.until("grid", "running", running)
	bad := filepath.Join(cfg.PluginDir, ".bad")
	if err := os.WriteFile(bad, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(bad, filepath.Join(cfg.PluginDir, "quoter")); err != nil {
		t.Fatal(err)
	}
	_, err := r.host.Restart(context.Background(), "grid", false)
	if err == nil || !strings.Contains(err.Error(), "the old one keeps running") {
		t.Fatalf("restart with a broken binary: %v", err)
	}
	events := r.status("grid").Events
	after := r.until("grid", "more events", func(s control.StrategyStatus) bool { return s.Events > events })
	if after.PID != before.PID || after.State != "running" {
		t.Errorf("%+v", after)
	}
}

// TestRefusedStateBringsTheOldBinaryBack restarts with a process that takes its configuration but not the old state.
func TestRefusedStateBringsTheOldBinaryBack(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	dir := t.TempDir()
	out, marker := filepath.Join(dir, "out"), filepath.Join(dir, "refuse")
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{Out: out, RefuseStateIf: marker, KeepQuotes: true, Ticks: 20_000})}
	r := start(t, cfg)
	before := r.until("grid", "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := r.host.Restart(context.Background(), "grid", false)
	if err == nil || !strings.Contains(err.Error(), "a state from another world") || !strings.Contains(err.Error(), "the old binary is running again") {
		t.Fatalf("restart: %v", err)
	}
	after := r.until("grid", "running", running)
	if after.PID == before.PID || after.Instruments[0].OpenOrders != 2 {
		t.Errorf("%+v", after)
	}
	r.end()
	list := sightings(t, out)
	if last := list[len(list)-1]; last.Restored == 0 {
		t.Errorf("the old binary did not get its state back: %+v", last)
	}
}

func TestReplacedBinaryRestarts(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	ignoring := strategyOf("ignores", "quoter", quoterParams{})
	ignoring.OnChange = host.IgnoreChange
	cfg.Strategies = []host.StrategyConfig{strategyOf("restarts", "quoter", quoterParams{}), ignoring}
	r := start(t, cfg)
	before := r.until("restarts", "running", running)
	stays := r.until("ignores", "running", running)
	path := filepath.Join(cfg.PluginDir, "quoter")
	copyFile(t, path, path, 8)
	r.until("restarts", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
	if s := r.status("ignores"); s.PID != stays.PID {
		t.Errorf("on_change = ignore was restarted: %+v", s)
	}
}

// TestBotsDoNotSeeEachOther runs pairs on one instrument: one with disjoint ids, which must never meet, and one with
// the same ids, which must not collide.
func TestBotsDoNotSeeEachOther(t *testing.T) {
	const far = 1_000_000
	cfg := newConfig(t, 1, 0)
	dir := t.TempDir()
	low, high := filepath.Join(dir, "low"), filepath.Join(dir, "high")
	cfg.Strategies = []host.StrategyConfig{
		strategyOf("low", "quoter", quoterParams{Out: low, FirstID: 1}),
		strategyOf("high", "quoter", quoterParams{Out: high, FirstID: far}),
		strategyOf("same-a", "quoter", quoterParams{FirstID: 1, KeepQuotes: true, Ticks: 20_000}),
		strategyOf("same-b", "quoter", quoterParams{FirstID: 1, KeepQuotes: true, Ticks: 20_000}),
	}
	r := start(t, cfg)
	isOrder := func(s sighting) bool { return s.What == "order" }
	for name, path := range map[string]string{"low": low, "high": high} {
		r.until(name, "fills, which it knows of", func(s control.StrategyStatus) bool {
			return s.Fills > 1 && slices.ContainsFunc(sightings(t, path), isOrder)
		})
	}
	for _, name := range []string{"same-a", "same-b"} {
		s := r.until(name, "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
		if s.Orders < 2 || s.Rejects != 0 {
			t.Errorf("%+v", s)
		}
	}
	r.end()
	for path, foreign := range map[string]func(id uint64) bool{
		low: func(id uint64) bool { return id >= far }, high: func(id uint64) bool { return id < far },
	} {
		seen := 0
		for _, s := range sightings(t, path) {
			if s.What != "order" {
				continue
			}
			if seen++; foreign(s.OrderID) {
				t.Fatalf("%s saw a foreign order: %+v", path, s)
			}
		}
		if seen == 0 {
			t.Errorf("%s saw no orders at all", path)
		}
	}
}

// TestGarbageHurtsOnlyItsBot runs a strategy that overwrites all of the shared memory it can write to.
func TestGarbageHurtsOnlyItsBot(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(cfg.PluginDir, "garbage"), "../internal/e2e/badplugin")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cfg.Supervision.CrashLoopRestarts = 2
	cfg.Supervision.HeartbeatTimeout = 2 * time.Second
	whole := strategyOf("whole", "garbage", map[string]any{"after_events": 5})
	queues := strategyOf("queues", "garbage", map[string]any{"after_events": 5, "offset": 4096, "seed": 3})
	cfg.Strategies = []host.StrategyConfig{strategyOf("good", "quoter", quoterParams{}), whole, queues}
	r := start(t, cfg)
	for _, name := range []string{"whole", "queues"} {
		r.until(name, "failed", func(s control.StrategyStatus) bool { return s.State == "failed" })
	}
	before := r.status("good")
	after := r.until("good", "trading on", func(s control.StrategyStatus) bool { return s.Events > before.Events+200 && s.Fills > 0 })
	if after.State != "running" || after.Restarts != 0 || after.LostEvents != 0 || after.Resyncs != 0 || !(after.Instruments[0].BestBid > 0) {
		t.Errorf("%+v", after)
	}
	sum := r.end()
	for _, s := range sum.Strategies {
		if published := sum.Connectors[0].Events * uint64(1+s.Restarts); s.Events > published || s.LostEvents > published {
			t.Errorf("%s claims %d events and %d lost of %d published, and is believed", s.Name, s.Events, s.LostEvents, published)
		}
	}
}

// TestRefusedQuantity sends a quantity that is not a multiple of the lot size, which the bot's library would not: the
// bot gets an error, nothing reaches the venue.
func TestRefusedQuantity(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("plugin", "sleeper", struct{}{})}
	r := start(t, cfg)
	r.until("plugin", "running", running)
	inst := attachedInstrument("BTCUSDT")
	ch, err := ipc.Dial(r.socket(), 7, []ipc.Instrument{inst}, ipc.DialConfig{Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ch.Close() }()
	order := hft.NewOrder(1, 600_000, inst.TickSize, 0.0105, hft.Buy, hft.Limit, hft.GTC)
	order.Req = hft.StatusNew
	if err := ch.Send(7, 0, &ipc.LiveRequest{Kind: ipc.RequestOrder, Order: order}); err != nil {
		t.Fatal(err)
	}
	s := r.until("attached-7", "a refusal", func(s control.StrategyStatus) bool { return s.Rejects > 0 })
	if s.Orders != 0 || s.Instruments[0].OpenOrders != 0 {
		t.Errorf("%+v", s)
	}
}

func TestStopAndStart(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{KeepQuotes: true, Ticks: 20_000})}
	r := start(t, cfg)
	s := r.until("grid", "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
	ctx := context.Background()
	for _, want := range []bool{false, true} {
		if already, err := r.host.Stop(ctx, "grid"); err != nil || already != want {
			t.Fatalf("stop: already %v, %v", already, err)
		}
	}
	if alive(s.PID) {
		t.Errorf("process %d is left", s.PID)
	}
	if got := r.status("grid").State; got != "stopped" {
		t.Errorf("state %s", got)
	}
	r.until("grid", "no orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 0 })
	if already, err := r.host.Start(ctx, "grid", false); err != nil || already {
		t.Fatal(err)
	}
	if already, err := r.host.Start(ctx, "grid", false); err != nil || !already {
		t.Errorf("a second start: already %v, %v", already, err)
	}
	r.until("grid", "two open orders again", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
	if _, err := r.host.Stop(ctx, "gridd"); err == nil || !strings.Contains(err.Error(), `did you mean "grid"`) {
		t.Errorf("unknown name: %v", err)
	}
}

func TestSuspendedPluginIsTakenForHung(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.HeartbeatTimeout = 500 * time.Millisecond
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{}), strategyOf("other", "quoter", quoterParams{})}
	r := start(t, cfg)
	before := r.until("grid", "running", running)
	if err := syscall.Kill(before.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	after := r.until("grid", "a new process", func(s control.StrategyStatus) bool { return running(s) && s.PID != before.PID })
	if alive(before.PID) || after.Restarts == 0 {
		t.Errorf("old process alive: %v; %+v", alive(before.PID), after)
	}
}

func TestHangingAndPanickingStrategiesAreGivenUp(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.HeartbeatTimeout = 2 * time.Second
	cfg.Supervision.CrashLoopRestarts = 1
	cfg.Strategies = []host.StrategyConfig{strategyOf("panics", "panics", struct{}{}), strategyOf("hangs", "hangs", struct{}{}),
		strategyOf("good", "quoter", quoterParams{})}
	r := start(t, cfg)
	failed := func(s control.StrategyStatus) bool { return s.State == "failed" }
	if s := r.until("panics", "failed", failed); !strings.Contains(s.Reason, "a bug in the strategy") || s.Restarts != 1 {
		t.Errorf("%+v", s)
	}
	if s := r.until("hangs", "failed", failed); !strings.Contains(s.Reason, "hung") {
		t.Errorf("%+v", s)
	}
	if s := r.status("good"); s.State != "running" || s.LostEvents != 0 || s.Restarts != 0 {
		t.Errorf("%+v", s)
	}
}

// TestFullSpeedLosesNothing replays a market as fast as the bots can follow: nothing is lost, the run ends by itself,
// and a second run of the same market trades the same.
func TestFullSpeedLosesNothing(t *testing.T) {
	var runs []host.Summary
	for range 2 {
		cfg := newConfig(t, 0, 8*time.Second)
		cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{Ticks: 0}),
			strategyOf("both", "quoter", quoterParams{Ticks: 1}, "BTCUSDT", "ETHUSDT")}
		r := start(t, cfg)
		sum := r.await()
		if r.err != nil || sum.Exit != host.ExitEndOfData {
			t.Fatalf("exit %s, %v", sum.Exit, r.err)
		}
		for _, s := range sum.Strategies {
			if s.State != "ended" || s.LostEvents != 0 || s.Fills == 0 {
				t.Errorf("%+v", s)
			}
		}
		runs = append(runs, sum)
	}
	for i := range runs[0].Strategies {
		a, b := runs[0].Strategies[i], runs[1].Strategies[i]
		if a.Events != b.Events || a.Orders != b.Orders || a.Fills != b.Fills || !reflect.DeepEqual(a.Instruments[0], b.Instruments[0]) {
			t.Errorf("two runs of one market differ:\n%+v\n%+v", a, b)
		}
	}
}
