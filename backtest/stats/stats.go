package stats

import (
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/sim"
)

// defaultWindow is the sampling interval of the reference.
const defaultWindow = 10 * time.Second

// NoResampling as a window keeps each row as a sample of its own.
const NoResampling = time.Duration(-1)

// defaultTradingDays annualises ratios as the reference does. Markets that never close want 365.
const defaultTradingDays = 252

// Split says into which parts a period is divided.
type Split uint8

// Splits. Borders are those of the calendar in UTC.
const (
	SplitNone Split = iota
	SplitHour
	SplitDay
	SplitMonth
)

// Options say how rows are evaluated. The zero value evaluates the whole period as the reference does by default.
type Options struct {
	// Asset says what a position is worth; nil is sim.LinearAsset(1).
	Asset sim.AssetType
	// Window is the sampling interval, 0 for the reference's 10 s, NoResampling for none.
	Window time.Duration
	// Split divides the period into parts that are evaluated alone.
	Split Split
	// Metrics are the columns of the result; nil is Default.
	Metrics []Metric
	// BookSize is the capital, in the currency of the asset, that Return, MaxDrawdown and TradingValue are put in
	// relation to; 0 leaves them in the asset's currency.
	BookSize float64
	// TradingDaysPerYear annualises; 0 is 252, as in the reference.
	TradingDaysPerYear float64
}

// Sample is the state at the end of a window.
type Sample struct {
	// TimestampNs is the start of the window, or the time of the row when there is no resampling.
	TimestampNs int64
	// Price is the mid price and Position the quantity held; both NaN in a sum of assets.
	Price, Position float64
	// PositionValue is the absolute position times price, without the contract size, as in the reference.
	PositionValue float64
	// EquityWithoutFee and Fee are cumulative, in the asset's currency.
	EquityWithoutFee, Fee float64
	// NumTrades, TradingVolume and TradingValue are those of this window.
	NumTrades, TradingVolume, TradingValue float64
}

// Equity returns the equity after fee.
func (s Sample) Equity() float64 { return s.EquityWithoutFee - s.Fee }

// Stats are the samples of a period and their figures.
type Stats struct {
	samples []Sample
	rows    []Row
}

// New evaluates the rows of one asset, which are in ascending time. No rows give one Row of NaN and zeros.
func New(rows []backtest.Record, o Options) (*Stats, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkOrder(rows); err != nil {
		return nil, err
	}
	samples := prepare(rows, o.Asset)
	if o.Window != NoResampling {
		samples = resample(samples, o.Window.Nanoseconds())
	}
	return evaluate(samples, o), nil
}

// Samples returns the samples that the figures were computed of. The slice is that of s: copy it to change it.
func (s *Stats) Samples() []Sample { return s.samples }

// Rows returns the figures of each part in time order and those of the whole period last.
func (s *Stats) Rows() []Row { return s.rows }

// Whole returns the figures of the whole period.
func (s *Stats) Whole() Row { return s.rows[len(s.rows)-1] }

func (o Options) withDefaults() (Options, error) {
	if o.Asset == nil {
		o.Asset = sim.LinearAsset(1)
	}
	if o.Window == 0 {
		o.Window = defaultWindow
	}
	if o.Window < 0 && o.Window != NoResampling {
		return o, fmt.Errorf("stats: window %v: must be positive, 0 for %v or NoResampling", o.Window, defaultWindow)
	}
	if o.Split > SplitMonth {
		return o, fmt.Errorf("stats: split %d is unknown: use one of the Split constants", o.Split)
	}
	if !(o.BookSize >= 0) || math.IsInf(o.BookSize, 0) {
		return o, fmt.Errorf("stats: book size %v: must be positive, or 0 for none", o.BookSize)
	}
	if o.TradingDaysPerYear == 0 {
		o.TradingDaysPerYear = defaultTradingDays
	}
	if !(o.TradingDaysPerYear > 0) || math.IsInf(o.TradingDaysPerYear, 0) {
		return o, fmt.Errorf("stats: %v trading days a year: must be positive, such as 252 or 365",
			o.TradingDaysPerYear)
	}
	if o.Metrics == nil {
		o.Metrics = Default()
	}
	for _, m := range o.Metrics {
		if m.Compute == nil {
			return o, fmt.Errorf("stats: metric %q computes nothing: set Compute, or take one of this package", m.Name)
		}
	}
	return o, nil
}

func checkOrder(rows []backtest.Record) error {
	for i := 1; i < len(rows); i++ {
		if rows[i].TimestampNs < rows[i-1].TimestampNs {
			return fmt.Errorf("stats: row %d (time %d ns) is older than row %d (%d ns): sort the rows by time, or join days with Join",
				i, rows[i].TimestampNs, i-1, rows[i-1].TimestampNs)
		}
	}
	return nil
}

func evaluate(samples []Sample, o Options) *Stats {
	s := &Stats{samples: samples}
	if o.Split != SplitNone {
		for first := 0; first < len(samples); {
			end := first + 1
			for end < len(samples) &&
				o.Split.part(samples[end].TimestampNs) == o.Split.part(samples[first].TimestampNs) {
				end++
			}
			s.rows = append(s.rows, o.row(samples[first:end]))
			first = end
		}
	}
	s.rows = append(s.rows, o.row(samples))
	return s
}

// part returns a number that is the same for all times of one part.
func (s Split) part(timestampNs int64) int64 {
	switch s {
	case SplitHour:
		return floorDiv(timestampNs, int64(time.Hour))
	case SplitDay:
		return floorDiv(timestampNs, int64(24*time.Hour))
	default:
		t := time.Unix(0, timestampNs).UTC()
		return int64(t.Year())*12 + int64(t.Month())
	}
}

func (o Options) row(samples []Sample) Row {
	r := Row{Figures: make([]Figure, 0, len(o.Metrics))}
	if len(samples) > 0 {
		r.StartNs, r.EndNs = samples[0].TimestampNs, samples[len(samples)-1].TimestampNs
	}
	for i := 2; i < len(samples); i++ {
		if samples[i].TimestampNs-samples[i-1].TimestampNs != samples[1].TimestampNs-samples[0].TimestampNs {
			r.Uneven = true
			break
		}
	}
	p := Period{Samples: samples, BookSize: o.BookSize, TradingDaysPerYear: o.TradingDaysPerYear}
	for _, m := range o.Metrics {
		name := m.Name
		if o.BookSize > 0 && m.NameWithBook != "" {
			name = m.NameWithBook
		}
		r.Figures = append(r.Figures, Figure{Name: name, Value: Number(m.Compute(p))})
	}
	return r
}
