package feed_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestTimesThatContradictTheSequence: topics of one book may be stamped in another order than that of their sequence.
// Rows by exchange time end in the same book as rows in order of receipt.
func TestTimesThatContradictTheSequence(t *testing.T) {
	b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: connector.RuleStreamed, Quotes: true})
	if err != nil {
		t.Fatal(err)
	}
	o := feed.Ordered{Book: b}
	var rows []hft.Event
	take := func(localNs int64, kind connector.MessageKind, id, seq, exchNs int64, ev uint64, levels ...hft.Event) {
		m := &connector.Message{Kind: kind, FirstID: id, LastID: id, Seq: seq, ExchTimestampNs: exchNs, Events: levels}
		for i := range levels {
			levels[i].ExchTimestampNs, levels[i].LocalTimestampNs = exchNs, localNs
			levels[i].SetKind(ev)
		}
		of, _ := o.TakeRows(localNs, m)
		rows = append(rows, of...)
	}
	row := func(side hft.Side, px, qty float64) hft.Event { return event(hft.DepthEvent, side, px, qty, 0) }
	take(1010, connector.MessageSnapshot, 1, 100, 1000, hft.DepthSnapshotEvent, row(hft.Buy, 100, 1), row(hft.Sell, 101, 1))
	take(1011, connector.MessageBBO, 7, 110, 1007, hft.DepthBBOEvent, row(hft.Buy, 100, 5), row(hft.Sell, 101, 1))
	take(1012, connector.MessageDepth, 2, 115, 1004, hft.DepthEvent, row(hft.Buy, 100, 2))
	received, byTime := newSides(), newSides()
	if err := received.apply(rows); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(rows, func(a, b hft.Event) int { return cmp.Compare(a.ExchTimestampNs, b.ExchTimestampNs) })
	if err := byTime.apply(rows); err != nil {
		t.Fatal(err)
	}
	if want := (&sides{levels{100: 2}, levels{101: 1}}); !received.equal(want) || !byTime.equal(want) {
		t.Errorf("in order of receipt %v, by exchange time %v, want %v", received, byTime, want)
	}
}

// TestNaturalSnapshotWithoutTime: it is no newer than the depth message that follows, whatever the latency.
func TestNaturalSnapshotWithoutTime(t *testing.T) {
	k := newTaker(t, feed.Config{Rule: connector.RuleSpot, Natural: true})
	at := func(localNs, exchNs int64, kind connector.MessageKind, id int64, bids levels) {
		m := bookAt(kind, connector.RuleSpot, id, id, 0, exchNs, bids)
		for i := range m.Events {
			m.Events[i].LocalTimestampNs = localNs
			if exchNs == 0 {
				m.Events[i].ExchTimestampNs = localNs
			}
		}
		out := k.b.Take(localNs, m)
		if err := k.local.apply(out.Events); err != nil {
			t.Fatal(err)
		}
	}
	at(1050, 1000, connector.MessageDepth, 10, bid(98, 1))
	at(1060, 0, connector.MessageSnapshot, 10, bid(99, 2))
	at(1065, 1015, connector.MessageDepth, 11, bid(99, 0))
	if want := (&sides{levels{98: 1}, levels{}}); !k.local.equal(want) {
		t.Errorf("%v, want %v", k.local, want)
	}
}

// TestNaturalTimeIsThatOfSending: the reference reads when the venue has sent a book.
func TestNaturalTimeIsThatOfSending(t *testing.T) {
	for _, natural := range []bool{false, true} {
		k := newTaker(t, feed.Config{Rule: connector.RuleStreamed, Natural: natural})
		m := bookAt(connector.MessageSnapshot, connector.RuleStreamed, 1, 1, 0, 1000, bid(98, 1))
		m.SentNs = 1005
		want := m.ExchTimestampNs
		if natural {
			want = m.SentNs
		}
		if out := k.b.Take(1010, m); len(out.Events) != 1 || out.Events[0].ExchTimestampNs != want {
			t.Errorf("natural %t: %+v", natural, out)
		}
	}
}
