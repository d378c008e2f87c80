package live_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// A strategy that is a program of its own, not a plugin: it attaches itself to a running host, so that it can be
// started and stopped as one likes, in a debugger say. Ctrl-C interrupts its waiting calls.
func ExampleLiveBotBuilder_Dial() {
	builder := live.NewBuilder().
		Register(live.NewInstrument("sim", "BTCUSDT", 0.1, 0.001, depth.NewWindowMarketDepth(0.1, 0.001), 100)).
		ErrorHandler(func(e hft.LiveError) error { fmt.Println(e); return nil }).
		OrderRecvHook(func(_, next *hft.Order) error { fmt.Println("order", next.OrderID, next.Status); return nil }).
		ID(7)
	channel, err := builder.Attach(ipc.DialConfig{KeepOrders: true}).Dial("state/attach.sock")
	if err != nil {
		fmt.Println(err) // connector not found, bot id 7 is connected, the host has another tick size, no host, ...
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, channel.Interrupt)
	bot, err := builder.Build(channel)
	if err != nil {
		fmt.Println(errors.Join(err, channel.Close()))
		return
	}
	defer bot.Close()
	for {
		_, err := bot.WaitNextFeed(true, time.Second)
		if hft.Ended(err) {
			return // Ctrl-C, or the host has it stop
		}
		if err != nil {
			fmt.Println(err) // the host is gone
			return
		}
		fmt.Println(bot.Depth(0).BestBid(), bot.Position(0))
	}
}
