package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/pluginapi"
	"github.com/hftrunner/hftrunner/sim"
)

// fills keeps the executions of a backtest.
type fills []backtest.FillRow

func (f *fills) OnOrder(*backtest.OrderRow)   {}
func (f *fills) OnRecord(*backtest.RecordRow) {}
func (f *fills) OnFill(row *backtest.FillRow) { *f = append(*f, *row) }
func (f *fills) side(s hft.Side) (n int)      { f.each(s, func(*backtest.FillRow) { n++ }); return n }
func (f *fills) each(s hft.Side, fn func(*backtest.FillRow)) {
	for i := range *f {
		if (*f)[i].Side == s {
			fn(&(*f)[i])
		}
	}
}

// runSample runs the strategy over the sample, without a process.
func runSample(t *testing.T, params string) (backtest.Result, fills) {
	t.Helper()
	latency, err := sim.NewConstantLatency(10*time.Millisecond, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var got fills
	day := backtest.NewBuilder().Observer(&got).AddAsset(backtest.NewAsset("BTCUSDT").
		Data(backtest.Rows(sampletest.BTC(t).Events)).
		Book("window", depthtest.BTCTickSize, depthtest.BTCLotSize).
		Latency(latency, latency).
		Fee(sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}))
	result, err := pluginapi.Backtest(t.Context(), plugin(), json.RawMessage(params), day)
	if err != nil {
		t.Fatal(err)
	}
	return result, got
}

func TestSample(t *testing.T) {
	const params = `{"relative_half_spread": 0.0001, "relative_grid_interval": 0.0001, "grid_num": 3, "order_qty": 0.01, "max_position": 0.05}`
	const most = 0.05 + 3*0.01 // the orders of one side may all fill in one round
	result, got := runSample(t, params)
	if result.End != backtest.EndOfData || result.Rows == 0 {
		t.Fatalf("result is %+v", result)
	}
	if got.side(hft.Buy) == 0 || got.side(hft.Sell) == 0 {
		t.Fatalf("%d fills, want some on each side", len(got))
	}
	position := 0.0
	for _, f := range got {
		position += float64(f.Side) * f.Qty
		if math.Abs(f.Position-position) > 1e-9 || math.Abs(position) > most+1e-9 {
			t.Fatalf("position %v after %+v, want %v and at most %v", f.Position, f, position, most)
		}
		if !f.Maker {
			t.Errorf("a grid of post-only orders paid the taker's fee: %+v", f)
		}
	}
	asset := result.Assets[0]
	// At the end of the data the bot may not have learned of the last executions yet.
	if behind := asset.Exchange.NumTrades - asset.Local.NumTrades; behind < 0 || behind > 6 ||
		behind == 0 && asset.Local != asset.Exchange {
		t.Errorf("accounts differ: %+v and %+v", asset.Local, asset.Exchange)
	}
	if asset.Local.NumTrades != int64(len(got)) || math.Abs(asset.Local.Position-position) > 1e-9 ||
		asset.Local.Fee >= 0 {
		t.Errorf("account %+v after %d fills with the position %v", asset.Local, len(got), position)
	}
}

func TestSampleTwice(t *testing.T) {
	const params = `{"order_qty": 0.01, "max_position": 0.1, "relative_half_spread": 0.0001, "relative_grid_interval": 0.0001}`
	var texts [2]string
	for i := range texts {
		result, got := runSample(t, params)
		if len(got) == 0 {
			t.Fatal("no fills")
		}
		texts[i] = fmt.Sprintf("%+v\n%+v", result, got)
	}
	if texts[0] != texts[1] {
		t.Errorf("two runs differ:\n%.3000s\n%.3000s", texts[0], texts[1])
	}
}

// TestWiderGridFillsLess is a test of the strategy's economy that needs a market.
func TestWiderGridFillsLess(t *testing.T) {
	var counts []int
	for _, halfSpread := range []float64{0.00005, 0.0002, 0.001} {
		_, got := runSample(t, fmt.Sprintf(`{"order_qty": 0.01, "max_position": 0.1, "relative_half_spread": %v}`,
			halfSpread))
		counts = append(counts, len(got))
	}
	if !slices.IsSortedFunc(counts, func(a, b int) int { return b - a }) || counts[0] == counts[2] {
		t.Errorf("fills by half spread: %v", counts)
	}
}
