package feed_test

import (
	"fmt"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// hour is after which a service has started anew.
const hour = 3600e9

// bid is one level of bids.
func bid(px, qty float64) levels { return levels{px: qty} }

// bookAt is a message about the book at a time.
func bookAt(kind connector.MessageKind, rule connector.Rule, first, last, prev, exchNs int64, bids levels) *connector.Message {
	m := &connector.Message{Kind: kind, FirstID: first, LastID: last, Seq: last, ExchTimestampNs: exchNs}
	ev := hft.DepthSnapshotEvent
	if kind == connector.MessageDepth {
		ev, m.PrevID, m.HasPrevID = hft.DepthEvent, prev, rule == connector.RuleFutures
	}
	for px, qty := range bids {
		m.Events = append(m.Events, event(ev, hft.Buy, px, qty, exchNs))
	}
	return m
}

func tradeAt(id, exchNs int64) *connector.Message {
	return &connector.Message{Kind: connector.MessageTrade, FirstID: id, LastID: id, ExchTimestampNs: exchNs,
		Events: []hft.Event{event(hft.TradeEvent, hft.Buy, 100, 1, exchNs)}}
}

func quoteAt(seq, exchNs int64, px, qty float64) *connector.Message {
	return &connector.Message{Kind: connector.MessageBBO, LastID: seq, Seq: seq, ExchTimestampNs: exchNs,
		Events: []hft.Event{event(hft.DepthBBOEvent, hft.Buy, px, qty, exchNs)}}
}

// taker takes messages and holds the book that is published.
type taker struct {
	t     *testing.T
	b     *feed.Book
	local *sides
}

func newTaker(t *testing.T, cfg feed.Config) *taker {
	cfg.TickSize, cfg.LotSize, cfg.Quotes = 1, 1, true
	b, err := feed.NewBook(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &taker{t: t, b: b, local: newSides()}
}

func (k *taker) take(m *connector.Message) feed.Out {
	out := k.b.Take(max(m.ExchTimestampNs, 1), m)
	if out.Stale != "" {
		k.local = newSides()
	}
	if err := k.local.apply(out.Events); err != nil {
		k.t.Error(err)
	}
	return out
}

// TestNumbersBeginAnew: a venue that numbers anew, as test networks do, takes nothing of what was said before along:
// neither the book, nor what quotes and trades have come. Nobody who goes on after gaps goes on after that.
func TestNumbersBeginAnew(t *testing.T) {
	for _, rule := range []connector.Rule{connector.RuleFutures, connector.RuleSpot} {
		for _, ignoreGaps := range []bool{false, true} {
			t.Run(fmt.Sprint(rule, ignoreGaps), func(t *testing.T) {
				k := newTaker(t, feed.Config{Rule: rule, IgnoreGaps: ignoreGaps})
				snapshotNs := func(ns int64) int64 {
					if rule == connector.RuleSpot {
						return 0
					}
					return ns
				}
				k.take(bookAt(connector.MessageSnapshot, rule, 0, 1_000_000, 0, snapshotNs(1), bid(100, 1)))
				k.take(bookAt(connector.MessageDepth, rule, 1_000_001, 1_000_001, 1_000_000, 2, bid(99, 2)))
				k.take(quoteAt(1_000_002, 3, 101, 1))
				k.take(tradeAt(5000, 3))
				if !k.b.Synced() || len(k.local.bids) != 3 {
					t.Fatalf("no book: %v", k.local)
				}
				if out := k.take(bookAt(connector.MessageDepth, rule, 5, 9, 4, hour, bid(98, 3))); out.Stale == "" || !out.NeedSnapshot {
					t.Errorf("the numbers begin anew, and the book goes on: %+v", out)
				}
				k.take(bookAt(connector.MessageDepth, rule, 10, 19, 9, hour+1, bid(97, 3)))
				if out := k.take(bookAt(connector.MessageSnapshot, rule, 0, 12, 0, snapshotNs(hour+1), bid(98, 3))); !out.Ready {
					t.Errorf("no book: %+v", out)
				}
				k.take(bookAt(connector.MessageDepth, rule, 20, 21, 19, hour+2, bid(98, 4)))
				if want := (&sides{levels{98: 4, 97: 3}, levels{}}); !k.local.equal(want) {
					t.Errorf("%v, want %v", k.local, want)
				}
				if out := k.take(tradeAt(7, hour+3)); out.Seen || len(out.Events) == 0 {
					t.Errorf("a trade is dropped: %+v", out)
				}
				if out := k.take(quoteAt(25, hour+3, 99, 7)); out.Seen || k.local.bids[99] != 7 {
					t.Errorf("a quote is dropped: %+v", out)
				}
			})
		}
	}
}

// TestSequenceBeginsAnewAtAGap: where numbers begin anew with a difference that does not follow, before the snapshot.
func TestSequenceBeginsAnewAtAGap(t *testing.T) {
	k := newTaker(t, feed.Config{Rule: connector.RuleStreamed})
	of := func(kind connector.MessageKind, id, seq int64) *connector.Message {
		m := bookAt(kind, connector.RuleStreamed, id, id, 0, seq, bid(100, float64(id)))
		m.Seq = seq
		return m
	}
	trade := func(seq, exchNs int64) bool { out := k.take(tradeAt(seq, exchNs)); return !out.Seen }
	k.take(of(connector.MessageSnapshot, 2, 1000))
	if !trade(1000, 1000) || trade(999, 1000) {
		t.Error("trades of the first numbers")
	}
	gap := of(connector.MessageDepth, 4, 5)
	gap.ExchTimestampNs = 2000
	if out := k.take(gap); out.Stale == "" {
		t.Errorf("no gap: %+v", out)
	}
	again := of(connector.MessageSnapshot, 5, 6)
	again.ExchTimestampNs = 2001
	if out := k.take(again); !out.Ready || !trade(7, 2002) {
		t.Errorf("the trades of the new numbers are dropped: %+v", out)
	}
	if trade(7, 2002) {
		t.Error("a trade came twice")
	}
	// The service starts anew, and the sequence goes on: trades that came stay known.
	next := of(connector.MessageSnapshot, 1, 10)
	next.ExchTimestampNs = 2003
	if out := k.take(next); len(out.Events) == 0 || trade(7, 2002) {
		t.Error("a trade came twice, after a start of the service")
	}
}

// TestASnapshotThatNeverFits: a snapshot of before the numbers began anew is given up, whether the stream was known or
// not.
func TestASnapshotThatNeverFits(t *testing.T) {
	for _, rule := range []connector.Rule{connector.RuleFutures, connector.RuleSpot} {
		for _, known := range []bool{false, true} {
			k := newTaker(t, feed.Config{Rule: rule})
			if known {
				k.take(bookAt(connector.MessageDepth, rule, 999_000, 999_000, 998_999, 1, bid(99, 2)))
			}
			k.take(bookAt(connector.MessageSnapshot, rule, 0, 1_000_000, 0, 0, bid(100, 1)))
			needed := false
			id := int64(5)
			for ; id < 95; id++ {
				out := k.take(bookAt(connector.MessageDepth, rule, id, id, id-1, hour+id*1e9, bid(98, 3)))
				needed = needed || out.NeedSnapshot
			}
			if !needed {
				t.Errorf("%v, known %t: no snapshot is asked for", rule, known)
			}
			out := k.take(bookAt(connector.MessageSnapshot, rule, 0, id-2, 0, 0, bid(100, 4)))
			if !out.Ready {
				t.Errorf("%v, known %t: the snapshot that fits is not taken: %+v", rule, known, out)
			}
		}
	}
}

// TestNumbersBeginAnewSoon: ids from before all that the stream has had lately, at a newer time, are new ones at once, whether the
// snapshot of the new ones comes before the first difference or after it.
func TestNumbersBeginAnewSoon(t *testing.T) {
	const second = int64(1e9)
	for _, rule := range []connector.Rule{connector.RuleFutures, connector.RuleSpot} {
		for _, snapshotFirst := range []bool{false, true} {
			t.Run(fmt.Sprint(rule, snapshotFirst), func(t *testing.T) {
				k := newTaker(t, feed.Config{Rule: rule})
				k.take(bookAt(connector.MessageSnapshot, rule, 0, 1_000_000, 0, second, bid(100, 1)))
				for i := range int64(30) {
					k.take(bookAt(connector.MessageDepth, rule, 1_000_001+i, 1_000_001+i, 1_000_000+i, (1+i)*second, bid(99, 2)))
				}
				// A second connection that is behind does not restart them.
				if out := k.take(bookAt(connector.MessageDepth, rule, 1_000_020, 1_000_020, 1_000_019, 31*second, bid(99, 7))); !out.Seen {
					t.Errorf("a repetition: %+v", out)
				}
				first := bookAt(connector.MessageDepth, rule, 5, 6, 4, 33*second, bid(49, 1))
				snapshot := bookAt(connector.MessageSnapshot, rule, 0, 5, 0, 33*second, bid(50, 1))
				if snapshotFirst {
					k.take(snapshot)
				}
				if out := k.take(first); out.Stale == "" || out.Ready != snapshotFirst || out.NeedSnapshot == snapshotFirst {
					t.Errorf("the first difference: %+v", out)
				}
				if !snapshotFirst {
					if out := k.take(snapshot); !out.Ready {
						t.Errorf("the snapshot: %+v", out)
					}
				}
				k.take(bookAt(connector.MessageDepth, rule, 7, 8, 6, 34*second, bid(48, 4)))
				if want := (&sides{levels{50: 1, 49: 1, 48: 4}, levels{}}); !k.b.Synced() || !k.local.equal(want) {
					t.Errorf("%v, want %v", k.local, want)
				}
			})
		}
	}
}

// TestTradesBeginAnew: ids of trades that restart while those of the book go on are reported, and their trades come.
func TestTradesBeginAnew(t *testing.T) {
	const second = int64(1e9)
	k := newTaker(t, feed.Config{Rule: connector.RuleFutures})
	k.take(tradeAt(1000, second))
	if out := k.take(tradeAt(999, 5*second)); !out.Seen {
		t.Errorf("a trade of before: %+v", out)
	}
	if out := k.take(tradeAt(3, 20*second)); out.Seen || len(out.Events) != 1 || len(out.Problems) != 1 || out.Problems[0].Finding != feed.TradesAnew {
		t.Errorf("the first trade of the new ids: %+v", out)
	}
	if out := k.take(tradeAt(4, 20*second)); out.Seen || len(out.Problems) != 0 {
		t.Errorf("the next one: %+v", out)
	}
}

// TestWhatCannotBe: a trade without a price or quantity fills nothing, and a crossed snapshot is not a book.
func TestWhatCannotBe(t *testing.T) {
	k := newTaker(t, feed.Config{Rule: connector.RuleFutures})
	bad := tradeAt(1, 1)
	bad.Events = append(bad.Events, bad.Events[0], bad.Events[0])
	bad.Events[1].Px, bad.Events[2].Qty = 0, 0
	if out := k.take(bad); len(out.Events) != 1 || k.b.Report().Found[feed.BadTrade].N != 2 || len(out.Problems) != 1 {
		t.Errorf("%+v", out)
	}
	crossed := bookAt(connector.MessageSnapshot, connector.RuleFutures, 0, 5, 0, 2, bid(100, 1))
	crossed.Events = append(crossed.Events, event(hft.DepthSnapshotEvent, hft.Sell, 100, 1, 2))
	if out := k.take(crossed); len(out.Events) != 0 || out.Ready || !out.NeedSnapshot || k.b.Synced() || k.b.Report().Found[feed.Crossed].N != 1 {
		t.Errorf("%+v", out)
	}
	k.take(bookAt(connector.MessageSnapshot, connector.RuleFutures, 0, 6, 0, 3, bid(99, 1)))
	if out := k.take(bookAt(connector.MessageDepth, connector.RuleFutures, 6, 7, 5, 4, bid(98, 1))); !out.Ready || len(k.local.bids) != 2 {
		t.Errorf("%+v", out)
	}
}
