package batch

import (
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
)

// span is a time from one row to another.
type span struct{ fromNs, toNs int64 }

func (s span) String() string {
	const form = "2006-01-02 15:04:05 UTC"
	return time.Unix(0, s.fromNs).UTC().Format(form) + " to " + time.Unix(0, s.toNs).UTC().Format(form)
}

// checkLatencies refuses order latencies of another time than an asset's data: all there is of them would be their first or
// last row. Data of which no span is known are not looked at.
func (p *preparer) checkLatencies(a *backtest.AssetSpec, files []DataFile) error {
	data := span{math.MaxInt64, math.MinInt64}
	for _, f := range files {
		if f.StartNs == 0 || f.EndNs == 0 {
			return nil
		}
		data.fromNs, data.toNs = min(data.fromNs, f.StartNs), max(data.toNs, f.EndNs)
	}
	for _, l := range []*backtest.LatencySpec{&a.Exchange.Latency, a.Exchange.ModifyLatency, a.Exchange.CancelLatency} {
		if l == nil || len(l.Files) == 0 {
			continue
		}
		measured := span{math.MaxInt64, math.MinInt64}
		for _, path := range l.Files {
			s, err := p.latencySpan(path)
			if err != nil {
				return err
			}
			measured.fromNs, measured.toNs = min(measured.fromNs, s.fromNs), max(measured.toNs, s.toNs)
		}
		if measured.fromNs > data.toNs || measured.toNs < data.fromNs {
			return fmt.Errorf("the latency_files of %s cover another period than its data: %s are from %v, "+
				"the data from %v; use latencies of that period, "+
				"or a constant order_latency and response_latency",
				a.Symbol, l.Files, measured, data)
		}
	}
	return nil
}

// latencySpan returns the times of the first and last request of a latency file, which is read once.
func (p *preparer) latencySpan(path string) (span, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.latencies[path]; ok {
		return s, nil
	}
	rows, err := backtest.ReadLatencies(path)
	if err != nil {
		return span{}, err
	}
	s := span{math.MaxInt64, math.MinInt64}
	if n := len(rows); n > 0 {
		s = span{rows[0].ReqTimestampNs, rows[n-1].ReqTimestampNs}
	}
	p.latencies[path] = s
	return s, nil
}
