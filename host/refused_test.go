package host_test

import (
	"context"
	"path/filepath"
	"testing"

	"hftrunner/connector"
	"hftrunner/depth"
	"hftrunner/hft"
	"hftrunner/host"
	"hftrunner/live"
)

// refuser is a venue that is slow: it refuses an order only when its cancel has come already, and has nothing more to say about
// it.
type refuser struct{ cancels chan connector.Order }

func (refuser) Register(connector.Instrument) {}
func (refuser) Submit(connector.Order)        {}
func (v refuser) Cancel(o connector.Order)    { v.cancels <- o }
func (refuser) Modify(connector.Order)        {}
func (v refuser) Run(ctx context.Context, sink connector.Sink, _ connector.Clock) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-v.cancels:
			o.Status, o.Req = hft.StatusExpired, hft.StatusRejected
			sink.Order(&connector.OrderUpdate{Order: o})
		}
	}
}

// TestOrderRefusedAfterItsStrategyIsGone: a strategy ends right after a submission, the host cancels the order, and then the venue
// refuses it: no order is open, and nobody waits for one.
func TestOrderRefusedAfterItsStrategyIsGone(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.Connectors = []host.ConnectorConfig{{Name: "slow", Kind: "test", Connector: refuser{make(chan connector.Order, 16)}}}
	r := start(t, cfg)
	r.awaitSocket()
	bot, err := live.NewBuilder().ID(7).
		Register(live.NewInstrument("slow", "X", 1, 1, depth.NewWindowMarketDepth(1, 1, depth.Fixed), 0)).
		Connect(filepath.Join(cfg.StateDir, host.AttachSocketName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bot.SubmitBuyOrder(0, 1, 100, 1, hft.GTC, hft.Limit, false); err != nil {
		t.Fatal(err)
	}
	if err := bot.Close(); err != nil {
		t.Fatal(err)
	}
	sum := r.end()
	if s := sum.Strategies[0]; s.Orders != 1 || s.Rejects != 1 || s.Instruments[0].OpenOrders != 0 {
		t.Errorf("%+v", s)
	}
}
