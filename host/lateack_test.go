package host_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// slow is a venue that says nothing of an order until it is canceled.
type slow struct {
	cancels chan connector.Order
	answer  func(ctx context.Context, sink connector.Sink, o connector.Order)
}

func (slow) Register(connector.Instrument) {}
func (slow) Submit(connector.Order)        {}
func (v slow) Cancel(o connector.Order)    { v.cancels <- o }
func (slow) Modify(connector.Order)        {}
func (v slow) Run(ctx context.Context, sink connector.Sink, _ connector.Clock) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-v.cancels:
			v.answer(ctx, sink, o)
		}
	}
}

// acking is a slow venue that takes orders at once.
type acking struct{ slow }

func (v acking) Submit(o connector.Order) { v.cancels <- o }

// attach connects this process as bot 7, on the instrument X of the connector.
func (r *rig) attach(connector string, handler func(hft.LiveError) error, keepOrders bool) live.LiveBot {
	r.t.Helper()
	r.awaitSocket()
	bot, err := live.NewBuilder().ID(7).ErrorHandler(handler).
		Register(live.NewInstrument(connector, "X", 1, 1, depth.NewWindowMarketDepth(1, 1), 0)).
		Attach(ipc.DialConfig{KeepOrders: keepOrders, Timeout: patience}).Connect(r.socket())
	if err != nil {
		r.t.Fatal(err)
	}
	return bot
}

// TestEndWaitsForOrdersInFlight: a strategy ends right after a submission, and the host cancels the order. An acknowledgement
// that comes only then is not the answer to the cancel; an order that is refused then is not open, and nobody waits for it.
func TestEndWaitsForOrdersInFlight(t *testing.T) {
	for name, c := range map[string]struct {
		answer  func(ctx context.Context, sink connector.Sink, o connector.Order)
		rejects uint64
	}{
		"acknowledged late": {func(ctx context.Context, sink connector.Sink, o connector.Order) {
			o.Req, o.Status = hft.StatusNone, hft.StatusNew
			sink.Order(&connector.OrderUpdate{Order: o})
			select {
			case <-ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
			o.Status = hft.StatusCanceled
			sink.Order(&connector.OrderUpdate{Order: o})
		}, 0},
		"refused late": {func(_ context.Context, sink connector.Sink, o connector.Order) {
			o.Status, o.Req = hft.StatusExpired, hft.StatusRejected
			sink.Order(&connector.OrderUpdate{Order: o})
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(t, 1, 0)
			cfg.Connectors = []host.ConnectorConfig{{Name: "slow", Kind: "test", Connector: slow{make(chan connector.Order, 16), c.answer}}}
			r := start(t, cfg)
			bot := r.attach("slow", nil, false)
			if _, err := bot.SubmitBuyOrder(0, 1, 100, 1, hft.GTC, hft.Limit, false); err != nil {
				t.Fatal(err)
			}
			if err := bot.Close(); err != nil { // what was sent before is still carried out
				t.Fatal(err)
			}
			sum := r.end()
			if s := sum.Strategies[0]; s.Orders != 1 || s.Rejects != c.rejects || s.Instruments[0].OpenOrders != 0 {
				t.Errorf("%+v", s)
			}
			if _, err := os.Stat(r.socket()); err == nil {
				t.Error("the socket is left")
			}
		})
	}
}

// TestEndWaitsForACancelOfOneThatKeepsOrders: what the strategy has canceled itself is not to be kept, so the end is not before its
// end; the other order stays.
func TestEndWaitsForACancelOfOneThatKeepsOrders(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Connectors = []host.ConnectorConfig{{Name: "slow", Kind: "test", Connector: acking{slow{make(chan connector.Order, 16),
		func(ctx context.Context, sink connector.Sink, o connector.Order) {
			status, after := hft.StatusNew, time.Duration(0)
			if o.Req == hft.StatusCanceled {
				status, after = hft.StatusCanceled, 300*time.Millisecond
			}
			select {
			case <-ctx.Done():
			case <-time.After(after):
				o.Req, o.Status = hft.StatusNone, status
				sink.Order(&connector.OrderUpdate{Order: o})
			}
		}}}}}
	r := start(t, cfg)
	bot := r.attach("slow", nil, true)
	for id := range uint64(2) {
		if _, err := bot.SubmitBuyOrder(0, id, 100, 1, hft.GTC, hft.Limit, true); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bot.Cancel(0, 0, false); err != nil {
		t.Fatal(err)
	}
	if err := bot.Close(); err != nil {
		t.Fatal(err)
	}
	if s := r.end().Strategies[0]; s.Orders != 2 || s.Instruments[0].OpenOrders != 1 {
		t.Errorf("%+v", s)
	}
}

// TestStopOfOneThatHasGone: a process has gone while its order is open. To stop it is to wait for the end of the order.
func TestStopOfOneThatHasGone(t *testing.T) {
	for name, ends := range map[string]bool{"the order ends": true, "the venue is silent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			cfg := newConfig(t, 1, 0)
			cfg.Supervision.ExitTimeout = time.Second
			if ends {
				cfg.Supervision.ExitTimeout = patience
			}
			cfg.Connectors = []host.ConnectorConfig{{Name: "slow", Kind: "test", Connector: slow{make(chan connector.Order, 1024),
				func(ctx context.Context, sink connector.Sink, o connector.Order) {
					select {
					case <-ctx.Done():
					case <-release:
						o.Req, o.Status = hft.StatusNone, hft.StatusCanceled
						sink.Order(&connector.OrderUpdate{Order: o})
					}
				}}}}
			r := start(t, cfg)
			bot := r.attach("slow", nil, false)
			if _, err := bot.SubmitBuyOrder(0, 1, 100, 1, hft.GTC, hft.Limit, false); err != nil {
				t.Fatal(err)
			}
			if err := bot.Close(); err != nil {
				t.Fatal(err)
			}
			r.until("attached-7", "has gone with its order open", func(s control.StrategyStatus) bool {
				return s.PID == 0 && s.Instruments[0].OpenOrders == 1
			})
			if ends {
				time.AfterFunc(50*time.Millisecond, func() { close(release) })
			}
			_, err := r.host.Stop(context.Background(), "attached-7")
			var left *control.OrdersLeftError
			if ends && err != nil || !ends && !errors.As(err, &left) {
				t.Errorf("error is %v", err)
			}
		})
	}
}
