package stats

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Period is what a metric is computed of.
type Period struct {
	// Samples are in ascending time; a metric does not change them.
	Samples []Sample
	// BookSize is 0 when there is none.
	BookSize           float64
	TradingDaysPerYear float64
}

// Metric is a column of the result. Its own values are made by the functions of this package; others can be made by
// giving a name and a function.
type Metric struct {
	// Name is the column's name; NameWithBook replaces it when there is a book size, unless empty.
	Name, NameWithBook string
	// Compute returns the figure of a period; it must cope with no samples.
	Compute func(Period) float64
}

// Named returns the metric under another name.
func (m Metric) Named(name string) Metric { return Metric{Name: name, Compute: m.Compute} }

// PerYear returns the metric computed with its own number of trading days per year instead of that of Options.
func (m Metric) PerYear(tradingDays float64) Metric {
	compute := m.Compute
	m.Compute = func(p Period) float64 { p.TradingDaysPerYear = tradingDays; return compute(p) }
	return m
}

// All returns every metric of the reference: those of Default first, in that order.
func All() []Metric {
	return []Metric{
		{Name: "SR", Compute: Period.sharpe},
		{Name: "Sortino", Compute: Period.sortino},
		{Name: "Return", Compute: func(p Period) float64 { return p.perBook(p.totalReturn()) }},
		{Name: "MaxDrawdown", Compute: func(p Period) float64 { return p.perBook(p.maxDrawdown()) }},
		{Name: "DailyNumberOfTrades", Compute: func(p Period) float64 { return p.numberOfTrades() / p.days() }},
		{Name: "DailyTradingValue", NameWithBook: "DailyTurnover",
			Compute: func(p Period) float64 { return p.perBook(p.tradingValue()) / p.days() }},
		{Name: "ReturnOverMDD", Compute: func(p Period) float64 { return p.totalReturn() / p.maxDrawdown() }},
		{Name: "ReturnOverTrade", Compute: func(p Period) float64 { return p.totalReturn() / p.tradingValue() }},
		{Name: "MaxPositionValue", Compute: Period.maxPositionValue},
		{Name: "AnnualReturn", Compute: func(p Period) float64 {
			return p.perBook(p.totalReturn()) / p.days() * p.TradingDaysPerYear
		}},
		{Name: "NumberOfTrades", Compute: Period.numberOfTrades},
		{Name: "TradingVolume", Compute: Period.tradingVolume},
		{Name: "DailyTradingVolume", Compute: func(p Period) float64 { return p.tradingVolume() / p.days() }},
		{Name: "TradingValue", NameWithBook: "Turnover",
			Compute: func(p Period) float64 { return p.perBook(p.tradingValue()) }},
		{Name: "MeanPositionValue", Compute: Period.meanPositionValue},
		{Name: "MedianPositionValue", Compute: Period.medianPositionValue},
		{Name: "MaxLeverage", Compute: func(p Period) float64 { return p.maxPositionValue() / p.BookSize }},
	}
}

// Default returns the metrics of the reference's summary in its order: SR, Sortino, Return, MaxDrawdown,
// DailyNumberOfTrades, DailyTradingValue, ReturnOverMDD, ReturnOverTrade, MaxPositionValue.
func Default() []Metric { return All()[:9] }

// ByName returns the metrics of those names (Turnover and DailyTurnover are known, too).
func ByName(names ...string) ([]Metric, error) {
	all := All()
	var metrics []Metric
	for _, name := range names {
		i := slices.IndexFunc(all,
			func(m Metric) bool { return m.Name == name || name != "" && m.NameWithBook == name })
		if i < 0 {
			known := make([]string, len(all))
			for i, m := range all {
				known[i] = m.Name
			}
			return nil, fmt.Errorf("stats: there is no metric %q: use one of %q", name, known)
		}
		metrics = append(metrics, all[i])
	}
	return metrics, nil
}

// days returns the time from the first sample to the last; NaN without samples.
func (p Period) days() float64 {
	if len(p.Samples) == 0 {
		return math.NaN()
	}
	ns := p.Samples[len(p.Samples)-1].TimestampNs - p.Samples[0].TimestampNs
	return time.Duration(ns).Seconds() / 86400
}

// annual returns what a ratio per sample is multiplied by; only the first interval counts.
func (p Period) annual() float64 {
	if len(p.Samples) < 2 {
		return math.NaN()
	}
	interval := time.Duration(p.Samples[1].TimestampNs - p.Samples[0].TimestampNs).Seconds()
	return math.Sqrt(86400 / interval * p.TradingDaysPerYear)
}

func (p Period) perBook(x float64) float64 {
	if p.BookSize > 0 {
		return x / p.BookSize
	}
	return x
}

// profits returns the changes of equity from sample to sample, those that are not known left out.
func (p Period) profits() []float64 {
	var d []float64
	for i := 1; i < len(p.Samples); i++ {
		if x := p.Samples[i].Equity() - p.Samples[i-1].Equity(); !math.IsNaN(x) {
			d = append(d, x)
		}
	}
	return d
}

func (p Period) sharpe() float64 {
	d := p.profits()
	m := mean(d)
	var squares float64
	for _, x := range d {
		squares += float64((x - m) * (x - m))
	}
	std := math.NaN()
	if len(d) > 1 {
		std = math.Sqrt(squares / float64(len(d)-1))
	}
	return m / std * p.annual()
}

func (p Period) sortino() float64 {
	d := p.profits()
	var squares float64
	for _, x := range d {
		if x < 0 {
			squares += float64(x * x)
		}
	}
	return mean(d) / math.Sqrt(squares/float64(len(d))) * p.annual()
}

func (p Period) totalReturn() float64 {
	known := func(s Sample) bool { return !math.IsNaN(s.Equity()) }
	first := slices.IndexFunc(p.Samples, known)
	if first < 0 {
		return math.NaN()
	}
	last := len(p.Samples) - 1
	for !known(p.Samples[last]) {
		last--
	}
	return p.Samples[last].Equity() - p.Samples[first].Equity()
}

// maxDrawdown passes over samples without an equity, as the reference's running maximum does.
func (p Period) maxDrawdown() float64 {
	worst, peak := math.NaN(), math.Inf(-1)
	for _, s := range p.Samples {
		e := s.Equity()
		if math.IsNaN(e) {
			continue
		}
		peak = max(peak, e)
		if d := peak - e; !(d <= worst) {
			worst = d
		}
	}
	return worst
}

func (p Period) numberOfTrades() float64 {
	return p.sum(func(s *Sample) float64 { return s.NumTrades })
}

func (p Period) tradingVolume() float64 {
	return p.sum(func(s *Sample) float64 { return s.TradingVolume })
}

func (p Period) tradingValue() float64 {
	return p.sum(func(s *Sample) float64 { return s.TradingValue })
}

func (p Period) sum(column func(*Sample) float64) float64 {
	var sum float64
	for i := range p.Samples {
		sum += column(&p.Samples[i])
	}
	return sum
}

// maxPositionValue passes over samples without a price, as the reference does; its mean and median do not.
func (p Period) maxPositionValue() float64 {
	most := math.NaN()
	for _, s := range p.Samples {
		if !(s.PositionValue <= most) && !math.IsNaN(s.PositionValue) {
			most = s.PositionValue
		}
	}
	return most
}

func (p Period) positionValues() []float64 {
	values := make([]float64, len(p.Samples))
	for i, s := range p.Samples {
		values[i] = s.PositionValue
	}
	return values
}

func (p Period) meanPositionValue() float64 { return mean(p.positionValues()) }

// medianPositionValue orders NaN behind all numbers.
func (p Period) medianPositionValue() float64 {
	values := p.positionValues()
	if len(values) == 0 {
		return math.NaN()
	}
	slices.SortFunc(values, func(a, b float64) int {
		switch {
		case a < b || !math.IsNaN(a) && math.IsNaN(b):
			return -1
		case a > b || math.IsNaN(a) && !math.IsNaN(b):
			return 1
		}
		return 0
	})
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
