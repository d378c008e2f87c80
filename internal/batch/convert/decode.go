package convert

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// source reads the lines of all files and makes rows of them.
type source struct {
	options *Options
	summary *Summary
	lines   *feed.Lines
	book    *feed.Ordered
	// feed is what the book goes on from, nil for nothing.
	feed *Feed
	// natural makes rows as they come, in place of book.
	natural natural

	// least is the row with the least latency, with Natural.
	least feed.Correction
	// problems are the first of each file that make something of it unusable.
	problems []error
	// initial is the book at the beginning.
	initial initial
	// symbols are those of the messages.
	symbols symbols
}

func openSource(ctx context.Context, files []string, options *Options, from *Feed, summary *Summary) (*source, error) {
	s := &source{options: options, summary: summary, feed: from, book: new(feed.Ordered),
		problems: make([]error, len(files))}
	if from != nil {
		s.book = &from.book
	}
	if s.book.Book == nil && len(options.Initial.Levels) > 0 {
		s.initial.rows, s.initial.unproven = options.Initial.Levels, true
	}
	var err error
	level := 0
	if options.Natural {
		level = options.Formats[options.Format].NaturalLevel
	}
	s.lines, err = feed.OpenLines(ctx, feed.LinesConfig{Files: files, NewDecoder: options.NewDecoder,
		Symbol: options.Symbol, BaseLatency: options.BaseLatency,
		Format: options.Format, Formats: options.Formats, Level: level,
		AsRecorded: options.Natural, MaxLineBytes: options.MaxLineBytes, OnProblem: s.problem,
		Progress: func(done, total int64) { options.Progress(Progress{Measuring, done, total}) }})
	switch {
	case err != nil || options.Natural:
	case s.book.Book != nil:
		s.lines.Continue(s.book.Book)
	default:
		s.book.Book, err = s.lines.NewBook(feed.Config{TickSize: options.TickSize, LotSize: options.LotSize, Rule: options.Rule, Quotes: options.Quotes})
	}
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	summary.Report = s.lines.Report()
	return s, nil
}

// problem keeps the first that makes something of a file unusable, and passes over it.
func (s *source) problem(p feed.Problem) error {
	if n := s.lines.FileNo(); s.problems[n] == nil && p.Finding.Skips() {
		s.problems[n] = p
	}
	s.symbols.note(&p)
	s.options.OnProblem(p)
	return nil
}

// read hands the rows of each message to add, without hft.ExchEvent and hft.LocalEvent; they belong to source.
func (s *source) read(ctx context.Context, files []string, add func(rows []hft.Event) error) error {
	for n := 0; ; n++ {
		if n%checkEvery == 0 {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("convert: %w", err)
			}
			s.options.Progress(Progress{Reading, s.lines.BytesRead(), s.lines.TotalBytes()})
		}
		localNs, err := s.lines.Next()
		if errors.Is(err, io.EOF) {
			s.options.Progress(Progress{Reading, s.lines.TotalBytes(), s.lines.TotalBytes()})
			return s.finish(files)
		}
		if err != nil {
			return fmt.Errorf("convert: %w", err)
		}
		if s.feed != nil {
			s.feed.lastNs = max(s.feed.lastNs, localNs)
		}
		rows, err := s.take(localNs)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			if err := add(rows); err != nil {
				return err
			}
		}
	}
}

// finish sums up, and reports a file in which there is nothing to use and a book that never was.
func (s *source) finish(files []string) error {
	if err := s.symbols.check(s.options.Symbol, s.lines.Report().Symbol); err != nil {
		return err
	}
	for i, f := range s.lines.Counts() {
		s.summary.Lines += f.Read
		if f.Used > 0 {
			continue
		}
		err := fmt.Errorf("convert: %s: no line of it can be used, of %d with a time", files[i], f.Read)
		if s.problems[i] != nil {
			err = fmt.Errorf("%w (the first problem: %w)", err, s.problems[i])
		}
		return fmt.Errorf("%w; it must be a recording of the venue and symbol, with lines of a time, a space and JSON", err)
	}
	if s.options.Natural {
		s.summary.Report.Corrections = []feed.Correction{s.least}
		return nil
	}
	if s.feed != nil {
		if err := s.feed.end(files); err != nil {
			return err
		}
	}
	if s.book.Synced() {
		s.summary.LastUpdateID = s.initial.lastID
	}
	return s.lines.CheckEnd(s.book.Book)
}

// take returns the rows of the line in hand. An error ends the conversion; a message that is wrong is none.
func (s *source) take(localNs int64) ([]hft.Event, error) {
	m, err := s.lines.Message()
	if m == nil {
		return nil, err
	}
	s.symbols.take(s.lines, m)
	var rows []hft.Event
	if s.options.Natural {
		if m.Kind == connector.MessageBBO && !s.options.Quotes {
			return nil, nil
		}
		s.lines.Report().CountMessage(m.Kind)
		if err := feed.CheckTimes(s.lines.RecordedNs(), m); err != nil {
			return nil, s.lines.Refuse(err)
		}
		numRows := len(m.Events)
		if rows = s.natural.rows(m); m.Kind == connector.MessageTrade {
			s.lines.Count(feed.OffBook, numRows-len(rows))
		}
	} else {
		if err := s.prove(m); err != nil {
			return nil, err
		}
		var out feed.Out
		rows, out = s.takeRows(localNs, m)
		if err := s.lines.Tell(&out); err != nil {
			return nil, err
		}
		if s.feed != nil {
			rows = s.feed.take(m, &out, rows)
		}
	}
	for i := range rows {
		rows[i].Ev &^= hft.ExchEvent | hft.LocalEvent
	}
	s.count(rows)
	return rows, nil
}

// count adds rows to the summary.
func (s *source) count(rows []hft.Event) {
	sum := s.summary
	for i := range rows {
		e := &rows[i]
		switch e.Kind() {
		case hft.DepthEvent:
			sum.Depth++
		case hft.TradeEvent:
			sum.Trades++
		case hft.DepthClearEvent:
			sum.Clears++
		case hft.DepthSnapshotEvent:
			sum.Snapshots++
		case hft.DepthBBOEvent:
			sum.BBOs++
		}
		if latencyNs := e.LocalTimestampNs - e.ExchTimestampNs; s.options.Natural && (s.least.Line == 0 || latencyNs < s.least.MinLatencyNs) {
			s.least = feed.Correction{File: s.lines.File(), Line: s.lines.Line(), MinLatencyNs: latencyNs}
		}
	}
}
