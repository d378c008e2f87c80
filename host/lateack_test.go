package host_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hftrunner/connector"
	"hftrunner/depth"
	"hftrunner/hft"
	"hftrunner/host"
	"hftrunner/live"
)

// lateAck is a venue that acknowledges an order only when it is canceled, and cancels it some time after that.
type lateAck struct{ cancels chan connector.Order }

func (lateAck) Register(connector.Instrument) {}
func (lateAck) Submit(connector.Order)        {}
func (v lateAck) Cancel(o connector.Order)    { v.cancels <- o }
func (lateAck) Modify(connector.Order)        {}
func (v lateAck) Run(ctx context.Context, sink connector.Sink, _ connector.Clock) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-v.cancels:
			o.Req, o.Status = hft.StatusNone, hft.StatusNew
			sink.Order(&connector.OrderUpdate{Order: o})
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(50 * time.Millisecond):
			}
			o.Status = hft.StatusCanceled
			sink.Order(&connector.OrderUpdate{Order: o})
		}
	}
}

// TestEndWaitsForCancelsOfOrdersInFlight: the acknowledgement of an order is not the answer to its cancel.
func TestEndWaitsForCancelsOfOrdersInFlight(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Connectors = []host.ConnectorConfig{{Name: "late", Kind: "test", Connector: lateAck{make(chan connector.Order, 16)}}}
	r := start(t, cfg)
	r.awaitSocket()
	bot, err := live.NewBuilder().ID(7).
		Register(live.NewInstrument("late", "X", 1, 1, depth.NewWindowMarketDepth(1, 1, depth.Fixed), 0)).
		Connect(filepath.Join(cfg.StateDir, host.AttachSocketName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bot.SubmitBuyOrder(0, 1, 100, 1, hft.GTC, hft.Limit, false); err != nil {
		t.Fatal(err)
	}
	if err := bot.Close(); err != nil { // what was sent before is still carried out
		t.Fatal(err)
	}
	sum := r.end()
	if s := sum.Strategies[0]; s.Orders != 1 || s.Instruments[0].OpenOrders != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := os.Stat(r.socket()); err == nil {
		t.Error("the socket is left")
	}
}
