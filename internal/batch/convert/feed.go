package convert

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// Feed converts the recordings of one symbol, one after the other in the order of their time, to an event file each.
// All of them are one feed, as Events with all files makes it, so that a recording that goes on without a snapshot
// has the book of the one before: its event file begins with that whole book, behind a row that clears both sides, at
// the time of its first row. One goroutine uses it; there is nothing to close.
type Feed struct {
	options Options
	book    feed.Ordered
	// whole is the book of all rows so far, there is true while it follows the venue, as far as is known.
	whole depth.Book
	there bool
	// lastNs is the newest local time, floorNs what it was at the end of the file before, before that file's name.
	lastNs, floorNs int64
	before          string
	// first are the rows that the file in hand begins with. opening says that nothing has shown yet whether its
	// updates continue them; rowsOut that there was a row of the book before that.
	first            []hft.Event
	opening, rowsOut bool
	failed           error
}

// NewFeed makes a Feed, at whose beginning there is no book. Natural and Raw have none at all, and are errors.
func NewFeed(options Options) (*Feed, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	if options.Natural || options.Raw {
		return nil, errors.New("convert: the rows of a Feed are those of a book; convert with neither Natural nor Raw")
	}
	return &Feed{options: options, whole: depth.NewBTreeMarketDepth(options.TickSize, options.LotSize)}, nil
}

// Convert converts the next recordings to one event file, as Events does. With an empty out none is written, and only
// the book goes on. A file that ends before the one before it is an error. After an error every call returns it.
func (f *Feed) Convert(ctx context.Context, files []string, out string) (Summary, error) {
	if f.failed != nil {
		return Summary{}, f.failed
	}
	f.open()
	var summary Summary
	if out == "" {
		f.failed = f.pass(ctx, files, &summary)
	} else {
		summary, f.failed = convertFiles(ctx, files, out, f.options, f)
	}
	if f.failed == nil {
		f.options.Symbol = summary.Report.Symbol
	}
	return summary, f.failed
}

// pass reads recordings for the book alone.
func (f *Feed) pass(ctx context.Context, files []string, summary *Summary) error {
	s, err := openSource(ctx, files, &f.options, f, summary)
	if err != nil {
		return err
	}
	defer s.lines.Close() // never fails
	return s.read(ctx, files, func([]hft.Event) error { return nil })
}

// open begins with the next files.
func (f *Feed) open() {
	f.floorNs, f.first, f.rowsOut = f.lastNs, f.first[:0], false
	if f.opening = f.there; f.opening {
		f.first = f.whole.Snapshot(append(f.first, hft.Event{Ev: hft.DepthClearEvent, Px: math.NaN()}))
	}
}

// take applies the rows of a message to the book and returns those that go to the file.
func (f *Feed) take(m *connector.Message, out *feed.Out, rows []hft.Event) []hft.Event {
	if out.Stale != "" {
		f.there = false
	}
	f.there = f.there || out.Ready
	for i := range rows {
		rows[i].LocalTimestampNs = max(rows[i].LocalTimestampNs, f.floorNs)
		depth.Apply(f.whole, &rows[i])
	}
	if !f.opening || m.Kind == connector.MessageTrade {
		return rows
	}
	switch {
	case out.Stale != "": // the files are not about the book before: not even their first trades
		f.opening, f.first = false, f.first[:0]
		if !f.rowsOut {
			rows = rows[1:] // it clears what is not there, at the time of that book
		}
	case len(rows) > 0 && rows[0].Kind() == hft.DepthClearEvent:
		f.opening, f.first = false, f.first[:0]
	case m.Kind == connector.MessageDepth && !out.Seen:
		f.opening = false
	}
	f.rowsOut = f.rowsOut || len(rows) > 0
	return rows
}

// begin gives the rows that the file begins with the times of its first row, and returns how many they are.
func (f *Feed) begin(exchNs, localNs int64) int64 {
	for i := range f.first {
		e := &f.first[i]
		e.Ev |= hft.ExchEvent | hft.LocalEvent
		e.ExchTimestampNs, e.LocalTimestampNs = exchNs, localNs
	}
	return int64(len(f.first))
}

// end refuses files that are not in the order of time: the book takes no update of the past, and says nothing about it.
func (f *Feed) end(files []string) error {
	before := f.before
	f.before = files[len(files)-1]
	if before == "" {
		return nil
	}
	if err := feed.CheckOrder(before, f.floorNs, f.before, f.lastNs); err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	return nil
}
