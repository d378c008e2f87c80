package pluginapi_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// spreadParams are the parameters of spread, as its params block in the configuration gives them.
type spreadParams struct {
	HalfSpread float64       `hcl:"half_spread" min:"0" doc:"distance of the quotes from the mid price"`
	Interval   time.Duration `hcl:"interval" default:"100ms" min:"1ms" doc:"time between two looks at the book"`
}

// spread quotes once on both sides.
type spread struct{ p spreadParams }

// Run is the strategy; it is the same in backtest, on paper and live.
func (s *spread) Run(ctx context.Context, bot hft.Bot) error {
	for ctx.Err() == nil {
		if _, err := bot.Elapse(s.p.Interval); err != nil {
			return err
		}
		book := bot.Depth(0)
		mid := (book.BestBid() + book.BestAsk()) / 2
		if bot.Orders(0).Len() > 0 || mid != mid {
			continue
		}
		if _, err := bot.SubmitBuyOrder(0, 1, mid-s.p.HalfSpread, 0.01, hft.GTX, hft.Limit, false); err != nil {
			return err
		}
		if _, err := bot.SubmitSellOrder(0, 2, mid+s.p.HalfSpread, 0.01, hft.GTX, hft.Limit, false); err != nil {
			return err
		}
	}
	return nil
}

// plugin describes the strategy.
func plugin() pluginapi.Plugin[spreadParams] {
	return pluginapi.Plugin[spreadParams]{
		Name: "spread", Version: "1.0.0", Doc: "Quotes once on both sides.",
		New: func(p spreadParams) (pluginapi.Strategy, error) { return &spread{p: p}, nil },
	}
}

// The main function of a plugin is one call.
func ExampleServe() {
	main := func() { pluginapi.Serve(plugin()) }
	_ = main // a host starts the process; here nobody does
}

// A strategy is tested in the test's own process, on recorded data or, as here, on rows that the test makes up.
func ExampleBacktest() {
	const flags = hft.ExchEvent | hft.LocalEvent
	rows := []hft.Event{
		{Ev: flags | hft.DepthEvent | hft.BuyEvent, Px: 99, Qty: 1},
		{Ev: flags | hft.DepthEvent | hft.SellEvent, Px: 101, Qty: 1},
		{Ev: flags | hft.TradeEvent | hft.SellEvent, Px: 98, Qty: 1}, // sweeps the bid of the strategy
		{Ev: flags | hft.TradeEvent | hft.BuyEvent, Px: 101, Qty: 1},
	}
	for i := range rows {
		rows[i].ExchTimestampNs = int64(i) * int64(time.Second)
		rows[i].LocalTimestampNs = rows[i].ExchTimestampNs + int64(time.Millisecond)
	}
	data := backtest.NewBuilder().AddAsset(backtest.NewAsset("TEST").Data(backtest.Rows(rows)).
		Book("hashmap", 0.5, 0.01))
	result, err := pluginapi.Backtest(context.Background(), plugin(), []byte(`{"half_spread": 1.5}`), data)
	if err != nil {
		fmt.Println(err)
		return
	}
	asset := result.Assets[0]
	fmt.Println(result.End, asset.Counts.Submits, "orders,", asset.Counts.Fills, "fill, position", asset.Local.Position)
	// Output: end_of_data 2 orders, 1 fill, position 0.01
}

func ExampleDescribe() {
	d, err := pluginapi.Describe(plugin())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range d.Params {
		fmt.Println(p.Name, p.Type, string(p.DefaultJSON()), p.Required())
	}
	// Output:
	// half_spread float  true
	// interval duration "100ms" false
}

func ExampleParams() {
	p, err := pluginapi.Params[spreadParams]([]byte(`{"half_spread": 0.5}`))
	fmt.Println(p, err)
	_, err = pluginapi.Params[spreadParams]([]byte(`{"half_sprad": 0.5, "interval": "1us"}`))
	fmt.Println(err)
	// Output:
	// {0.5 100ms} <nil>
	// parameter "half_sprad" is unknown; did you mean "half_spread"?; parameter "half_spread" is missing: add half_spread = ... (a number): distance of the quotes from the mid price; parameter "interval" is "1us", out of range: write a duration of at least "1ms"
}
