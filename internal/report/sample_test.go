package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/stats"
	"github.com/hftrunner/hftrunner/hft"
)

// sampleRun trades a random walk for some hours: it looks like a market maker's run, and is the same for the same seed.
func sampleRun(name string, seed uint64, rows int, instruments ...string) Run {
	random := rand.New(rand.NewPCG(seed, 1))
	start := time.Date(2024, 8, 8, 22, 0, 0, 0, time.UTC).UnixNano()
	run := Run{
		Name: name, Strategy: "gridtrading", Plugin: "gridtrading", PluginVersion: "1.0.0", Currency: "USDT",
		Params: []NameValue{{"relative_half_spread", "0.0005"}, {"grid_num", "10"}, {"order_qty", "0.01"}},
		Models: []NameValue{{"Exchange", "partial_fill"}, {"Queue", "power_prob3, n = 3"},
			{"Order latency", "interpolated"}, {"Feed latency", "as recorded"}, {"Mode", "default"}},
		StartNs: start, EndNs: start + int64(rows)*1e9, Result: "end of data",
		Counts: Counts{Orders: 10412, Modifies: 310, Cancels: 9187, Rejects: 12},
	}
	var parts []*stats.Stats
	options := stats.Options{Split: stats.SplitDay, TradingDaysPerYear: 365}
	for i, instrument := range instruments {
		records, fills := sampleTrading(random, start, rows, 60000/math.Pow(20, float64(i)))
		s, err := stats.New(records, options)
		if err != nil {
			panic(err)
		}
		parts = append(parts, s)
		run.Assets = append(run.Assets, Asset{instrument, stats.CurvesOf(records, nil, 5000), fills})
		run.Instruments = append(run.Instruments, Instrument{instrument, 0.1, 0.001, "linear, contract size 1",
			"maker −0.005 %, taker 0.07 % of value"})
		run.Data = append(run.Data, DataFile{instrument + "_20240808.npz", 4919730, run.StartNs, run.EndNs, nil})
		run.Counts.Fills += int64(len(fills))
	}
	run.Data[0].Problems = []string{"gap of 4.2 s at 2024-08-08 22:14:03", "book crossed for 12 ms, 3 times"}
	total, err := stats.Sum(options, parts...)
	if err != nil {
		panic(err)
	}
	run.Stats, run.Total = total.Rows(), total.Curves(5000)
	latency := func(mean float64) []float64 {
		values := make([]float64, 5000)
		for i := range values {
			values[i] = mean * math.Exp(random.NormFloat64()*0.5)
		}
		return values
	}
	run.OrderLatency = []Distribution{NewDistribution("entry", "ms", latency(4)),
		NewDistribution("response", "ms", latency(3)), NewDistribution("round trip", "ms", latency(7))}
	run.FeedLatency = []Distribution{NewDistribution("exchange to local", "ms", latency(1.5))}
	run.Queue = &Queue{
		Causes:   []Count{{"taker", 14}, {"queue", 311}, {"through", 190}, {"crossed", 41}},
		RestTime: NewDistribution("", "s", latency(2)), QtyAhead: NewDistribution("", "BTC", latency(0.8)),
		FillRate: 0.0534,
	}
	return run
}

// sampleTrading is a random walk that is bought below and sold above, with a fee on each fill.
func sampleTrading(random *rand.Rand, start int64, rows int, price float64) ([]backtest.Record, []Fill) {
	records := make([]backtest.Record, rows)
	var fills []Fill
	tick := math.Pow(10, math.Floor(math.Log10(price))-5)
	r := backtest.Record{TimestampNs: start, Price: math.NaN()}
	for i := range records {
		price += tick * math.Round(random.NormFloat64()*8)
		r.TimestampNs, r.Price = start+int64(i)*1e9, price
		if i == 0 {
			r.Price = math.NaN()
		}
		if random.IntN(40) == 0 {
			side := hft.Side(1 - 2*random.IntN(2))
			if math.Abs(r.Position) > 0.08 {
				side = hft.Sell
				if r.Position < 0 {
					side = hft.Buy
				}
			}
			f := Fill{r.TimestampNs, side, price - float64(side)*tick*12, 0.01, random.IntN(12) > 0, "queue"}
			if !f.Maker {
				f.Cause = "taker"
			}
			fills = append(fills, f)
			value := f.Price * f.Qty
			r.Position += float64(side) * f.Qty
			r.Balance -= float64(side) * value
			r.Fee += value * 0.00004
			r.NumTrades++
			r.TradingVolume += f.Qty
			r.TradingValue += value
		}
		records[i] = r
	}
	return records, fills
}

// sampleReport has several runs, one of them failed and one empty, and a sweep over three parameters.
func sampleReport() *Report {
	r := &Report{Title: "gridtrading on BTCUSDT and ETHUSDT", CreatedAt: "2026-11-22 11:30 UTC", Version: "0.3.0"}
	r.Runs = []Run{
		sampleRun("grid 10 × 0.01", 1, 14400, "BTCUSDT", "ETHUSDT"), sampleRun("grid 5 × 0.01", 2, 7200, "BTCUSDT"),
		sampleRun("grid 20 × 0.1", 4, 7200, "BTCUSDT"), {Name: "grid 40 × 0.1",
			Result: "the strategy stopped with an error: order 17: not enough margin", Failed: true},
	}
	s := &Sweep{Params: []string{"grid_num", "order_qty", "skew"},
		Metrics: []string{"SR", "Return", "MaxDrawdown", "DailyNumberOfTrades"}}
	random := rand.New(rand.NewPCG(3, 3))
	for _, grid := range []string{"5", "10", "20", "40"} {
		for _, qty := range []string{"0.01", "0.05", "0.1"} {
			for _, skew := range []string{"0", "0.5", "1"} {
				p := SweepPoint{Name: grid + " × " + qty + " × " + skew, Params: []string{grid, qty, skew}}
				if skew == "0" && qty == "0.01" && grid != "40" {
					p.Run = fmt.Sprintf("grid %s × 0.01", grid)
				}
				if grid == "40" && qty == "0.1" {
					p.Failure = "not enough margin"
					p.Metrics = []float64{math.NaN(), math.NaN(), math.NaN(), math.NaN()}
				} else {
					p.Metrics = []float64{random.NormFloat64() * 4, random.NormFloat64() * 200,
						40 + random.Float64()*400, 200 + random.Float64()*4000}
				}
				s.Points = append(s.Points, p)
			}
		}
	}
	r.Sweep = s
	return r
}
