package host

import (
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencyHistogram keeps percentiles of durations. Negative ones, which clocks that disagree produce, are kept apart,
// because the histogram has none.
type latencyHistogram struct {
	positive, negative *hdrhistogram.Histogram
}

const maxLatencyNs = int64(3600e9)

func newLatencyHistogram() latencyHistogram {
	return latencyHistogram{hdrhistogram.New(1, maxLatencyNs, 3), hdrhistogram.New(1, maxLatencyNs, 3)}
}

func (l *latencyHistogram) record(ns int64) {
	if ns < 0 {
		_ = l.negative.RecordValue(min(-ns, maxLatencyNs))
		return
	}
	_ = l.positive.RecordValue(min(ns, maxLatencyNs))
}

func (l *latencyHistogram) merge(o *latencyHistogram) {
	l.positive.Merge(o.positive)
	l.negative.Merge(o.negative)
}

// Percentiles are those of a latency, in nanoseconds.
type Percentiles struct {
	P50  int64 `json:"p50"`
	P99  int64 `json:"p99"`
	P999 int64 `json:"p999"`
	Max  int64 `json:"max"`
}

func (l *latencyHistogram) percentiles() Percentiles {
	return Percentiles{P50: l.at(50), P99: l.at(99), P999: l.at(99.9), Max: l.at(100)}
}

// at returns the value at a percentile over both parts.
func (l *latencyHistogram) at(percentile float64) int64 {
	below, above := float64(l.negative.TotalCount()), float64(l.positive.TotalCount())
	total := below + above
	if total == 0 {
		return 0
	}
	rank := math.Max(percentile/100*total, 1)
	if rank <= below {
		return -l.negative.ValueAtPercentile(100 * (below - rank + 1) / below)
	}
	return l.positive.ValueAtPercentile(100 * (rank - below) / above)
}
