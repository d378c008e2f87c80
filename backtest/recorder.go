package backtest

import (
	"fmt"
	"strconv"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/sole"
)

// Recorder is an hft.Recorder that keeps every sample, as hftbacktest's does (specification 8.4). One goroutine uses
// it, and a call beside another panics. It works with any bot.
type Recorder struct {
	mark sole.Mark
	rows [][]Record
}

var _ hft.Recorder = (*Recorder)(nil)

// NewRecorder returns a recorder with room for that many samples of each asset; it grows when there are more.
func NewRecorder(numAssets, capacity int) *Recorder {
	r := &Recorder{rows: make([][]Record, numAssets)}
	for i := range r.rows {
		r.rows[i] = make([]Record, 0, capacity)
	}
	return r
}

// Record takes one sample of every asset of bot. It is an error when bot has another number of assets.
func (r *Recorder) Record(bot hft.Bot) error {
	if bot.NumAssets() != len(r.rows) {
		return fmt.Errorf("backtest: the recorder is for %d assets and the bot has %d", len(r.rows), bot.NumAssets())
	}
	r.mark.Enter("backtest: Recorder.Record")
	defer r.mark.Leave()
	for i := range r.rows {
		r.rows[i] = append(r.rows[i], sample(bot, i))
	}
	return nil
}

// Rows returns the samples of an asset, which stay the recorder's.
func (r *Recorder) Rows(assetNo int) []Record { return r.rows[assetNo] }

// WriteFile writes the samples as an .npz that hftbacktest's statistics read: an array for each asset.
func (r *Recorder) WriteFile(path string) error { return writeRecords(path, r.rows) }

// writeRecords writes the samples of each asset as an .npz that hftbacktest's statistics read: members 0.npy, 1.npy,
// ...
func writeRecords(path string, rows [][]Record) error {
	archive, err := npy.CreateArchive[Record](path, npy.RecordDtype())
	if err != nil {
		return fmt.Errorf("backtest: write records: %w", err)
	}
	for i := range rows {
		err := archive.Member(strconv.Itoa(i)+".npy", int64(len(rows[i])))
		if err == nil {
			err = archive.Write(rows[i])
		}
		if err != nil {
			_ = archive.Discard()
			return fmt.Errorf("backtest: write records: %w", err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("backtest: write records: %w", err)
	}
	return nil
}

// sample returns the state of an asset as it is.
func sample(bot hft.Bot, assetNo int) Record {
	book, s := bot.Depth(assetNo), bot.StateValues(assetNo)
	return Record{TimestampNs: bot.CurrentTimestampNs(), Price: (book.BestBid() + book.BestAsk()) / 2,
		Position: s.Position, Balance: s.Balance, Fee: s.Fee, NumTrades: s.NumTrades, TradingVolume: s.TradingVolume,
		TradingValue: s.TradingValue}
}
