package main_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/backtest"
)

// TestCloses: a plugin that closes its own bot, in whatever way, ends gracefully when it is done, when the data ends,
// and when it is stopped.
func TestCloses(t *testing.T) {
	for name, test := range map[string]struct {
		params    string
		end       func(t *testing.T, h *miniHost)
		endOfData bool
	}{
		"done":             {`{}`, func(*testing.T, *miniHost) {}, false},
		"from a goroutine": {`{"goroutine": true}`, func(*testing.T, *miniHost) {}, false},
		"end of data":      {`{"after_events": 0}`, func(_ *testing.T, h *miniHost) { h.endData() }, true},
		"stopped": {`{"after_events": 0}`, func(t *testing.T, h *miniHost) {
			if _, err := h.process.Stop(t.Context()); err != nil {
				t.Errorf("stop: %v", err)
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newMiniHost(t, "closes", test.params)
			h.start()
			test.end(t, h)
			exit, err := h.process.Wait(t.Context())
			if err != nil || exit.Error != "" || exit.EndOfData != test.endOfData {
				t.Errorf("exit is %+v, %v", exit, err)
			}
			for range 2 { // a host that stops everybody stops this one too
				if _, err := h.process.Stop(t.Context()); err != nil {
					t.Errorf("stop: %v", err)
				}
			}
			if _, err := h.process.Describe(t.Context()); err != nil {
				t.Errorf("the process does not answer any more: %v", err)
			}
		})
	}
}

func TestClosesInBacktest(t *testing.T) {
	p, _ := launch(t, "closes")
	for params, end := range map[string]backtest.End{`{}`: backtest.EndReturned,
		`{"after_events": 0}`:                      backtest.EndOfData,
		`{"after_events": 500, "goroutine": true}`: ""} { // how far it comes until then is chance
		o, err := runBacktest(t.Context(), p, backtestJob(t, params))
		if err != nil || o.result.Error != "" || end != "" && o.result.End != end {
			t.Errorf("%s: result %+v, %v", params, o.result, err)
		}
	}
}
