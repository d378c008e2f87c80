package budget_test

import (
	"slices"
	"testing"

	"hftrunner/connector/budget"
)

// sent reports whether a request is let through, and what it is.
func sent(b *budget.Budget, r budget.Request, nowNs int64) (budget.Ticket, bool) {
	ticket, _, ok := b.Allow(r, nowNs)
	if ok {
		b.Answered(ticket, nowNs)
	}
	return ticket, ok
}

// TestBanOfUnknownLength: cancels find out, one at a time and more and more rarely, and nothing else goes; what they hear ends it.
func TestBanOfUnknownLength(t *testing.T) {
	for _, scope := range []budget.Scope{budget.Everything, budget.REST} {
		b := newBudget(t, futures())
		const end = 600 * second
		if at := b.Ban(scope, 0, end, false, "banned"); at != 2*second {
			t.Errorf("first at %d", at)
		}
		var probes []int64
		for nowNs := int64(0); nowNs < 70*second; nowNs += second / 2 {
			if _, no, ok := b.Allow(place, nowNs); ok || !no.Banned || !no.Paused || no.UntilNs != end || no.RetryAtNs <= nowNs || no.RetryAtNs > nowNs+15*second {
				t.Fatalf("an order: %t, %+v", ok, no)
			}
			if _, ok := sent(b, byStream, nowNs); ok != (scope == budget.REST) {
				t.Errorf("by a stream: %t", ok)
			}
			ticket, ok := sent(b, cancel, nowNs)
			if !ok {
				continue
			}
			probes = append(probes, nowNs/second)
			if _, ok := sent(b, cancel, nowNs+second/4); ok {
				t.Error("two at a time")
			}
			b.Ban(scope, nowNs, end, false, "banned")
			b.Done(ticket, nowNs, budget.Silent)
		}
		if want := []int64{2, 6, 14, 29, 44, 59}; !slices.Equal(probes, want) {
			t.Errorf("probes at %v s, want %v", probes, want)
		}
		unsent, ok := sent(b, cancel, 80*second)
		b.Done(unsent, 80*second, budget.Unsent)
		heard, again := sent(b, cancel, 80*second)
		b.Done(heard, 80*second, budget.Heard)
		if !ok || !again {
			t.Errorf("after one that was not sent: %t, %t", ok, again)
		}
		if n, no := use(b, place, 5, 80*second); n != 5 {
			t.Errorf("when the ban is over: %d, %+v", n, no)
		}
	}
}

// TestBanUntil: a time that the venue has said is believed, also when it says another one; at its end one request goes first, whatever
// it is.
func TestBanUntil(t *testing.T) {
	b := newBudget(t, futures())
	b.Ban(budget.Everything, 0, second, true, "banned")
	for _, r := range []budget.Request{cancel, place} {
		if _, no, ok := b.Allow(r, second-1); ok || no.RetryAtNs != second || no.UntilNs != second {
			t.Errorf("%t, %+v", ok, no)
		}
	}
	ticket, ok := sent(b, place, second)
	if _, second1 := sent(b, cancel, second); !ok || second1 {
		t.Errorf("the first %t, the second %t", ok, second1)
	}
	b.Ban(budget.Everything, second, 3*second, true, "banned")
	b.Done(ticket, second, budget.Silent)
	if _, no, ok := b.Allow(cancel, 3*second-1); ok || no.RetryAtNs != 3*second {
		t.Errorf("%t, %+v", ok, no)
	}
	ticket, ok = sent(b, cancel, 3*second)
	b.Done(ticket, 3*second, budget.Heard)
	if n, no := use(b, cancel, 9, 3*second); !ok || n != 9 {
		t.Errorf("after the ban: %t, %d, %+v", ok, n, no)
	}
}
