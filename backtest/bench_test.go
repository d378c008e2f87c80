package backtest_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/sim"
)

// discard is an observer as cheap as can be.
type discard struct{ orders, fills int }

func (d *discard) OnOrder(*backtest.OrderRow)   { d.orders++ }
func (d *discard) OnFill(*backtest.FillRow)     { d.fills++ }
func (d *discard) OnRecord(*backtest.RecordRow) {}

// BenchmarkBacktest runs strategy quote over the recorded day: the whole of it is one operation.
func BenchmarkBacktest(b *testing.B) {
	rows := depthtest.RecordedBTC(b).Events
	for _, c := range []struct {
		name, book string
		exchange   backtest.ExchangeKind
		queue      string
		compat     sim.Compat
	}{
		{"nopartial,risk,hash,hftbacktest", "hashmap", backtest.NoPartialFill, "risk", sim.Hftbacktest},
		{"partial,pow3,hash,hftbacktest", "hashmap", backtest.PartialFill, "pow3", sim.Hftbacktest},
		{"nopartial,risk,window,fixed", "window", backtest.NoPartialFill, "risk", sim.Fixed},
		{"partial,pow3,window,fixed", "window", backtest.PartialFill, "pow3", sim.Fixed},
	} {
		b.Run(c.name, func(b *testing.B) {
			latency, err := sim.NewConstantLatency(1e6, 1e6)
			if err != nil {
				b.Fatal(err)
			}
			fills := 0
			for b.Loop() {
				watch := &discard{}
				bot, err := backtest.NewBuilder().Compat(c.compat).Observer(watch).
					AddAsset(backtest.NewAsset("BTCUSDT").
						Data(backtest.Rows(rows)).Book(c.book, depthtest.BTCTickSize, depthtest.BTCLotSize).
						Exchange(c.exchange).
						Queue(goldenQueue(c.queue)).Latency(latency, latency).
						Fee(sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}).
						LastTrades(1000)).Build()
				if err != nil {
					b.Fatal(err)
				}
				script := &scripted{bot: bot, log: newGolden(), qty: 0.01,
					symbol: []instrument{{depthtest.BTCTickSize, depthtest.BTCLotSize, 1}}}
				script.run("quote")
				fills = watch.fills
				bot.Close()
			}
			b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
			b.ReportMetric(float64(fills), "fills")
		})
	}
}
