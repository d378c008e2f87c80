package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// Defaults of Options.
const (
	DefaultGapLimit       = 60 * time.Second
	DefaultClockStepLimit = time.Second
	defaultMaxExamples    = 5
)

const (
	// rowBuffer is the number of rows read at a time.
	rowBuffer = 4096
	// maxIdleReads is the number of times that read may return neither rows nor an error before it is taken as broken.
	maxIdleReads = 100
	// positiveFinite is the number of bit patterns, from 0 up, of floats that are finite and not negative.
	positiveFinite uint64 = 0x7ff0000000000000
)

// Options say what to measure the rows by.
type Options struct {
	// TickSize and LotSize are the instrument's steps of price and quantity, finite and above 0. Required.
	TickSize, LotSize float64
	// GapLimit is the longest silence that is no gap. 0 is DefaultGapLimit.
	GapLimit time.Duration
	// ClockStepLimit is the greatest change of feed latency from one message to the next that is no clock step. 0 is
	// DefaultClockStepLimit.
	ClockStepLimit time.Duration
	// MaxExamples is the number of cases of each fault that are kept. 0 is 5.
	MaxExamples int
	// GridChecked is for rows that were made of a recording with depth. It leaves prices and quantities that are no multiple
	// of their step to whoever has made the rows, and has counted them.
	GridChecked bool
}

// Check reads all rows and reports on them. read is as npy.Reader's Read: it fills the slice, returns how many rows it
// has set, and io.EOF at the end. An error of read or of the context is returned with the report of the rows before it;
// Options that are not acceptable are hft.InvalidArgument (a hft.BuildError).
func Check(ctx context.Context, read func([]hft.Event) (int, error), options Options) (Report, error) {
	c, err := newChecker(options)
	if err != nil {
		return Report{}, err
	}
	buf := make([]hft.Event, rowBuffer)
	for idle := 0; ; {
		if err := ctx.Err(); err != nil {
			return c.finish(), fmt.Errorf("check: stopped at row %d: %w", c.row, err)
		}
		n, err := read(buf)
		if n < 0 || n > len(buf) {
			return c.finish(), fmt.Errorf("check: read returned %d of %d rows at row %d", n, len(buf), c.row)
		}
		c.rows(buf[:n])
		if errors.Is(err, io.EOF) {
			return c.finish(), nil
		}
		if err != nil {
			return c.finish(), fmt.Errorf("check: %w", err)
		}
		if n > 0 {
			idle = 0
		} else if idle++; idle == maxIdleReads {
			return c.finish(), fmt.Errorf("check: at row %d: %w", c.row, io.ErrNoProgress)
		}
	}
}

// checker is the state of a pass.
type checker struct {
	Report
	row         int64
	maxExamples int
	gridChecked bool
	perTick     float64
	perLot      float64
	book        *watchedBook
	kinds       [256]int64
	flags       [16]int64
	class       [256]class
	hasExch     bool // a row of the exchange side was there
	// messageRow is the first row of the message that is going on, latencyNs that row's feed latency.
	messageRow, latencyNs int64
	// episode is how the book has been since the time of episodeStart.
	episode      bookState
	episodeStart Example
}

// class is a set of what a row of some kind has.
type class uint8

const (
	hasPrice class = 1 << iota
	hasQty
	level
	order
	clears
	custom
)

func classes() (list [256]class) {
	for kind := 100; kind < len(list); kind++ {
		list[kind] = custom
	}
	list[hft.DepthEvent] = hasPrice | hasQty | level
	list[hft.DepthSnapshotEvent] = hasPrice | hasQty | level
	list[hft.DepthBBOEvent] = hasPrice | hasQty
	list[hft.TradeEvent] = hasPrice | hasQty
	list[hft.DepthClearEvent] = clears
	list[hft.AddOrderEvent] = hasPrice | hasQty | order
	list[hft.ModifyOrderEvent] = hasPrice | hasQty | order
	list[hft.CancelOrderEvent] = order
	list[hft.FillEvent] = order
	return list
}

func newChecker(o Options) (*checker, error) {
	for name, step := range map[string]float64{"tick size": o.TickSize, "lot size": o.LotSize} {
		if !(step > 0) || math.IsInf(step, 0) {
			return nil, fmt.Errorf("check: %w", &hft.BuildError{Kind: hft.InvalidArgument,
				What: fmt.Sprintf("%s %v: must be the instrument's, a finite number above 0", name, step)})
		}
	}
	if o.GapLimit < 0 || o.ClockStepLimit < 0 || o.MaxExamples < 0 {
		return nil, fmt.Errorf("check: %w", &hft.BuildError{Kind: hft.InvalidArgument,
			What: fmt.Sprintf("gap limit %v, clock step limit %v, %d examples: none may be negative", o.GapLimit, o.ClockStepLimit, o.MaxExamples)})
	}
	c := &checker{maxExamples: o.MaxExamples, gridChecked: o.GridChecked, perTick: 1 / o.TickSize, perLot: 1 / o.LotSize,
		book: newWatchedBook(o.TickSize, o.LotSize), class: classes()}
	c.recorded = o.GridChecked
	c.TickSize, c.LotSize = o.TickSize, o.LotSize
	c.GapLimitNs, c.ClockStepLimitNs = int64(o.GapLimit), int64(o.ClockStepLimit)
	if o.GapLimit == 0 {
		c.GapLimitNs = int64(DefaultGapLimit)
	}
	if o.ClockStepLimit == 0 {
		c.ClockStepLimitNs = int64(DefaultClockStepLimit)
	}
	if o.MaxExamples == 0 {
		c.maxExamples = defaultMaxExamples
	}
	return c, nil
}

// found counts a case of a fault.
func (c *checker) found(f *Finding, example Example) {
	f.Count++
	f.Worst = max(f.Worst, math.Abs(example.Value))
	f.Sum += example.Value
	if len(f.First) < c.maxExamples {
		f.First = append(f.First, example)
	}
}

// fault counts a case at the current row.
func (c *checker) fault(f *Finding, timestampNs int64, value float64) {
	c.found(f, Example{Row: c.row, TimestampNs: timestampNs, Value: value})
}
