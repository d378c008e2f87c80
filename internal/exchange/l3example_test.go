package exchange_test

import (
	"fmt"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// printer shows reports.
type printer struct{}

func (printer) Respond(timestampNs int64, r *exchange.Report) {
	fmt.Printf("%d: %v", timestampNs, r.Order.Status)
	if r.Fill {
		fmt.Printf(" by %v, %v was ahead when it joined", r.Cause, r.JoinedFrontQty)
	}
	fmt.Println()
}

// One order in a queue of three: it is filled together with the feed's order behind it.
func ExampleNewL3() {
	l3, err := exchange.NewL3(exchange.L3Config{
		Book:      depth.NewWindowMarketDepth(0.5, 1),
		Asset:     sim.LinearAsset(1),
		Fee:       sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007},
		Responder: printer{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	market := func(timestampNs int64, ev, orderID uint64, px, qty float64) {
		l3.OnEvent(timestampNs, &hft.Event{Ev: ev, OrderID: orderID, Px: px, Qty: qty})
	}
	market(1, hft.BuyEvent|hft.AddOrderEvent, 71, 100, 5)

	buy := exchange.Request{Owner: 1, Order: hft.NewOrder(1, 200, 0.5, 3, hft.Buy, hft.Limit, hft.GTX)}
	buy.Order.Req = hft.StatusNew
	l3.OnRequest(2, &buy)

	market(3, hft.BuyEvent|hft.AddOrderEvent, 72, 100, 4)
	market(4, hft.BuyEvent|hft.FillEvent, 71, 100, 5)
	market(4, hft.CancelOrderEvent, 71, 0, 0)
	market(5, hft.BuyEvent|hft.FillEvent, 72, 100, 1)
	// Output:
	// 2: New
	// 5: Filled by queue, 5 was ahead when it joined
}
