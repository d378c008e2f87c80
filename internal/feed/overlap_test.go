package feed_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestRepeatedUpdates: what a second connection or an overlapping file brings again is neither published nor recorded,
// and counted. It says nothing about the grid.
func TestRepeatedUpdates(t *testing.T) {
	for rule := connector.RuleFutures; rule.Valid(); rule++ {
		k := newTaker(t, feed.Config{Rule: rule})
		k.take(bookAt(connector.MessageSnapshot, rule, 0, 9, 0, 9, bid(99, 1)))
		update := func(id int64, qty float64) feed.Out {
			return k.take(bookAt(connector.MessageDepth, rule, id, id, id-1, id, bid(100, qty)))
		}
		for _, id := range []int64{10, 11} {
			if out := update(id, 0.5); out.Seen {
				t.Errorf("%v: %d is said to have come before", rule, id)
			}
		}
		offGrid := found(k.b, feed.OffGrid)
		if out := update(10, 0.5); !out.Seen || found(k.b, feed.Overlap) != 1 || found(k.b, feed.OffGrid) != offGrid {
			t.Errorf("%v: an update that came before: %+v, counted %d times", rule, out, found(k.b, feed.Overlap))
		}
		if r := k.b.Report(); r.Found[feed.Overlap].First.LocalNs != 10 {
			t.Errorf("%v: %+v", rule, r.Found[feed.Overlap])
		}
		if out := k.take(bookAt(connector.MessageSnapshot, rule, 0, 11, 0, 11, bid(99, 1))); out.Seen {
			t.Errorf("%v: a snapshot of the same is not recorded", rule)
		}
		// A gap, and what comes again while the book is missing.
		update(20, 1)
		if out := update(20, 1); !out.Seen || found(k.b, feed.Overlap) != 2 {
			t.Errorf("%v: an update that came before, without a book: %+v", rule, out)
		}
		stale := bookAt(connector.MessageSnapshot, rule, 0, 12, 0, 12, bid(99, 1))
		if out := k.take(stale); !out.NeedSnapshot || found(k.b, feed.StaleSnapshot) != 1 {
			t.Errorf("%v: a snapshot of before the gap: %+v, counted %d times", rule, out, found(k.b, feed.StaleSnapshot))
		}
	}
}

// TestRepeatedNaturalUpdates: rows as they come, and the stream stays where it is.
func TestRepeatedNaturalUpdates(t *testing.T) {
	k := newTaker(t, feed.Config{Rule: connector.RuleFutures, Natural: true})
	for i, id := range []int64{10, 11, 10, 12, 13} {
		k.take(bookAt(connector.MessageDepth, connector.RuleFutures, id, id, id-1, id, bid(100, float64(i))))
	}
	if found(k.b, feed.Gap) != 0 || found(k.b, feed.Overlap) != 1 {
		t.Errorf("%d gaps, %d overlaps", found(k.b, feed.Gap), found(k.b, feed.Overlap))
	}
	k.take(bookAt(connector.MessageDepth, connector.RuleFutures, 5, 5, 4, 20, bid(100, 1))) // numbered anew
	k.take(bookAt(connector.MessageDepth, connector.RuleFutures, 8, 8, 7, 21, bid(100, 1)))
	if found(k.b, feed.Gap) != 1 {
		t.Errorf("%d gaps after the numbers began anew", found(k.b, feed.Gap))
	}
}

// TestRefusedTradesAreNotCounted among those outside of the book.
func TestRefusedTradesAreNotCounted(t *testing.T) {
	k := newTaker(t, feed.Config{Rule: connector.RuleFutures})
	m := tradeAt(1, 1)
	m.Events[0].SetKind(hft.OffBookTrade)
	m.Events[0].Px = 0.5
	k.b.Take(int64(10*feed.MaxClockDistance), m)
	if fmt.Sprint(found(k.b, feed.BadTime), found(k.b, feed.OffBook), found(k.b, feed.OffGrid)) != "1 0 0" {
		t.Error(k.b.Report())
	}
}

// TestMismatchBesideRowsOffTheGrid: what a book rounds is not held against a snapshot, all other levels are.
func TestMismatchBesideRowsOffTheGrid(t *testing.T) {
	for _, differs := range []bool{false, true} {
		k := newTaker(t, feed.Config{Rule: connector.RuleSpot})
		at := func(kind connector.MessageKind, id int64, bids levels) {
			k.take(bookAt(kind, connector.RuleSpot, id, id, 0, id, bids))
		}
		trade := tradeAt(1, 1)
		trade.Events[0].Px = 100.5
		k.take(trade)
		at(connector.MessageSnapshot, 10, levels{100: 1, 99: 1, 98.3: 4, 97: 1})
		at(connector.MessageDepth, 11, levels{96.4: 2, 97.4: 0, 95: 0.25})
		again := levels{100: 1, 99: 1, 98.3: 4, 97: 1, 96.4: 2, 95: 0.25}
		if differs {
			again[99] = 2
		}
		at(connector.MessageSnapshot, 11, again)
		if n := found(k.b, feed.Mismatch); n != 0 != differs {
			t.Errorf("differs %t: %d times; %v", differs, n, k.b.Report().Found[feed.Mismatch].First)
		}
	}
}

// TestOverflow: what waits for a snapshot is bounded. That the oldest was dropped is counted each time, and only a
// snapshot that is newer than they makes a book.
func TestOverflow(t *testing.T) {
	b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: connector.RuleSpot, Symbol: "BTC"})
	if err != nil {
		t.Fatal(err)
	}
	message := func(kind connector.MessageKind, ev uint64, id int64) *connector.Message {
		return &connector.Message{Kind: kind, FirstID: id, LastID: id, Seq: id, Events: []hft.Event{event(ev, hft.Buy, 100, 1, 0)}}
	}
	const most = depthsync.DefaultMaxMessages
	for id := int64(1); id <= most+1; id++ {
		b.Take(id, message(connector.MessageDepth, hft.DepthEvent, id))
		if n := found(b, feed.Overflow); id <= most && n != 0 || id > most && n != 1 {
			t.Fatalf("%d overflows after %d updates", n, id)
		}
	}
	r := b.Report()
	if lines := r.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "updates of the book were dropped that wait for a snapshot") ||
		r.Counts()["overflow"] != 1 || feed.Faults(r.Counts()) != "overflow 1" || r.Found[feed.Overflow].First.LocalNs != most+1 {
		t.Errorf("%q, %+v", lines, r.Found[feed.Overflow])
	}
	if out := b.Take(1, message(connector.MessageSnapshot, hft.DepthSnapshotEvent, 1)); !out.NeedSnapshot || b.Synced() || found(b, feed.StaleSnapshot) != 1 {
		t.Errorf("a snapshot that is older than what was dropped: %+v", out)
	}
	if out := b.Take(1, message(connector.MessageSnapshot, hft.DepthSnapshotEvent, most)); !out.Ready || len(out.Events) != 2 {
		t.Errorf("a snapshot that is newer: %+v", out)
	}
}
