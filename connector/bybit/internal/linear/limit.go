package linear

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/budget"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// What the venue counts: requests by REST of an address in 5 s, and of each operation of an account in 1 s.
const (
	unitREST = iota
	unitCreate
	unitAmend
	unitCancel
	unitCancelAll
	unitOrders
	unitHistory
	unitExecutions
	unitPositions
)

// endpoint is what a path costs.
type endpoint struct {
	unit int
	kind budget.Kind
}

func endpointOf(path string) endpoint {
	switch path {
	case createPath:
		return endpoint{unitCreate, budget.Submit}
	case amendPath:
		return endpoint{unitAmend, budget.Submit}
	case cancelPath, cancelBatchPath:
		return endpoint{unitCancel, budget.Cancel}
	case cancelAllPath:
		return endpoint{unitCancelAll, budget.Cancel}
	case realtimePath:
		return endpoint{unitOrders, budget.Query}
	case historyPath:
		return endpoint{unitHistory, budget.Query}
	case executionsPath:
		return endpoint{unitExecutions, budget.Query}
	case positionsPath:
		return endpoint{unitPositions, budget.Query}
	}
	return endpoint{unitREST, budget.Other}
}

func newBudget(ordersPerSecond int) (*budget.Budget, error) {
	orders := int64(ordersPerSecond)
	second := func(unit int, name string, limit int64) budget.Limit {
		return budget.Limit{Name: name + " per second", Unit: unit, Max: limit, Per: time.Second, Model: budget.Sliding}
	}
	// A fifth of the address's requests is kept for cancels and, half of it, questions about orders.
	const kept = 0.2
	return budget.New(budget.Config{Limits: []budget.Limit{
		unitREST: {Name: "requests in 5 s", Unit: unitREST, Max: 600, Per: 5 * time.Second, Model: budget.Sliding,
			Kept: kept},
		unitCreate:     second(unitCreate, "orders placed", orders),
		unitAmend:      second(unitAmend, "orders amended", orders),
		unitCancel:     second(unitCancel, "orders canceled", orders),
		unitCancelAll:  second(unitCancelAll, "cancels of all orders", 10),
		unitOrders:     second(unitOrders, "order queries", 50),
		unitHistory:    second(unitHistory, "order history queries", 50),
		unitExecutions: second(unitExecutions, "execution queries", 50),
		unitPositions:  second(unitPositions, "position queries", 50),
	}})
}

// venueNs is the venue's time, as far as it is known.
func (p *Protocol) venueNs() int64 { return p.config.NowNs() + p.offsetNs.Load() }

// spending is what one request has taken from the budget. counted has to be called with the answer's headers, nil when
// there is no answer, and over with its outcome.
type spending struct {
	counted func(header func(name string) string)
	over    func(err error)
}

// spend takes a request about count orders from the budget; the error is a *protocol.Failure.
func (p *Protocol) spend(path string, a action, count int, rest bool) (spending, error) {
	e := endpointOf(path)
	r := budget.Request{Kind: e.kind, REST: rest}
	if e.unit != unitREST {
		r.Cost[e.unit] = int32(max(count, 1))
	}
	if rest {
		r.Cost[unitREST] = 1
	}
	ticket, refusal, ok := p.budget.Allow(r, p.venueNs())
	if !ok {
		return spending{}, budget.NotSent(rateCause(a), refusal, p.offsetNs.Load())
	}
	var once sync.Once
	s := spending{over: func(err error) { p.budget.Done(ticket, p.venueNs(), budget.ResultOf(err)) }}
	s.counted = func(header func(name string) string) {
		once.Do(func() {
			if seen, ok := p.seen(e.unit, header); ok {
				p.budget.Answered(ticket, p.venueNs(), seen)
				return
			}
			p.budget.Answered(ticket, p.venueNs())
		})
	}
	if e.unit == unitCancel {
		answered := s.counted
		late := time.AfterFunc(cancelCounted, func() { answered(nil) })
		s.counted = func(header func(name string) string) {
			late.Stop()
			answered(header)
		}
	}
	return s, nil
}

// cancelCounted is how long after it was sent a cancel is taken to have been counted by the venue, answered or not.
// Answers that are seconds late must not hold up the cancels behind them: they go at the pace of the venue's limit. One
// that is counted later, and so refused, is sent again.
const cancelCounted = 150 * time.Millisecond

// rateCause is what a limit that is reached means: who places orders has to stop, everyone else to wait.
func rateCause(a action) protocol.Cause {
	if a == queryAction {
		return protocol.Weight
	}
	return protocol.OrderRate
}

// seen reads what an answer says about the limit of what was asked for. The venue counts down.
func (p *Protocol) seen(unit int, header func(name string) string) (budget.Seen, bool) {
	if header == nil || unit == unitREST {
		return budget.Seen{}, false
	}
	limit, err := strconv.ParseInt(header("X-Bapi-Limit"), 10, 32)
	if err != nil || limit <= 0 {
		return budget.Seen{}, false
	}
	left, err := strconv.ParseInt(header("X-Bapi-Limit-Status"), 10, 32)
	if err != nil || left < 0 || left > limit {
		return budget.Seen{}, false
	}
	s := budget.Seen{Limit: unit, Used: limit - left, Max: limit}
	if left == 0 {
		s.ExhaustedUntilNs = p.resetNs(header)
	}
	return s, true
}

// resetNs returns when the venue's limit is reset, in its clock; 0 when it does not say, or a time that cannot be, as
// limits are by the second.
func (p *Protocol) resetNs(header func(name string) string) int64 {
	const most = 5 * time.Minute
	ms, err := strconv.ParseInt(header("X-Bapi-Limit-Reset-Timestamp"), 10, 64)
	now := p.venueNs()
	if err != nil || ms > maxMs || ms*int64(time.Millisecond) <= now || ms*int64(time.Millisecond) > now+int64(most) {
		return 0
	}
	return ms * int64(time.Millisecond)
}

// stop pauses what the venue does not want to hear any more.
func (p *Protocol) stop(f *protocol.Failure, a action) *protocol.Failure {
	if f.Cause == protocol.Banned {
		scope := budget.Everything
		if f.Status != 0 { // a trade connection that is up takes cancels all the same
			scope = budget.REST
		}
		budget.HoldBack(p.budget, f, scope, forbiddenPause, p.config.NowNs(), p.offsetNs.Load())
		return f
	}
	if f.RetryAt.IsZero() {
		return f
	}
	untilNs := f.RetryAt.UnixNano() + p.offsetNs.Load()
	switch {
	case f.Cause == protocol.Weight && f.Status == http.StatusTooManyRequests:
		p.budget.Pause(budget.REST, untilNs, "too many requests from this IP address")
	case f.Cause == protocol.Weight && (f.Code == codeIPRate || f.Code == codeOldIPRate):
		p.budget.Pause(budget.Everything, untilNs, "too many requests from this IP address")
	case f.Cause == protocol.OrderRate && a != cancelAction: // cancels are counted by themselves
		p.budget.Pause(budget.Submits, untilNs, "too many orders")
	}
	return f
}

// limitFinding says what is known of the limits.
func (p *Protocol) limitFinding() connector.Finding {
	f := connector.Finding{What: "rate limits"}
	for _, u := range p.budget.Usage(p.venueNs()) {
		if f.Value != "" {
			f.Value += ", "
		}
		f.Value += fmt.Sprintf("%s %d", u.Name, u.Max)
	}
	return f
}
