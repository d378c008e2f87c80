package host

import (
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

// TestEstimatedTimesAreNoLatency: a quote whose venue does not say when it was made says nothing about the feed's latency.
func TestEstimatedTimesAreNoLatency(t *testing.T) {
	p, _ := newPath(t)
	row := hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, ExchTimestampNs: 1000, LocalTimestampNs: 3000, Px: 1, Qty: 1}
	p.Feed(0, []hft.Event{row})
	row.Ev |= hft.EstimatedTime
	row.ExchTimestampNs = 2999
	p.Feed(0, []hft.Event{row})
	if l := &p.instruments[0].latency; l.positive.TotalCount() != 1 || l.at(100) < 1900 || l.at(100) > 2100 {
		t.Errorf("%d latencies, the longest of %d ns; want one of 2000", l.positive.TotalCount(), l.at(100))
	}
}
