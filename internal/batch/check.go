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
func CheckFile(ctx context.Context, path string, o check.Options, progress func(rows, total int64)) (report check.Report, err error) {
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

// ReadBook reads a book as 'runner snapshot' writes it, with the id of its last update if it has one. Errors name the
// file.
func ReadBook(path string) (book convert.InitialBook, err error) {
	r, err := npy.Open[hft.Event](path, npy.EventDtype())
	if err != nil {
		return book, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for row := make([]hft.Event, 1); ; {
		n, err := r.Read(row)
		if n == 0 {
			if errors.Is(err, io.EOF) && len(book.Levels) == 0 {
				err = fmt.Errorf("%s: there is no level in it", path)
			} else if errors.Is(err, io.EOF) {
				err = nil
			}
			return book, err
		}
		if k := row[0].Kind(); k != hft.DepthSnapshotEvent && k != hft.DepthEvent {
			return book, fmt.Errorf("%s: row %d is of kind %d, not a book level: must be a file of 'runner snapshot'",
				path, len(book.Levels), k)
		}
		book.Levels, book.LastID = append(book.Levels, row[0]), row[0].Ival
	}
}

// checkAsset looks one event file of an asset over.
func checkAsset(ctx context.Context, path string, asset *backtest.AssetSpec, done *prepared, progress func(rows, total int64)) error {
	r, err := CheckFile(ctx, path, check.Options{TickSize: asset.TickSize, LotSize: asset.LotSize}, progress)
	if err != nil {
		return err
	}
	done.Rows, done.StartNs, done.EndNs = r.Rows, r.FirstLocalTimestampNs, r.LastLocalTimestampNs
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
