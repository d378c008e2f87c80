package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"hftrunner/connector"
	"hftrunner/connector/feed"
	"hftrunner/connector/recording"
	"hftrunner/hft"
)

// source reads the lines of all files and makes rows of them.
type source struct {
	options *Options
	summary *Summary
	lines   *feed.Lines
	book    book
	// natural makes rows as they come, in place of book.
	natural natural

	latencyKnown bool
	// unusable are lines with a time whose message could not be used.
	unusable int64
	// problems are the first of each file that make something of it unusable.
	problems []error
}

func openSource(ctx context.Context, files []string, options *Options, summary *Summary) (*source, error) {
	s := &source{options: options, summary: summary, problems: make([]error, len(files))}
	if !options.Natural {
		var err error
		s.book.Book, err = feed.NewBook(feed.Config{TickSize: options.TickSize, LotSize: options.LotSize, Rule: options.Rule, Quotes: options.Quotes,
			VenueNs: func(int64) int64 { return s.lines.RecordedNs() }})
		if err != nil {
			return nil, fmt.Errorf("convert: %w", err)
		}
	}
	var err error
	s.lines, err = feed.OpenLines(ctx, feed.LinesConfig{Files: files, NewDecoder: options.NewDecoder, BaseLatency: options.BaseLatency,
		AsRecorded: options.Natural, MaxLineBytes: options.MaxLineBytes, OnProblem: s.problem})
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	return s, nil
}

// problem counts what is wrong with a line and passes over it.
func (s *source) problem(p recording.Problem) error {
	switch p.Kind {
	case recording.TimeBackwards:
		s.summary.TimesBackwards++
	case recording.Damaged:
		s.summary.DamagedFiles++
	case recording.Gap:
		s.summary.Gaps++
	case recording.Unsynchronised:
		s.summary.Unsynchronised++
	case recording.OffGrid, recording.TimeUnit: // rows are counted one by one, times are right
	default:
		s.summary.SkippedLines++
	}
	if n := s.lines.FileNo(); s.problems[n] == nil && (p.Kind == recording.BadLine || p.Kind == recording.Damaged) {
		s.problems[n] = p
	}
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
	if unread := s.lines.Unread(); unread != "" && s.summary.Depth+s.summary.Snapshots == 0 {
		return fmt.Errorf("convert: %s: there is no book in it: %s; record a depth that can be read", files[len(files)-1], unread)
	}
	used := int64(0)
	for i, f := range s.lines.Counts() {
		s.summary.Lines += f.Read
		used += f.Used
		if f.Used > 0 {
			continue
		}
		err := fmt.Errorf("convert: %s: no line of it can be used, of %d with a time", files[i], f.Read)
		if s.problems[i] != nil {
			err = fmt.Errorf("%w (the first problem: %w)", err, s.problems[i])
		}
		return fmt.Errorf("%w; give a recording of the venue and symbol, with lines of a time, a space and JSON", err)
	}
	s.summary.IgnoredLines += s.summary.Lines - used - s.unusable
	if s.options.Natural {
		return nil
	}
	s.summary.Corrections = s.lines.Corrections()
	for i, c := range s.summary.Corrections {
		if i == 0 || c.MinLatencyNs < s.summary.MinLatencyNs {
			s.summary.MinLatencyNs, s.summary.MinLatencyFile, s.summary.MinLatencyLine, s.summary.OffsetNs = c.MinLatencyNs, c.File, c.Line, c.OffsetNs
		}
	}
	counts := s.book.Counts()
	s.summary.SeenTrades, s.summary.SeenQuotes, s.summary.OutdatedQuotes = counts.SeenTrades, counts.SeenQuotes, counts.OutdatedQuotes
	if s.book.depthSeen && !s.book.Synced() {
		return s.lines.Report(recording.Unsynchronised, "the recording ends and its book is not complete: no snapshot fits its depth updates", nil)
	}
	return nil
}

// take returns the rows of the line in hand. An error ends the conversion; a message that is wrong is none.
func (s *source) take(localNs int64) ([]hft.Event, error) {
	before := s.summary.SkippedLines
	defer func() { s.unusable += s.summary.SkippedLines - before }()
	m, err := s.lines.Message()
	if m == nil {
		return nil, err
	}
	var rows []hft.Event
	if s.options.Natural {
		if m.Kind == connector.MessageBBO && !s.options.Quotes {
			s.summary.IgnoredLines++
			return nil, nil
		}
		if err := feed.CheckTimes(s.lines.RecordedNs(), m); err != nil {
			return nil, s.lines.Refuse(err)
		}
		numRows := len(m.Events)
		if rows = s.natural.rows(m); m.Kind == connector.MessageTrade {
			s.summary.OffBook += int64(numRows - len(rows))
		}
	} else {
		var out feed.Out
		rows, out = s.book.take(localNs, m)
		if out.Wrong != nil {
			if err := s.lines.Refuse(out.Wrong); err != nil {
				return nil, err
			}
		}
		s.summary.OffGrid += int64(out.OffGridRows)
		if out.OffGrid != "" {
			if err := s.lines.Report(recording.OffGrid, out.OffGrid, nil); err != nil {
				return nil, err
			}
		}
		if out.Gap {
			if err := s.lines.Report(recording.Gap, out.Missing(), nil); err != nil {
				return nil, err
			}
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
		case hft.OffBookTrade:
			sum.OffBook++
		case hft.DepthClearEvent:
			sum.Clears++
		case hft.DepthSnapshotEvent:
			sum.Snapshots++
		case hft.DepthBBOEvent:
			sum.BBOs++
		}
		if latencyNs := e.LocalTimestampNs - e.ExchTimestampNs; s.options.Natural && (!s.latencyKnown || latencyNs < sum.MinLatencyNs) {
			s.latencyKnown = true
			sum.MinLatencyNs, sum.MinLatencyFile, sum.MinLatencyLine = latencyNs, s.lines.File(), s.lines.Line()
		}
	}
}

// book makes the rows of a synchronised book. They are such that both orders, that of receipt and that of exchange times, which
// the exchange's side of a backtest has, end in the same book.
type book struct {
	*feed.Book
	depthSeen bool
	// newestNs is the newest exchange time of the rows, floorNs what it was when all levels had been cleared: no row after that
	// is earlier.
	newestNs, floorNs int64
	rows              []hft.Event
}

// take returns the rows of a message, which belong to book or to the message.
func (b *book) take(localNs int64, m *connector.Message) ([]hft.Event, feed.Out) {
	out := b.Take(localNs, m)
	switch m.Kind {
	case connector.MessageTrade:
		return out.Events, out
	case connector.MessageDepth, connector.MessageSnapshot:
		b.depthSeen = true
	}
	b.rows = b.rows[:0]
	if out.Stale != "" {
		b.floorNs = b.newestNs
		b.rows = append(b.rows, clearRow(b.newestNs, localNs))
	}
	whole := len(out.Events) > 0 && out.Events[0].Kind() == hft.DepthClearEvent
	if out.Ready && !whole && len(out.Events) > 0 {
		b.rows, whole = append(b.rows, clearRow(max(b.newestNs, out.Events[0].ExchTimestampNs), localNs)), true
	}
	for i := range out.Events {
		e := out.Events[i]
		b.newestNs = max(b.newestNs, e.ExchTimestampNs)
		if whole { // each row of a whole book is newer than the one before
			b.floorNs = b.newestNs
		}
		e.ExchTimestampNs = max(e.ExchTimestampNs, b.floorNs)
		b.rows = append(b.rows, e)
	}
	return b.rows, out
}

// clearRow clears both sides whole.
func clearRow(exchNs, localNs int64) hft.Event {
	return hft.Event{Ev: hft.DepthClearEvent, ExchTimestampNs: exchNs, LocalTimestampNs: localNs, Px: math.NaN()}
}
