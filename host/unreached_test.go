package host_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"hftrunner/connector"
	"hftrunner/host"
	"hftrunner/internal/control"
)

// unreachedConfig is that of a run whose venue is reached when there is true, with a strategy as bot 7.
func unreachedConfig(t *testing.T, venue *recalling, there *atomic.Bool) host.Config {
	cfg := recallConfig(t, venue, patience, "sleeper")
	cfg.Connectors = []host.ConnectorConfig{{Name: "venue", Kind: "test", Trades: true, Trouble: "it is down",
		Open: func(context.Context) (connector.Connector, map[string]host.Steps, error) {
			if !there.Load() {
				return nil, nil, errors.New("it is down")
			}
			return venue, nil, nil
		}}}
	return cfg
}

// TestEndWithoutTheVenue: a run that never reached a venue says that orders of an earlier run may be open there, unless it sends
// none to it, or they are to be kept. It does not wait.
func TestEndWithoutTheVenue(t *testing.T) {
	named := []string{"venue X", "venue (symbols that no strategy has)"}
	for name, test := range map[string]struct {
		change func(*host.Config)
		want   []string
	}{
		"orders":           {func(*host.Config) {}, named},
		"not even started": {func(c *host.Config) { c.Strategies[0].Disabled = true }, named},
		"market data only": {func(c *host.Config) { c.Connectors[0].Trades = false }, nil},
		"orders are kept":  {func(c *host.Config) { c.Strategies[0].OnExit = host.KeepOrders }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := unreachedConfig(t, &recalling{}, new(atomic.Bool))
			test.change(&cfg)
			cfg.Supervision.ExitTimeout = 100 * patience
			r := start(t, cfg)
			if !cfg.Strategies[0].Disabled {
				r.until("seven", "waits", func(s control.StrategyStatus) bool { return s.State == "backoff" })
			}
			if sum := r.end(); !slices.Equal(sum.UnaccountedInstruments, test.want) {
				t.Errorf("not told of: %q", sum.UnaccountedInstruments)
			}
		})
	}
}

// TestStopWithoutTheVenue: the stop of a strategy whose venue was never reached says so, and its orders end when the venue is there
// after all.
func TestStopWithoutTheVenue(t *testing.T) {
	t.Parallel()
	venue, there := &recalling{}, new(atomic.Bool)
	venue.recall()
	r := start(t, unreachedConfig(t, venue, there))
	r.until("seven", "waits", func(s control.StrategyStatus) bool { return s.State == "backoff" })
	_, err := r.host.Stop(context.Background(), "seven")
	var left *control.OrdersLeftError
	if !errors.As(err, &left) || !slices.Equal(left.Unaccounted, []string{"venue X"}) {
		t.Errorf("error is %v", err)
	}
	there.Store(true)
	for deadline := time.Now().Add(patience); len(venue.OpenOrders()) > 0; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("its order is left open")
		}
	}
}

// TestVenueThatDoesNotFit: a strategy whose venue says late that it cannot trade there is not waited with when it is to start.
func TestVenueThatDoesNotFit(t *testing.T) {
	t.Parallel()
	venue, there := &recalling{}, new(atomic.Bool)
	venue.recall()
	cfg := unreachedConfig(t, venue, there)
	other := cfg.Strategies[0]
	other.Name, other.BotID, other.Instruments = "eight", 8, slices.Clone(other.Instruments)
	other.Instruments[0].TickSize = 2 // and both cannot be
	cfg.Strategies = append(cfg.Strategies, other)
	r := start(t, cfg)
	r.until("eight", "waits", func(s control.StrategyStatus) bool { return s.State == "backoff" })
	if _, err := r.host.Restart(context.Background(), "eight", true); err == nil || !strings.Contains(err.Error(), "it waits to be started") {
		t.Errorf("error is %v", err)
	}
	there.Store(true)
	r.until("eight", "is refused", func(s control.StrategyStatus) bool { return s.State == "failed" })
	if _, err := r.host.Start(context.Background(), "eight"); err == nil || !strings.Contains(err.Error(), "tick and lot size") {
		t.Errorf("error is %v", err)
	}
	if s := r.status("eight"); s.State != "failed" || !strings.Contains(s.Reason, "tick and lot size") {
		t.Errorf("%+v", s)
	}
}

// stubborn is a venue that does not cancel, and whose connector takes its time to end.
type stubborn struct {
	*recalling
	release chan struct{}
	cause   chan error
}

func (stubborn) Cancel(connector.Order) {}

func (v stubborn) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	err := v.recalling.Run(ctx, sink, clock)
	v.cause <- context.Cause(ctx)
	<-v.release
	return err
}

// TestListBeforeTheConnectorsEnd: what is left is said when exit_timeout is over, whatever connectors still do, and a connector is
// told that the time is over.
func TestListBeforeTheConnectorsEnd(t *testing.T) {
	t.Parallel()
	venue := stubborn{&recalling{}, make(chan struct{}), make(chan error, 1)}
	venue.recall()
	cfg := recallConfig(t, venue.recalling, 50*time.Millisecond, "sleeper")
	cfg.Connectors[0].Connector = venue
	said := &said{}
	r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Output: said}))
	defer close(venue.release)
	r.until("seven", "runs", running)
	r.stop()
	if cause := <-venue.cause; !errors.Is(cause, connector.ErrTimeUp) {
		t.Errorf("the connector was ended by %v", cause)
	}
	if left := r.host.Summary(host.ExitInterrupted).UnconfirmedOrders; len(left) != 1 || said.count("the end of orders was not confirmed") != 1 {
		t.Errorf("%v, said %d times", left, said.count("the end of orders was not confirmed"))
	}
}

// said is a log that is kept.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Count(s.text.Bytes(), []byte(text))
}
