package connector_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// echo is the smallest honest connector: it has a market that stands still and lets every order expire.
type echo struct {
	instruments []connector.Instrument
	orders      chan connector.Order
}

func (e *echo) Register(inst connector.Instrument) { e.instruments = append(e.instruments, inst) }

func (e *echo) Submit(o connector.Order) { e.orders <- o }
func (e *echo) Cancel(connector.Order)   {}
func (e *echo) Modify(connector.Order)   {}

func (e *echo) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	for _, inst := range e.instruments {
		now := clock.NowNs()
		sink.Feed(inst.No, []hft.Event{
			{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthSnapshotEvent, ExchTimestampNs: now, LocalTimestampNs: now, Px: 99, Qty: 1},
			{Ev: hft.LocalEvent | hft.SellEvent | hft.DepthSnapshotEvent, ExchTimestampNs: now, LocalTimestampNs: now, Px: 101, Qty: 1},
		})
		sink.Ready(inst.No)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-e.orders:
			o.Req, o.Status, o.ExchTimestampNs = hft.StatusNone, hft.StatusExpired, clock.NowNs()
			sink.Order(&connector.OrderUpdate{Order: o})
		}
	}
}

// printer is a Sink that says what it gets.
type printer struct{ done context.CancelFunc }

func (printer) Feed(no int, events []hft.Event) {
	fmt.Println("feed of instrument", no, len(events), "events")
}
func (printer) Position(int, float64, int64)     {}
func (printer) Error(e *connector.Error)         { fmt.Println(e.LiveError.Error()) }
func (printer) Ready(no int)                     { fmt.Println("book of instrument", no, "is complete") }
func (printer) Account(*connector.AccountEvent)  {}
func (printer) Stale(int, string)                {}
func (printer) Count(connector.Counter, uint64)  {}
func (p printer) Order(u *connector.OrderUpdate) { fmt.Println("order", u.OrderID, u.Status); p.done() }

// still is a clock that stands still.
type still struct{}

func (still) NowNs() int64 { return 1_700_000_000_000_000_000 }

func (still) WaitUntil(ctx context.Context, _ int64, _ <-chan struct{}) (int64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func Example() {
	var c connector.Connector = &echo{orders: make(chan connector.Order, 1)}
	c.Register(connector.Instrument{No: 0, Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001})
	c.Submit(connector.Order{Owner: connector.Owner{Bot: 7}, Order: hft.NewOrder(1, 990, 0.1, 0.5, hft.Buy, hft.Limit, hft.GTX)})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	fmt.Println(c.Run(ctx, printer{cancel}, still{}))
	// Output:
	// feed of instrument 0 2 events
	// book of instrument 0 is complete
	// order 1 Expired
	// <nil>
}

func ExampleMessage_Reset() {
	m := connector.Message{Kind: connector.MessageTrade, Events: make([]hft.Event, 3, 64)}
	m.Reset()
	fmt.Println(m.Kind == connector.MessageIgnored, len(m.Events), cap(m.Events))
	// Output: true 0 64
}

// The steps of a symbol come from the venue where they are not configured, and have to be the venue's where they are.
func ExampleSteps_Of() {
	s := connector.Steps{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}
	fmt.Println(s.Of(0, 0.001))
	_, _, err := s.Of(0.01, 0)
	fmt.Println(err)
	// Output:
	// 0.1 0.001 <nil>
	// tick_size of BTCUSDT is 0.01 and the venue's is 0.1: write the venue's or remove it
}
