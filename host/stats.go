package host

import (
	"sync"
	"sync/atomic"
)

// strategyStats counts what a strategy does, over all its processes.
type strategyStats struct {
	requests, refused atomic.Uint64
	lastTickToOrderNs atomic.Int64

	mu      sync.Mutex
	latency latencyHistogram // tick to order
	gapsNs  []int64
	past    botTotals // of ended processes
}

// botTotals sums up what the bots of a strategy say of themselves.
type botTotals struct {
	events, lost, resyncs uint64
}

// tickToOrder records the time from a feed event to the order it caused; negative when there was no event.
func (s *strategyStats) tickToOrder(ns int64) {
	if ns < 0 {
		return
	}
	s.lastTickToOrderNs.Store(ns)
	s.mu.Lock()
	s.latency.record(ns)
	s.mu.Unlock()
}

// retire adds what an ending process counted.
func (s *strategyStats) retire(t botTotals) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past.events += t.events
	s.past.lost += t.lost
	s.past.resyncs += t.resyncs
}

// totals returns the sum over all processes, current being the running one's.
func (s *strategyStats) totals(current botTotals) botTotals {
	s.mu.Lock()
	defer s.mu.Unlock()
	return botTotals{s.past.events + current.events, s.past.lost + current.lost, s.past.resyncs + current.resyncs}
}

// totals returns what the session's bot says of itself, nothing if it claims more than was published.
func (s *session) totals() botTotals {
	published := uint64(0)
	for _, l := range s.links {
		published += l.pub.feed.Published()
	}
	st := s.control.Stats()
	if st.Events > published || st.Lost > published || st.Resyncs > published {
		return botTotals{}
	}
	return botTotals{st.Events, st.Lost, st.Resyncs}
}
