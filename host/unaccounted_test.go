package host_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hftrunner/connector"
	"hftrunner/hft"
	"hftrunner/host"
	"hftrunner/internal/control"
)

// recalling is a venue that tells late, if at all, which order an earlier run has left.
type recalling struct {
	sink connector.Sink

	mu    sync.Mutex
	knows bool
	open  []connector.OpenOrder
}

func (*recalling) Register(connector.Instrument) {}
func (*recalling) Submit(connector.Order)        {}
func (*recalling) Modify(connector.Order)        {}
func (v *recalling) Cancel(o connector.Order) {
	v.mu.Lock()
	v.open = nil
	v.mu.Unlock()
	o.Req, o.Status = hft.StatusNone, hft.StatusCanceled
	go v.sink.Order(&connector.OrderUpdate{Order: o})
}

func (v *recalling) Run(ctx context.Context, sink connector.Sink, _ connector.Clock) error {
	v.mu.Lock()
	v.sink = sink
	v.mu.Unlock()
	<-ctx.Done()
	return nil
}

func (v *recalling) OpenOrders() []connector.OpenOrder {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.open)
}

func (v *recalling) Unaccounted() ([]int, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.knows {
		return nil, true
	}
	return []int{0}, true
}

// recall tells what an earlier process of bot 7 has left.
func (v *recalling) recall() {
	o := connector.Order{InstrumentNo: 0, Owner: connector.Owner{Bot: 7}}
	o.OrderID, o.Status, o.Side, o.PriceTick, o.Qty, o.LeavesQty = 3, hft.StatusNew, hft.Buy, 100, 1, 1
	v.mu.Lock()
	defer v.mu.Unlock()
	v.knows, v.open = true, []connector.OpenOrder{{Order: o, ClientID: "left"}}
}

// recalls returns a run on a venue that recalls, with plugin as bot 7, or none.
func recalls(t *testing.T, exitTimeout time.Duration, plugin string) (*recalling, *rig) {
	venue := &recalling{}
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.ExitTimeout, cfg.Supervision.CrashLoopRestarts = exitTimeout, 1
	cfg.Connectors = []host.ConnectorConfig{{Name: "venue", Kind: "test", Connector: venue}}
	if plugin != "" {
		s := strategyOf("seven", plugin, struct{}{})
		s.BotID, s.Instruments = 7, []host.InstrumentConfig{{Connector: "venue", Symbol: "X", TickSize: 1, LotSize: 1, Depth: "window"}}
		cfg.Strategies = []host.StrategyConfig{s}
	}
	return venue, start(t, cfg)
}

// attachAndGo is the life of an attached process.
func (r *rig) attachAndGo() {
	r.t.Helper()
	if err := r.attach("venue", nil).Close(); err != nil {
		r.t.Fatal(err)
	}
	r.until("attached-7", "has gone", func(s control.StrategyStatus) bool { return s.PID == 0 })
}

// TestStopWaitsForWhatAnEarlierRunHasLeft: so does the stop of a strategy, and of a process that has gone.
func TestStopWaitsForWhatAnEarlierRunHasLeft(t *testing.T) {
	for _, name := range []string{"seven", "attached-7"} {
		for _, tells := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the venue tells: %v", name, tells), func(t *testing.T) {
				t.Parallel()
				exitTimeout, plugin := patience, ""
				if !tells {
					exitTimeout = 300 * time.Millisecond
				}
				if name == "seven" {
					plugin = "sleeper"
				}
				venue, r := recalls(t, exitTimeout, plugin)
				if plugin == "" {
					r.attachAndGo()
				} else {
					r.until(name, "runs", running)
				}
				if tells {
					time.AfterFunc(300*time.Millisecond, venue.recall)
				}
				_, err := r.host.Stop(context.Background(), name)
				var left *control.OrdersLeftError
				if tells && (err != nil || len(venue.OpenOrders()) > 0) {
					t.Errorf("error is %v, left %v", err, venue.OpenOrders())
				}
				if !tells && (!errors.As(err, &left) || !slices.Equal(left.Unaccounted, []string{"venue X"}) || len(left.Orders) > 0) {
					t.Errorf("error is %v", err)
				}
			})
		}
	}
}

// TestGivenUpEndsWhatAnEarlierRunHasLeft: a strategy that was given up before its venue has told, or before its process was there,
// leaves nothing either.
func TestGivenUpEndsWhatAnEarlierRunHasLeft(t *testing.T) {
	for _, plugin := range []string{"panics", "exits"} {
		t.Run(plugin, func(t *testing.T) {
			t.Parallel()
			venue, r := recalls(t, patience, plugin)
			r.until("seven", "failed", func(s control.StrategyStatus) bool { return s.State == "failed" })
			venue.recall()
			for deadline := time.Now().Add(patience); len(venue.OpenOrders()) > 0; time.Sleep(2 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the order is left open")
				}
			}
		})
	}
}

// TestEndWaitsForWhatAnEarlierRunHasLeft: a run that ends before its venue has told which orders an earlier one has left waits for
// that, ends them, and says what it was not told.
func TestEndWaitsForWhatAnEarlierRunHasLeft(t *testing.T) {
	for name, tells := range map[string]bool{"the venue tells": true, "the venue is silent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exitTimeout := patience
			if !tells {
				exitTimeout = 300 * time.Millisecond
			}
			venue, r := recalls(t, exitTimeout, "")
			r.attachAndGo()
			if tells {
				time.AfterFunc(300*time.Millisecond, venue.recall)
			}
			sum := r.end()
			if left := venue.OpenOrders(); len(left) > 0 || len(sum.UnconfirmedOrders) > 0 {
				t.Errorf("left %v, unconfirmed %v", left, sum.UnconfirmedOrders)
			}
			venue.mu.Lock()
			defer venue.mu.Unlock()
			if venue.knows != tells || (len(sum.UnaccountedInstruments) == 0) != tells {
				t.Errorf("the venue has told: %v; not told %v", venue.knows, sum.UnaccountedInstruments)
			}
		})
	}
}
