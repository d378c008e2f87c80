package parity_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/risk"
	"github.com/hftrunner/hftrunner/sim"
)

// rowsOf returns the rows of an asset's messages. The exchange of paper trading sees a message when the bots do, so the
// row for the exchange happens then; the one for the bot knows when the venue sent it.
func rowsOf(m *market, asset int) []hft.Event {
	var rows []hft.Event
	for _, msg := range m.messages {
		if msg.asset != asset {
			continue
		}
		receivedNs := t0 + int64(msg.at)
		for _, e := range msg.events {
			e.ExchTimestampNs, e.LocalTimestampNs = receivedNs, receivedNs
			exch := e
			exch.Ev |= hft.ExchEvent
			e.Ev |= hft.LocalEvent
			e.ExchTimestampNs -= int64(feedLatency)
			rows = append(rows, exch, e)
		}
	}
	return rows
}

// inBacktest returns a player in the backtest.
func inBacktest(tb testing.TB, m *market) *player {
	tb.Helper()
	p := &player{tb: tb}
	latency, err := sim.NewConstantLatency(m.entry, m.response)
	if err != nil {
		tb.Fatal(err)
	}
	b := backtest.NewBuilder()
	for i, symbol := range symbols() {
		rows := rowsOf(m, i)
		if len(rows) == 0 {
			continue
		}
		a := backtest.NewAsset(symbol).Connector(connectorName).Data(backtest.Rows(rows)).
			Book("window", tickSize, lotSize).
			Queue(sim.RiskAdverseQueue()).Latency(latency, latency).
			Fee(sim.TradingValueFee{Maker: makerFee, Taker: takerFee}).
			LastTrades(m.lastTrades).Risk("USDT", risk.Limits{})
		if m.partial {
			a.Exchange(backtest.PartialFill)
		}
		b.AddAsset(a)
	}
	b.Risk(backtest.Risk{Connectors: map[string]risk.Limits{connectorName: m.limits}})
	if m.timeout != 0 {
		b.ResponseTimeout(m.timeout)
	}
	if !m.withoutCallbacks {
		b.OrderRecvHook(func(prev, next *hft.Order) error { return p.hooked(m, prev, next) })
		b.ErrorHandler(func(e hft.LiveError) error { return p.handled(m, e) })
	}
	bot, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = bot.Close() })
	p.bot = bot
	return p
}
