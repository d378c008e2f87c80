package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
)

// Latency is one row of an order-latency file (specification 1.3): an order that was sent at one time takes so long to
// the exchange and so long back.
type Latency struct {
	// ReqTimestampNs is the time when the request was sent, ExchTimestampNs when the exchange processed it, or 0 when
	// it was rejected before, and RespTimestampNs when the response arrived.
	ReqTimestampNs, ExchTimestampNs, RespTimestampNs int64
	// Padding is unused and 0.
	Padding int64
}

// DefaultBucket is the time between two rows of synthetic latencies when FeedLatencyOptions does not say.
const DefaultBucket = time.Second

// maxTimeNs is a time that no computation here reaches: the middle of 2116.
const maxTimeNs = 1 << 62

// FeedLatencyOptions configures how order latencies are derived from feed latencies (specification 7.3): the way there
// takes EntryFactor times the feed latency plus EntryOffset, the way back ResponseFactor times it plus ResponseOffset.
type FeedLatencyOptions struct {
	// Bucket is the span of local time of which the last feed latency is taken; 0 is DefaultBucket.
	Bucket                      time.Duration
	EntryFactor, ResponseFactor float64
	EntryOffset, ResponseOffset time.Duration
}

// check completes the options and returns everything that is wrong with them.
func (o *FeedLatencyOptions) check() error {
	if o.Bucket == 0 {
		o.Bucket = DefaultBucket
	}
	var errs []error
	if o.Bucket < 0 {
		errs = append(errs, fmt.Errorf("convert: Bucket is %v; use more than 0, or 0 for %v", o.Bucket, DefaultBucket))
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"EntryFactor", o.EntryFactor}, {"ResponseFactor", o.ResponseFactor}} {
		if !(f.value >= 0) || math.IsInf(f.value, 1) {
			errs = append(errs, fmt.Errorf("convert: %s is %v; use a number of 0 or more", f.name, f.value))
		}
	}
	return errors.Join(errs...)
}

// FeedLatencies makes a file of order latencies, out.npz or out.npy, from those of market data: event files of one
// instrument, in the order of their time. Each bucket of local time that has a row with both flags and no estimated
// time gives one row, of the last of them. It returns the number of rows. A row out of order, or a latency below 0, is an error that names it.
func FeedLatencies(ctx context.Context, files []string, out string, options FeedLatencyOptions) (int64, error) {
	if err := options.check(); err != nil {
		return 0, err
	}
	f := feedLatencies{options: options}
	for _, name := range files {
		if err := f.readFile(ctx, name); err != nil {
			return 0, err
		}
	}
	if f.has {
		f.rows = append(f.rows, f.last)
	}
	if len(f.rows) == 0 {
		return 0, fmt.Errorf("convert: there is no event with both flags and a time of the exchange's own in %q; must be event files created by Events, not raw ones", files)
	}
	return int64(len(f.rows)), writeLatencies(out, f.rows)
}

// feedLatencies collects the rows of FeedLatencies.
type feedLatencies struct {
	options FeedLatencyOptions
	rows    []Latency
	// last is the row of the bucket in hand, when there is one.
	last    Latency
	bucket  int64
	localNs int64
	has     bool
}

func (f *feedLatencies) readFile(ctx context.Context, name string) (err error) {
	r, err := npy.Open[hft.Event](name, npy.EventDtype())
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	batch := make([]hft.Event, batchRows)
	for row := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("convert: %w", err)
		}
		n, readErr := r.Read(batch)
		for i := range batch[:n] {
			if err := f.add(&batch[i]); err != nil {
				return fmt.Errorf("convert: %s: row %d: %w", name, row, err)
			}
			row++
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return fmt.Errorf("convert: %w", readErr)
		}
	}
}

// add takes one event.
func (f *feedLatencies) add(e *hft.Event) error {
	if _, known := e.FeedLatency(); !known || !e.Is(hft.ExchEvent|hft.LocalEvent) {
		return nil
	}
	if f.has && e.LocalTimestampNs < f.localNs {
		return fmt.Errorf("local time %d comes after %d; list the files in order of time, each created by Events", e.LocalTimestampNs, f.localNs)
	}
	row, err := f.latency(e)
	if err != nil {
		return err
	}
	bucket := floorDiv(e.LocalTimestampNs, int64(f.options.Bucket))
	if f.has && bucket != f.bucket {
		f.rows = append(f.rows, f.last)
	}
	f.last, f.bucket, f.localNs, f.has = row, bucket, e.LocalTimestampNs, true
	return nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// latency returns the row that follows from an event.
func (f *feedLatencies) latency(e *hft.Event) (Latency, error) {
	o := &f.options
	feedNs := float64(e.LocalTimestampNs) - float64(e.ExchTimestampNs)
	if math.Abs(feedNs) < 1<<53 {
		feedNs = float64(e.LocalTimestampNs - e.ExchTimestampNs) // exact
	}
	// The products are rounded on every machine, not fused with the sums.
	entryNs := float64(o.EntryFactor*feedNs) + float64(o.EntryOffset)
	responseNs := float64(o.ResponseFactor*feedNs) + float64(o.ResponseOffset)
	if entryNs < 0 || responseNs < 0 {
		return Latency{}, fmt.Errorf("a feed latency of %v ns gives order latencies of %v and %v ns; correct the local times, or raise the offsets",
			feedNs, entryNs, responseNs)
	}
	if float64(e.LocalTimestampNs)+entryNs+responseNs >= maxTimeNs {
		return Latency{}, fmt.Errorf("a feed latency of %v ns gives order latencies of %v and %v ns, past the year 2116; lower the factors or offsets",
			feedNs, entryNs, responseNs)
	}
	row := Latency{ReqTimestampNs: e.LocalTimestampNs}
	row.ExchTimestampNs = row.ReqTimestampNs + int64(entryNs)
	row.RespTimestampNs = row.ExchTimestampNs + int64(responseNs)
	return row, nil
}

func writeLatencies(out string, rows []Latency) (err error) {
	w, err := npy.Create[Latency](out, npy.LatencyDtype(), int64(len(rows)))
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	defer func() { err = errors.Join(err, w.Discard()) }()
	if err := w.Write(rows); err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	return nil
}
