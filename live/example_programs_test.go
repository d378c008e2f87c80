package live_test

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/live"
)

// runStrategy is one strategy for live and backtest: it keeps a buy order one tick below the best bid while it has no
// position.
func runStrategy(bot hft.Bot, recorder hft.Recorder) error {
	const orderID = 1
	for {
		if _, err := bot.Elapse(time.Second); err != nil {
			return err // hft.Ended(err) tells the end of a run from what went wrong
		}
		for assetNo := range bot.NumAssets() {
			if o := bot.Orders(assetNo).Get(orderID); o != nil && o.Cancellable() {
				if _, err := bot.Cancel(assetNo, orderID, true); err != nil {
					return err
				}
			}
			bot.ClearInactiveOrders(assetNo)
			if bot.Position(assetNo) > 0 {
				continue
			}
			price := bot.Depth(assetNo).BestBid() - bot.Instrument(assetNo).TickSize
			if _, err := bot.SubmitBuyOrder(assetNo, orderID, price, 1, hft.GTC, hft.Limit, false); err != nil {
				return err
			}
		}
		if err := recorder.Record(bot); err != nil {
			return err
		}
	}
}

// The bot of hftbacktest's first program: one instrument, a handler of errors, a hook for the answers to orders.
// Connect attaches it to a running host.
func ExampleLiveBotBuilder() {
	const tick, lot = 0.1, 0.001
	bot, err := live.NewBuilder().
		Register(live.NewInstrument("binance", "BTCUSDT", tick, lot, depth.NewHashMapMarketDepth(tick, lot), 100)).
		ErrorHandler(func(e hft.LiveError) error {
			fmt.Println("error:", e)
			return nil
		}).
		OrderRecvHook(func(prev, next *hft.Order) error {
			if prev == nil || prev.Status != next.Status {
				fmt.Println("order", next.OrderID, next.Status)
			}
			return nil
		}).
		Connect("state/attach.sock")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bot.Close()

	fmt.Println(bot.Depth(0).BestBid(), bot.Position(0))
	_, err = bot.SubmitBuyOrder(0, 1, bot.Depth(0).BestBid(), 0.001, hft.GTC, hft.Limit, true)
	if err == nil {
		_, err = bot.Elapse(time.Second)
	}
	if err == nil {
		_, err = bot.Cancel(0, 1, true)
	}
	if err != nil {
		fmt.Println(err)
	}
}

// Two instruments of two connectors, with the strategy that the backtest below runs as well, and a recorder that logs.
func ExampleLiveBotBuilder_Register() {
	bot, err := live.NewBuilder().
		Register(live.NewInstrument("binance", "BTCUSDT", 0.1, 0.001, depth.NewHashMapMarketDepth(0.1, 0.001), 100)).
		Register(live.NewInstrument("bybit", "ETHUSDT", 0.01, 0.01, depth.NewHashMapMarketDepth(0.01, 0.01), 100)).
		Connect("state/attach.sock")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bot.Close()
	if err := runStrategy(bot, live.NewLoggingRecorder(slog.Default())); !hft.Ended(err) {
		fmt.Println(err)
	}
}

// The same strategy in a backtest.
func Example_backtest() {
	row := func(second int64, ev uint64, price, qty float64) hft.Event {
		ns := second * int64(time.Second)
		return hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | ev, ExchTimestampNs: ns, LocalTimestampNs: ns, Px: price,
			Qty: qty}
	}
	bot, err := backtest.NewBuilder().
		AddAsset(backtest.NewAsset("BTCUSDT").Book("hashmap", 0.1, 1).Data(backtest.Rows([]hft.Event{
			row(0, hft.BuyEvent|hft.DepthEvent, 99.9, 3),
			row(0, hft.SellEvent|hft.DepthEvent, 100.1, 2),
			row(3, hft.SellEvent|hft.TradeEvent, 99.7, 2),
			row(5, hft.SellEvent|hft.DepthEvent, 100.2, 1),
		}))).
		Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bot.Close()
	recorder := backtest.NewRecorder(bot.NumAssets(), 100)
	if err := runStrategy(bot, recorder); !hft.Ended(err) {
		fmt.Println(err)
	}
	fmt.Println("position", bot.Position(0), "after", len(recorder.Rows(0)), "samples")
	// Output:
	// position 1 after 5 samples
}
