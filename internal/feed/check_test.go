package feed_test

import (
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestSnapshotThatDiffers: a snapshot in mid-stream is held against the book as of its id. What has changed since, and
// what the book cannot know, is no difference.
func TestSnapshotThatDiffers(t *testing.T) {
	message := func(kind connector.MessageKind, first, last int64, bids, asks levels) *connector.Message {
		m := &connector.Message{Kind: kind, FirstID: first, LastID: last, Seq: last, ExchTimestampNs: last}
		ev := hft.DepthEvent
		if kind == connector.MessageSnapshot {
			ev = hft.DepthSnapshotEvent
		}
		for px, qty := range bids {
			m.Events = append(m.Events, event(ev, hft.Buy, px, qty, last))
		}
		for px, qty := range asks {
			m.Events = append(m.Events, event(ev, hft.Sell, px, qty, last))
		}
		return m
	}
	for _, c := range []struct {
		name       string
		id         int64
		bids, asks levels
		want       string // nothing differs when empty
	}{
		{"the same", 12, levels{100: 5, 99: 7, 97: 3}, levels{101: 5, 103: 4}, ""},
		{"levels past those of the first one", 12, levels{100: 5, 99: 7, 97: 3, 96: 2}, levels{101: 5, 103: 4, 105: 4}, ""},
		{"less deep", 12, levels{100: 5}, levels{101: 5}, ""},
		{"another quantity", 12, levels{100: 5, 99: 8, 97: 3}, levels{101: 5}, "1 level: the first is the bid of 99, 7 in the book and 8 in the snapshot"},
		{"levels that are not there", 12, levels{100: 5, 97: 3}, levels{103: 4}, "2 levels: the first is the bid of 99, 7 in the book and 0 in the snapshot"},
		{"a level that is missing", 12, levels{100: 5, 99: 7, 97: 3}, levels{101: 5, 102: 1, 103: 4}, "1 level: the first is the ask of 102, 0 in the book and 1 in the snapshot"},
		{"older, before a change", 11, levels{100: 5, 99: 4, 97: 3}, levels{101: 5, 102: 2, 103: 4}, ""},
		{"older, and another quantity", 11, levels{100: 6, 99: 4, 97: 3}, levels{101: 5, 103: 4}, "the bid of 100, 5 in the book and 6 in the snapshot"},
		{"newer, the next message changes it", 13, levels{100: 5, 99: 7, 98: 9, 97: 3}, levels{101: 5, 103: 4}, ""},
		{"newer, and a level that is not there", 13, levels{100: 5, 98: 1, 97: 3}, levels{101: 5, 103: 4}, "the bid of 99, 7 in the book and 0 in the snapshot"},
		{"newer, and a level that is missing", 14, levels{100: 5, 99: 7, 98: 1, 97: 3}, levels{101: 5, 102: 2, 103: 4}, "the ask of 102, 0 in the book and 2 in the snapshot"},
		{"newer than all", 15, levels{1: 5}, levels{300: 5}, ""},
	} {
		b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: connector.RuleSpot, Quotes: true, Symbol: "BTC"})
		if err != nil {
			t.Fatal(err)
		}
		told := ""
		take := func(localNs int64, m *connector.Message) {
			out := b.Take(localNs, m)
			told += said(&out, feed.Mismatch)
		}
		take(1, message(connector.MessageSnapshot, 0, 10, levels{100: 5, 99: 4, 97: 3}, levels{101: 5, 103: 4}))
		take(2, message(connector.MessageDepth, 11, 11, levels{98: 0}, nil))
		take(2, message(connector.MessageDepth, 12, 12, levels{99: 7}, levels{102: 0}))
		if !b.Synced() {
			t.Fatal("no book")
		}
		again := message(connector.MessageSnapshot, 0, c.id, c.bids, c.asks)
		take(3, again)
		take(4, message(connector.MessageDepth, 13, 14, levels{98: 1}, nil))
		take(5, again) // counted, and not told again
		r := b.Report()
		found := r.Found[feed.Mismatch]
		if (c.want == "") != (found.N == 0) || found.First.What != told || !strings.HasSuffix(told, c.want) ||
			found.N > 0 && (found.First.Symbol != "BTC" || found.First.LocalNs != 3) {
			t.Errorf("%s: %d times, %+v, told %q", c.name, found.N, found.First, told)
		}
	}
}
