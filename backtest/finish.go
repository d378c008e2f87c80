package backtest

import (
	"errors"
	"math"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// Finish takes the last sample and sums up. runErr is what the strategy returned. It is called once, on the bot's
// goroutine, when the strategy has returned; it may have closed the bot.
func (b *backtestBot) Finish(runErr error) Result {
	if b.recordIntervalNs > 0 && b.entered {
		b.record()
	}
	r := Result{End: b.end(runErr), StartNs: b.startNs, EndNs: b.CurrentTimestampNs(), Rows: b.Progress().Rows}
	if r.End == EndError {
		r.Error = runErr.Error()
	}
	for i, a := range b.assets {
		r.Assets = append(r.Assets, b.assetResult(i, a))
	}
	if r.End == EndOfData {
		r.Rows = b.Progress().TotalRows
	}
	return r
}

func (b *backtestBot) end(runErr error) End {
	switch {
	case runErr != nil && !errors.Is(runErr, hft.ErrInterrupted) && !errors.Is(runErr, hft.ErrEndOfData):
		return EndError
	case b.halt.Load()&interrupted != 0:
		return EndInterrupted
	case b.ended:
		return EndOfData
	}
	return EndReturned
}

func (b *backtestBot) assetResult(assetNo int, a *asset) AssetResult {
	s, exchange := sample(b, assetNo), a.exchange.State()
	if b.compat == sim.Fixed {
		exchange.Position = a.local.WholeLots(exchange.Position) // as the bot's
	}
	r := AssetResult{Symbol: a.symbol, Local: a.state.Values, Exchange: exchange, OpenOrders: a.exchange.NumOrders(),
		Counts: a.measure.result(), FeedLatency: a.measure.feed.distribution(),
		EntryLatency: a.measure.entry.distribution(), ResponseLatency: a.measure.response.distribution(),
		RoundTrip: a.measure.roundTrip.distribution()}
	if !math.IsNaN(s.Price) {
		r.MidPrice, r.Equity = s.Price, a.state.Equity(s.Price)
	}
	return r
}
