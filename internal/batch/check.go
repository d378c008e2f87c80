package batch

import (
	"context"
	"errors"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/check"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
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
