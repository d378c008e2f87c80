package stats_test

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/sim"
)

// Example evaluates a round trip: 2 bought at 100 and sold at 105.
func Example() {
	at := func(seconds int) int64 {
		return time.Date(2024, 8, 8, 0, 0, seconds, 0, time.UTC).UnixNano()
	}
	rows := []backtest.Record{
		{TimestampNs: at(0), Price: 100},
		{TimestampNs: at(10), Price: 101, Position: 2, Balance: -200, Fee: 1, NumTrades: 1, TradingVolume: 2,
			TradingValue: 200},
		{TimestampNs: at(20), Price: 105, Balance: 10, Fee: 2, NumTrades: 2, TradingVolume: 4, TradingValue: 410},
	}
	metrics, err := stats.ByName("Return", "MaxDrawdown", "NumberOfTrades")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := stats.New(rows, stats.Options{Asset: sim.LinearAsset(1), Metrics: metrics})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range s.Whole().Figures {
		fmt.Println(f.Name, f.Value)
	}
	// Output:
	// Return 8
	// MaxDrawdown 0
	// NumberOfTrades 2
}
