package host

import (
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/control"
)

// Summary is the result of a run. Times are nanoseconds.
type Summary struct {
	Version    string             `json:"version"`
	UptimeNs   int64              `json:"uptime_ns"`
	Exit       Exit               `json:"exit"`
	Connectors []ConnectorSummary `json:"connectors"`
	Strategies []StrategySummary  `json:"strategies"`
	// UnconfirmedOrders may be open: the venue has not confirmed in time that they have ended. StrayOrders are open orders of
	// this runner whose strategy is not in the configuration; they were left as they are.
	UnconfirmedOrders []control.OpenOrder `json:"unconfirmed_orders"`
	StrayOrders       []control.OpenOrder `json:"stray_orders"`
	// UnaccountedInstruments are those of which the venue has not told which orders an earlier run has left.
	UnaccountedInstruments []string `json:"unaccounted_instruments,omitempty"`
	// LeftProcesses are of an earlier run and could not be ended.
	LeftProcesses []string `json:"left_processes,omitempty"`
}

// ConnectorSummary is the summary of one connector.
type ConnectorSummary struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Messages    uint64 `json:"messages"`
	Events      uint64 `json:"events"`
	Gaps        uint64 `json:"gaps"`
	BadMessages uint64 `json:"bad_messages"`
	Reconnects  uint64 `json:"reconnects"`
	// StoppedStreams are books whose stream had stopped while their connection went on.
	StoppedStreams uint64 `json:"stopped_streams"`
	// Feeds are the findings about the feed of each instrument, if the connector reports them.
	Feeds []connector.FeedReport `json:"feeds"`
}

// StrategySummary is the summary of one strategy, over all its processes.
type StrategySummary struct {
	Name          string                     `json:"name"`
	Plugin        string                     `json:"plugin"`
	Version       string                     `json:"version"`
	State         string                     `json:"state"`
	Reason        string                     `json:"reason,omitempty"`
	LeftProcesses []string                   `json:"left_processes,omitempty"` // could not be ended
	Restarts      int                        `json:"restarts"`
	Events        uint64                     `json:"events"`
	LostEvents    uint64                     `json:"lost_events"`
	Resyncs       uint64                     `json:"resyncs"`
	Requests      uint64                     `json:"requests"`
	Orders        uint64                     `json:"orders"`
	Fills         uint64                     `json:"fills"`
	Rejects       uint64                     `json:"rejects"`
	Instruments   []control.InstrumentStatus `json:"instruments"`
	FeedLatencyNs Percentiles                `json:"feed_latency_ns"`
	TickToOrderNs Percentiles                `json:"tick_to_order_ns"`
	RestartGapNs  []int64                    `json:"restart_gap_ns"`
}

// Summary sums up the run so far.
func (h *Host) Summary(exit Exit) Summary {
	s := Summary{Version: h.cfg.Version, UptimeNs: int64(time.Since(h.startedAt)), Exit: exit}
	for _, p := range h.publishers {
		s.Connectors = append(s.Connectors, ConnectorSummary{
			Name: p.name, Kind: p.kind, Events: p.feed.Published(),
			Messages:    p.counters[connector.Messages].Load(),
			Gaps:        p.counters[connector.Gaps].Load(),
			BadMessages: p.counters[connector.BadMessages].Load(),
			Reconnects:  p.counters[connector.Reconnects].Load(),

			StoppedStreams: p.counters[connector.StoppedStreams].Load(),
			Feeds:          p.reports(),
		})
	}
	for _, st := range h.everyStrategy() {
		s.Strategies = append(s.Strategies, st.summary())
	}
	h.endMu.Lock()
	s.LeftProcesses = h.leftProcesses
	s.settle(h.accounts)
	h.endMu.Unlock()
	return s
}

// reports returns what the connector has found about its feeds; one that does not tell has found nothing.
func (p *publisher) reports() []connector.FeedReport {
	if r, tells := p.made().(connector.FeedReporter); tells {
		return r.FeedReports()
	}
	return []connector.FeedReport{}
}

func (s *strategy) summary() StrategySummary {
	st := s.status()
	sum := StrategySummary{Name: st.Name, Plugin: st.Plugin, Version: st.Version, State: st.State, Reason: st.Reason, Restarts: st.Restarts,
		Events: st.Events, LostEvents: st.LostEvents, Resyncs: st.Resyncs, Requests: st.Requests, Orders: st.Orders,
		Fills: st.Fills, Rejects: st.Rejects, RestartGapNs: st.RestartGapNs, Instruments: st.Instruments}
	s.mu.Lock()
	sum.LeftProcesses = slices.Clone(s.leftProcesses)
	s.mu.Unlock()
	s.stats.mu.Lock()
	sum.TickToOrderNs = s.stats.latency.percentiles()
	s.stats.mu.Unlock()
	latency := newLatencyHistogram()
	for _, h := range s.held() {
		h.pub.mu.Lock()
		latency.merge(&h.pub.instruments[h.feedNo].latency)
		h.pub.mu.Unlock()
	}
	sum.FeedLatencyNs = latency.percentiles()
	return sum
}
