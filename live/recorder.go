package live

import (
	"log/slog"
	"math"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/sole"
)

// LoggingRecorder is an hft.Recorder for live trading: it logs an asset's mid price and state when either has changed
// since the last call (LoggingRecorder). One goroutine uses it, with one bot; a call beside another panics.
type LoggingRecorder struct {
	mark   sole.Mark
	logger *slog.Logger
	last   []sample
}

// sample is what was logged last of one asset.
type sample struct {
	mid    float64
	state  hft.StateValues
	logged bool
}

var _ hft.Recorder = (*LoggingRecorder)(nil)

// NewLoggingRecorder returns a recorder that writes to logger at level Info.
func NewLoggingRecorder(logger *slog.Logger) *LoggingRecorder {
	return &LoggingRecorder{logger: logger}
}

// Record logs the assets that have changed. The mid price is NaN while a side of the book is empty. There is no error.
func (r *LoggingRecorder) Record(bot hft.Bot) error {
	r.mark.Enter("live: LoggingRecorder.Record")
	defer r.mark.Leave()
	for len(r.last) < bot.NumAssets() {
		r.last = append(r.last, sample{})
	}
	for assetNo := range bot.NumAssets() {
		book := bot.Depth(assetNo)
		now := sample{mid: (book.BestBid() + book.BestAsk()) / 2, state: bot.StateValues(assetNo), logged: true}
		last := &r.last[assetNo]
		sameMid := now.mid == last.mid || math.IsNaN(now.mid) && math.IsNaN(last.mid)
		if last.logged && sameMid && now.state == last.state {
			continue
		}
		*last = now
		s := &now.state
		r.logger.Info("state", "asset", assetNo, "timestamp_ns", bot.CurrentTimestampNs(), "mid", now.mid,
			"position", s.Position, "balance", s.Balance, "fee", s.Fee, "num_trades", s.NumTrades,
			"trading_volume", s.TradingVolume, "trading_value", s.TradingValue)
	}
	return nil
}
