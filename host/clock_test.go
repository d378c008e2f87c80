package host_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/hostipc"
)

// clocked is a quiet connector that hands on the clock that it is run with.
type clocked struct {
	quiet
	clock chan connector.Clock
}

func (c clocked) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	c.clock <- clock
	return c.quiet.Run(ctx, sink, clock)
}

// lines gets each line of a log.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// A connector runs with the host's clock, the one that its requests are signed by. When the machine was suspended or its wall
// clock set, the log says it once, with the time, and the connector can see it.
func TestOneClock(t *testing.T) {
	var wallNs, bootNs atomic.Int64
	this := hostipc.ThisMachine()
	cfg := newConfig(t, 1, 0)
	cfg.Clock = hostipc.NewWallClockOf(hostipc.Machine{Wall: func() int64 { return this.Wall() + wallNs.Load() }, Boot: func() int64 { return this.Boot() + bootNs.Load() }})
	c := clocked{clock: make(chan connector.Clock, 1)}
	cfg.Connectors = append(cfg.Connectors, host.ConnectorConfig{Name: "venue", Kind: "venue", Connector: c})
	log := make(lines, 1000)
	r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: log}))
	clock := <-c.clock
	jumps, ok := clock.(connector.JumpWatcher)
	if !ok {
		t.Fatal("the connector cannot see jumps")
	}
	for _, jump := range []struct {
		suspended, set time.Duration
		text           string
	}{{time.Minute, 0, "machine was suspended"}, {0, -time.Hour, "clock step detected"}} {
		before := clock.NowNs()
		wallNs.Add(int64(jump.suspended + jump.set))
		bootNs.Add(int64(jump.suspended))
		by := (jump.suspended + jump.set).String()
		if line := <-log; !strings.Contains(line, "[WARN]") || !strings.Contains(line, jump.text) || !strings.Contains(line, "by="+by[:2]) {
			t.Errorf("the log says %s", line)
		}
		if went := time.Duration(clock.NowNs() - before); went < jump.suspended || clock.NowNs()-cfg.Clock.NowNs() > 0 {
			t.Errorf("suspended for %v the clock went on by %v", jump.suspended, went)
		}
	}
	if n, suspended, set := jumps.Jumps(); n != 2 || suspended.Round(time.Second) != time.Minute || set.Round(time.Second) != -time.Hour {
		t.Errorf("%d jumps, %v, %v", n, suspended, set)
	}
	r.end()
	if len(log) > 0 {
		t.Errorf("and says: %s", <-log)
	}
}
