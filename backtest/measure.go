package backtest

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// numCauses is the number of causes that an execution can have, with CauseNone.
const numCauses = int(sim.CauseCrossed) + 1

// maxLatencyNs is where durations are cut off: what takes longer than a day is no latency.
const maxLatencyNs = int64(24 * time.Hour)

// measure counts and times what happens to one asset. Nothing is allocated after its making.
type measure struct {
	counts                           Counts
	byCause                          [numCauses]int64
	feed, entry, response, roundTrip durations
}

func newMeasure() *measure {
	return &measure{feed: newDurations(), entry: newDurations(), response: newDurations(), roundTrip: newDurations()}
}

func (m *measure) request(kind OrderRowKind) {
	switch kind {
	case OrderSubmit:
		m.counts.Submits++
	case OrderModify:
		m.counts.Modifies++
	case OrderCancel:
		m.counts.Cancels++
	}
}

// report counts a report about an order, which is prev before it is applied, nil when the bot does not know it.
func (m *measure) report(r *exchange.Report, prev *hft.Order, nowNs int64) {
	o := &r.Order
	if cause := r.Cause; r.Fill || r.Answers != hft.StatusNone && o.Status == hft.StatusFilled &&
		o.Req == hft.StatusNone {
		if !r.Fill {
			cause = sim.CauseTaker // the one answer that the reference gives to a taking order
		}
		m.counts.Fills++
		m.byCause[min(int(cause), numCauses-1)]++
	}
	if o.Req == hft.StatusRejected {
		m.counts.Rejects++
	} else if prev == nil || !prev.Final() {
		switch o.Status {
		case hft.StatusFilled:
			m.counts.Filled++
		case hft.StatusCanceled:
			m.counts.Canceled++
		case hft.StatusExpired:
			m.counts.Expired++
		}
	}
	if r.Answers != hft.StatusNone && prev != nil {
		m.answer(o, prev, nowNs)
	}
}

// answer times what the exchange answers to a request. The one in flight is prev's, the local order's; what the
// exchange's copy remembers may be an earlier one (Q20).
func (m *measure) answer(o, prev *hft.Order, nowNs int64) {
	if prev.Pending() && o.ExchTimestampNs >= prev.LocalTimestampNs {
		m.entry.record(o.ExchTimestampNs - prev.LocalTimestampNs)
		m.response.record(nowNs - o.ExchTimestampNs)
		m.roundTrip.record(nowNs - prev.LocalTimestampNs)
	}
}

// result returns the counts with the causes by name.
func (m *measure) result() Counts {
	c := m.counts
	for cause, n := range m.byCause {
		if n > 0 {
			if c.FillsByCause == nil {
				c.FillsByCause = map[string]int64{}
			}
			c.FillsByCause[sim.FillCause(cause).String()] = n
		}
	}
	return c
}

// durations is a histogram of durations in nanoseconds, to about one per cent.
type durations struct {
	h     *hdrhistogram.Histogram
	minNs int64
}

func newDurations() durations { return durations{h: hdrhistogram.New(1, maxLatencyNs, 2)} }

func (d *durations) record(ns int64) {
	if d.h.TotalCount() == 0 || ns < d.minNs {
		d.minNs = ns
	}
	_ = d.h.RecordValue(min(max(ns, 0), maxLatencyNs)) // within bounds, so there is no error
}

func (d *durations) distribution() Distribution {
	n := d.h.TotalCount()
	if n == 0 {
		return Distribution{}
	}
	out := Distribution{Count: n, MinNs: d.minNs, MeanNs: d.h.Mean(), P50Ns: d.h.ValueAtQuantile(50),
		P90Ns: d.h.ValueAtQuantile(90), P99Ns: d.h.ValueAtQuantile(99), P999Ns: d.h.ValueAtQuantile(99.9),
		MaxNs: d.h.Max()}
	for _, bar := range d.h.Distribution() {
		if bar.Count > 0 {
			out.Buckets = append(out.Buckets, Bucket{FromNs: bar.From, ToNs: bar.To + 1, Count: bar.Count})
		}
	}
	return out
}
