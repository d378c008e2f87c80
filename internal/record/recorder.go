package record

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/collector"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/hostipc"
)

// Config configures a Recorder.
type Config struct {
	// Connector is a connector.Recordable that has no account.
	Connector connector.Connector
	// Clock is the one that the connector was opened with.
	Clock *hostipc.Clock
	// Symbols are the symbols to record, with the venue's steps.
	Symbols []connector.Steps
	// Dir is the directory of the files.
	Dir    string
	Logger hclog.Logger
}

// Recorder records.
type Recorder struct {
	config Config
	writer *collector.Writer
	sink   sink
}

// errNotRecordable is the error of New for a connector that gives its messages to nobody.
var errNotRecordable = errors.New("connectors of this kind cannot be recorded")

// New makes a Recorder and its directory. Run closes the files.
func New(c Config) (*Recorder, error) {
	recordable, can := c.Connector.(connector.Recordable)
	if !can {
		return nil, errNotRecordable
	}
	w, err := collector.New(c.Dir)
	if err != nil {
		return nil, err
	}
	r := &Recorder{config: c, writer: w, sink: sink{symbols: make([]symbolState, len(c.Symbols)), logger: c.Logger}}
	recordable.Record(w.Record)
	for i := range c.Symbols {
		f := &c.Symbols[i]
		c.Connector.Register(connector.Instrument{No: i, Symbol: f.Symbol, TickSize: f.TickSize, LotSize: f.LotSize})
	}
	return r, nil
}

// Run records until ctx ends, with the time of the clock, which never goes back.
func (r *Recorder) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-r.writer.Failed():
			cancel()
		case <-ctx.Done():
		}
	})
	clock := r.config.Clock
	watch.Go(func() {
		clock.Watch(ctx, func(what string, by time.Duration) { r.config.Logger.Warn(what, "by", by) })
	})
	err := r.config.Connector.Run(ctx, &r.sink, clock)
	cancel()
	watch.Wait()
	if err != nil {
		err = fmt.Errorf("record: %w", err)
	}
	return errors.Join(err, r.writer.Close())
}

// SymbolProgress is the progress of one symbol.
type SymbolProgress struct {
	Symbol string `json:"symbol"`
	// Ready is true if the book follows the venue now; Gaps is how often it was lost.
	Ready bool   `json:"in_sync"`
	Gaps  uint64 `json:"resyncs"`
	Lines int64  `json:"lines"`
	// LinesPerSecond is set by a Meter.
	LinesPerSecond float64 `json:"-"`
	// Bytes are those of the lines, FileBytes what was written.
	Bytes     int64    `json:"bytes"`
	FileBytes int64    `json:"file_bytes"`
	Files     []string `json:"files"`
	// Repaired is true if the end of the first file had been cut off and was completed.
	Repaired bool `json:"repaired"`
	// Report has the findings about the feed.
	Report feed.Report `json:"report"`
}

// Progress is the progress of a Recorder.
type Progress struct {
	Symbols []SymbolProgress `json:"symbols"`
	// Messages came, BadMessages of them could not be read.
	Messages    uint64 `json:"messages"`
	BadMessages uint64 `json:"bad_messages"`
	Reconnects  uint64 `json:"reconnects"`
}

// Progress returns how far it is.
func (r *Recorder) Progress() Progress {
	p := Progress{Messages: r.sink.counts[connector.Messages].Load(), BadMessages: r.sink.counts[connector.BadMessages].Load(),
		Reconnects: r.sink.counts[connector.Reconnects].Load()}
	stats := map[string]collector.Stats{}
	for _, s := range r.writer.Stats() {
		stats[s.Symbol] = s
	}
	reports := map[string]feed.Report{}
	for _, one := range feed.ReportsOf(r.config.Connector) {
		reports[one.Symbol] = one
	}
	for i := range r.config.Symbols {
		s := stats[r.config.Symbols[i].Symbol]
		one := SymbolProgress{Symbol: r.config.Symbols[i].Symbol, Ready: r.sink.symbols[i].ready.Load(), Gaps: r.sink.symbols[i].losses.Load(),
			Lines: s.Lines, Bytes: s.Bytes, FileBytes: s.FileBytes, Files: s.Files, Repaired: s.Repaired,
			Report: reports[r.config.Symbols[i].Symbol]}
		if one.Files == nil {
			one.Files = []string{}
		}
		p.Symbols = append(p.Symbols, one)
	}
	return p
}

// Meter makes rates of two looks at the progress. Its zero value is ready for use.
type Meter struct {
	last  Progress
	taken time.Time
}

// Take fills in the rates since the last call; at the first one they are 0.
func (m *Meter) Take(p Progress) Progress {
	now := time.Now()
	if seconds := now.Sub(m.taken).Seconds(); !m.taken.IsZero() && seconds > 0 {
		for i := range p.Symbols {
			p.Symbols[i].LinesPerSecond = float64(p.Symbols[i].Lines-m.last.Symbols[i].Lines) / seconds
		}
	}
	m.last, m.taken = p, now
	return p
}

// symbolState is a sink's state for one symbol.
type symbolState struct {
	ready  atomic.Bool
	losses atomic.Uint64
}

// sink counts; the messages themselves go to the writer.
type sink struct {
	logger  hclog.Logger
	symbols []symbolState
	counts  [connector.NumCounters]atomic.Uint64
}

var _ connector.Sink = (*sink)(nil)

// Feed takes events, which nobody here needs.
func (s *sink) Feed(int, []hft.Event) {}

// Order takes an order; without an account there is none.
func (s *sink) Order(*connector.OrderUpdate) {}

// Position takes a position; without an account there is none.
func (s *sink) Position(int, float64, int64) {}

// Error takes an error event. All but the worst the connector has logged.
func (s *sink) Error(e *connector.Error) {
	if e.Kind == hft.CriticalConnectionError {
		s.logger.Error(e.Val.String())
	}
}

// Ready is true if a book follows the venue.
func (s *sink) Ready(no int) { s.symbols[no].ready.Store(true) }

// Account has nothing to do.
func (s *sink) Account(*connector.AccountEvent) {}

// Stale is true if a book is lost.
func (s *sink) Stale(no int, _ string) {
	s.symbols[no].ready.Store(false)
	s.symbols[no].losses.Add(1)
}

// Count counts.
func (s *sink) Count(c connector.Counter, n uint64) { s.counts[c].Add(n) }
