package binancespot_test

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
)

func ExampleNew() {
	config := binancespot.Testnet()
	config.NowNs = func() int64 { return 1700000000000000000 }
	config.BookTicker = true
	p, err := binancespot.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	for _, s := range p.MarketStreams([]string{"BTCUSDT"}) {
		fmt.Println(s.Name, s.URL)
		for _, hello := range s.Hello {
			fmt.Println(string(hello))
		}
	}
	// Output:
	// market wss://stream.testnet.binance.vision/stream
	// {"method":"SUBSCRIBE","params":["btcusdt@depth@100ms","btcusdt@trade","btcusdt@bookTicker"],"id":1}
}
