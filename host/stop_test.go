package host_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"hftrunner/host"
)

// TestStopThatFails: a strategy that goes wrong in its own stop has failed, by command and at the end of a run, and both say why;
// one whose state alone cannot be saved has stopped.
func TestStopThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		params     quoterParams
		says, logs string
	}{
		"fails":   {quoterParams{Stopping: "fails"}, "failed when it was stopped: it cannot go flat", "it cannot go flat"},
		"exits":   {quoterParams{Stopping: "exits"}, "ended unexpectedly when it was to stop", "exit"},
		"hangs":   {quoterParams{Stopping: "hangs"}, "did not stop in order and was killed", "stop_timeout"},
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
			if _, err := r.host.Start(context.Background(), "grid"); err != nil {
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
