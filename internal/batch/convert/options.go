package convert

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// DefaultMemoryRows is the default number of rows that Events keeps in memory: about 100 MiB.
const DefaultMemoryRows = 1 << 20

// maxMemoryRows is the largest index of a sort.
const maxMemoryRows = 1 << 31

// Options configures Events.
type Options struct {
	// NewDecoder makes the decoder of the venue that was recorded.
	NewDecoder func() connector.Decoder
	// Format and Formats are as in feed.LinesConfig.
	Format  string
	Formats map[string]connector.Format
	// Symbol is the venue's name of the instrument. Messages about others are skipped and counted as feed.BadLine. If it
	// is empty, files with several symbols are an error that lists them.
	Symbol string
	// Rule is the venue's numbering of book updates, TickSize and LotSize are the instrument's. Needed unless Natural.
	Rule              connector.Rule
	TickSize, LotSize float64
	// Initial is the book at the beginning, for a recording that continues without a snapshot. Not with Natural.
	Initial InitialBook
	// Natural takes rows as they come, as hftbacktest's converter does: without the venue's rule for a book, so that
	// gaps and differences older than a snapshot go unnoticed; a snapshot clears a side as far as it goes; and local
	// times of all files are corrected by one offset.
	Natural bool
	// BaseLatency is the least feed latency that local times are corrected to when some of them lie before their
	// exchange times; 0 or more. Recordings without local times need it above 0; see feed.LinesConfig.
	BaseLatency time.Duration
	// Quotes takes the best bids and asks of the venue's quote stream: into the book, by the venue's sequence, as rows of levels;
	// with Natural as hft.DepthBBOEvent rows, bid then ask, which no book of a backtest takes.
	Quotes bool
	// Raw leaves the rows in the order of capture and without hft.ExchEvent and hft.LocalEvent, as input of other
	// tools. A backtest does not process such rows.
	Raw bool
	// MemoryRows bounds the rows that are sorted in memory, about 100 bytes each; 0 is DefaultMemoryRows. The result
	// does not depend on it.
	MemoryRows int
	// TempDir is the directory for temporary rows, 128 bytes each; empty is that of the output.
	TempDir string
	// MaxLineBytes bounds a line; 0 is recording.DefaultMaxLineBytes.
	MaxLineBytes int
	// Hash asks for Summary.SHA256.
	Hash bool
	// OnProblem is called for each thing that is wrong with a file and does not end the conversion; nil ignores them.
	// They are counted all the same. Like Progress it is called on the goroutine that called Events.
	OnProblem func(feed.Problem)
	// Progress is called every now and then; nil for never.
	Progress func(Progress)
}

// Stage is a part of the work of Events.
type Stage uint8

// Stages.
const (
	// Measuring looks through the files for the correction of their local times, Reading decodes them and sorts their rows; both
	// are counted in bytes of the files.
	Measuring Stage = iota + 1
	Reading
	// Counting merges the two orders to learn the number of rows; it is counted in rows.
	Counting
	// Writing merges them again into the output; it is counted in rows.
	Writing
)

// String returns the stage's name.
func (s Stage) String() string {
	switch s {
	case Measuring:
		return "measuring"
	case Reading:
		return "reading"
	case Counting:
		return "counting"
	case Writing:
		return "writing"
	}
	return "unknown"
}

// Progress is called with the progress of Events.
type Progress struct {
	Stage Stage
	// Done and Total are in the unit of the stage.
	Done, Total int64
}

// Summary is the result of Events.
type Summary struct {
	// Report has the findings in the files. With Natural nothing is noticed of the book, and the one correction, by
	// the row with the least latency, is that of all files.
	Report *feed.Report
	// Lines with a time were read.
	Lines int64

	// Depth, Trades, Clears, Snapshots and BBOs are the rows by their kind, before the correction of their order. Trades outside
	// of the book, which the Report counts, have rows of their own and are left out of natural ones.
	Depth, Trades, Clears, Snapshots, BBOs int64

	// LastUpdateID is the id of the last update in the book at the end, 0 if it is not complete, and with Natural.
	LastUpdateID int64

	// NumRows are in the output: Both with both flags, ExchOnly and LocalOnly with one of them, or all without when
	// they are raw.
	NumRows, Both, ExchOnly, LocalOnly int64
	// The first and last times of the output.
	FirstExchTimestampNs, LastExchTimestampNs, FirstLocalTimestampNs, LastLocalTimestampNs int64
	// SHA256 is the hash of the output's rows, in hex, when it was asked for.
	SHA256 string
}

// Judged returns what was found in the recordings by the rule of check-data: what makes results wrong, then the rest.
func (s *Summary) Judged() (errs, findings []string) {
	for _, f := range s.Report.Unusable(s.NumRows) {
		errs = append(errs, s.Report.Line(f))
	}
	return errs, slices.DeleteFunc(s.Report.Lines(), func(line string) bool { return slices.Contains(errs, line) })
}

// check completes the options and returns everything that is wrong with them.
func (o *Options) check() error {
	if o.MemoryRows == 0 {
		o.MemoryRows = DefaultMemoryRows
	}
	if o.OnProblem == nil {
		o.OnProblem = func(feed.Problem) {}
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	var errs []error
	if o.NewDecoder == nil {
		errs = append(errs, errors.New("convert: NewDecoder is missing; must be the decoder of the recorded venue"))
	}
	if o.BaseLatency < 0 {
		errs = append(errs, fmt.Errorf("convert: BaseLatency is %v; use 0 or more", o.BaseLatency))
	}
	if o.Natural && len(o.Initial.Levels) > 0 {
		errs = append(errs, errors.New("convert: Initial begins a book, and Natural has none; use one of them"))
	}
	if !o.Natural {
		for name, step := range map[string]float64{"TickSize": o.TickSize, "LotSize": o.LotSize} {
			if !(step > 0) || math.IsInf(step, 0) {
				errs = append(errs, fmt.Errorf("convert: %s is %v; must be the instrument's, or keep rows as recorded with Natural", name, step))
			}
		}
		if !o.Rule.Valid() {
			errs = append(errs, errors.New("convert: Rule is missing; use connector.RuleFutures, connector.RuleSpot or connector.RuleStreamed"))
		}
	}
	if o.MemoryRows < 0 || int64(o.MemoryRows) > maxMemoryRows {
		errs = append(errs, fmt.Errorf("convert: MemoryRows is %d; use 1 to %d, or 0 for %d", o.MemoryRows, int64(maxMemoryRows), DefaultMemoryRows))
	}
	return errors.Join(errs...)
}
