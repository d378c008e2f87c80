package replay

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/paper"
)

var _ paper.Source = (*Source)(nil)

// Source reads recordings in the order of time. One goroutine uses it, Close and Reports may be called from any.
type Source struct {
	config  Config
	startNs int64

	// all are the recordings that were opened, feeds those of the registered instruments in the order of registration.
	all   []*lines
	feeds []*lines
	// current is the feed whose line was handled by the last Next.
	current *lines
	started bool
	failed  error

	counts [connector.NumCounters]uint64
	// Time and instrument of the latest line, for what is counted after the last batch.
	lastNs           int64
	lastInstrumentNo int

	// With Config.ExchangeTime: the rows of the latest batch for the exchange and its time, with which time ends, and what was
	// read but not handed out.
	rows        []hft.Event
	lastBatchNs int64
	ahead       ahead

	// mu is held while a line is handled.
	mu        sync.Mutex
	closeOnce sync.Once
	stop      chan struct{}
}

// Open starts to read the recordings. A file that is missing or no file is an error that names it, and so is
// whatever else is wrong with the configuration. The caller has to close the Source.
func Open(config Config) (*Source, error) {
	config.Files = maps.Clone(config.Files)
	if err := config.check(); err != nil {
		return nil, err
	}
	symbols := slices.Sorted(maps.Keys(config.Files))
	s := &Source{config: config, ahead: ahead{most: 2 * maxAheadRows}, stop: make(chan struct{})}
	for _, symbol := range symbols {
		if err := s.addFeed(symbol); err != nil {
			s.Close()
			return nil, err
		}
	}
	for _, f := range s.all {
		if err := f.advance(); err != nil {
			s.Close()
			return nil, err
		}
		if f.ended {
			s.Close()
			return nil, fmt.Errorf("replay: the recording of %s has no line with a time: %s; check that it is one, with lines of a time, a space and JSON",
				f.symbol, strings.Join(config.Files[f.symbol], ", "))
		}
		startNs := cmp.Or(f.span.FirstExchNs, f.timestampNs)
		if s.startNs == 0 || startNs < s.startNs {
			s.startNs = startNs
		}
	}
	return s, nil
}

// addFeed opens the recording of a symbol.
func (s *Source) addFeed(symbol string) error {
	f := &lines{symbol: symbol}
	var err error
	rule := connector.Rule(0)
	if s.config.ExchangeTime {
		rule = s.config.Rule
	}
	natural, level := s.config.Sync == SyncNatural, 0
	if natural {
		level = s.config.Formats[s.config.Format].NaturalLevel
	}
	f.Lines, err = feed.OpenLines(s.config.Context, feed.LinesConfig{Rule: rule, IgnoreGaps: s.config.OnGap == IgnoreGap, Files: s.config.Files[symbol], NewDecoder: s.config.NewDecoder, Symbol: symbol,
		BaseLatency: s.config.BaseLatency, Format: s.config.Format, Formats: s.config.Formats, Level: level, AsRecorded: natural, MaxLineBytes: s.config.MaxLineBytes, OnProblem: s.problem,
		Progress: func(done, total int64) { s.config.Progress(symbol, done, total) }})
	if err != nil {
		return fmt.Errorf("replay: recording of %s: %w", symbol, err)
	}
	f.span = f.Span()
	s.all = append(s.all, f)
	return nil
}

// StartNs returns the time of the first line of all recordings; with Config.ExchangeTime that of the first row at the exchange,
// with which a backtest begins.
func (s *Source) StartNs() int64 { return s.startNs }

// Register takes an instrument into the replay. A symbol without recordings, one that is registered already, and a
// call after the first Next are errors.
func (s *Source) Register(inst connector.Instrument) error {
	if s.started {
		return fmt.Errorf("replay: %s is registered after the replay began; register before the first Next", inst.Symbol)
	}
	for _, f := range s.all {
		if !strings.EqualFold(inst.Symbol, f.symbol) {
			continue
		}
		if slices.Contains(s.feeds, f) {
			return fmt.Errorf("replay: %s is registered twice", inst.Symbol)
		}
		var err error
		f.book.Book, err = f.NewBook(feed.Config{TickSize: inst.TickSize, LotSize: inst.LotSize, Rule: s.config.Rule,
			Natural: s.config.Sync == SyncNatural, Quotes: s.config.BookTicker, IgnoreGaps: s.config.OnGap == IgnoreGap})
		if err != nil {
			return fmt.Errorf("replay: %s: %w", inst.Symbol, err)
		}
		f.instrumentNo = inst.No
		s.feeds = append(s.feeds, f)
		return nil
	}
	return fmt.Errorf("replay: there is no recording of %s, only of %s; add its files",
		inst.Symbol, strings.Join(slices.Sorted(maps.Keys(s.config.Files)), ", "))
}

// Next stores the next batch in b; see paper.Source. Lines that say nothing to publish are passed over, but counted in
// the next batch; what is counted behind the last one comes as a batch of its own. Counts are since the batch before.
// A Problem that is fatal by the configuration is the error, with file, line and advice; every later call returns it
// again.
func (s *Source) Next(b *paper.Batch) error {
	s.started = true
	if !s.config.ExchangeTime {
		return s.read(b)
	}
	for {
		first := s.ahead.next()
		if first != nil && (s.failed != nil || s.hasReadUntil(first.waiting()[0].batch.TimestampNs)) {
			return s.handOut(first, b)
		}
		if err := s.read(b); err != nil && (first == nil || errors.Is(err, os.ErrClosed)) {
			return err
		} else if err == nil {
			s.ahead.push(b, s.rows, len(s.rows)-len(b.Events))
		}
	}
}

// handOut stores the first of a queue in b.
func (s *Source) handOut(q *queue, b *paper.Batch) error {
	lateNs := s.ahead.pop(q, b)
	if lateNs == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		if f.instrumentNo == b.InstrumentNo {
			return f.Note(feed.Late, fmt.Sprintf("rows come to the exchange %v after their time: they were received too late to be put in their place, for which at most %d rows are read ahead",
				time.Duration(lateNs), maxAheadRows))
		}
	}
	return nil
}

// hasReadUntil reports whether everything that is for a time, or before, has been read, or as much as is read ahead.
func (s *Source) hasReadUntil(ns int64) bool {
	if s.ahead.full() {
		return true
	}
	for _, f := range s.feeds {
		if !f.ended && f.timestampNs <= f.span.Reach(ns) {
			return false
		}
	}
	return true
}

// read stores the next batch in the order of receipt.
func (s *Source) read(b *paper.Batch) error {
	for s.failed == nil {
		select {
		case <-s.stop:
			return errClosed
		default:
		}
		s.mu.Lock()
		s.failed = s.step(b)
		s.mu.Unlock()
		if s.failed == nil && b.InstrumentNo >= 0 {
			b.Counts, s.counts = s.counts, [connector.NumCounters]uint64{}
			return nil
		}
	}
	if s.failed == io.EOF && s.counts != [connector.NumCounters]uint64{} {
		s.rows = nil
		*b = paper.Batch{TimestampNs: cmp.Or(s.lastBatchNs, s.lastNs), InstrumentNo: s.lastInstrumentNo, Counts: s.counts}
		s.counts = [connector.NumCounters]uint64{}
		return nil
	}
	return s.failed
}

// noBatch as a batch's instrument says that a line gave nothing to publish.
const noBatch = -1

// step handles one line. Its batch has the instrument noBatch when there is nothing to publish.
func (s *Source) step(b *paper.Batch) error {
	*b = paper.Batch{InstrumentNo: noBatch}
	if f := s.current; f != nil {
		s.current = nil
		if err := f.advance(); err != nil {
			return err
		}
		if f.ended {
			if err := f.finish(s.config.Files[f.symbol]); err != nil {
				return err
			}
		}
	}
	var first *lines
	for _, f := range s.feeds {
		if !f.ended && (first == nil || f.timestampNs < first.timestampNs) {
			first = f
		}
	}
	if first == nil {
		return io.EOF
	}
	s.current = first
	if s.lastNs != 0 {
		if err := hft.CheckTimeJump(s.lastNs, first.timestampNs); err != nil { // from one file to another, both fit within
			return fmt.Errorf("replay: %w", feed.Problem{Finding: feed.BadLine, Symbol: first.symbol, File: first.File(), Line: first.Line(),
				What: err.Error(), Advice: advice(feed.BadLine)})
		}
	}
	s.lastNs, s.lastInstrumentNo = first.timestampNs, first.instrumentNo
	return first.deliver(s, b)
}

// Reports returns what was found in each symbol's recording so far. Any goroutine may call it.
func (s *Source) Reports() []feed.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	reports := make([]feed.Report, len(s.all))
	for i, f := range s.all {
		reports[i] = *f.Report()
	}
	return reports
}

// Close stops the reading ahead, waits for it, and closes the files. It can be called more than once.
func (s *Source) Close() error {
	s.closeOnce.Do(func() { close(s.stop) })
	var errs []error
	for _, f := range s.all {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
