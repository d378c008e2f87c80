package paper_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/connectortest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// A host's side of a paper connector: register, run, and send an order. The clock here is moved by hand.
func Example() {
	source, err := paper.NewSynthetic(paper.SyntheticConfig{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := paper.New(paper.Config{Source: source, Speed: 1, Exchange: paper.Exchange{
		PartialFill: true, Queue: "power_prob3", OrderLatency: 5 * time.Millisecond,
		ResponseLatency: 5 * time.Millisecond}})
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Register(connector.Instrument{No: 0, Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001})

	ctx, cancel := context.WithCancel(context.Background())
	clock, sink, done := connectortest.NewClock(source.StartNs()), sinktest.NewSink(), make(chan error)
	go func() { done <- p.Run(ctx, sink, clock) }()

	settle := func(d time.Duration) {
		clock.Advance(d)
		if err := clock.Settle(ctx); err != nil {
			fmt.Println(err)
		}
	}
	settle(10 * time.Millisecond)
	bid, ask := sink.Best(0)
	fmt.Printf("bid %.1f, ask %.1f\n", bid, ask)

	p.Submit(connector.Order{InstrumentNo: 0, Owner: connector.Owner{Bot: 7},
		Order: hft.NewOrder(1, hft.PriceTick(ask+100, 0.1), 0.1, 0.01, hft.Buy, hft.Limit, hft.IOC)})
	settle(0)
	settle(10 * time.Millisecond)
	for _, u := range sink.AllUpdates() {
		fmt.Printf("order %d of bot %d: %v, %v at %.1f\n", u.OrderID, u.Owner.Bot, u.Status, u.ExecQty, u.ExecPrice())
	}
	cancel()
	fmt.Println("Run returned", <-done)
	// Output:
	// bid 60000.0, ask 60000.1
	// order 1 of bot 7: Filled, 0.01 at 60000.1
	// Run returned <nil>
}
