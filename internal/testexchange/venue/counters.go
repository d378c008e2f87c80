package venue

import (
	"maps"
	"slices"
	"sync"
)

// Heartbeat is one arming or refresh of a dead man's switch.
type Heartbeat struct {
	Account     string `json:"account"`
	Symbol      string `json:"symbol"`
	CountdownMs int64  `json:"countdownMs"`
	AtNs        int64  `json:"atNs"`
}

// maxHeartbeats bounds how many are kept.
const maxHeartbeats = 10_000

// Counters count the requests to a venue. They are safe for concurrent use.
type Counters struct {
	mu         sync.Mutex
	requests   map[string]int
	submits    map[string]int
	cancels    map[string]int
	heartbeats []Heartbeat
}

func newCounters() *Counters {
	return &Counters{requests: map[string]int{}, submits: map[string]int{}, cancels: map[string]int{}}
}

// Request counts a request by its description.
func (c *Counters) Request(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[what]++
}

// Submit counts a new order that reached the venue by its client id, whatever became of it.
func (c *Counters) Submit(clientID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.submits[clientID]++
}

// Cancel counts a request to cancel by the order's client id or the venue's.
func (c *Counters) Cancel(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancels[id]++
}

// Beat notes a heartbeat.
func (c *Counters) Beat(h Heartbeat) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heartbeats) == maxHeartbeats {
		c.heartbeats = slices.Delete(c.heartbeats, 0, maxHeartbeats/2)
	}
	c.heartbeats = append(c.heartbeats, h)
}

// copyInto stores the counts in a state.
func (c *Counters) copyInto(s *State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Requests, s.Submits, s.Cancels = maps.Clone(c.requests), maps.Clone(c.submits), maps.Clone(c.cancels)
	s.Heartbeats = slices.Clone(c.heartbeats)
}
