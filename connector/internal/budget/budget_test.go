package budget_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/internal/budget"
)

const (
	weight = iota
	orders
	create
)

const second = int64(time.Second)

func futures() budget.Config {
	return budget.Config{Skew: 20 * time.Millisecond, Limits: []budget.Limit{
		{Name: "weight per minute", Unit: weight, Max: 2400, Per: time.Minute, Kept: 0.1},
		{Name: "orders per 10 s", Unit: orders, Max: 300, Per: 10 * time.Second},
		{Name: "orders per minute", Unit: orders, Max: 1200, Per: time.Minute},
	}}
}

func newBudget(t testing.TB, config budget.Config) *budget.Budget {
	t.Helper()
	b, err := budget.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// use sends and answers n requests at once, and returns how many were allowed.
func use(b *budget.Budget, r budget.Request, n int, nowNs int64) (allowed int, last budget.Refusal) {
	for range n {
		ticket, no, ok := b.Allow(r, nowNs)
		if !ok {
			last = no
			continue
		}
		b.Answered(ticket, nowNs)
		allowed++
	}
	return allowed, last
}

var (
	place    = budget.Request{Kind: budget.Submit, REST: true, Cost: budget.Cost{orders: 1}}
	cancel   = budget.Request{Kind: budget.Cancel, REST: true, Cost: budget.Cost{weight: 1}}
	snapshot = budget.Request{Kind: budget.Other, REST: true, Cost: budget.Cost{weight: 20}}
	byStream = budget.Request{Kind: budget.Submit, Cost: budget.Cost{orders: 1}}
)

func TestTwoLimitsOfOneUnit(t *testing.T) {
	b := newBudget(t, futures())
	now := 120 * second
	for window := range int64(6) {
		at := now + window*10*second + second
		allowed, no := use(b, place, 400, at)
		want := 300
		if window >= 4 {
			want = 0
		}
		if allowed != want {
			t.Fatalf("window %d: %d orders are allowed", window, allowed)
		}
		wantWhy, wantRetry := "orders per 10 s", at-second+10*second+int64(20*time.Millisecond)
		if window >= 3 { // from now on the minute is used up, and over later
			wantWhy, wantRetry = "orders per minute", now+60*second+int64(20*time.Millisecond)
		}
		if no.Why != wantWhy || no.RetryAtNs != wantRetry {
			t.Fatalf("window %d: refused by %q until %d, not %q until %d", window, no.Why, no.RetryAtNs, wantWhy,
				wantRetry)
		}
		if _, _, ok := b.Allow(place, no.RetryAtNs-1); ok {
			t.Fatal("allowed before the time that was said")
		}
	}
	if allowed, _ := use(b, place, 1, now+60*second+int64(20*time.Millisecond)); allowed != 1 {
		t.Error("not allowed at the time that was said")
	}
}

func TestCancelsPassWhileOthersAreRefused(t *testing.T) {
	b := newBudget(t, futures())
	now := 60*second + second
	snapshots, _ := use(b, snapshot, 1000, now)
	if snapshots != 108 { // 2160 of 2400
		t.Errorf("%d snapshots are allowed", snapshots)
	}
	question := cancel
	question.Kind = budget.Query
	if n, no := use(b, question, 300, now); n != 120 || no.Why != "weight per minute" {
		t.Errorf("%d questions are allowed, then %+v", n, no)
	}
	if n, no := use(b, cancel, 300, now); n != 120 || no.Why != "weight per minute" {
		t.Errorf("%d cancels are allowed, then %+v", n, no)
	}
	one := newBudget(t, budget.Config{Limits: []budget.Limit{{Name: "one", Max: 1, Per: time.Second, Kept: 0.5}}})
	if _, no, ok := one.Allow(budget.Request{Cost: budget.Cost{1}}, 0); !ok {
		t.Errorf("of 1 nothing can be kept, but %+v", no)
	}
	if _, no, ok := one.Allow(budget.Request{Cost: budget.Cost{2}}, 0); ok || no.RetryAtNs != budget.Never {
		t.Errorf("2 of 1: %+v, %t", no, ok)
	}
}

func TestTheVenueWins(t *testing.T) {
	b := newBudget(t, futures())
	at := 60*second + second
	seen := func(used int64) budget.Seen { return budget.Seen{Limit: 1, Used: used} }
	first, _, _ := b.Allow(place, at)
	second2, _, _ := b.Allow(place, at)
	b.Answered(second2, at, seen(250)) // somebody else uses the account, too
	if u := b.Usage(at)[1]; u.Used != 251 || u.Pending != 1 {
		t.Errorf("%+v, not the venue's 250 and the one under way", u)
	}
	b.Answered(first, at, seen(249)) // overtaken
	if u := b.Usage(at)[1]; u.Used != 250 || u.Pending != 0 {
		t.Errorf("%+v after an answer that was overtaken", u)
	}
	if n, _ := use(b, place, 100, at); n != 50 {
		t.Errorf("%d more are allowed, not 50", n)
	}
	late, _, ok := b.Allow(cancel, at)
	if !ok {
		t.Fatal("a cancel is refused")
	}
	b.Answered(late, at+10*second, seen(299))
	if u := b.Usage(at + 10*second)[1]; u.Used != 0 {
		t.Errorf("%+v: an answer about the last window is taken for this one", u)
	}
	change, _, _ := b.Allow(place, at+10*second)
	b.Answered(change, at+10*second, budget.Seen{Limit: 1, Used: 1, Max: 10})
	if n, _ := use(b, place, 100, at+10*second); n != 9 {
		t.Errorf("%d are allowed of the new limit, not 9", n)
	}
}

// TestRefunds: spot's count of orders goes down when orders are filled.
func TestRefunds(t *testing.T) {
	b := newBudget(t, budget.Config{Limits: []budget.Limit{{Name: "orders", Max: 100, Per: 10 * time.Second,
		Refunds: true}}})
	r := budget.Request{Cost: budget.Cost{1}}
	if n, _ := use(b, r, 99, second); n != 99 {
		t.Fatal(n)
	}
	ticket, _, _ := b.Allow(r, second)
	b.Answered(ticket, second, budget.Seen{Used: 40})
	first, _, _ := b.Allow(budget.Request{Kind: budget.Query}, second+1)
	overtaken, _, _ := b.Allow(budget.Request{Kind: budget.Query}, second+1)
	b.Answered(first, second+2, budget.Seen{Used: 30})
	// The 99 that were answered without a count may have come after the venue counted: they stay counted.
	if u := b.Usage(second + 2)[0]; u.Used != 30+99 {
		t.Errorf("%+v", u)
	}
	b.Answered(overtaken, second+3, budget.Seen{Used: 29}) // what the venue counted before the first, or after a fill
	if u := b.Usage(second + 3)[0]; u.Used != 30+99 {
		t.Errorf("%+v after an answer that may have been overtaken", u)
	}
}

func TestSlidingIsExhausted(t *testing.T) {
	b := newBudget(t, budget.Config{Limits: []budget.Limit{{Name: "create", Unit: create, Max: 10, Per: time.Second,
		Model: budget.Sliding}}})
	r := budget.Request{Cost: budget.Cost{create: 1}}
	ticket, _, _ := b.Allow(r, 5*second)
	b.Answered(ticket, 5*second, budget.Seen{Limit: 0, Used: 8})
	n, no := use(b, r, 10, 5*second+second/2)
	if n != 2 || no.RetryAtNs != 6*second {
		t.Errorf("%d more are allowed, then %+v", n, no)
	}
	if n, _ := use(b, r, 10, 6*second); n != 8 {
		t.Errorf("%d are allowed a second later, not 8", n)
	}
	ticket, _, _ = b.Allow(r, 8*second)
	b.Answered(ticket, 8*second, budget.Seen{Used: 10, ExhaustedUntilNs: 8*second + 400})
	if _, no, ok := b.Allow(r, 8*second+399); ok || no.RetryAtNs != 8*second+400 {
		t.Errorf("%t, %+v", ok, no)
	}
	if _, no, ok := b.Allow(r, 8*second+400); ok || no.RetryAtNs != 9*second {
		t.Errorf("ten are used, but %t, %+v", ok, no)
	}
}

func TestPauses(t *testing.T) {
	for _, c := range []struct {
		scope   budget.Scope
		allowed []bool // place, cancel, byStream
	}{
		{budget.Everything, []bool{false, false, false}}, {budget.Submits, []bool{false, true, false}},
		{budget.REST, []bool{false, false, true}},
	} {
		b := newBudget(t, futures())
		b.Pause(c.scope, 90*second, "banned")
		b.Pause(c.scope, 80*second, "too many requests") // does not shorten it
		for i, r := range []budget.Request{place, cancel, byStream} {
			ticket, no, ok := b.Allow(r, 70*second)
			if ok != c.allowed[i] || !ok && (no.RetryAtNs != 90*second || no.Why != "banned") {
				t.Errorf("scope %d, request %d: %t, %+v", c.scope, i, ok, no)
			}
			b.Answered(ticket, 70*second)
			if _, _, ok := b.Allow(r, 90*second); !ok {
				t.Errorf("scope %d, request %d: refused when the pause is over", c.scope, i)
			}
		}
		if untilNs, why := b.PausedUntilNs(c.scope, 85*second); untilNs != 90*second || why != "banned" {
			t.Errorf("paused until %d: %s", untilNs, why)
		}
		if untilNs, _ := b.PausedUntilNs(c.scope, 90*second); untilNs != 0 {
			t.Errorf("paused until %d", untilNs)
		}
	}
}

func TestClockSetBack(t *testing.T) {
	for _, model := range []budget.Model{budget.Fixed, budget.Sliding} {
		b := newBudget(t, budget.Config{Limits: []budget.Limit{{Name: "x", Max: 10, Per: time.Second, Model: model}}})
		r := budget.Request{Cost: budget.Cost{1}}
		use(b, r, 10, 3600*second)
		if n, _ := use(b, r, 1, 3600*second-5); n != 0 {
			t.Errorf("model %d: a little back makes room", model)
		}
		n, no := use(b, r, 1, 100*second)
		if n != 0 || no.RetryAtNs > 101*second {
			t.Errorf("model %d: %d allowed, then %+v", model, n, no)
		}
		if n, _ := use(b, r, 10, no.RetryAtNs); n != 10 {
			t.Errorf("model %d: %d allowed after an hour back and a window", model, n)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := budget.Limit{Name: "good", Max: 1, Per: time.Second}
	for want, change := range map[string]func(c *budget.Config){
		"unit 16":         func(c *budget.Config) { c.Limits[0].Unit = 16 },
		"unit -1":         func(c *budget.Config) { c.Limits[0].Unit = -1 },
		"0 per 1s":        func(c *budget.Config) { c.Limits[0].Max = 0 },
		"1 per 0s":        func(c *budget.Config) { c.Limits[0].Per = 0 },
		"kept share 1":    func(c *budget.Config) { c.Limits[0].Kept = 1 },
		"kept share -0.1": func(c *budget.Config) { c.Limits[0].Kept = -0.1 },
		"no model 2":      func(c *budget.Config) { c.Limits[0].Model = 2 },
		"a skew of 1s":    func(c *budget.Config) { c.Skew = time.Second },
		"negative":        func(c *budget.Config) { c.Skew = -1 },
	} {
		c := budget.Config{Limits: []budget.Limit{good}}
		change(&c)
		if _, err := budget.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// arrival is a request on its way.
type arrival struct {
	arriveNs, answerNs int64
	ticket             budget.Ticket
	n                  int64
	used               int64 // what the venue counted, once arrived
	answered           bool  // the venue has it, the answer is under way
}

func (a *arrival) at() int64 {
	if a.answered {
		return a.answerNs
	}
	return a.arriveNs
}

type way []*arrival

func (w way) Len() int           { return len(w) }
func (w way) Less(i, j int) bool { return w[i].at() < w[j].at() }
func (w way) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *way) Push(x any)        { *w = append(*w, x.(*arrival)) }
func (w *way) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}

// TestNoWindowOfTheVenueEverHoldsMore: whatever the delays, the clocks' difference, the order of arrival and the
// answers that are lost, and as tightly as requests are asked for.
func TestNoWindowOfTheVenueEverHoldsMore(t *testing.T) {
	for _, model := range []budget.Model{budget.Fixed, budget.Sliding} {
		for seed := range uint64(40) {
			t.Run(fmt.Sprintf("model %d seed %d", model, seed), func(t *testing.T) { play(t, model, seed) })
		}
	}
}

func play(t *testing.T, model budget.Model, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	const perNs, skewNs, maximum = int64(time.Second), int64(10 * time.Millisecond), 20
	b := newBudget(t, budget.Config{Skew: time.Duration(skewNs),
		Limits: []budget.Limit{{Name: "x", Max: maximum, Per: time.Duration(perNs), Model: model, Kept: 0.25}}})
	clockNs := rng.Int64N(2*skewNs+1) - skewNs // the venue's clock less the local one
	delayNs := []int64{1e5, 1e7, 3e8, 2e9}[seed%4]
	var under way
	var arrivals []arrival // in order of arrival, by the venue's clock
	usedOf := map[int64]int64{}
	submits, refused, cancels := 0, 0, 0
	deliver := func(untilNs int64) {
		for len(under) > 0 && under[0].at() <= untilNs {
			a := heap.Pop(&under).(*arrival)
			if a.answered {
				if rng.IntN(4) == 0 {
					b.Answered(a.ticket, a.answerNs)
				} else {
					b.Answered(a.ticket, a.answerNs, budget.Seen{Used: a.used})
				}
				continue
			}
			venueNs := a.arriveNs + clockNs
			usedOf[venueNs/perNs] += a.n
			a.used = usedOf[venueNs/perNs]
			arrivals = append(arrivals, arrival{arriveNs: venueNs, n: a.n})
			a.answered = true
			heap.Push(&under, a)
		}
	}
	nowNs, burst := 1000*perNs, 0
	for nowNs < 1030*perNs {
		if rng.IntN(16) == 0 {
			// just before a window ends, or maybe just after
			nowNs = max(nowNs, (nowNs/perNs+1)*perNs-rng.Int64N(2*skewNs))
			burst = 15
		}
		if burst--; burst < 0 {
			nowNs += rng.Int64N(perNs / 30)
		} else {
			nowNs += rng.Int64N(skewNs / 8)
		}
		deliver(nowNs)
		kind := budget.Kind(rng.IntN(4))
		n := 1 + rng.Int64N(3)
		ticket, no, ok := b.Allow(budget.Request{Kind: kind, Cost: budget.Cost{int32(n)}}, nowNs)
		if !ok {
			if no.RetryAtNs <= nowNs {
				t.Fatalf("refused until %d at %d", no.RetryAtNs, nowNs)
			}
			refused++
			continue
		}
		if kind == budget.Submit {
			submits++
		} else if kind == budget.Cancel {
			cancels++
		}
		arriveNs := nowNs + rng.Int64N(delayNs)
		heap.Push(&under, &arrival{arriveNs: arriveNs, answerNs: arriveNs + rng.Int64N(delayNs), ticket: ticket, n: n})
	}
	deliver(nowNs + 10*perNs)
	if len(arrivals) < 50 || refused < 10 || submits == 0 || cancels <= submits {
		t.Fatalf("%d requests, %d refused, %d submits, %d cancels: this proves nothing", len(arrivals), refused,
			submits, cancels)
	}
	if model == budget.Fixed {
		for window, used := range usedOf {
			if used > maximum {
				t.Errorf("window %d of the venue holds %d of %d", window, used, maximum)
			}
		}
		return
	}
	sum, first := int64(0), 0
	for i, a := range arrivals {
		sum += a.n
		for arrivals[first].arriveNs <= a.arriveNs-perNs {
			sum -= arrivals[first].n
			first++
		}
		if sum > maximum {
			t.Fatalf("the second before arrival %d holds %d of %d", i, sum, maximum)
		}
	}
}

// TestNothingIsWasted: without delays the whole limit can be used in each window.
func TestNothingIsWasted(t *testing.T) {
	for _, model := range []budget.Model{budget.Fixed, budget.Sliding} {
		b := newBudget(t, budget.Config{Limits: []budget.Limit{{Name: "x", Max: 50, Per: time.Second, Model: model}}})
		total := 0
		for ms := range int64(20_000) {
			n, _ := use(b, budget.Request{Cost: budget.Cost{1}}, 1, ms*int64(time.Millisecond))
			total += n
		}
		if total < 20*50*99/100 {
			t.Errorf("model %d: %d of 1000", model, total)
		}
	}
}

// TestManyGoroutines is for the race detector; what is left at the end is what was answered.
func TestManyGoroutines(t *testing.T) {
	b := newBudget(t, futures())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				use(b, cancel, 1, second)
				b.Pause(budget.Submits, 2*second, "x")
				b.Usage(second)
			}
		})
	}
	all.Wait()
	if u := b.Usage(second)[0]; u.Used != 800 || u.Pending != 0 {
		t.Errorf("%+v", u)
	}
}

func TestNoAllocations(t *testing.T) {
	config := futures()
	config.Limits = append(slices.Clone(config.Limits), budget.Limit{Name: "create", Unit: create, Max: 1 << 40,
		Per: time.Second, Model: budget.Sliding})
	b := newBudget(t, config)
	r := budget.Request{Cost: budget.Cost{weight: 1, orders: 1, create: 1}}
	now := int64(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += second
		ticket, _, _ := b.Allow(r, now)
		b.Answered(ticket, now, budget.Seen{Limit: 0, Used: 1}, budget.Seen{Limit: 1, Used: 1})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAllow(b *testing.B) {
	budget1 := newBudget(b, futures())
	now := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		now += second / 10
		ticket, _, ok := budget1.Allow(place, now)
		if !ok {
			b.Fatal("refused")
		}
		budget1.Answered(ticket, now, budget.Seen{Limit: 1, Used: 1})
	}
}

func Example() {
	b, err := budget.New(budget.Config{Limits: []budget.Limit{
		{Name: "orders per 10 s", Unit: orders, Max: 2, Per: 10 * time.Second},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	nowNs := 100 * second
	for range 3 {
		ticket, no, ok := b.Allow(budget.Request{Kind: budget.Submit, Cost: budget.Cost{orders: 1}}, nowNs)
		if !ok {
			fmt.Printf("%s, again in %v\n", no.Why, time.Duration(no.RetryAtNs-nowNs))
			continue
		}
		fmt.Println("sent")
		b.Answered(ticket, nowNs) // with what the answer's headers say
	}
	// Output:
	// sent
	// sent
	// orders per 10 s, again in 10s
}
