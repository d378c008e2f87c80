package venue_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
)

// told is a log that keeps its lines.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (l *told) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

// with returns the lines that have a text.
func (l *told) with(text string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestTooManyRequestsIsOneOutage: that there are too many requests, or orders, is one WARN with its cause and until
// when, however many are refused and not sent meanwhile, and one line when the same works again; what else works
// meanwhile does not tell that.
func TestTooManyRequestsIsOneOutage(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]protocol.Cause{"requests": protocol.Weight, "orders": protocol.OrderRate, "banned": protocol.Banned} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			var failure atomic.Pointer[protocol.Failure]
			f.place = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
				if failed := failure.Load(); failed != nil {
					return protocol.Report{}, failed
				}
				return protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, VenueID: "v" + o.ClientID, Status: hft.StatusNew, Side: o.Side, Price: 100, Qty: 0.01, HasCum: true}, nil
			}
			var canceled atomic.Int32
			f.cancel = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
				canceled.Add(1)
				return protocol.Report{}, &protocol.Failure{Cause: protocol.Gone, Code: -2011, Msg: "unknown order"}
			}
			log := new(told)
			r := start(t, f, nil, func(c *venue.Config) {
				c.Trading, c.AuditInterval = true, time.Hour
				c.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: log})
			}, "BTC")
			r.trade(0)
			o := r.order(0, 1)
			r.connector.Submit(o)
			until(t, "an order is there", func() bool { return r.taken(1) })
			const pause = 3 * time.Second
			failure.Store(&protocol.Failure{Cause: cause, Code: -1003, Status: 429, Msg: "slow down", RetryAt: time.Now().Add(pause)})
			r.connector.Submit(r.order(0, 2))
			until(t, "an order is refused", func() bool { return r.refused("slow down") == 1 })
			failure.Store(&protocol.Failure{Cause: cause, Held: true, Msg: "not sent: slow down", RetryAt: time.Now().Add(pause)})
			r.connector.Submit(r.order(0, 3))
			until(t, "another one", func() bool { return r.refused("slow down") == 2 })
			r.connector.Cancel(o)
			until(t, "a cancel is answered", func() bool { return canceled.Load() > 0 && len(log.with("venue fails")) > 0 })
			time.Sleep(pause / 10)
			if lines := log.with("works again"); len(lines) > 0 {
				t.Errorf("it does not work again: %q", lines)
			}
			for _, e := range r.Errors() {
				if strings.Contains(e.Val.String(), "slow down") && !e.Outage && e.Kind != hft.CriticalConnectionError {
					t.Errorf("%q is logged beside the outage", e.Val.String())
				}
			}
			time.Sleep(pause)
			failure.Store(nil)
			r.connector.Submit(r.order(0, 4))
			until(t, "it works again", func() bool { return len(log.with("works again")) == 1 })
			if lines := log.with("[WARN]"); len(lines) != 1 || !strings.Contains(lines[0], "slow down") || !strings.Contains(lines[0], "until=") {
				t.Errorf("%q", lines)
			}
		})
	}
}
