package feed_test

import (
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestQuoteIsOrderedByItsID: a spot quote has no time. Whatever the latency, the depth message that follows it is
// newer.
func TestQuoteIsOrderedByItsID(t *testing.T) {
	for _, latencyNs := range []int64{0, 10e6, 50e6} {
		b, err := feed.NewBook(feed.Config{TickSize: 0.1, LotSize: 0.001, Rule: connector.RuleSpot, Quotes: true})
		if err != nil {
			t.Fatal(err)
		}
		book := depth.NewWindowMarketDepth(0.1, 0.001)
		const t0 = 1_700_000_000_000_000_000
		take := func(ms int64, m connector.Message) {
			localNs := t0 + ms*1e6 + latencyNs
			for i := range m.Events {
				m.Events[i].LocalTimestampNs = localNs
			}
			out := b.Take(localNs, &m)
			for i := range out.Events {
				depth.Apply(book, &out.Events[i])
			}
		}
		depthAt := func(ms, first, last int64, rows ...hft.Event) {
			for i := range rows {
				rows[i].ExchTimestampNs = t0 + ms*1e6
			}
			take(ms, connector.Message{Kind: connector.MessageDepth, FirstID: first, LastID: last, Seq: last, ExchTimestampNs: t0 + ms*1e6, Events: rows})
		}
		quoteAt := func(ms, id int64, px, qty float64) {
			localNs := t0 + ms*1e6 + latencyNs // in place of a time, as the decoder has it
			take(ms, connector.Message{Kind: connector.MessageBBO, LastID: id, Seq: id, Events: []hft.Event{
				event(hft.DepthBBOEvent, hft.Buy, px, qty, localNs), event(hft.DepthBBOEvent, hft.Sell, 100.5, 1, localNs)}})
		}
		bid := func(px, qty float64) hft.Event { return event(hft.DepthEvent, hft.Buy, px, qty, 0) }
		take(0, connector.Message{Kind: connector.MessageSnapshot, LastID: 1, Seq: 1, Events: []hft.Event{
			event(hft.DepthSnapshotEvent, hft.Buy, 100, 1, t0), event(hft.DepthSnapshotEvent, hft.Sell, 100.5, 1, t0)}})
		depthAt(0, 2, 2, bid(100.1, 5))
		quoteAt(60, 3, 100.1, 4)
		quoteAt(70, 4, 100.2, 1)
		depthAt(100, 3, 6, bid(100.1, 2), bid(100.2, 1)) // made 40 ms after the quote of 100.1
		if got := book.BidQtyAtTick(1001); got != 2 {
			t.Errorf("latency %d: at 100.1 the book has %v, the venue 2", latencyNs, got)
		}
		quoteAt(105, 5, 100.0, 9) // late: the depth message has passed it
		if got := book.BestBidTick(); got != 1002 {
			t.Errorf("latency %d: the best bid is %d after a quote that was older", latencyNs, got)
		}
		if n := found(b, feed.OutdatedQuote); n != 1 {
			t.Errorf("latency %d: %d outdated quotes", latencyNs, n)
		}
	}
}

// TestQuotesWithoutDepth: of a depth stream that says nothing while quotes go on the book is given up in the end, and
// what is kept of it with it. It comes back with the stream.
func TestQuotesWithoutDepth(t *testing.T) {
	for _, ignoreGaps := range []bool{false, true} {
		b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: connector.RuleSpot, Quotes: true, IgnoreGaps: ignoreGaps})
		if err != nil {
			t.Fatal(err)
		}
		message := func(kind connector.MessageKind, ev uint64, id int64, bid, ask float64) *connector.Message {
			return &connector.Message{Kind: kind, FirstID: id, LastID: id, Seq: id,
				Events: []hft.Event{event(ev, hft.Buy, bid, 1, 0), event(ev, hft.Sell, ask, 1, 0)}}
		}
		begin := func(id int64) {
			b.Take(1, message(connector.MessageDepth, hft.DepthEvent, id, 100, 1e6))
			b.Take(1, message(connector.MessageSnapshot, hft.DepthSnapshotEvent, id, 100, 1e6))
			if !b.Synced() {
				t.Fatal("there is no book")
			}
		}
		begin(1)
		const quotes = 100_000
		lost := 0
		for i := int64(1); i <= quotes; i++ {
			out := b.Take(1, message(connector.MessageBBO, hft.DepthBBOEvent, 1+i, 100+float64(i), 1e6)) // each at another price
			if out.Stale != "" {
				if lost++; !out.NeedSnapshot || len(out.Events) > 0 || !strings.Contains(out.Stale, "since the depth update 1,") {
					t.Fatalf("%+v", out)
				}
			}
		}
		if n := found(b, feed.Gap); ignoreGaps && (lost != 0 || n < 1 || n > 10) || !ignoreGaps && (lost != 1 || n != 1 || b.Synced()) {
			t.Errorf("ignore gaps %t: the book was lost %d times, %d gaps, in step: %t", ignoreGaps, lost, n, b.Synced())
		}
		if n := b.Contested(); n > feed.MaxContested+2 {
			t.Errorf("ignore gaps %t: %d levels are kept", ignoreGaps, n)
		}
		begin(quotes + 10)
	}
}

// TestTimesOfQuotesAreEstimates: rows that come of a quote without a time say so, the deletions of what it crosses included, and no
// others do.
func TestTimesOfQuotesAreEstimates(t *testing.T) {
	for _, natural := range []bool{false, true} {
		for _, timed := range []bool{false, true} {
			b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: connector.RuleSpot, Quotes: true, Natural: natural})
			if err != nil {
				t.Fatal(err)
			}
			b.Take(1000, rowsAt(connector.MessageDepth, 9))
			b.Take(1000, rowsAt(connector.MessageSnapshot, 10, level(hft.Buy, 100, 1), level(hft.Sell, 102, 1), level(hft.Sell, 103, 1)))
			if out := b.Take(1000, rowsAt(connector.MessageDepth, 10)); !natural && !b.Synced() {
				t.Fatalf("there is no book: %+v", out)
			}
			check := func(m *connector.Message, rows int, estimated bool) {
				t.Helper()
				out := b.Take(2000, m)
				if len(out.Events) != rows {
					t.Errorf("natural %t, timed %t: %d rows, want %d", natural, timed, len(out.Events), rows)
				}
				for _, row := range out.Events {
					if _, known := row.FeedLatency(); known == estimated {
						t.Errorf("natural %t, timed %t: the latency of %+v is known: %t", natural, timed, row, known)
					}
				}
			}
			quote := rowsAt(connector.MessageBBO, 12, best(hft.Buy, 102, 1), best(hft.Sell, 103, 2))
			if !timed {
				quote.ExchTimestampNs = 0
			}
			check(quote, 3, !timed && !natural)
			check(rowsAt(connector.MessageDepth, 11, level(hft.Buy, 99, 5)), 1, false)
			check(&connector.Message{Kind: connector.MessageTrade, ExchTimestampNs: 13, Events: []hft.Event{event(hft.TradeEvent, hft.Buy, 102, 1, 13)}}, 1, false)
		}
	}
}
