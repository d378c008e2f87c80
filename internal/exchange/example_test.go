package exchange_test

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// One order on a small market: it rests behind the displayed quantity and fills when trades have used that up.
func Example() {
	latency, err := sim.NewConstantLatency(2*time.Millisecond, time.Millisecond)
	if err != nil {
		fmt.Println(err)
		return
	}
	book, err := depth.New("window", 0.1, 0.001, 0, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	link := exchange.NewLink(latency, latency)
	l2, err := exchange.NewPartialFill(exchange.Config{
		Book:      book,
		Queue:     sim.ProbabilityQueue(sim.PowerProbability3(3)),
		Asset:     sim.LinearAsset(1),
		Fee:       sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007},
		Responder: link,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	market := func(at time.Duration, ev uint64, px, qty float64) {
		l2.OnEvent(int64(at), &hft.Event{Ev: ev, Px: px, Qty: qty})
	}
	market(0, hft.BuyEvent|hft.DepthEvent, 99.9, 2)
	market(0, hft.SellEvent|hft.DepthEvent, 100.1, 2)

	buy := exchange.Request{Owner: 1, Order: hft.NewOrder(1, 999, 0.1, 1, hft.Buy, hft.Limit, hft.GTX)}
	buy.Order.Req = hft.StatusNew
	link.Send(int64(10*time.Millisecond), &buy)

	var request exchange.Request
	for at := link.ToExchange.NextNs(); link.ToExchange.Receive(at, &request); {
		l2.OnRequest(at, &request)
	}
	market(20*time.Millisecond, hft.SellEvent|hft.TradeEvent, 99.9, 1.5)
	market(30*time.Millisecond, hft.SellEvent|hft.TradeEvent, 99.9, 1.0)
	market(40*time.Millisecond, hft.SellEvent|hft.TradeEvent, 99.9, 1.0)

	var report exchange.Report
	for {
		at := link.ToLocal.NextNs()
		if !link.ToLocal.Receive(at, &report) {
			break
		}
		o := &report.Order
		fmt.Printf("%v: %v, executed %.1f, left %.1f, fee %.4f\n", time.Duration(at), o.Status, o.ExecQty, o.LeavesQty,
			report.FillFee)
	}
	// Output:
	// 13ms: New, executed 0.0, left 1.0, fee 0.0000
	// 31ms: PartiallyFilled, executed 0.5, left 0.5, fee -0.0025
	// 41ms: Filled, executed 0.5, left 0.0, fee -0.0025
}
