package feed_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

func TestCheckTimes(t *testing.T) {
	const now, day = int64(1_700_000_000_000_000_000), int64(24 * time.Hour)
	for _, c := range []struct {
		name           string
		kind           connector.MessageKind
		exchNs, rowsNs []int64 // of the message, of its rows
		ok             bool
	}{
		{"now", connector.MessageDepth, []int64{now}, []int64{now}, true},
		{"a day ahead", connector.MessageDepth, []int64{now + day}, []int64{now + day}, true},
		{"a day behind", connector.MessageTrade, []int64{now - day}, []int64{now - day}, true},
		{"two days and more ahead", connector.MessageDepth, []int64{now + 2*day + 1}, nil, false},
		{"more than a day ahead", connector.MessageDepth, []int64{now + day + 1}, nil, false},
		{"more than a day behind", connector.MessageBBO, []int64{now - day - 1}, nil, false},
		{"seconds for milliseconds", connector.MessageTrade, []int64{now / 1000}, []int64{now / 1000}, false},
		{"zero", connector.MessageDepth, []int64{0}, []int64{0}, false},
		{"none", connector.MessageSnapshot, []int64{0}, []int64{now}, true},
		{"negative", connector.MessageTrade, []int64{-now}, []int64{-now}, false},
		{"the second trade", connector.MessageTrade, []int64{now}, []int64{now, math.MaxInt64}, false},
		{"the least", connector.MessageTrade, []int64{now}, []int64{math.MinInt64, now}, false},
	} {
		m := connector.Message{Kind: c.kind, ExchTimestampNs: c.exchNs[0]}
		for _, ns := range c.rowsNs {
			m.Events = append(m.Events, hft.Event{ExchTimestampNs: ns})
		}
		if err := feed.CheckTimes(now, &m); (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "2023-11-14T22:13:20Z") && !strings.Contains(err.Error(), "before 1970") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for exchNs, want := range map[int64]string{now + day + day/6: "is 28 hours after the", now - 2*day: "is 2 days before the", now + 3*day: "(they may be 24 hours apart)"} {
		if err := feed.CheckTimes(now, &connector.Message{ExchTimestampNs: exchNs}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	// A clock that is years off stamps rows for which the venue has told no time.
	m := connector.Message{Kind: connector.MessageSnapshot, Events: []hft.Event{{ExchTimestampNs: now / 2, LocalTimestampNs: now / 2}}}
	if err := feed.CheckTimes(now, &m); err != nil {
		t.Error(err)
	}
}

// TestWrongTimeLosesTheBook: nothing of a message with a wrong time is published, and a book that lacks rows is not
// kept.
func TestWrongTimeLosesTheBook(t *testing.T) {
	const now = int64(1_700_000_000_000_000_000)
	message := func(kind connector.MessageKind, id, exchNs int64) *connector.Message {
		return &connector.Message{Kind: kind, FirstID: id, LastID: id, Seq: id, ExchTimestampNs: exchNs,
			Events: []hft.Event{event(hft.DepthEvent, hft.Buy, 100, float64(id), exchNs)}}
	}
	for _, rule := range []connector.Rule{connector.RuleSpot, connector.RuleStreamed} {
		b, err := feed.NewBook(feed.Config{TickSize: 0.1, LotSize: 0.001, Rule: rule})
		if err != nil {
			t.Fatal(err)
		}
		step := func(kind connector.MessageKind, id, exchNs int64) feed.Out {
			return b.Take(now, message(kind, id, exchNs))
		}
		if out := step(connector.MessageSnapshot, 9, now*2); said(&out, feed.BadTime) == "" || len(out.Events) > 0 || b.Synced() {
			t.Errorf("rule %d: a wrong snapshot gives %+v", rule, out)
		}
		step(connector.MessageSnapshot, 10, now)
		step(connector.MessageDepth, 11, now)
		if !b.Synced() {
			t.Fatalf("rule %d: the book is not there", rule)
		}
		if out := step(connector.MessageTrade, 1, now*2); said(&out, feed.BadTime) == "" || out.Stale != "" || len(out.Events) > 0 || !b.Synced() {
			t.Errorf("rule %d: a wrong trade gives %+v", rule, out)
		}
		if out := step(connector.MessageDepth, 12, now*2); said(&out, feed.BadTime) == "" || out.Stale == "" || !out.NeedSnapshot || said(&out, feed.Gap) != "depth updates after 11 are missing: this message was skipped" || len(out.Events) > 0 || b.Synced() {
			t.Errorf("rule %d: a wrong difference gives %+v", rule, out)
		}
		if out := step(connector.MessageDepth, 13, now); len(out.Events) > 0 || b.Synced() {
			t.Errorf("rule %d: the next difference gives %+v", rule, out)
		}
		for id := range int64(5) { // nor do several agree on a time
			if out := step(connector.MessageTrade, 2+id, now+int64(20*24*time.Hour)); said(&out, feed.BadTime) == "" || len(out.Events) > 0 {
				t.Errorf("rule %d: a trade of days ahead gives %+v", rule, out)
			}
		}
		step(connector.MessageSnapshot, 13, now)
		if out := step(connector.MessageDepth, 14, now); !b.Synced() || len(out.Events) == 0 {
			t.Errorf("rule %d: after a snapshot, the next difference gives %+v", rule, out)
		}
	}
}

// TestNumbersBegunAnew: where a venue's sequence numbers begin anew, no quote of before stays over the book that comes
// then.
func TestNumbersBegunAnew(t *testing.T) {
	const now = int64(1_700_000_000_000_000_000)
	b, err := feed.NewBook(feed.Config{TickSize: 0.1, LotSize: 0.001, Rule: connector.RuleStreamed, Quotes: true})
	if err != nil {
		t.Fatal(err)
	}
	message := func(kind connector.MessageKind, id, seq int64, bid, ask float64) feed.Out {
		return b.Take(now+id+seq, &connector.Message{Kind: kind, FirstID: id, LastID: id, Seq: seq, ExchTimestampNs: now + 1,
			Events: []hft.Event{event(hft.DepthEvent, hft.Buy, bid, 1, now+1), event(hft.DepthEvent, hft.Sell, ask, 1, now+1)}})
	}
	rows := func(out feed.Out) (text string) {
		for i := range out.Events {
			text += fmt.Sprintf("%v@%v ", out.Events[i].Qty, out.Events[i].Px)
		}
		return text
	}
	message(connector.MessageSnapshot, 1000, 5_000_000, 100, 101)
	if got := rows(message(connector.MessageBBO, 5_000_001, 5_000_001, 100.5, 100.6)); got == "" {
		t.Fatal("the quote changes nothing")
	}
	m := connector.Message{Kind: connector.MessageSnapshot, FirstID: 1, LastID: 1, Seq: 10, ExchTimestampNs: now + 5,
		Events: []hft.Event{event(hft.DepthEvent, hft.Buy, 90, 1, now+5), event(hft.DepthEvent, hft.Sell, 91, 1, now+5)}}
	if got := rows(b.Take(now+10_000_000, &m)); got != "0@NaN 1@90 1@91 " {
		t.Errorf("the whole book anew gives %s", got)
	}
	if got := rows(message(connector.MessageBBO, 11, 11, 90.5, 91)); !strings.Contains(got, "1@90.5") {
		t.Errorf("the next quote gives %q", got)
	}
}

// TestEarlyMessage: live as in a file, one message that is received before it happened has a wrong time; where the next one is as
// early, the clock is wrong.
func TestEarlyMessage(t *testing.T) {
	const now, hour = int64(1_700_000_000_000_000_000), int64(time.Hour)
	b, err := feed.NewBook(feed.Config{TickSize: 0.1, LotSize: 0.001, Rule: connector.RuleSpot})
	if err != nil {
		t.Fatal(err)
	}
	id := int64(10)
	step := func(kind connector.MessageKind, exchNs int64) feed.Out {
		if kind == connector.MessageDepth {
			id++
		}
		return b.Take(now+id, &connector.Message{Kind: kind, FirstID: id, LastID: id, Seq: id, ExchTimestampNs: exchNs,
			Events: []hft.Event{event(hft.DepthEvent, hft.Buy, 100, float64(id), exchNs)}})
	}
	refused := func(out feed.Out) bool { return said(&out, feed.BadTime) != "" && len(out.Events) == 0 }
	step(connector.MessageSnapshot, now)
	step(connector.MessageDepth, now)
	for _, exchNs := range []int64{now, now + int64(time.Minute)} { // as far as a clock is known
		if out := step(connector.MessageTrade, exchNs); refused(out) {
			t.Fatalf("a message of its time gives %+v", out)
		}
	}
	if out := step(connector.MessageTrade, now+2*hour); !refused(out) || !b.Synced() {
		t.Errorf("a trade two hours ahead gives %+v", out)
	}
	if out := step(connector.MessageTrade, now+20*hour); !refused(out) {
		t.Errorf("one twenty hours ahead, which the one before does not bear out, gives %+v", out)
	}
	if out := step(connector.MessageTrade, now); refused(out) {
		t.Errorf("the next one of its time gives %+v", out)
	}
	if out := step(connector.MessageDepth, now+20*hour); !refused(out) || out.Stale == "" || !out.NeedSnapshot {
		t.Errorf("a difference twenty hours ahead gives %+v", out)
	}
	step(connector.MessageDepth, now)
	step(connector.MessageSnapshot, now)
	step(connector.MessageDepth, now)
	if out := step(connector.MessageDepth, now+hour); !refused(out) {
		t.Errorf("the first of an hour ahead gives %+v", out)
	}
	step(connector.MessageSnapshot, now+hour)
	if out := step(connector.MessageDepth, now+hour+int64(time.Second)); refused(out) || len(out.Events) == 0 || !b.Synced() {
		t.Errorf("the clock is an hour behind, as several messages say, and a difference gives %+v", out)
	}
}
