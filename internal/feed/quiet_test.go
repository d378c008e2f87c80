package feed_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

const ms = 1_000_000

// TestTimeOfAQuote: a quote that does not say when it was made was made while the market was quiet, not when the depth
// stream last spoke: an exchange that had it earlier would fill orders by a price that nobody knew.
func TestTimeOfAQuote(t *testing.T) {
	b, err := feed.NewBook(feed.Config{Rule: connector.RuleSpot, TickSize: 1, LotSize: 1, Quotes: true})
	if err != nil {
		t.Fatal(err)
	}
	const t0 = 1000e9
	take := func(localNs int64, m *connector.Message) []hft.Event { return b.Take(localNs, m).Events }
	take(t0, bookAt(connector.MessageDepth, connector.RuleSpot, 1, 5, 0, t0-5*ms, bid(99, 1)))
	take(t0, bookAt(connector.MessageSnapshot, connector.RuleSpot, 0, 5, 0, 0, bid(99, 1)))
	// 3 ms on its way
	take(t0+100*ms, bookAt(connector.MessageDepth, connector.RuleSpot, 6, 6, 0, t0+97*ms, bid(99, 2)))
	take(t0+29_990*ms, tradeAt(1, t0+29_980*ms))
	rows := take(t0+30_000*ms, quoteAt(7, 0, 100, 1))
	if len(rows) == 0 {
		t.Fatal("the quote changes nothing")
	}
	for i := range rows {
		if got := rows[i].ExchTimestampNs; got != t0+29_997*ms {
			t.Errorf("the quote was made %d ms after the beginning, want 29997", (got-t0)/ms)
		}
	}
}

// TestSnapshotAheadOfAQuietStream: a difference that a newer snapshot contains is of the past, however long the stream
// was silent before it.
func TestSnapshotAheadOfAQuietStream(t *testing.T) {
	b, err := feed.NewBook(feed.Config{Rule: connector.RuleSpot, TickSize: 1, LotSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	b.Take(1000e9, bookAt(connector.MessageDepth, connector.RuleSpot, 95, 100, 0, 1000e9, bid(99, 1)))
	if out := b.Take(1015e9, bookAt(connector.MessageSnapshot, connector.RuleSpot, 0, 112, 0, 0,
		bid(99, 1))); !out.Ready {
		t.Fatal("the snapshot does not fit")
	}
	for _, ids := range [][2]int64{{101, 110}, {111, 115}} {
		out := b.Take(1015_050*ms, bookAt(connector.MessageDepth, connector.RuleSpot, ids[0], ids[1], 0, 1015_050*ms,
			bid(99, 2)))
		if out.Stale != "" || out.NeedSnapshot || !b.Synced() {
			t.Errorf("%d to %d: %q, in step %v", ids[0], ids[1], out.Stale, b.Synced())
		}
	}
}

// TestTradesThatDoNotCome: ids of trades that are left out and have not come 10 s later are told; at USD-M, where a few
// belong to no published trade, only many are.
func TestTradesThatDoNotCome(t *testing.T) {
	for _, c := range []struct {
		rule    connector.Rule
		missing int64
		want    uint64
	}{{connector.RuleSpot, 1, 1}, {connector.RuleSpot, 0, 0}, {connector.RuleFutures, 5, 0}, {connector.RuleFutures,
		4998, 1}} {
		b, err := feed.NewBook(feed.Config{Rule: c.rule, TickSize: 1, LotSize: 1})
		if err != nil {
			t.Fatal(err)
		}
		b.Take(1e9, tradeAt(1, 1e9))
		b.Take(2e9, tradeAt(2+c.missing, 2e9))
		if found(b, feed.TradeGap) != 0 {
			t.Error("a trade that may still come is missing")
		}
		out := b.Take(13e9, tradeAt(3+c.missing, 13e9))
		if n := found(b, feed.TradeGap); n != c.want || (said(&out, feed.TradeGap) != "") != (c.want == 1) {
			t.Errorf("rule %v, %d missing: told of %d, %q", c.rule, c.missing, n, said(&out, feed.TradeGap))
		}
	}
}

// TestAgreesWhereLevelsAreRounded: the levels of a venue that share a tick are one in the book, and no sign that it is
// old.
func TestAgreesWhereLevelsAreRounded(t *testing.T) {
	b, err := feed.NewBook(feed.Config{Rule: connector.RuleSpot, TickSize: 0.1, LotSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	row := func(px, qty float64) hft.Event { return event(hft.DepthSnapshotEvent, hft.Sell, px, qty, 1e9) }
	rows := []hft.Event{row(100.09, 1), row(100.11, 2), row(100.3, 4)}
	snapshot := &connector.Message{Kind: connector.MessageSnapshot, LastID: 5, Seq: 5,
		Events: append([]hft.Event(nil), rows...)}
	b.Take(1e9, bookAt(connector.MessageDepth, connector.RuleSpot, 1, 5, 0, 1e9, nil))
	if out := b.Take(1e9, snapshot); !out.Ready {
		t.Fatal("no book")
	}
	if !b.Agrees(rows) {
		t.Error("the book does not agree with its own snapshot")
	}
	rows[2].Qty = 5
	if b.Agrees(rows) {
		t.Error("the book agrees with another quantity")
	}
}

// TestTimeOfAQuoteAfterAClockStep: a clock that is set back or forward moves the time of quotes for two minutes at
// most, and so does one whose distance from the venue's was measured wrong at first.
func TestTimeOfAQuoteAfterAClockStep(t *testing.T) {
	for _, c := range []struct{ step, before, after int64 }{{-3600e9, 0, -3600e9}, {3600e9, 0, 3600e9}, {0, 30e9, 0}} {
		measured := c.before // by how much the local clock is ahead of the venue's
		b, err := feed.NewBook(feed.Config{Rule: connector.RuleSpot, TickSize: 1, LotSize: 1, Quotes: true,
			VenueNs: func(localNs int64) int64 { return localNs - measured }})
		if err != nil {
			t.Fatal(err)
		}
		const t0 = 10_000e9
		b.Take(t0, bookAt(connector.MessageDepth, connector.RuleSpot, 1, 5, 0, t0-5*ms, bid(99, 1)))
		b.Take(t0, bookAt(connector.MessageSnapshot, connector.RuleSpot, 0, 5, 0, 0, bid(99, 1)))
		measured = c.after
		localNs, exchNs, id := t0+c.step, int64(t0), int64(6)
		for range 200 {
			localNs, exchNs, id = localNs+1e9, exchNs+1e9, id+1
			b.Take(localNs, bookAt(connector.MessageDepth, connector.RuleSpot, id-1, id-1, 0, exchNs-4*ms,
				bid(99, float64(id))))
		}
		rows := b.Take(localNs+1e9, quoteAt(id, 0, 100, 1)).Events
		if len(rows) == 0 {
			t.Fatal("the quote changes nothing")
		}
		if got, want := rows[0].ExchTimestampNs, exchNs+1e9-4*ms; got != want {
			t.Errorf("%+v: the quote was made %d ms late", c, (got-want)/ms)
		}
	}
}

// TestTradesOfTheNextConnection: what was left out while there was no connection is missing, and ids that are less than
// before begin again at once.
func TestTradesOfTheNextConnection(t *testing.T) {
	for next, want := range map[int64][2]uint64{20: {2, 0}, 3: {1, 0}, 11: {0, 0}} {
		b, err := feed.NewBook(feed.Config{Rule: connector.RuleSpot, TickSize: 1, LotSize: 1})
		if err != nil {
			t.Fatal(err)
		}
		b.Take(1e9, tradeAt(10, 1e9))
		b.Take(1e9, tradeAt(12, 1e9)) // 11 may come, as it does by a second connection
		b.LostTrades()
		for i, id := range []int64{next, max(next, 12) + 1} {
			if next == 3 {
				id = next + int64(i)
			}
			ns := int64(2e9 + float64(i)*11e9)
			if out := b.Take(ns, tradeAt(id, ns)); out.Seen {
				t.Errorf("%d: trade %d is no new one", next, id)
			}
		}
		if got := [2]uint64{found(b, feed.TradeGap), found(b, feed.TradesAnew)}; got != want {
			t.Errorf("%d: %d gaps, ids began %d times anew, want %v", next, got[0], got[1], want)
		}
	}
}

// TestTradesMissingAtTheEnd: what has not come by the end of a recording is missing.
func TestTradesMissingAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recording")
	var text strings.Builder
	for i, id := range []int{1, 2, 5} {
		fmt.Fprintf(&text, `%d000000 {"e":"trade","E":%[1]d,"s":"A","t":%d,"p":"1","q":"1","T":%[1]d,"m":true}`+"\n",
			1_700_000_000_000+i, id)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var told []string
	l, err := feed.OpenLines(t.Context(), feed.LinesConfig{Files: []string{path}, NewDecoder: spot, Symbol: "A",
		Rule: connector.RuleSpot, OnProblem: func(p feed.Problem) error {
			told = append(told, p.Error())
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := l.NewBook(feed.Config{Rule: connector.RuleSpot, TickSize: 1, LotSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for {
		localNs, err := l.Next()
		if err != nil {
			break
		}
		m, err := l.Message()
		if err != nil {
			t.Fatal(err)
		}
		out := b.Take(localNs, m)
		if err := l.Tell(&out); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.CheckEnd(b); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "2 trades are missing, from the id 3 on") {
		t.Errorf("told %q", told)
	}
}
