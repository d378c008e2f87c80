package host_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
)

// TestStopThatFails: a strategy that goes wrong in its own stop has failed, by command and at the end of a run, and both say why;
// one whose state alone cannot be saved has stopped.
func TestStopThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		params     quoterParams
		says, logs string
	}{
		"fails":   {quoterParams{Stopping: "fails"}, "failed while stopping: it cannot go flat", "it cannot go flat"},
		"exits":   {quoterParams{Stopping: "exits"}, "ended unexpectedly while stopping", "exit"},
		"hangs":   {quoterParams{Stopping: "hangs"}, "did not stop gracefully and was killed", "stop_timeout"},
		"unsaved": {quoterParams{Saving: "fails"}, "", "its state could not be saved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t, 1, 0)
			if name == "hangs" {
				cfg.Supervision.StopTimeout = time.Second
			}
			cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", test.params)}
			want := "failed"
			if test.says == "" {
				want = "stopped"
			}
			var log bytes.Buffer // the logger has a lock
			r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Warn}))
			r.until("grid", "it runs", running)
			_, err := r.host.Stop(context.Background(), "grid")
			if s := r.status("grid"); s.State != want || (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("stop: %v; %s: %s", err, s.State, s.Reason)
			}
			if _, err := r.host.Start(context.Background(), "grid", false); err != nil {
				t.Fatal(err)
			}
			s := r.end().Strategies[0]
			if s.State != want || !strings.Contains(s.Reason, test.says) {
				t.Errorf("at the end %s: %q", s.State, s.Reason)
			}
			if text := log.String(); !strings.Contains(text, test.logs) || test.says == "" && (strings.Contains(text, "in order") || !strings.Contains(text, "the disk of the state is full")) {
				t.Errorf("it logs\n%s", text)
			}
		})
	}
}

// TestStopThatTakesItsTime: the orders of a strategy that sends requests in its stop are its own until it has returned.
func TestStopThatTakesItsTime(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", quoterParams{Stopping: "requests", KeepQuotes: true, Ticks: 20_000})}
	r := start(t, cfg)
	r.until("grid", "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
	stopped := make(chan error, 1)
	go func() {
		_, err := r.host.Stop(context.Background(), "grid")
		stopped <- err
	}()
	r.until("grid", "many requests", func(s control.StrategyStatus) bool {
		if s.Requests < stoppingRequests-5 {
			if open := uint64(s.Instruments[0].OpenOrders); open+3 < s.Requests {
				t.Fatalf("%d orders are open after %d requests", open, s.Requests)
			}
			return false
		}
		return true
	})
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if s := r.status("grid"); s.State != "stopped" || s.Instruments[0].OpenOrders != 0 {
		t.Errorf("%+v", s)
	}
}

// TestRunEndsDuringHotRestart: what the old process does not answer in is not waited for, and its orders end.
func TestRunEndsDuringHotRestart(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]quoterParams{"Run hangs": {Stopping: "hangs"}, "SaveState hangs": {Saving: "hangs"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t, 1, 0)
			cfg.Supervision.StopTimeout, cfg.Supervision.HeartbeatTimeout = 10*patience, time.Hour
			params.Out, params.KeepQuotes, params.Ticks = filepath.Join(t.TempDir(), "out"), true, 20_000
			cfg.Strategies = []host.StrategyConfig{strategyOf("grid", "quoter", params)}
			r := start(t, cfg)
			before := r.until("grid", "two open orders", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 2 })
			outcome := make(chan error, 1)
			go func() {
				_, err := r.host.Restart(context.Background(), "grid", false)
				outcome <- err
			}()
			r.until("grid", "it is suspended", func(control.StrategyStatus) bool {
				return slices.ContainsFunc(sightings(t, params.Out), func(s sighting) bool { return s.What == "stopping" })
			})
			r.stop()
			if err := <-outcome; err == nil || !strings.Contains(err.Error(), "shutting down") {
				t.Errorf("restart: %v", err)
			}
			if params.Stopping == "hangs" {
				r.until("grid", "its orders have ended", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 0 })
				if !alive(before.PID) {
					t.Error("the strategy is gone")
				}
				_ = syscall.Kill(before.PID, syscall.SIGKILL)
			}
			if s := r.await(); len(s.UnconfirmedOrders) != 0 || s.Strategies[0].Instruments[0].OpenOrders != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}
