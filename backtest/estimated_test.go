package backtest_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
)

// TestEstimatedTimesAreNoLatency: rows whose exchange time is an estimate are applied, and are in no latency.
func TestEstimatedTimesAreNoLatency(t *testing.T) {
	bot := build(t, backtest.NewBuilder().AddAsset(newAsset(t, market(row(500, hft.EstimatedTime|hft.BuyEvent|hft.DepthEvent, 100, 1)))))
	want(t, hft.ElapseOk)(bot.Elapse(600))
	if exch, local, ok := bot.FeedLatency(0); exch != 0 || local != 10 || !ok {
		t.Errorf("FeedLatency = %d, %d, %t; want that of the row before", exch, local, ok)
	}
	if bid := bot.Depth(0).BestBid(); bid != 100 {
		t.Errorf("the best bid is %v", bid)
	}
}
