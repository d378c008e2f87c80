package parity_test

import (
	"fmt"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
)

// A script notes what a call returns and what the bot shows afterwards. Here it is played in the backtest only.
func Example() {
	m := market{messages: []message{opening(), heartbeat(ms, 1)}}
	bot, err := backtest.NewBuilder().AddAsset(backtest.NewAsset("BTCUSDT").Data(backtest.Rows(rowsOf(&m, 0))).
		Book("window", tickSize, lotSize)).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bot.Close()
	p := &player{bot: bot}
	p.waitFeed(false, ms)
	p.buy(1, 99.9, 0.5, hft.GTX, true)
	fmt.Println(p.transcript())
	// Output:
	// 0s wait feed false 1ms = MarketFeed
	//     asset 0: 1@1000 1@1002 feed -3ms 0s
	// 0s buy 1 0.5@99.9 GTX wait true = OrderResponse
	//     asset 0: 1@1000 1@1002 feed -3ms 0s order 0s 0s 0s
	//     order 1: Buy Limit GTX 0.5@999 New req None leaves 0.5 sent 0s changed 0s
}
