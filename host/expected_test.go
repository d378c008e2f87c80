package host

import (
	"testing"

	"github.com/hashicorp/go-hclog"
)

// TestLateStrategyIsNotExpectedLess: a strategy that gets its instruments while it is expected takes nothing away from a
// replay's barrier that it has not added.
func TestLateStrategyIsNotExpectedLess(t *testing.T) {
	s := newStrategy(&Host{log: hclog.NewNullLogger()}, StrategyConfig{Name: "late"})
	b := newBarrier(nil)
	s.setState(Backoff, "its venue cannot be reached")
	s.holdings = []*holding{{pub: &publisher{barrier: b}}}
	s.setState(Starting, "")
	s.setState(Running, "")
	if n := b.expected.Load(); n != 0 {
		t.Errorf("%d are expected", n)
	}
	s.setState(Backoff, "")
	if n := b.expected.Load(); n != 1 {
		t.Errorf("%d are expected of a strategy that waits", n)
	}
	s.setState(Failed, "")
	if n := b.expected.Load(); n != 0 {
		t.Errorf("%d are expected in the end", n)
	}
}
