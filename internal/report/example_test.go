package report_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/internal/report"
)

// Example makes a page of a run with two samples.
func Example() {
	rows := []backtest.Record{
		{TimestampNs: 1723075200e9, Price: 100},
		{TimestampNs: 1723075260e9, Price: 101, Position: 1, Balance: -100, NumTrades: 1, TradingVolume: 1,
			TradingValue: 100},
	}
	s, err := stats.New(rows, stats.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var page bytes.Buffer
	err = report.WriteHTML(&page, &report.Report{
		Title: "Two samples",
		Runs: []report.Run{{
			Name: "first", Strategy: "gridtrading", Currency: "USDT", Result: "end of data",
			Stats:  s.Rows(),
			Total:  stats.CurvesOf(rows, nil, report.MaxPoints),
			Assets: []report.Asset{{Instrument: "BTCUSDT", Curves: stats.CurvesOf(rows, nil, report.MaxPoints)}},
		}},
	})
	fmt.Println(err, strings.Count(page.String(), "<figure"), "charts")
	// Output: <nil> 4 charts
}

// ExampleNewDistribution shows the percentiles of some latencies.
func ExampleNewDistribution() {
	d := report.NewDistribution("entry", "ms", []float64{1, 2, 2, 3, 50})
	fmt.Println(d.Count, d.P50, d.Max)
	// Output: 5 2 50
}
