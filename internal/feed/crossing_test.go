package feed_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// rowsAt is a message of the depth stream or a quote, with these rows at its id.
func rowsAt(kind connector.MessageKind, id int64, rows ...hft.Event) *connector.Message {
	return &connector.Message{Kind: kind, FirstID: id, LastID: id, Seq: id, ExchTimestampNs: id, Events: slices.Clone(rows)}
}

func level(side hft.Side, px, qty float64) hft.Event { return event(hft.DepthEvent, side, px, qty, 1) }

func best(side hft.Side, px, qty float64) hft.Event {
	return event(hft.DepthBBOEvent, side, px, qty, 1)
}

// TestCrossingUpdate: a difference after which the venue's book would be crossed says that a level of it is wrong. It is lost, found
// once, and there again with the next snapshot.
func TestCrossingUpdate(t *testing.T) {
	const depth, quote = connector.MessageDepth, connector.MessageBBO
	buy, sell := hft.Buy, hft.Sell
	for _, c := range []struct {
		name    string
		steps   []*connector.Message
		crosses bool
	}{
		{"a bid at the ask", []*connector.Message{rowsAt(depth, 11, level(buy, 102, 1))}, true},
		{"an ask below the bid", []*connector.Message{rowsAt(depth, 11, level(sell, 100, 1))}, true},
		{"the ask is gone later in the message", []*connector.Message{rowsAt(depth, 11, level(buy, 103, 1), level(sell, 102, 0), level(sell, 103, 0), level(sell, 104, 1))}, false},
		{"only one of two asks is gone", []*connector.Message{rowsAt(depth, 11, level(buy, 103, 1), level(sell, 102, 0))}, true},
		{"the ask was gone before", []*connector.Message{rowsAt(depth, 11, level(sell, 102, 0), level(buy, 102, 1))}, false},
		{"a quote has moved, and the stream follows", []*connector.Message{rowsAt(quote, 13, best(buy, 102, 1), best(sell, 103, 1)),
			rowsAt(depth, 11, level(buy, 99, 5)), rowsAt(depth, 12, level(buy, 98, 5)), rowsAt(depth, 13, level(buy, 102, 1), level(sell, 102, 0))}, false},
		{"a quote has moved, and the stream contradicts it", []*connector.Message{rowsAt(quote, 12, best(buy, 102, 1), best(sell, 103, 1)),
			rowsAt(depth, 11, level(buy, 99, 5)), rowsAt(depth, 12, level(buy, 102, 1))}, true},
		{"a quote came and went between two messages", []*connector.Message{rowsAt(quote, 12, best(buy, 102, 1), best(sell, 103, 1)),
			rowsAt(depth, 11, level(buy, 99, 5)), rowsAt(depth, 12), rowsAt(depth, 13, level(buy, 98, 5))}, false},
		{"a quote's level is where the stream's other side comes", []*connector.Message{rowsAt(quote, 12, best(buy, 100.5, 1), best(sell, 102, 1)),
			rowsAt(depth, 11, level(buy, 99, 5)), rowsAt(depth, 12, level(sell, 100.5, 1), level(buy, 101, 0))}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, ignore := range []bool{false, true} {
				b, err := feed.NewBook(feed.Config{TickSize: 0.5, LotSize: 1, Rule: connector.RuleSpot, Quotes: true, IgnoreGaps: ignore})
				if err != nil {
					t.Fatal(err)
				}
				local := newSides()
				take := func(m *connector.Message) feed.Out {
					out := b.Take(1000, m)
					if out.Stale != "" {
						local = newSides()
					}
					if err := local.apply(out.Events); err != nil {
						t.Fatal(err)
					}
					return out
				}
				take(rowsAt(depth, 9))
				take(rowsAt(connector.MessageSnapshot, 10, level(buy, 100, 1), level(buy, 101, 1), level(sell, 102, 1), level(sell, 103, 1), level(sell, 104, 1)))
				take(rowsAt(depth, 10))
				if !b.Synced() {
					t.Fatal("there is no book")
				}
				var out feed.Out
				for _, m := range c.steps {
					out = take(m)
				}
				n, lost := found(b, feed.Crossing), c.crosses && !ignore
				if want := map[bool]uint64{true: 1}[c.crosses]; n != want || (said(&out, feed.Crossing) != "") != c.crosses {
					t.Errorf("found %d times, want %d, said %q", n, want, said(&out, feed.Crossing))
				}
				if b.Synced() == lost || strings.Contains(out.Stale, "crossed") != lost || out.NeedSnapshot != lost || out.Ready || lost && len(out.Events) > 0 {
					t.Errorf("ignored %t: in step %t, %+v", ignore, b.Synced(), out)
				}
				if bid, ask := local.best(); bid >= ask {
					t.Errorf("what is published is crossed: %v and %v", bid, ask)
				}
				if !lost {
					continue
				}
				take(rowsAt(depth, 14, level(buy, 100, 3)))
				if out = take(rowsAt(connector.MessageSnapshot, 14, level(buy, 100, 3), level(sell, 102, 1))); !out.Ready || !b.Synced() {
					t.Errorf("a snapshot that fits gives %+v", out)
				}
			}
		})
	}
}

// TestCrossedByRounding: prices that the given tick size cannot tell apart are reported as off the grid, and are no sign of a missing
// deletion.
func TestCrossedByRounding(t *testing.T) {
	b, err := feed.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: connector.RuleSpot})
	if err != nil {
		t.Fatal(err)
	}
	b.Take(1000, rowsAt(connector.MessageDepth, 9))
	b.Take(1000, rowsAt(connector.MessageSnapshot, 10, level(hft.Buy, 100, 1), level(hft.Sell, 102, 1)))
	b.Take(1000, rowsAt(connector.MessageDepth, 11, level(hft.Buy, 101.6, 1)))
	if !b.Synced() || found(b, feed.Crossing) != 0 || found(b, feed.OffGrid) == 0 {
		t.Errorf("in step %t, %d crossings, %d off the grid", b.Synced(), found(b, feed.Crossing), found(b, feed.OffGrid))
	}
}
