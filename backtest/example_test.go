package backtest_test

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// A market of three levels and two trades, and a strategy that joins the best bid.
func Example() {
	second := int64(time.Second)
	at := func(seconds int64, ev uint64, px, qty float64) hft.Event {
		return hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | ev, ExchTimestampNs: seconds * second,
			LocalTimestampNs: seconds*second + 1000, Px: px, Qty: qty}
	}
	rows := []hft.Event{
		at(0, hft.BuyEvent|hft.DepthEvent, 99.9, 3),
		at(0, hft.SellEvent|hft.DepthEvent, 100.1, 2),
		at(5, hft.SellEvent|hft.TradeEvent, 99.9, 2),
		at(6, hft.SellEvent|hft.TradeEvent, 99.9, 2),
		at(9, hft.BuyEvent|hft.DepthEvent, 99.9, 1),
	}
	latency, err := sim.NewConstantLatency(2*time.Millisecond, 2*time.Millisecond)
	if err != nil {
		panic(err)
	}
	bot, err := backtest.NewBuilder().AddAsset(backtest.NewAsset("BTCUSDT").Data(backtest.Rows(rows)).
		Book("window", 0.1, 1).
		Exchange(backtest.PartialFill).Queue(sim.RiskAdverseQueue()).Latency(latency, latency).
		Fee(sim.TradingValueFee{Maker: -0.0001, Taker: 0.0005})).Build()
	if err != nil {
		panic(err)
	}
	defer bot.Close()

	recorder := backtest.NewRecorder(bot.NumAssets(), 100)
	if _, err := bot.Elapse(time.Second); err != nil {
		panic(err)
	}
	if _, err := bot.SubmitBuyOrder(0, 1, bot.Depth(0).BestBid(), 2, hft.GTX, hft.Limit, true); err != nil {
		panic(err)
	}
	for {
		_, err := bot.Elapse(time.Second)
		if hft.Ended(err) {
			break
		}
		if err != nil {
			panic(err)
		}
		if err := recorder.Record(bot); err != nil {
			panic(err)
		}
	}
	order := bot.Orders(0).Get(1)
	fmt.Printf("order: %v, %v of %v left\n", order.Status, order.LeavesQty, order.Qty)
	fmt.Printf("position %v, fee %.4f, %d samples\n", bot.Position(0), bot.StateValues(0).Fee, len(recorder.Rows(0)))
	// Output:
	// order: PartiallyFilled, 1 of 2 left
	// position 1, fee -0.0100, 7 samples
}
