package feed_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// lagging is a venue behind lines that stall: depth and quotes come over a connection each, in their order, and
// either may overtake the other.
type lagging struct {
	*rand.Rand
	e *exchange
	// skewed makes the venue's times contradict its sequence.
	skewed   bool
	messages []delayed
	// doneNs is the time of receipt of the newest message of depth and of quotes.
	doneNs [2]int64
	// stalledNs is the time at which a line begins to work again.
	stalledNs [2]int64
}

type delayed struct {
	localNs int64
	m       *connector.Message
}

const changeNs = int64(50 * time.Millisecond)

func (v *lagging) nowNs() int64 { return 1e18 + v.e.seq*changeNs }

func (v *lagging) send(m *connector.Message) {
	line := 0
	if m.Kind == connector.MessageBBO {
		line = 1
	}
	if v.IntN(60) == 0 {
		v.stalledNs[line] = v.nowNs() + v.Int64N(int64(20*time.Second))
		if v.IntN(2) == 0 { // both are one line
			v.stalledNs[1-line] = v.stalledNs[line]
		}
	}
	localNs := max(v.nowNs()+int64(5*time.Millisecond)+v.Int64N(int64(200*time.Millisecond)), v.stalledNs[line])
	localNs = max(localNs, v.doneNs[line]+1000)
	v.doneNs[line] = localNs
	timed := m.ExchTimestampNs != 0
	if timed {
		m.ExchTimestampNs = 1e18 + m.ExchTimestampNs*changeNs
		if v.skewed && v.IntN(8) == 0 {
			m.ExchTimestampNs += v.Int64N(int64(30*time.Second)) - int64(15*time.Second)
		}
	}
	for i := range m.Events {
		e := &m.Events[i]
		e.LocalTimestampNs, e.ExchTimestampNs = localNs, localNs
		if timed {
			e.ExchTimestampNs = m.ExchTimestampNs
		}
	}
	v.messages = append(v.messages, delayed{localNs, m})
}

func (v *lagging) run(n int) {
	streamed := v.e.rule == connector.RuleStreamed
	if streamed {
		v.send(v.e.snapshot())
	}
	for i := range n {
		v.e.change()
		if v.IntN(2) == 0 {
			v.send(v.e.quote())
		}
		if s := v.e.streams[0]; v.IntN(5) == 0 && s.told < v.e.seq {
			v.send(v.e.depth(s))
		}
		if i == 20 && !streamed || v.IntN(200) == 0 {
			v.send(v.e.snapshot())
		}
	}
	slices.SortStableFunc(v.messages, func(a, b delayed) int { return cmp.Compare(a.localNs, b.localNs) })
}

// TestBothOrdersGiveOneBook: rows by exchange time make the book that they make in the order of receipt, at the
// end and whenever both have had the same rows, whatever the lines do. Where no time is made up or wrong, none
// is changed.
func TestBothOrdersGiveOneBook(t *testing.T) {
	compared, moved := 0, 0
	for seed := range uint64(300) {
		rule := connector.RuleFutures + connector.Rule(seed%3)
		v := &lagging{Rand: rand.New(rand.NewPCG(seed, 11)), skewed: seed%2 == 0}
		v.e = newExchange(v.Rand, rule)
		v.run(600)
		b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: rule, Quotes: true})
		if err != nil {
			t.Fatal(err)
		}
		o := feed.Ordered{Book: b}
		var rows []hft.Event
		newestNs, floorNs := int64(0), int64(0)
		for _, d := range v.messages {
			of, out := o.TakeRows(d.localNs, d.m)
			whole := out.Stale != "" || len(of) > 0 && of[0].Kind() == hft.DepthClearEvent
			for i := range of {
				newestNs = max(newestNs, of[i].ExchTimestampNs)
			}
			if whole {
				floorNs = newestNs
			}
			for i := range of {
				if timeless := rule == connector.RuleSpot || v.skewed; !timeless && !whole && of[i].ExchTimestampNs != max(d.m.ExchTimestampNs, floorNs) {
					t.Fatalf("seed %d: %s of %d has a row of %d", seed, describe(d.m), d.m.ExchTimestampNs, of[i].ExchTimestampNs)
				}
				if of[i].ExchTimestampNs != d.m.ExchTimestampNs {
					moved++
				}
			}
			rows = append(rows, of...)
		}
		compared += compareOrders(t, fmt.Sprintf("seed %d, rule %v", seed, rule), rows)
	}
	t.Logf("compared %d times, %d rows moved in time", compared, moved)
	if compared < 10_000 || moved < 10_000 {
		t.Errorf("compared %d times, %d rows moved in time: the test shows little", compared, moved)
	}
}

// compareOrders compares the books of rows in order of receipt and of exchange time at each moment at which
// both are of the same rows, and returns at how many, up to some thousand.
func compareOrders(t *testing.T, what string, rows []hft.Event) int {
	t.Helper()
	byTime := slices.Clone(rows)
	slices.SortStableFunc(byTime, func(a, b hft.Event) int { return cmp.Compare(a.ExchTimestampNs, b.ExchTimestampNs) })
	later := make([]int64, len(rows)+1) // the earliest time from a row on
	later[len(rows)] = math.MaxInt64
	for i := len(rows) - 1; i >= 0; i-- {
		later[i] = min(later[i+1], rows[i].ExchTimestampNs)
	}
	received, happened := newSides(), newSides()
	newestNs, both, compared, every := int64(0), 0, 0, len(rows)/1000
	for i := range rows {
		if err := received.apply(rows[i : i+1]); err != nil {
			t.Fatal(err)
		}
		if err := happened.apply(byTime[i : i+1]); err != nil {
			t.Fatal(err)
		}
		newestNs = max(newestNs, rows[i].ExchTimestampNs)
		if newestNs > later[i+1] {
			continue // what is behind this row comes before it
		}
		if both++; every > 0 && both%every != 0 && i < len(rows)-1 {
			continue // a thousand times are enough
		}
		if compared++; !received.equal(happened) {
			t.Fatalf("%s: after row %d of %d at %d in order of receipt %v, by exchange time %v", what, i, len(rows), newestNs, received, happened)
		}
	}
	return compared
}

// TestBothOrdersOfARecording: the same of the samples, as recorded over one line that stalls for 12 s every
// minute, and over two of which that of depth is 5 ms behind and stalls for 300 ms every 2 s.
func TestBothOrdersOfARecording(t *testing.T) {
	for _, d := range days {
		for _, line := range []struct {
			stall, every, behind time.Duration
		}{{12 * time.Second, time.Minute, 0}, {300 * time.Millisecond, 2 * time.Second, 5 * time.Millisecond}} {
			b, err := feed.NewBook(feed.Config{TickSize: d.tick, LotSize: d.lot, Rule: d.rule, Quotes: true})
			if err != nil {
				t.Fatal(err)
			}
			var messages []delayed
			decoder, n := d.decoder(), 0
			sampletest.EachLine(t, func(localNs int64, text []byte) {
				m := new(connector.Message)
				if n++; n > 30_000 || decoder.Decode(localNs, text, m) != nil || m.Kind == connector.MessageIgnored || m.Kind == connector.MessageTrade {
					return
				}
				if at := localNs % int64(line.every); at < int64(line.stall) {
					localNs += int64(line.stall) - at
				}
				if m.Kind == connector.MessageDepth {
					localNs += int64(line.behind)
				}
				m.Events = slices.Clone(m.Events)
				messages = append(messages, delayed{localNs, m})
			}, sampletest.Path(t, d.venue, d.symbol))
			slices.SortStableFunc(messages, func(a, b delayed) int { return cmp.Compare(a.localNs, b.localNs) })
			o := feed.Ordered{Book: b}
			var rows []hft.Event
			for _, d := range messages {
				of, _ := o.TakeRows(d.localNs, d.m)
				rows = append(rows, of...)
			}
			what := fmt.Sprintf("%s of %s, %v behind, stalled for %v", d.symbol, d.venue, line.behind, line.stall)
			if compared := compareOrders(t, what, rows); compared < 100 {
				t.Errorf("%s: compared %d times: the test shows little", what, compared)
			}
		}
	}
}
