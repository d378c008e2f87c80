package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
)

// recalling is a venue that tells late, if at all, which order an earlier run has left.
type recalling struct {
	sink     connector.Sink
	onCancel func()
	// symbol is the instrument of what it tells late, -1 for one that no strategy has.
	symbol int

	mu    sync.Mutex
	knows bool
	open  []connector.OpenOrder
}

func (*recalling) Register(connector.Instrument) {}
func (*recalling) Submit(connector.Order)        {}
func (*recalling) Modify(connector.Order)        {}
func (v *recalling) Cancel(o connector.Order) {
	if v.onCancel != nil {
		v.onCancel()
	}
	v.mu.Lock()
	v.open = nil
	sink := v.sink
	v.mu.Unlock()
	o.Req, o.Status = hft.StatusNone, hft.StatusCanceled
	if sink != nil && o.InstrumentNo >= 0 {
		go sink.Order(&connector.OrderUpdate{Order: o})
	}
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
	return []int{v.symbol}, true
}

// recall tells what an earlier process of bot 7 has left.
func (v *recalling) recall() {
	o := connector.Order{InstrumentNo: v.symbol, Owner: connector.Owner{Bot: 7}}
	o.OrderID, o.Status, o.Side, o.PriceTick, o.Qty, o.LeavesQty = 3, hft.StatusNew, hft.Buy, 100, 1, 1
	v.mu.Lock()
	defer v.mu.Unlock()
	v.knows, v.open = true, []connector.OpenOrder{{Order: o, ClientID: "left"}}
}

// recallConfig is that of a run on a venue that recalls, with plugin as bot 7, or none.
func recallConfig(t *testing.T, venue *recalling, exitTimeout time.Duration, plugin string) host.Config {
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.ExitTimeout, cfg.Supervision.CrashLoopRestarts = exitTimeout, 1
	cfg.Connectors = []host.ConnectorConfig{{Name: "venue", Kind: "test", Connector: venue}}
	if plugin != "" {
		s := strategyOf("seven", plugin, struct{}{})
		s.BotID, s.Instruments = 7, []host.InstrumentConfig{{Connector: "venue", Symbol: "X", TickSize: 1, LotSize: 1, Depth: "window"}}
		cfg.Strategies = []host.StrategyConfig{s}
	}
	return cfg
}

// recalls returns such a run.
func recalls(t *testing.T, exitTimeout time.Duration, plugin string) (*recalling, *rig) {
	venue := &recalling{}
	return venue, start(t, recallConfig(t, venue, exitTimeout, plugin))
}

// TestStopWaitsForOtherSymbols: the stop of a strategy that is not on a connector waits for what that tells of symbols that no
// strategy has: its orders may be among them.
func TestStopWaitsForOtherSymbols(t *testing.T) {
	t.Parallel()
	venue := &recalling{symbol: -1}
	cfg := newConfig(t, 1, 0)
	cfg.Supervision.ExitTimeout = patience
	cfg.Connectors = append(cfg.Connectors, host.ConnectorConfig{Name: "venue", Kind: "test", Connector: venue})
	cfg.Strategies = []host.StrategyConfig{strategyOf("seven", "sleeper", struct{}{})}
	cfg.Strategies[0].BotID = 7
	r := start(t, cfg)
	r.until("seven", "runs", running)
	time.AfterFunc(300*time.Millisecond, venue.recall)
	if _, err := r.host.Stop(context.Background(), "seven"); err != nil {
		t.Error(err)
	}
	venue.mu.Lock()
	defer venue.mu.Unlock()
	if !venue.knows || len(venue.open) > 0 {
		t.Errorf("the venue has told: %v; left %v", venue.knows, venue.open)
	}
}

// TestWaitsDoNotPileUp: a strategy whose process ends again and again at a venue that never tells is waited for once.
func TestWaitsDoNotPileUp(t *testing.T) {
	for name, plugin := range map[string]string{"a strategy": "sleeper", "a process that attaches itself": ""} {
		t.Run(name, func(t *testing.T) {
			_, r := recalls(t, 20*time.Millisecond, plugin)
			for range 5 {
				if plugin == "" {
					r.attachAndGo()
				} else if _, err := r.host.Stop(context.Background(), "seven"); err == nil {
					t.Fatal("the venue has told")
				}
			}
			stacks := make([]byte, 1<<20)
			for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
				waits := strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "host.(*leaving).await(")
				if waits == 1 {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("%d waits", waits)
				}
			}
		})
	}
}

// startless is a plugin that fails its start and stays.
type startless struct{ old }

func (startless) Start(context.Context, []byte) error {
	return errors.Join(errors.New("not today"), os.WriteFile(besideProgram("pid"), []byte(strconv.Itoa(os.Getpid())), 0o600))
}

// TestFailedStartEndsOrdersFirst: where a start fails after the strategy could trade, its orders do not wait for the end of its process.
func TestFailedStartEndsOrdersFirst(t *testing.T) {
	t.Parallel()
	canceled := make(chan bool, 10)
	venue := &recalling{}
	venue.recall()
	cfg := recallConfig(t, venue, patience, "startless")
	venue.onCancel = func() {
		text, _ := os.ReadFile(filepath.Join(cfg.StateDir, "bin", "pid"))
		pid, err := strconv.Atoi(string(text))
		canceled <- err == nil && alive(pid)
	}
	start(t, cfg)
	if !<-canceled {
		t.Error("the process had been ended before its orders")
	}
}

// attachAndGo is the life of an attached process.
func (r *rig) attachAndGo() {
	r.t.Helper()
	if err := r.attach("venue", nil, false).Close(); err != nil {
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

// TestGivenUpEndsWhatAnEarlierRunHasLeft: a strategy that failed permanently before its venue has told, or before its
// process was there, leaves nothing either.
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
