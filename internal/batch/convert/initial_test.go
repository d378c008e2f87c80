package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// TestInitialBook: a recording that continues without a snapshot has the book of the day before, which ends in the same as
// both recordings together, if its first update follows on it; else it has none.
func TestInitialBook(t *testing.T) {
	for venue, o := range map[string]convert.Options{
		"binancefutures": {NewDecoder: futures, Rule: connector.RuleFutures, TickSize: 0.1, LotSize: 0.001},
		"binancespot":    {NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.01, LotSize: 0.00001},
		"bybit": {NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed, TickSize: 0.1,
			LotSize: 0.001},
	} {
		o.Quotes = true
		var lines []string
		sampletest.EachLine(t, func(localNs int64, message []byte) {
			lines = append(lines, fmt.Sprintf("%d %s\n", localNs, message))
		}, sampletest.Path(t, venue, "BTCUSDT"))
		half := len(lines) / 2
		part := func(from, to int) string { return strings.Join(lines[from:to], "") }
		whole, all, _ := converted(t, o, part(0, len(lines)))
		before, s, _ := converted(t, o, part(0, half))
		want := text(bookAt(whole, hft.LocalEvent, o.TickSize, o.LotSize).Snapshot(nil))
		o.Initial.Levels = bookAt(before, hft.LocalEvent, o.TickSize, o.LotSize).Snapshot(nil)
		for name, c := range map[string]struct {
			id   int64
			from int
			fits bool
		}{
			"its id": {s.LastUpdateID, half, true}, "no id": {0, half, true},
			"an overlap": {s.LastUpdateID, half - 50, true}, "a gap": {s.LastUpdateID, half + 300, false},
		} {
			o.Initial.LastID = c.id
			rows, got, problems := converted(t, o, part(c.from, len(lines)))
			for _, flag := range []uint64{hft.ExchEvent, hft.LocalEvent} {
				book := text(bookAt(rows, flag, o.TickSize, o.LotSize).Snapshot(nil))
				if (book == want) != c.fits || !c.fits && book != "" {
					t.Errorf("%s, %s: %d levels, want %d: %q", venue, name, strings.Count(book, "\n"), strings.Count(want, "\n"), problems)
				}
			}
			if found(got, feed.Gap) > 0 == c.fits || c.fits && (got.LastUpdateID != all.LastUpdateID || got.LastUpdateID == 0) {
				t.Errorf("%s, %s: at update %d, want %d: %q", venue, name, got.LastUpdateID, all.LastUpdateID, problems)
			}
		}
	}
}
