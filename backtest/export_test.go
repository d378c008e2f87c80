package backtest

import (
	"io"

	"github.com/hftrunner/hftrunner/hft"
)

// CountPartials makes an asset's local side count partial executions in mode sim.Hftbacktest too, as the third oracle
// of the reference results does.
func CountPartials(a *AssetBuilder, on bool) { a.countPartials = on }

// CursorRows returns the numbers of the rows that the cursors of an asset stand on, of its first block.
func CursorRows(bot Backtest, assetNo int) (local, exch int) {
	a := bot.(*backtestBot).assets[assetNo]
	return a.localRows.i, a.exchRows.i
}

// Repeated is a day that is repeated with shifted time, so that a test can have more rows than memory.
func Repeated(rows []hft.Event, times int) Data {
	first, last := rows[0], rows[len(rows)-1]
	return repeated{rows, times, max(last.LocalTimestampNs, last.ExchTimestampNs) - min(first.LocalTimestampNs,
		first.ExchTimestampNs) + 1e9}
}

type repeated struct {
	rows    []hft.Event
	times   int
	shiftNs int64
}

func (r repeated) String() string           { return "repeated rows" }
func (r repeated) numRows() (int64, error)  { return int64(len(r.rows)) * int64(r.times), nil }
func (r repeated) open() (rowReader, error) { return &repeatedReader{repeated: r}, nil }

type repeatedReader struct {
	repeated
	round, row int
}

func (r *repeatedReader) next(buf []hft.Event, _ bool) ([]hft.Event, bool, error) {
	if r.row == len(r.rows) {
		r.row, r.round = 0, r.round+1
	}
	if r.round == r.times {
		return buf[:0], true, io.EOF
	}
	n := min(blockRows, len(r.rows)-r.row)
	buf = append(buf[:0], r.rows[r.row:r.row+n]...)
	for i := range buf {
		buf[i].LocalTimestampNs += int64(r.round) * r.shiftNs
		buf[i].ExchTimestampNs += int64(r.round) * r.shiftNs
	}
	r.row += n
	return buf, true, nil
}

func (r *repeatedReader) Close() error { return nil }

// Within puts the bot within a call, until the function that it returns is called.
func Within(bot Backtest) (leave func()) {
	b := bot.(*backtestBot)
	b.mark.Enter("backtest: a test")
	return b.mark.Leave
}

// NeverBuilt returns bots that no builder has made.
func NeverBuilt() []Backtest { return []Backtest{(*backtestBot)(nil), &backtestBot{}} }
