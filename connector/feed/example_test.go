package feed_test

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/feed"
	"github.com/hftrunner/hftrunner/hft"
)

// A book is complete with the first snapshot, and lost with the connection that brought it.
func ExampleBook() {
	book, err := feed.NewBook(feed.Config{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001, Rule: connector.RuleStreamed})
	if err != nil {
		fmt.Println(err)
		return
	}
	const second = 1_000_000_000
	message := func(kind connector.MessageKind, id int64, bid float64) *connector.Message {
		m := &connector.Message{Kind: kind, Symbol: []byte("BTCUSDT"), ExchTimestampNs: 1_700_000_000 * second,
			FirstID: id, LastID: id, Seq: id}
		row := hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, Px: bid, Qty: 1, ExchTimestampNs: m.ExchTimestampNs}
		if kind == connector.MessageSnapshot {
			row.SetKind(hft.DepthSnapshotEvent)
		}
		m.Events = []hft.Event{row}
		return m
	}
	for _, m := range []*connector.Message{
		message(connector.MessageDepth, 6, 60_000),
		message(connector.MessageSnapshot, 7, 60_000),
		message(connector.MessageDepth, 8, 60_000.1),
		message(connector.MessageDepth, 10, 60_000.2),
		message(connector.MessageSnapshot, 11, 60_000.1),
	} {
		out := book.Take(1_700_000_001*second, m)
		fmt.Printf("%d: in step %v, %d, ready %v, stale %q\n", m.LastID, book.Synced(), book.Seq(), out.Ready, out.Stale)
	}
	book.LostTrades()
	fmt.Println(book.Lost("the connection was lost").Stale)
	for _, f := range book.Report().Findings {
		fmt.Println(f.Finding, f.Count)
	}
	// Output:
	// 6: in step false, 0, ready false, stale ""
	// 7: in step true, 7, ready true, stale ""
	// 8: in step true, 8, ready false, stale ""
	// 10: in step false, 0, ready false, stale "depth updates after 8 are missing, the next one starts at 10"
	// 11: in step true, 11, ready true, stale ""
	// the connection was lost
	// gap 1
}
