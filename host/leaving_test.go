package host

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// TestWhatIsNotKept: of one that keeps its orders those end that it has canceled itself, and those that were treated
// as over; not a submission without an answer.
func TestWhatIsNotKept(t *testing.T) {
	l := &leaving{}
	for name, test := range map[string]struct {
		status, req hft.Status
		ends        bool
	}{
		"open":                      {hft.StatusNew, hft.StatusNone, false},
		"submitted, without answer": {hft.StatusUnknown, hft.StatusNew, false},
		"modified, without answer":  {hft.StatusUnknown, hft.StatusReplaced, false},
		"being canceled":            {hft.StatusNew, hft.StatusCanceled, true},
		"taken for over":            {hft.StatusUnknown, hft.StatusNone, true},
	} {
		o := leftOrder{OpenOrder: connector.OpenOrder{Order: connector.Order{Order: hft.Order{Status: test.status, Req: test.req}}}}
		if l.concerns(&o) != test.ends {
			t.Errorf("%s: it is to end: %t", name, !test.ends)
		}
	}
}

// TestWaitingIsTold: at most is said where there is a limit, and that is the wait's own.
func TestWaitingIsTold(t *testing.T) {
	for name, limit := range map[string]time.Duration{"until exit_timeout": time.Hour, "after it": 0} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			h := &Host{cfg: Config{Supervision: Supervision{ExitTimeout: time.Nanosecond}}, log: hclog.New(&hclog.LoggerOptions{Output: &out})}
			ctx := t.Context()
			if limit > 0 {
				timed, cancel := context.WithTimeout(ctx, limit)
				defer cancel()
				ctx = timed
			}
			(&leaving{host: h, coming: true}).await(ctx, time.Millisecond, 0)
			if text := out.String(); !strings.Contains(text, "waiting for the venues") || strings.Contains(text, "at_most=1h0m0s") != (limit > 0) || strings.Contains(text, "at_most") != (limit > 0) {
				t.Errorf("it says %q", text)
			}
		})
	}
}
