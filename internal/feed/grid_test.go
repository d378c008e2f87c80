package feed_test

import (
	"math"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestOffGrid: what is no multiple of the steps is counted in all kinds of messages, passed on, and said once.
func TestOffGrid(t *testing.T) {
	b, err := feed.NewBook(feed.Config{TickSize: 0.1, LotSize: 0.001, Rule: connector.RuleSpot, Quotes: true})
	if err != nil {
		t.Fatal(err)
	}
	id := int64(10)
	message := func(kind connector.MessageKind, ev uint64, px, qty float64) *connector.Message {
		id++
		return &connector.Message{Kind: kind, FirstID: id, LastID: id, Seq: id, TradeKey: uint64(id), ExchTimestampNs: id,
			Events: []hft.Event{{Ev: hft.LocalEvent | hft.BuyEvent | ev, ExchTimestampNs: id, LocalTimestampNs: id, Px: px, Qty: qty}}}
	}
	for i, c := range []struct {
		m                 *connector.Message
		offGrid           uint64
		first             string
		publishedNotFewer int
	}{
		{m: message(connector.MessageDepth, hft.DepthEvent, 100.1, 0.003)},
		{m: message(connector.MessageSnapshot, hft.DepthSnapshotEvent, 60000.3, 12345.678)},
		{m: message(connector.MessageDepth, hft.DepthEvent, 100.2, 0), publishedNotFewer: 0},
		{m: message(connector.MessageDepth, hft.DepthEvent, 100.25, 1), offGrid: 1, publishedNotFewer: 1,
			first: "the price 100.25 of a level is not a multiple of tick_size 0.1"},
		{m: message(connector.MessageTrade, hft.TradeEvent, 100.1, 0.0005), offGrid: 2, publishedNotFewer: 1},
		{m: message(connector.MessageBBO, hft.DepthBBOEvent, 100.11, 0.0001), offGrid: 3},
		{m: message(connector.MessageDepth, hft.DepthEvent, 1e15+0.5, 1), offGrid: 3},
		{m: message(connector.MessageDepth, hft.DepthClearEvent, math.NaN(), 0), offGrid: 3},
	} {
		out := b.Take(1, c.m)
		if n := found(b, feed.OffGrid); n != c.offGrid || said(&out, feed.OffGrid) != c.first || len(out.Events) < c.publishedNotFewer {
			t.Errorf("%d: %d, %+v, %d rows", i, n, out.Problems, len(out.Events))
		}
	}
	trade := message(connector.MessageTrade, hft.TradeEvent, 100.1, 0.0005)
	b.Take(1, trade)
	before := found(b, feed.OffGrid)
	if out := b.Take(1, trade); !out.Seen || found(b, feed.OffGrid) != before || found(b, feed.SeenTrades) != 1 {
		t.Errorf("a trade that came before is counted again: %+v", b.Report())
	}
}

// TestOffGridIsOfWhatIsPublished: rows of a snapshot that is not used, of a quote that is older than the book, and of
// differences that a snapshot contains are not counted; those of a book that begins are.
func TestOffGridIsOfWhatIsPublished(t *testing.T) {
	b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: connector.RuleSpot, Quotes: true})
	if err != nil {
		t.Fatal(err)
	}
	off := func(kind connector.MessageKind, ev uint64, id int64) *connector.Message {
		return &connector.Message{Kind: kind, FirstID: id, LastID: id, Seq: id, Events: []hft.Event{event(ev, hft.Buy, 100.5, 1, 0)}}
	}
	for i, c := range []struct {
		m    *connector.Message
		rows int
		want uint64 // in all
	}{
		{off(connector.MessageDepth, hft.DepthEvent, 9), 0, 0},              // waits, and is in the snapshot
		{off(connector.MessageDepth, hft.DepthEvent, 10), 0, 0},             // the same
		{off(connector.MessageBBO, hft.DepthBBOEvent, 8), 0, 0},             // there is no book
		{off(connector.MessageSnapshot, hft.DepthSnapshotEvent, 10), 1, 1},  // the book
		{off(connector.MessageSnapshot, hft.DepthSnapshotEvent, 10), 0, 1},  // it is there
		{off(connector.MessageBBO, hft.DepthBBOEvent, 9), 0, 1},             // older than the book
		{off(connector.MessageDepth, hft.DepthEvent, 11), 1, 2},             // continues it
		{off(connector.MessageDepth, hft.DepthEvent, 13), 0, 2},             // a gap: it waits
		{off(connector.MessageSnapshot, hft.DepthSnapshotEvent, 12), 2, 4},  // that difference with it
		{off(connector.MessageSnapshot, hft.DepthSnapshotEvent, 500), 0, 4}, // newer than the book, and not needed
	} {
		if out := b.Take(1, c.m); len(out.Events) != c.rows || found(b, feed.OffGrid) != c.want {
			t.Errorf("%d: %d off the grid, want %d; %d rows, want %d", i, found(b, feed.OffGrid), c.want, len(out.Events), c.rows)
		}
	}
}

// found returns how often a book has found something.
func found(b *feed.Book, f feed.Finding) uint64 {
	r := b.Report()
	return r.Found[f].N
}

// said returns what is to be told of a message.
func said(out *feed.Out, f feed.Finding) string {
	for _, p := range out.Problems {
		if p.Finding == f {
			return p.What
		}
	}
	return ""
}

// TestOffGridIsExact: multiples of any usual step are on the grid, a tenth of a step beside it is not.
func TestOffGridIsExact(t *testing.T) {
	for _, step := range []float64{1e-8, 1e-7, 0.00001, 0.0001, 0.0005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 100} {
		for n := 1.0; n < 1e9; n = math.Floor(n*1.37) + 1 {
			b, err := feed.NewBook(feed.Config{TickSize: step, LotSize: step, Rule: connector.RuleStreamed})
			if err != nil {
				t.Fatal(err)
			}
			take := func(px, qty float64) feed.Out {
				return b.Take(1, &connector.Message{Kind: connector.MessageTrade, Events: []hft.Event{{Ev: hft.LocalEvent | hft.TradeEvent, Px: px, Qty: qty}}})
			}
			if out := take(n*step, n*step); len(out.Problems) > 0 {
				t.Fatalf("%v steps of %v: %s", n, step, out.Problems)
			}
			if out := take((n+0.1)*step, (n+0.1)*step); !strings.Contains(said(&out, feed.OffGrid), "price") || found(b, feed.OffGrid) != 1 {
				t.Fatalf("%v steps of %v: %+v", n+0.1, step, out.Problems)
			}
		}
	}
}
