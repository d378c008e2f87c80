package ticktoorder

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// pluginName is the strategy's name and that of the program when it is the strategy.
const pluginName = "tick-to-order"

// MaybePlugin serves the strategy and does not return, if the program was started as it.
func MaybePlugin() {
	if filepath.Base(os.Args[0]) == pluginName {
		pluginapi.Serve(pluginapi.Plugin[struct{}]{Name: pluginName, Version: "1.0.0",
			Doc: "answers every message with an order, to measure how long that takes",
			New: func(struct{}) (pluginapi.Strategy, error) { return echo{}, nil }})
	}
}

// echo sends an order for every message of the feed.
type echo struct{}

// Run answers the feed until it is stopped.
func (echo) Run(_ context.Context, bot hft.Bot) error {
	book := bot.Depth(0)
	for id := uint64(1); ; {
		result, err := bot.WaitNextFeed(false, time.Second)
		switch {
		case err != nil:
			return err
		case result != hft.ElapseMarketFeed || book.BestBidTick() == hft.InvalidMin:
			continue
		}
		if _, err := bot.SubmitBuyOrder(0, id, book.BestBid(), 0.001, hft.GTX, hft.Limit, false); err != nil {
			return err
		}
		id++
		bot.ClearInactiveOrders(0)
	}
}
