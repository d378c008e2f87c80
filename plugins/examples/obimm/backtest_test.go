package main

import (
	"encoding/json"
	"fmt"
	"math"
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

// runSample runs the strategy over both instruments of the sample at once, without a process.
func runSample(t *testing.T, params string) (backtest.Result, fills) {
	t.Helper()
	latency, err := sim.NewConstantLatency(10*time.Millisecond, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	instrument := func(symbol string, rows []hft.Event, tickSize, lotSize float64) *backtest.AssetBuilder {
		return backtest.NewAsset(symbol).Data(backtest.Rows(rows)).Book("window", tickSize, lotSize).
			Latency(latency, latency).
			Exchange(backtest.PartialFill).Fee(sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007})
	}
	var got fills
	day := backtest.NewBuilder().Observer(&got).
		AddAsset(instrument("BTCUSDT", sampletest.BTC(t).Events, depthtest.BTCTickSize, depthtest.BTCLotSize)).
		AddAsset(instrument("ETHUSDT", sampletest.ETH(t).Events, depthtest.ETHTickSize, depthtest.ETHLotSize))
	result, err := pluginapi.Backtest(t.Context(), plugin(), json.RawMessage(params), day)
	if err != nil {
		t.Fatal(err)
	}
	return result, got
}

func TestSample(t *testing.T) {
	const params = `{"order_value": 1000, "max_orders": 3, "half_spread": 0.00005}`
	result, got := runSample(t, params)
	if result.End != backtest.EndOfData || len(result.Assets) != 2 {
		t.Fatalf("result is %+v", result)
	}
	var counts [2]int
	var positions [2]float64
	for _, f := range got {
		counts[f.AssetNo]++
		positions[f.AssetNo] += float64(f.Side) * f.Qty
		if !f.Maker {
			t.Errorf("a post-only order paid the taker's fee: %+v", f)
		}
		// A quote that is replaced may fill while its cancel is on the way, and so may its successor: one order more.
		if value := math.Abs(f.Position) * f.Price; value > 1000*(3+1)*1.01 {
			t.Errorf("position of %v %v: %+v", value, positions, f)
		}
	}
	for i, asset := range result.Assets {
		if counts[i] == 0 || asset.Local.NumTrades != int64(counts[i]) ||
			math.Abs(asset.Local.Position-positions[i]) > 1e-9 {
			t.Errorf("%s: account %+v after %d fills with the position %v", asset.Symbol, asset.Local, counts[i],
				positions[i])
		}
		if asset.RoundTrip.MinNs < int64(20*time.Millisecond) {
			t.Errorf("%s: a round trip of %d ns", asset.Symbol, asset.RoundTrip.MinNs)
		}
	}
}

func TestSampleTwice(t *testing.T) {
	var texts [2]string
	for i := range texts {
		result, got := runSample(t, `{"order_value": 500}`)
		if len(got) == 0 {
			t.Fatal("no fills")
		}
		texts[i] = fmt.Sprintf("%+v\n%+v", result, got)
	}
	if texts[0] != texts[1] {
		t.Errorf("two runs differ:\n%.3000s\n%.3000s", texts[0], texts[1])
	}
}

// TestLeaningHoldsThePositionDown is a test of the strategy's economy that needs a market.
func TestLeaningHoldsThePositionDown(t *testing.T) {
	held := func(skew float64) (sum float64) {
		_, got := runSample(t,
			fmt.Sprintf(`{"order_value": 1000, "max_orders": 20, "half_spread": 0.00005, "skew": %v}`, skew))
		if len(got) == 0 {
			t.Fatal("no fills")
		}
		for _, f := range got {
			sum += math.Abs(f.Position) * f.Price
		}
		return sum / float64(len(got))
	}
	if without, with := held(0), held(0.0001); with >= without {
		t.Errorf("held on average: %v without leaning, %v with it", without, with)
	}
}
