package budget

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// MaxUnits is how many things a venue may count.
const MaxUnits = 16

// Never is the time of a Refusal of what costs more than a limit has.
const Never int64 = math.MaxInt64

// Kind is what a request is for.
type Kind uint8

// Kinds, and how much they may use of what is kept.
const (
	// Submit makes or amends an order. Nothing.
	Submit Kind = iota
	// Cancel cancels orders. All.
	Cancel
	// Query asks about orders, executions and positions. Half, so that no amount of questions is in the way of a
	// cancel.
	Query
	// Other is everything else, such as a book's snapshot. Nothing.
	Other
)

// withheld returns the part of what is kept that a kind may not use.
func withheld(k Kind) float64 {
	switch k {
	case Cancel:
		return 0
	case Query:
		return 0.5
	}
	return 1
}

// Cost is what a request costs of each unit that the venue counts: Cost{weight: 1, orders: 1} with the venue's
// constants.
type Cost [MaxUnits]int32

// Request is what is to be sent.
type Request struct {
	Kind Kind
	// REST says that it goes by HTTP, not over a WebSocket.
	REST bool
	Cost Cost
}

// Model is how the venue counts a limit.
type Model uint8

// Models.
const (
	// Fixed counts in windows that begin at multiples of Per of the venue's clock.
	Fixed Model = iota
	// Sliding counts over any Per, for windows that begin at unknown times.
	Sliding
)

// Limit is one limit of a venue.
type Limit struct {
	// Name is said in refusals: "orders per 10 s".
	Name string
	// Unit is what is counted, an index of Cost. Several limits may count the same.
	Unit int
	// Max is how much of it a window of Per may hold.
	Max   int64
	Per   time.Duration
	Model Model
	// Kept is the share of Max, from 0 to below 1, that only Cancel may use, and half of it Query.
	Kept float64
	// Refunds says that the venue's count goes down within a window, as Binance spot's number of orders does by fills.
	// A lower count is then believed when its request was sent after the count before had come.
	Refunds bool
}

// Scope is what a pause is about.
type Scope uint8

// Scopes.
const (
	// Everything: the venue does not want to hear anything.
	Everything Scope = iota
	// Submits: Submit only, such as after too many orders.
	Submits
	// REST: what goes by HTTP.
	REST
	// Stream: what goes by a WebSocket.
	Stream
	scopes
)

// Config describes a venue's limits.
type Config struct {
	Limits []Limit
	// Skew is how far the time that is given may be from the venue's, at most a quarter of any fixed window.
	Skew time.Duration
}

// Ticket is a request that was allowed. It is to be handed to Answered exactly once, and to Done.
type Ticket struct {
	cost   Cost
	sentNs int64
	probes uint8 // the scopes, as bits, whose bans it finds out about
}

// Refusal is why a request may not be sent.
type Refusal struct {
	// RetryAtNs is the earliest time at which it may, as far as is known; Never if it costs more than there is. UntilNs
	// is when a pause ends, or what is taken for the end of a ban, which may be over before.
	RetryAtNs, UntilNs int64
	// Why is the limit's name or the pause's reason.
	Why string
	// Paused says that it is a pause of the venue's, not a limit that is used up; Banned that it is a ban.
	Paused, Banned bool
}

// Seen is what the venue has said about a limit.
type Seen struct {
	// Limit is the index in Config.Limits.
	Limit int
	// Used is how much of the current window is used, the answered request included.
	Used int64
	// Max is the limit where the venue says it, otherwise 0.
	Max int64
	// ExhaustedUntilNs is until when nothing more of this limit may be used, 0 if that was not said.
	ExhaustedUntilNs int64
}

// Usage is how far a limit is used.
type Usage struct {
	Name               string
	Used, Pending, Max int64
}

type pause struct {
	untilNs int64
	why     string
}

// Budget counts.
type Budget struct {
	mu     sync.Mutex
	limits []counter
	pauses [scopes]pause
	bans   [scopes]ban
}

// New makes a Budget.
func New(config Config) (*Budget, error) {
	if config.Skew < 0 {
		return nil, errors.New("budget: Skew is negative")
	}
	b := &Budget{limits: make([]counter, len(config.Limits))}
	for i, l := range config.Limits {
		switch {
		case l.Unit < 0 || l.Unit >= MaxUnits:
			return nil, fmt.Errorf("budget: limit %q: unit %d is not below %d", l.Name, l.Unit, MaxUnits)
		case l.Max <= 0 || l.Per <= 0:
			return nil, fmt.Errorf("budget: limit %q: %d per %v: both have to be positive", l.Name, l.Max, l.Per)
		case !(l.Kept >= 0 && l.Kept < 1):
			return nil, fmt.Errorf("budget: limit %q: the kept share %v is not from 0 to below 1", l.Name, l.Kept)
		case l.Model > Sliding:
			return nil, fmt.Errorf("budget: limit %q: there is no model %d", l.Name, l.Model)
		case l.Model == Fixed && config.Skew > l.Per/4:
			return nil, fmt.Errorf("budget: limit %q: a skew of %v is too much for windows of %v", l.Name, config.Skew,
				l.Per)
		}
		b.limits[i] = newCounter(l, int64(config.Skew))
	}
	return b, nil
}

// Allow decides whether a request may be sent now. If so it is counted, and the Ticket has to be handed to Answered
// and to Done whatever becomes of the request. If not, nothing is counted.
func (b *Budget) Allow(r Request, nowNs int64) (Ticket, Refusal, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	probes, no := b.banned(r, nowNs)
	for scope := range b.pauses {
		p := &b.pauses[scope]
		if Scope(scope).has(r) && nowNs < p.untilNs && p.untilNs > no.RetryAtNs {
			no = Refusal{RetryAtNs: p.untilNs, UntilNs: p.untilNs, Why: p.why, Paused: true}
		}
	}
	held := withheld(r.Kind)
	for i := range b.limits {
		c := &b.limits[i]
		n := int64(r.Cost[c.Unit])
		if n <= 0 {
			continue
		}
		c.advance(nowNs)
		if retryAtNs := c.refuses(n, held); retryAtNs > no.RetryAtNs {
			no.RetryAtNs = retryAtNs
			if !no.Paused {
				no.Why = c.Name
			}
		}
	}
	if no.RetryAtNs != 0 {
		return Ticket{}, no, false
	}
	for i := range b.limits {
		c := &b.limits[i]
		c.pending += max(int64(r.Cost[c.Unit]), 0)
	}
	b.probing(probes)
	return Ticket{cost: r.Cost, sentNs: nowNs, probes: probes}, Refusal{}, true
}

// Answered takes back a Ticket when the request has been answered, has failed or is given up, with what the answer said
// about limits. The venue's count wins over the own one.
func (b *Budget) Answered(t Ticket, nowNs int64, seen ...Seen) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.limits {
		c := &b.limits[i]
		n := max(int64(t.cost[c.Unit]), 0)
		said := -1
		for j := range seen {
			if seen[j].Limit == i {
				said = j
			}
		}
		if n == 0 && said < 0 {
			continue
		}
		c.advance(nowNs)
		c.pending = max(c.pending-n, 0)
		if said < 0 {
			c.answered(n)
			continue
		}
		s := seen[said]
		if s.Max > 0 {
			c.Max = s.Max
		}
		c.exhaustedUntilNs = max(c.exhaustedUntilNs, s.ExhaustedUntilNs)
		c.observe(n, max(s.Used, 0), t.sentNs)
	}
}

// Pause stops what is in scope until a time, because the venue has asked for it or is about to. A pause is never
// shortened by a later one.
func (b *Budget) Pause(scope Scope, untilNs int64, why string) {
	if scope >= scopes {
		scope = Everything // rather too much than nothing
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := &b.pauses[scope]; untilNs > p.untilNs {
		*p = pause{untilNs: untilNs, why: why}
	}
}

// PausedUntilNs returns until when a scope is paused or banned, and why; 0 if it is not.
func (b *Budget) PausedUntilNs(scope Scope, nowNs int64) (untilNs int64, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if scope >= scopes {
		return 0, ""
	}
	if p := &b.pauses[scope]; nowNs < p.untilNs {
		untilNs, why = p.untilNs, p.why
	}
	if n := &b.bans[scope]; n.on && nowNs < n.untilNs && n.untilNs > untilNs {
		untilNs, why = n.untilNs, n.why
	}
	return untilNs, why
}

// Usage returns how far each limit is used, in the order of Config.Limits.
func (b *Budget) Usage(nowNs int64) []Usage {
	b.mu.Lock()
	defer b.mu.Unlock()
	usage := make([]Usage, len(b.limits))
	for i := range b.limits {
		c := &b.limits[i]
		c.advance(nowNs)
		usage[i] = Usage{Name: c.Name, Used: c.count(), Pending: c.pending, Max: c.Max}
	}
	return usage
}
