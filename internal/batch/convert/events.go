package convert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
)

// Events converts recordings of one symbol, given in the order of their time, to one event file, out.npz or out.npy, for
// a backtest (specification 1.4).
//
// Lines that cannot be used are reported, counted and skipped; a file without any that can is an error, and so are
// recordings without a row. When ctx ends or anything else fails, the error says why, an older file of the name is
// left as it was, and nothing else is left behind. One goroutine more than the caller's runs meanwhile.
func Events(ctx context.Context, files []string, out string, options Options) (Summary, error) {
	if err := options.check(); err != nil {
		return Summary{}, err
	}
	return convertFiles(ctx, files, out, options, nil)
}

// convertFiles is Events with options that were checked, and with a Feed that the files continue, nil for none.
func convertFiles(ctx context.Context, files []string, out string, options Options, from *Feed) (Summary, error) {
	dir := options.TempDir
	if dir == "" {
		dir = filepath.Dir(out)
	}
	dir, err := os.MkdirTemp(dir, ".convert-*")
	if err != nil {
		return Summary{}, fmt.Errorf("convert: %w; it must be a writable directory", err)
	}
	c := &conversion{options: options, feed: from, batch: make([]hft.Event, 0, batchRows)}
	err = c.run(ctx, files, dir, out)
	for _, s := range c.spools() {
		err = errors.Join(err, s.close())
	}
	if removed := os.RemoveAll(dir); removed != nil {
		err = errors.Join(err, fmt.Errorf("convert: remove temporary files: %w", removed))
	}
	return c.summary, err
}

// batchRows is the number of rows written at a time.
const batchRows = 4096

// conversion is one run of Events.
type conversion struct {
	options Options
	summary Summary
	// feed is continued by the files, and has the book that the output begins with; nil for none.
	feed *Feed

	// The rows in the orders that are needed: exch and local, or captured when they are raw.
	exch, local, captured *spool
	maxLocalNs            int64
	// offsetNs is added to local times, with Natural.
	offsetNs int64

	validator validator
	writer    *npy.Writer[hft.Event]
	batch     []hft.Event
	hash      hash.Hash
	hashBytes []byte
}

func (c *conversion) run(ctx context.Context, files []string, dir, out string) error {
	if err := c.openSpools(dir); err != nil {
		return err
	}
	_ = os.Remove(dir) // it is empty now; Events takes away what is left
	if err := c.readAll(ctx, files); err != nil {
		return err
	}
	if err := c.correctLocal(); err != nil {
		return err
	}
	if err := c.countRows(ctx); err != nil {
		return err
	}
	return c.write(ctx, out)
}

func (c *conversion) openSpools(dir string) (err error) {
	if c.options.Raw {
		c.captured, err = newSpool(filepath.Join(dir, "captured"), byCapture)
		return err
	}
	if c.exch, err = newSpool(filepath.Join(dir, "exch"), byExch); err != nil {
		return err
	}
	c.local, err = newSpool(filepath.Join(dir, "local"), byLocal)
	return err
}

// spools returns those that are used.
func (c *conversion) spools() []*spool {
	return slices.DeleteFunc([]*spool{c.exch, c.local, c.captured}, func(s *spool) bool { return s == nil })
}

// readAll decodes all files into sorted runs of at most MemoryRows rows.
func (c *conversion) readAll(ctx context.Context, files []string) error {
	l, err := openSource(ctx, files, &c.options, c.feed, &c.summary)
	if err != nil {
		return err
	}
	defer l.lines.Close() // never fails
	// A row takes about seven bytes of a compressed recording.
	rows := make([]hft.Event, 0, min(int64(c.options.MemoryRows), DefaultMemoryRows, l.lines.TotalBytes()/6+1))
	var keys []sortKey
	spill := func() error {
		for _, s := range c.spools() {
			if keys, err = s.spill(rows, keys); err != nil {
				return err
			}
		}
		rows = rows[:0]
		return nil
	}
	err = l.read(ctx, files, func(more []hft.Event) error {
		c.maxLocalNs = max(c.maxLocalNs, more[0].LocalTimestampNs)
		for len(more) > 0 {
			if len(rows) == c.options.MemoryRows {
				if err := spill(); err != nil {
					return err
				}
			}
			n := min(len(more), c.options.MemoryRows-len(rows))
			rows, more = append(rows, more[:n]...), more[n:]
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("convert: the recordings have no row of a book or trade; use others, with a snapshot that matches its depth updates, or keep rows as recorded with Natural")
	}
	if c.spools()[0].rows == 0 {
		for _, s := range c.spools() {
			s.keep(rows)
		}
		return nil
	}
	if err := spill(); err != nil {
		return err
	}
	for _, s := range c.spools() {
		if err := s.flush(); err != nil {
			return err
		}
	}
	return nil
}

// correctLocal determines what is added to local times, so that no row is received before it happened.
func (c *conversion) correctLocal() error {
	if !c.options.Natural {
		return nil
	}
	least := &c.summary.Report.Corrections[0]
	if least.MinLatencyNs >= 0 {
		return nil
	}
	base, early := int64(c.options.BaseLatency), -least.MinLatencyNs
	if early > math.MaxInt64-base || c.maxLocalNs > math.MaxInt64-base-early {
		return fmt.Errorf("convert: %s:%d: it was received %d ns before it happened, and no such time can be added to the latest local time, %d; repair or remove the line",
			least.File, least.Line, early, c.maxLocalNs)
	}
	least.OffsetNs = early + base
	c.offsetNs = least.OffsetNs
	return nil
}

// countRows learns how many rows the output has, which its header says before them.
func (c *conversion) countRows(ctx context.Context) error {
	s := &c.summary
	if c.options.Raw {
		s.NumRows = c.captured.rows
		return nil
	}
	firstExchNs, firstLocalNs := int64(math.MaxInt64), int64(math.MaxInt64)
	err := c.walk(ctx, Counting, c.exch.rows, func(e *hft.Event) error {
		firstExchNs, firstLocalNs = min(firstExchNs, e.ExchTimestampNs), min(firstLocalNs, e.LocalTimestampNs)
		switch e.Ev & (hft.ExchEvent | hft.LocalEvent) {
		case hft.ExchEvent:
			s.ExchOnly++
		case hft.LocalEvent:
			s.LocalOnly++
		default:
			s.Both++
		}
		return nil
	})
	if c.feed != nil {
		n := c.feed.begin(firstExchNs, firstLocalNs)
		s.Both += n
		s.Clears += min(n, 1)
		s.Snapshots += max(n-1, 0)
	}
	s.NumRows = s.Both + s.ExchOnly + s.LocalOnly
	return err
}

func (c *conversion) write(ctx context.Context, out string) (err error) {
	if c.writer, err = npy.Create[hft.Event](out, npy.EventDtype(), c.summary.NumRows); err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	defer func() { err = errors.Join(err, c.writer.Discard()) }()
	if c.options.Hash {
		c.hash = sha256.New()
	}
	if c.options.Raw {
		err = c.walkRaw(ctx, c.emit)
	} else {
		err = c.writeBeginning()
	}
	if err == nil && !c.options.Raw {
		err = c.walk(ctx, Writing, c.summary.NumRows, c.emit)
	}
	if err == nil {
		err = c.flush()
	}
	if err != nil {
		return err
	}
	if err := c.writer.Close(); err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	if c.hash != nil {
		c.summary.SHA256 = hex.EncodeToString(c.hash.Sum(nil))
	}
	return nil
}

// writeBeginning writes the book that the output begins with.
func (c *conversion) writeBeginning() error {
	if c.feed == nil {
		return nil
	}
	for i := range c.feed.first {
		row := c.feed.first[i]
		if err := c.emit(&row); err != nil {
			return err
		}
	}
	return nil
}

// emit corrects a row's local time and writes it.
func (c *conversion) emit(e *hft.Event) error {
	e.LocalTimestampNs += c.offsetNs
	if err := c.validator.check(e); err != nil {
		return err
	}
	c.span(e)
	if c.batch = append(c.batch, *e); len(c.batch) == cap(c.batch) {
		return c.flush()
	}
	return nil
}

// span notes the first and last times.
func (c *conversion) span(e *hft.Event) {
	s := &c.summary
	if c.validator.row == 1 {
		s.FirstExchTimestampNs, s.LastExchTimestampNs = e.ExchTimestampNs, e.ExchTimestampNs
		s.FirstLocalTimestampNs, s.LastLocalTimestampNs = e.LocalTimestampNs, e.LocalTimestampNs
		return
	}
	s.FirstExchTimestampNs = min(s.FirstExchTimestampNs, e.ExchTimestampNs)
	s.LastExchTimestampNs = max(s.LastExchTimestampNs, e.ExchTimestampNs)
	s.FirstLocalTimestampNs = min(s.FirstLocalTimestampNs, e.LocalTimestampNs)
	s.LastLocalTimestampNs = max(s.LastLocalTimestampNs, e.LocalTimestampNs)
}

// flush writes the batch.
func (c *conversion) flush() error {
	if c.hash != nil {
		c.hashBytes = c.hashBytes[:0]
		for i := range c.batch {
			c.hashBytes = appendRow(c.hashBytes, &c.batch[i])
		}
		_, _ = c.hash.Write(c.hashBytes) // never fails
	}
	err := c.writer.Write(c.batch)
	c.batch = c.batch[:0]
	if err != nil {
		return fmt.Errorf("convert: %w; make room on the disk if it is full", err)
	}
	return nil
}
