package budget_test

import (
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/connector/internal/budget"
)

// sent reports whether a request is let through, and what it is.
func sent(b *budget.Budget, r budget.Request, nowNs int64) (budget.Ticket, bool) {
	ticket, _, ok := b.Allow(r, nowNs)
	if ok {
		b.Answered(ticket, nowNs)
	}
	return ticket, ok
}

// TestBanOfUnknownLength: cancels find out, one at a time and more and more rarely, and nothing else goes; what they
// hear ends it.
func TestBanOfUnknownLength(t *testing.T) {
	for _, scope := range []budget.Scope{budget.Everything, budget.REST} {
		b := newBudget(t, futures())
		const end = 600 * second
		if at := b.Ban(scope, 0, end, false, "banned"); at != 2*second {
			t.Errorf("first at %d", at)
		}
		var probes []int64
		for nowNs := int64(0); nowNs < 70*second; nowNs += second / 2 {
			if _, no, ok := b.Allow(place, nowNs); ok || !no.Banned || !no.Paused || no.UntilNs != end ||
				no.RetryAtNs <= nowNs || no.RetryAtNs > nowNs+15*second {
				t.Fatalf("an order: %t, %+v", ok, no)
			}
			if _, no, ok := b.Allow(byStream, nowNs); ok || !no.Banned || no.RetryAtNs <= nowNs {
				t.Errorf("an order by a stream, of which nobody could be asked: %t, %+v", ok, no)
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
		if want := []int64{2, 6, 11, 16, 21, 26, 31, 36, 41, 46, 51, 56, 61, 66}; !slices.Equal(probes, want) {
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

// TestBanUntil: a time that the venue has said is believed, also when it says another one; at its end one request goes
// first, whatever it is.
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

// TestBanOfOneWay: orders and cancels have another way, so a question by REST finds out whether REST is open again, and
// new orders go.
func TestBanOfOneWay(t *testing.T) {
	b := newBudget(t, futures())
	b.Ban(budget.REST, 0, 600*second, false, "banned")
	question := budget.Request{Kind: budget.Query, REST: true, Cost: budget.Cost{weight: 1}}
	if _, ok := sent(b, question, 2*second-1); ok {
		t.Error("a question at once")
	}
	for nowNs := second; nowNs < 3*second; nowNs += second / 2 {
		if _, ok := sent(b, budget.Request{Kind: budget.Cancel}, nowNs); !ok {
			t.Error("no cancel by the stream")
		}
		if _, ok := sent(b, byStream, nowNs); ok {
			t.Error("a new order of which nobody could be asked")
		}
	}
	ticket, ok := sent(b, question, 3*second)
	if _, again := sent(b, question, 3*second); !ok || again {
		t.Errorf("the first question %t, the second %t", ok, again)
	}
	b.Done(ticket, 3*second, budget.Heard)
	if _, ok := sent(b, byStream, 3*second); !ok {
		t.Error("no new order after the ban")
	}
}

// TestBanThatBeginsAgain: what has ended a ban may have gone another way; one that follows soon goes on with the waits
// of the last.
func TestBanThatBeginsAgain(t *testing.T) {
	b := newBudget(t, futures())
	var firsts []int64
	for nowNs := int64(0); nowNs < 200*second; {
		at := b.Ban(budget.Everything, nowNs, nowNs+600*second, false, "banned")
		firsts = append(firsts, (at-nowNs)/second)
		ticket, ok := sent(b, cancel, at)
		if !ok {
			t.Fatal("no probe")
		}
		b.Done(ticket, at, budget.Heard)
		if nowNs = at; len(firsts) == 6 {
			nowNs += 90 * second // that is another ban
		}
	}
	if want := []int64{2, 4, 8, 15, 15, 15, 2, 4, 8, 15}; !slices.Equal(firsts[:len(want)], want) {
		t.Errorf("the first probes after %v s, want %v", firsts, want)
	}
}

// TestBanToldWhileProbing: an answer to a probe does not end what the venue has said after the probe was sent.
func TestBanToldWhileProbing(t *testing.T) {
	b := newBudget(t, futures())
	b.Ban(budget.Everything, 0, 600*second, false, "banned")
	ticket, _ := sent(b, cancel, 2*second)
	b.Ban(budget.Everything, 2*second, 100*second, true, "banned until")
	b.Done(ticket, 3*second, budget.Heard)
	if _, no, ok := b.Allow(cancel, 50*second); ok || no.RetryAtNs != 100*second {
		t.Errorf("%t, %+v", ok, no)
	}
	again, ok := sent(b, cancel, 100*second)
	if at := b.Ban(budget.Everything, 100*second, 700*second, false, "banned"); !ok || at <= 100*second {
		t.Errorf("banned again until %d", at)
	}
	b.Done(again, 100*second, budget.Silent)
}

// TestBanOfAStream: a cancel that a stream loses goes by REST, which says nothing about the stream; of another ban that
// finds out.
func TestBanOfAStream(t *testing.T) {
	for scope, want := range map[budget.Scope]bool{budget.Stream: false, budget.Everything: true} {
		b := newBudget(t, futures())
		b.Ban(scope, 0, 600*second, false, "banned")
		cancel := budget.Request{Kind: budget.Cancel}
		ticket, ok := sent(b, cancel, 2*second)
		b.Done(ticket, 2*second, budget.Lost)
		if _, again := sent(b, cancel, 2*second); !ok || again != want {
			t.Errorf("scope %d: the first %t, one at once after it %t, want %t", scope, ok, again, want)
		}
		if _, byREST := sent(b, budget.Request{Kind: budget.Cancel, REST: true}, 2*second); byREST == want {
			t.Errorf("scope %d: by REST %t", scope, byREST)
		}
	}
}
