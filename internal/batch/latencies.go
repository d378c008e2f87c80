package batch

import (
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/internal/report"
)

// latencies adds up the distributions of a group's jobs.
type latencies struct {
	symbols                    []string
	entry, response, roundTrip sum
	feed                       []sum
}

// sum adds up distributions.
type sum struct {
	histogram *hdrhistogram.Histogram
	count     int64
	totalNs   float64
	// minNs and maxNs are exact, which buckets are not.
	minNs, maxNs int64
}

func newSum() sum {
	return sum{histogram: hdrhistogram.New(1, int64(time.Hour), 3), minNs: math.MaxInt64, maxNs: math.MinInt64}
}

func newLatencies(symbols []string) *latencies {
	l := &latencies{symbols: symbols, entry: newSum(), response: newSum(), roundTrip: newSum()}
	for range symbols {
		l.feed = append(l.feed, newSum())
	}
	return l
}

func (l *latencies) add(r *backtest.Result) {
	for i := range r.Assets {
		a := &r.Assets[i]
		l.entry.add(&a.EntryLatency)
		l.response.add(&a.ResponseLatency)
		l.roundTrip.add(&a.RoundTrip)
		if i < len(l.feed) {
			l.feed[i].add(&a.FeedLatency)
		}
	}
}

func (s *sum) add(d *backtest.Distribution) {
	if d.Count == 0 {
		return
	}
	for _, b := range d.Buckets {
		middle := b.FromNs + (b.ToNs-b.FromNs)/2
		_ = s.histogram.RecordValues(min(max(middle, 0), s.histogram.HighestTrackableValue()), b.Count) // within its range by that
	}
	s.count += d.Count
	s.totalNs += d.MeanNs * float64(d.Count)
	s.minNs, s.maxNs = min(s.minNs, d.MinNs), max(s.maxNs, d.MaxNs)
}

// distribution is the sum in milliseconds. What lies between its exact ends only because a bucket has a width is moved
// to them.
func (s *sum) distribution(name string) report.Distribution {
	const scale = 1e-6
	d := report.FromHistogram(name, "ms", s.histogram, scale)
	if d.Count == 0 {
		return d
	}
	d.Min, d.Max, d.Mean = float64(s.minNs)*scale, float64(s.maxNs)*scale, s.totalNs/float64(s.count)*scale
	for _, x := range []*float64{&d.P50, &d.P90, &d.P99, &d.P999} {
		*x = min(max(*x, d.Min), d.Max)
	}
	for i := range d.Bins {
		b := &d.Bins[i]
		b.From, b.To = min(max(b.From, d.Min), d.Max), min(max(b.To, d.Min), d.Max)
	}
	return d
}

func (l *latencies) orders() []report.Distribution {
	return known(l.entry.distribution("entry"), l.response.distribution("response"), l.roundTrip.distribution("round trip"))
}

func (l *latencies) feeds() []report.Distribution {
	var list []report.Distribution
	for i := range l.feed {
		list = append(list, l.feed[i].distribution(l.symbols[i]))
	}
	return known(list...)
}

func known(list ...report.Distribution) []report.Distribution {
	return slices.DeleteFunc(list, func(d report.Distribution) bool { return d.Count == 0 })
}
