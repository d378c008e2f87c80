package batch

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/check"
)

// CheckFile looks an event file over. progress is called every few thousand rows. Errors name the file.
func CheckFile(ctx context.Context, path string, o check.Options,
	progress func(rows, total int64)) (report check.Report, err error) {
	r, err := npy.Open[hft.Event](path, npy.EventDtype())
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	rows := int64(0)
	return check.Check(ctx, func(dst []hft.Event) (int, error) {
		n, err := r.Read(dst)
		rows += int64(n)
		progress(rows, r.NumRows())
		return n, err
	}, o)
}

// ReadBook reads a book as 'runner snapshot' writes it, with the id of its last update if it has one.
// A file that has no book is an error. Errors name the file.
func ReadBook(path string) (book convert.InitialBook, err error) {
	r, err := npy.Open[hft.Event](path, npy.EventDtype())
	if err != nil {
		return book, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	book.Name = path
	for row := make([]hft.Event, 1); ; {
		n, err := r.Read(row)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				err = book.Check(0)
			}
			return book, err
		}
		if book.Levels, book.LastID = append(book.Levels, row[0]), row[0].Ival; len(book.Levels) > maxLevels {
			return book, fmt.Errorf("%s: it has more than %d rows: must be a file of 'runner snapshot', not of events",
				path, maxLevels)
		}
	}
}

// maxLevels is more than any book has.
const maxLevels = 1 << 20

// CheckBook returns an error for a book that an event file cannot begin with. A file without trades says nothing.
func CheckBook(book *convert.InitialBook, events string) (err error) {
	r, err := npy.Open[hft.Event](events, npy.EventDtype())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for rows := make([]hft.Event, 1<<12); ; {
		n, err := r.Read(rows)
		if px := convert.MarketPrice(rows[:n]); px > 0 {
			return book.Check(px)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// checkAsset looks one event file of an asset over, made of a recording or not.
func checkAsset(ctx context.Context, path string, asset *backtest.AssetSpec, recorded bool,
	done *prepared, progress func(rows, total int64)) error {
	o := check.Options{TickSize: asset.TickSize, LotSize: asset.LotSize, GridChecked: recorded}
	r, err := CheckFile(ctx, path, o, progress)
	if err != nil {
		return err
	}
	done.Rows, done.StartNs, done.EndNs = r.Rows, r.FirstLocalTimestampNs, r.LastLocalTimestampNs
	done.NoBook = done.NoBook || r.DepthRows == 0
	for _, p := range r.Problems() {
		text := p.What + " " + p.Advice
		if p.Severity == check.SeverityError {
			done.Errors = append(done.Errors, text)
			continue
		}
		if len(done.Findings) < maxFindings {
			done.Findings = append(done.Findings, text)
		}
	}
	return nil
}
