package host_test

import (
	"context"
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

// TestEndWaitsForWhatAnEarlierRunHasLeft: a run that ends before its venue has told which orders an earlier one has left waits for
// that, ends them, and says what it was not told.
func TestEndWaitsForWhatAnEarlierRunHasLeft(t *testing.T) {
	for name, tells := range map[string]bool{"the venue tells": true, "the venue is silent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venue := &recalling{}
			cfg := newConfig(t, 1, 0)
			cfg.Supervision.ExitTimeout = patience
			if !tells {
				cfg.Supervision.ExitTimeout = 300 * time.Millisecond
			}
			cfg.Connectors = []host.ConnectorConfig{{Name: "venue", Kind: "test", Connector: venue}}
			r := start(t, cfg)
			if err := r.attach("venue", nil).Close(); err != nil {
				t.Fatal(err)
			}
			r.until("attached-7", "has gone", func(s control.StrategyStatus) bool { return s.PID == 0 })
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
