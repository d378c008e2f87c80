package feed_test

import (
	"testing"

	"hftrunner/connector"
	"hftrunner/connector/depthsync"
	"hftrunner/connector/feed"
	"hftrunner/depth"
	"hftrunner/hft"
)

// TestQuoteIsOrderedByItsID: a spot quote has no time. Whatever the latency, the depth message that follows it is newer.
func TestQuoteIsOrderedByItsID(t *testing.T) {
	for _, latencyNs := range []int64{0, 10e6, 50e6} {
		b, err := feed.NewBook(feed.Config{TickSize: 0.1, LotSize: 0.001, Rule: depthsync.Spot, Quotes: true})
		if err != nil {
			t.Fatal(err)
		}
		book := depth.NewWindowMarketDepth(0.1, 0.001, depth.Fixed)
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
