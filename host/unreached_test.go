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

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
)

// unreachedConfig is that of a run whose venue is reached when there is true, with a strategy as bot 7.
func unreachedConfig(t *testing.T, venue *recalling, there *atomic.Bool) host.Config {
	cfg := recallConfig(t, venue, patience, "sleeper")
	cfg.Connectors = []host.ConnectorConfig{{Name: "venue", Kind: "test", Trades: true, Trouble: "it is down",
		Open: func(context.Context) (host.Opened, error) {
			if !there.Load() {
				return host.Opened{}, errors.New("it is down")
			}
			return host.Opened{Connector: venue}, nil
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
	if _, err := r.host.Restart(context.Background(), "eight", true); err == nil || !strings.Contains(err.Error(), "it is waiting to start") {
		t.Errorf("error is %v", err)
	}
	there.Store(true)
	r.until("eight", "is refused", func(s control.StrategyStatus) bool { return s.State == "failed" })
	if _, err := r.host.Start(context.Background(), "eight", false); err == nil || !strings.Contains(err.Error(), "tick and lot size") {
		t.Errorf("error is %v", err)
	}
	if s := r.status("eight"); s.State != "failed" || !strings.Contains(s.Reason, "tick and lot size") {
		t.Errorf("%+v", s)
	}
}

// TestUnfitEndsWhatAnEarlierRunHasLeft: a strategy that does not match the venue's instruments leaves nothing of an
// earlier run there, whenever the venue reports it, and the others trade.
func TestUnfitEndsWhatAnEarlierRunHasLeft(t *testing.T) {
	for name, test := range map[string]struct{ opensUnfit, tellsLater bool }{
		"it told before, steps disagree": {false, false}, "it tells later, steps disagree": {false, true},
		"it told before, no such symbol": {true, false}, "it tells later, no such symbol": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venue, there := &recalling{}, new(atomic.Bool)
			there.Store(true)
			if test.opensUnfit {
				venue.symbol = -1
			}
			if !test.tellsLater {
				venue.recall()
			}
			cfg := unreachedConfig(t, venue, there)
			other := cfg.Strategies[0]
			other.Name, other.BotID, other.Instruments = "eight", 8, slices.Clone(other.Instruments)
			cfg.Strategies = append(cfg.Strategies, other)
			cfg.Strategies[0].Instruments[0].TickSize = 2
			slices.Reverse(cfg.Strategies) // the first is registered
			if test.opensUnfit {
				cfg.Connectors[0].Open = func(context.Context) (host.Opened, error) {
					return host.Opened{Connector: venue, Unfit: map[string]error{"seven": errors.New("tick and lot size: no such symbol")}}, nil
				}
			}
			r := start(t, cfg)
			s := r.until("seven", "is given up", func(s control.StrategyStatus) bool { return s.State == "failed" })
			if !strings.Contains(s.Reason, "tick and lot size") {
				t.Errorf("%+v", s)
			}
			r.until("eight", "trades", running)
			if test.tellsLater {
				venue.recall()
			}
			for deadline := time.Now().Add(patience); len(venue.OpenOrders()) > 0; time.Sleep(2 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("its order is left open")
				}
			}
		})
	}
}

// TestVenuesThatComeOneByOne: what is registered when one venue answers is not when the next does.
func TestVenuesThatComeOneByOne(t *testing.T) {
	t.Parallel()
	first, second := new(atomic.Bool), new(atomic.Bool)
	cfg := unreachedConfig(t, &recalling{knows: true}, first)
	next := unreachedConfig(t, &recalling{knows: true}, second)
	next.Connectors[0].Name, next.Strategies[0].Name, next.Strategies[0].BotID = "next", "eight", 8
	next.Strategies[0].Instruments[0].Connector = "next"
	cfg.Connectors, cfg.Strategies = append(cfg.Connectors, next.Connectors...), append(cfg.Strategies, next.Strategies...)
	r := start(t, cfg)
	first.Store(true)
	r.until("seven", "trades", running)
	second.Store(true)
	r.until("eight", "trades", running)
	if s := r.status("seven"); s.State != "running" {
		t.Errorf("%+v", s)
	}
}

// early tells at once of an order that bot 8 of an earlier run has left.
type early struct {
	*recalling
	told chan struct{}
}

func (v early) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	for _, bot := range []uint64{8, 9} {
		o := connector.Order{Owner: connector.Owner{Bot: bot}}
		o.OrderID, o.Status, o.Qty, o.LeavesQty = 3, hft.StatusNew, 1, 1
		sink.Order(&connector.OrderUpdate{Order: o})
	}
	close(v.told)
	return v.recalling.Run(ctx, sink, clock)
}

// TestOrderOfOneThatWaits: an order of a strategy that waits for another venue is not taken for one that is not in the configuration.
func TestOrderOfOneThatWaits(t *testing.T) {
	t.Parallel()
	venue := early{&recalling{knows: true}, make(chan struct{})}
	cfg := unreachedConfig(t, venue.recalling, new(atomic.Bool))
	cfg.Connectors = append(cfg.Connectors, host.ConnectorConfig{Name: "here", Kind: "test", Connector: venue})
	cfg.Strategies[0].Instruments[0].Connector = "here"
	waits := cfg.Strategies[0]
	waits.Name, waits.BotID = "eight", 8
	waits.Instruments = append(slices.Clone(waits.Instruments), host.InstrumentConfig{Connector: "venue", Symbol: "X", TickSize: 1, LotSize: 1, Depth: "window"})
	cfg.Strategies = append(cfg.Strategies, waits)
	said := &said{}
	r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Output: said}))
	<-venue.told
	r.end()
	const stray = "belongs to a strategy that is not in the configuration; it is left"
	if said.count(stray) != 1 || said.count("bot=9") != 1 {
		t.Errorf("%s", &said.text)
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

// TestListBeforeTheConnectorsEnd: what is left is reported when exit_timeout has elapsed, whatever connectors still
// do, and a connector is notified that the time is up.
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
	if left := r.host.Summary(host.ExitInterrupted).UnconfirmedOrders; len(left) != 1 || said.count("not confirmed as closed") != 1 {
		t.Errorf("%v, said %d times", left, said.count("not confirmed as closed"))
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
