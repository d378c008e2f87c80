package host_test

import (
	"context"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
)

// filler is a venue that acknowledges orders and fills them when it is told to. It counts the cancels and modifications
// that reach it.
type filler struct {
	submits chan connector.Order
	fill    chan struct{}
	late    chan connector.Order
}

func (filler) Register(connector.Instrument) {}
func (v filler) Submit(o connector.Order)    { v.submits <- o }
func (v filler) Cancel(o connector.Order)    { v.late <- o }
func (v filler) Modify(o connector.Order)    { v.late <- o }

func (v filler) Run(ctx context.Context, sink connector.Sink, _ connector.Clock) error {
	var o connector.Order
	for {
		select {
		case <-ctx.Done():
			return nil
		case o = <-v.submits:
			o.Req, o.Status = hft.StatusNone, hft.StatusNew
			sink.Order(&connector.OrderUpdate{Order: o})
		case <-v.fill:
			o.Status, o.LeavesQty, o.ExecQty, o.ExecPriceTick = hft.StatusFilled, 0, o.Qty, o.PriceTick
			sink.Order(&connector.OrderUpdate{Order: o, Fill: true, FillValue: o.Qty * o.Price()})
		}
	}
}

// TestRequestsAfterTheEnd: a bot that cancels or modifies an order that has been filled meanwhile, without having read
// of it, has made no mistake: it gets the fill, the host rejects the request, and there is no error event.
func TestRequestsAfterTheEnd(t *testing.T) {
	for name, request := range map[string]func(bot hft.Bot) (hft.ElapseResult, error){
		"cancel": func(bot hft.Bot) (hft.ElapseResult, error) { return bot.Cancel(0, 1, true) },
		"modify": func(bot hft.Bot) (hft.ElapseResult, error) { return bot.Modify(0, 1, 101, 1, true) },
	} {
		t.Run(name, func(t *testing.T) {
			v := filler{make(chan connector.Order, 1), make(chan struct{}), make(chan connector.Order, 8)}
			cfg := newConfig(t, 1, 0)
			cfg.Connectors = []host.ConnectorConfig{{Name: "filler", Kind: "test", Connector: v}}
			r := start(t, cfg)
			var events []string
			bot := r.attach("filler", func(e hft.LiveError) error {
				events = append(events, e.Error())
				return nil
			}, false)
			if result, err := bot.SubmitBuyOrder(0, 1, 100, 1, hft.GTC, hft.Limit, true); err != nil || result != hft.ElapseOrderResponse {
				t.Fatal(result, err)
			}
			v.fill <- struct{}{}
			r.until("attached-7", "the fill", func(s control.StrategyStatus) bool { return s.Instruments[0].OpenOrders == 0 })
			if result, err := request(bot); err != nil || result != hft.ElapseOrderResponse {
				t.Errorf("result %v, error %v", result, err)
			}
			if o := bot.Orders(0).Get(1); o == nil || o.Status != hft.StatusFilled || o.Req != hft.StatusNone {
				t.Errorf("the order is %+v", o)
			}
			if _, err := bot.Elapse(50 * time.Millisecond); err != nil { // what else comes
				t.Error(err)
			}
			if o := bot.Orders(0).Get(1); o == nil || o.Status != hft.StatusFilled || bot.Position(0) != 1 || len(events) != 0 || len(v.late) != 0 {
				t.Errorf("the order is %+v, position %v, error events %q, %d requests at the venue", o, bot.Position(0), events, len(v.late))
			}
			if err := bot.Close(); err != nil {
				t.Error(err)
			}
			r.end()
		})
	}
}
