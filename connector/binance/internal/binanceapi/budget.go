package binanceapi

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hftrunner/hftrunner/connector/internal/budget"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Allowance is one of a venue's rate limits.
type Allowance struct {
	Limit    Limit
	Interval time.Duration
	// Max is how much may be used in an interval.
	Max int
	// Refunds says that executions give back what orders have used.
	Refunds bool
}

// Budget keeps requests within a venue's limits; the zero value has no limits. It is copied freely: the copies are one
// budget. Any number of goroutines use it.
type Budget struct {
	counts *budget.Budget
	limits []Allowance
}

const (
	// keptForTrading is the share of the weight that only cancels and, half of it, questions about orders may use.
	keptForTrading = 0.2
	// clockSkew is how far the clock may be off when a window of the venue ends.
	clockSkew = 500 * time.Millisecond
	// leastBan is how long the venue is taken not to talk to an address, where it does not say how long.
	leastBan = 2 * time.Minute
)

// NewBudget returns a budget. The venue counts in windows that begin at whole intervals of its clock.
func NewBudget(limits []Allowance) (Budget, error) {
	config := budget.Config{Skew: clockSkew}
	for _, a := range limits {
		l := budget.Limit{Name: "requests' weight per " + a.Interval.String(), Unit: int(a.Limit), Max: int64(a.Max),
			Per: a.Interval, Kept: keptForTrading, Refunds: a.Refunds}
		if a.Limit == Orders {
			l.Name, l.Kept = "orders per "+a.Interval.String(), 0 // cancels are not counted
		}
		config.Limits = append(config.Limits, l)
	}
	counts, err := budget.New(config)
	if err != nil {
		return Budget{}, fmt.Errorf("binanceapi: %w", err)
	}
	return Budget{counts: counts, limits: limits}, nil
}

// kind says what a request is for.
func (c *Cost) kind() budget.Kind {
	switch {
	case c.Cancel:
		return budget.Cancel
	case c.Orders > 0 || c.Amend:
		return budget.Submit
	case c.Trading:
		return budget.Query
	}
	return budget.Other
}

// spending is what one request has taken from a budget, until its answer is there.
type spending struct {
	budget Budget
	signer *Signer
	ticket budget.Ticket
	submit bool
	rest   bool
	seen   [8]budget.Seen
	n      int
}

// spend takes what a request costs, or returns why it may not be sent. answered has to be called after it.
func (b Budget) spend(signer *Signer, c Cost, rest bool) (spending, *protocol.Failure) {
	s := spending{budget: b, signer: signer, submit: c.kind() == budget.Submit, rest: rest}
	if b.counts == nil {
		return s, nil
	}
	r := budget.Request{Kind: c.kind(), REST: rest}
	r.Cost[RequestWeight], r.Cost[Orders] = int32(c.Weight), int32(c.Orders)
	ticket, refusal, ok := b.counts.Allow(r, signer.NowNs())
	if ok {
		s.ticket = ticket
		return s, nil
	}
	cause := protocol.Weight
	if s.submit {
		cause = protocol.OrderRate
	}
	return s, budget.NotSent(cause, refusal, signer.offsetNs.Load())
}

// forbidden reports whether REST pauses.
func (b Budget) forbidden(nowNs int64) bool {
	if b.counts == nil {
		return false
	}
	untilNs, _ := b.counts.PausedUntilNs(budget.REST, nowNs)
	return untilNs != 0
}

// used takes what an answer says about a limit.
func (s *spending) used(u Usage) {
	for i, a := range s.budget.limits {
		if a.Limit == u.Limit && a.Interval == u.Interval && s.n < len(s.seen) {
			s.seen[s.n] = budget.Seen{Limit: i, Used: int64(u.Used), Max: int64(u.Max)}
			s.n++
		}
	}
}

// answered ends a request, pauses what the venue does not want to hear for a while, and returns err. A failure that
// does not say how long gets the time at which the next one may be sent.
func (s *spending) answered(err error) error {
	if s.budget.counts == nil {
		return err
	}
	nowNs := s.signer.NowNs()
	s.budget.counts.Answered(s.ticket, nowNs, s.seen[:s.n]...)
	s.pause(err, nowNs)
	result := budget.ResultOf(err)
	// a cancel or a question goes by REST then, which finds out
	if !s.rest && !s.submit && errors.Is(err, stream.ErrUnknown) {
		result = budget.Lost
	}
	s.budget.counts.Done(s.ticket, nowNs, result)
	return err
}

// pause does what a failure says about the requests that come.
func (s *spending) pause(err error, nowNs int64) {
	var f *protocol.Failure
	if err == nil || !errors.As(err, &f) {
		return
	}
	scope, why, wait := budget.Everything, "", time.Duration(0)
	switch f.Cause {
	case protocol.Banned:
		switch { // what is in front of one way forbids that
		case f.Status == http.StatusForbidden && s.rest:
			scope = budget.REST
		case f.Status == http.StatusForbidden:
			scope = budget.Stream
		}
		budget.HoldBack(s.budget.counts, f, scope, leastBan, s.signer.nowNs(), s.signer.offsetNs.Load())
		return
	case protocol.Weight:
		why, wait = "too many requests from this IP address", s.budget.rest(RequestWeight, nowNs)
	case protocol.OrderRate:
		scope, why, wait = budget.Submits, "too many orders", s.budget.rest(Orders, nowNs)
	default:
		return
	}
	if f.RetryAt.IsZero() {
		f.RetryAt = s.signer.localTime(nowNs + int64(wait))
	}
	s.budget.counts.Pause(scope, s.signer.venueNs(f.RetryAt), why)
}

// rest is how long the shortest window of a limit lasts from now on.
func (b Budget) rest(limit Limit, nowNs int64) time.Duration {
	rest := time.Minute
	for _, a := range b.limits {
		if a.Limit == limit && a.Interval > 0 {
			rest = min(rest, a.Interval-time.Duration(nowNs%int64(a.Interval)))
		}
	}
	return rest + clockSkew
}

// String says what is limited to how much.
func (a Allowance) String() string {
	what := "weight of requests of this address"
	if a.Limit == Orders {
		what = "orders of the account"
	}
	return fmt.Sprintf("%d %s per %v", a.Max, what, a.Interval)
}
