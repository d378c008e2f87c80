package parity_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/sim"
)

// blockTrade is a recording in which 500 are sold at 95 outside of a book that stands at 100.0 and 100.1.
const blockTrade = `1748908801000000000 {"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1748908800995,"data":{"s":"BTCUSDT","b":[["100.0","5"],["98.0","5"]],"a":[["100.1","5"]],"u":10,"seq":100},"cts":1748908800990}
1748908804100000000 {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1748908804095,"data":[{"T":1748908804093,"s":"BTCUSDT","S":"Sell","v":"500","p":"95.0","L":"ZeroPlusTick","i":"b1","BT":true,"RPI":false,"seq":101}]}
1748908805200000000 {"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1748908805195,"data":{"s":"BTCUSDT","b":[["100.0","4"]],"a":[],"u":11,"seq":104},"cts":1748908805190}
1748908807200000000 {"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1748908807195,"data":{"s":"BTCUSDT","b":[["100.0","5"]],"a":[],"u":12,"seq":105},"cts":1748908807190}
`

// TestBlockTrade: a trade outside of the book fills no order of a backtest, whatever its price, and is not a last
// trade unless requested. A trade of the market fills both.
func TestBlockTrade(t *testing.T) {
	for name, c := range map[string]struct {
		text         string
		compat       sim.Compat
		keep         bool
		fills, kinds uint64
	}{
		"passed over": {blockTrade, sim.Fixed, false, 0, 0},
		"asked for":   {blockTrade, sim.Fixed, true, 0, hft.OffBookTrade},
		"passed over, in the mode of hftbacktest": {blockTrade, sim.Hftbacktest, false, 0, 0},
		"asked for, in the mode of hftbacktest":   {blockTrade, sim.Hftbacktest, true, 0, hft.OffBookTrade},
		"of the market": {strings.Replace(blockTrade, `"BT":true`, `"BT":false`, 1),
			sim.Fixed, true, 2, hft.TradeEvent},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			recorded, events := filepath.Join(dir, "recorded.txt"), filepath.Join(dir, "events.npy")
			if err := os.WriteFile(recorded, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := convert.Events(t.Context(), []string{recorded}, events,
				convert.Options{Rule: connector.RuleStreamed, TickSize: 0.1, LotSize: 0.001,
					NewDecoder: bybit.Kind().Format.NewDecoder}); err != nil {
				t.Fatal(err)
			}
			latency, err := sim.NewConstantLatency(1e6, 1e6)
			if err != nil {
				t.Fatal(err)
			}
			bot, err := backtest.NewBuilder().Compat(c.compat).
				AddAsset(backtest.NewAsset("BTCUSDT").Data(backtest.File(events)).Book("window", 0.1, 0.001).
					Queue(sim.RiskAdverseQueue()).Latency(latency, latency).Fee(sim.TradingValueFee{}).LastTrades(10)).
				Build()
			if err != nil {
				t.Fatal(err)
			}
			defer bot.Close()
			if c.keep {
				bot.KeepOffBookTrades(0)
			}
			if _, err := bot.Elapse(1e9); err != nil {
				t.Fatal(err)
			}
			for i, price := range []float64{98, 97} {
				if _, err := bot.SubmitBuyOrder(0, uint64(i+1), price, 3, hft.GTC, hft.Limit, true); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := bot.Elapse(4e9); err != nil {
				t.Fatal(err)
			}
			if n := uint64(bot.StateValues(0).NumTrades); n != c.fills {
				t.Errorf("%d fills of own orders, want %d", n, c.fills)
			}
			trades := bot.LastTrades(0)
			if c.kinds == 0 && len(trades) == 0 {
				return
			}
			if len(trades) != 1 || trades[0].Kind() != c.kinds || trades[0].Side() != hft.Sell || trades[0].Px != 95 ||
				trades[0].Qty != 500 {
				t.Errorf("last trades %+v, want one of kind %d", trades, c.kinds)
			}
		})
	}
}
