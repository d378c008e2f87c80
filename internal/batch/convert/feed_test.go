package convert_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/check"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// fed converts texts one after the other as one Feed, and returns the rows of each.
func fed(t *testing.T, options convert.Options, texts ...string) (rows [][]hft.Event, all []convert.Summary) {
	t.Helper()
	f, err := convert.NewFeed(options)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range write(t, texts...) {
		out := filepath.Join(t.TempDir(), "out.npy")
		s, err := f.Convert(t.Context(), []string{path}, out)
		if err != nil {
			t.Fatal(err)
		}
		rows, all = append(rows, readEvents(t, out)), append(all, s)
		if n := int64(len(rows[len(rows)-1])); s.NumRows != n {
			t.Errorf("%d rows, told are %d", n, s.NumRows)
		}
	}
	return rows, all
}

func numTrades(rows []hft.Event) (n int) {
	for i := range rows {
		if rows[i].Kind() == hft.TradeEvent && rows[i].Is(hft.LocalEvent) {
			n++
		}
	}
	return n
}

// TestFeedOfParts: a recording that is cut into files has in each, by itself, the book that the whole has there,
// though only the first has a snapshot; also where a file before is only passed over.
func TestFeedOfParts(t *testing.T) {
	for venue, o := range map[string]convert.Options{
		"binancefutures": {NewDecoder: futures, Rule: connector.RuleFutures, TickSize: 0.1, LotSize: 0.001},
		"binancespot":    {NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.01, LotSize: 0.00001},
		"bybit": {NewDecoder: bybit.Kind().Format.NewDecoder,
			Rule: connector.RuleStreamed, TickSize: 0.1, LotSize: 0.001},
	} {
		o.Quotes = true
		var parts []string
		var whole strings.Builder
		n, each := 0, sampletest.Lines(t, venue, "BTCUSDT")/3+1
		sampletest.EachLine(t, func(localNs int64, message []byte) {
			fmt.Fprintf(&whole, "%d %s\n", localNs, message)
			if n++; n%each == 0 {
				parts = append(parts, whole.String())
				whole.Reset()
			}
		}, sampletest.Path(t, venue, "BTCUSDT"))
		parts = append(parts, whole.String())
		got, _ := fed(t, o, parts...)
		trades := 0
		for i := range got {
			want, _, _ := converted(t, o, parts[:i+1]...)
			trades += numTrades(got[i])
			if numTrades(want) != trades {
				t.Errorf("%s, file %d: %d trades, want %d", venue, i, trades, numTrades(want))
			}
			for _, flag := range []uint64{hft.ExchEvent, hft.LocalEvent} {
				a := bookAt(got[i], flag, o.TickSize, o.LotSize).Snapshot(nil)
				b := bookAt(want, flag, o.TickSize, o.LotSize).Snapshot(nil)
				if len(a) < 100 || text(a) != text(b) {
					t.Errorf("%s, file %d: the book has %d levels, that of all files %d, or others", venue, i, len(a), len(b))
				}
			}
			report, err := check.Check(t.Context(), memory(got[i]).read(),
				check.Options{TickSize: o.TickSize, LotSize: o.LotSize})
			if err != nil || !report.OK() || report.Book != check.BookByRule {
				t.Errorf("%s, file %d: %v\n%s", venue, i, err, report.String())
			}
		}
		f, err := convert.NewFeed(o)
		if err != nil {
			t.Fatal(err)
		}
		files, out := write(t, parts...), filepath.Join(t.TempDir(), "out.npy")
		if _, err := f.Convert(t.Context(), files[:2], ""); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Convert(t.Context(), files[2:], out); err != nil || text(readEvents(t, out)) != text(got[2]) {
			t.Errorf("%s: the last file is another one when those before are passed over: %v", venue, err)
		}
	}
}

// TestFeedBegins shows what a file begins with: the book as it stood, at the time of the first row, unless the file's
// own first messages about the book say that it is another one.
func TestFeedBegins(t *testing.T) {
	snapshot := func(ms, id int64, bid, ask string) string {
		return fmt.Sprintf(`%d {"lastUpdateId":%d,"bids":[%s],"asks":[%s]}`+"\n", ms*1e6, id, bid, ask)
	}
	trade := func(ms int64) string {
		return fmt.Sprintf(`%d {"e":"trade","E":%d,"T":%d,"s":"XUSDT","t":%d,"p":"100","q":"1","m":true}`+"\n",
			ms*1e6, ms-10, ms-10, ms)
	}
	const day = 24 * 3600_000
	first := snapshot(t0, 10, `["100.0","3"],["99.5","1"]`, `["100.5","2"]`) +
		spotDepth(t0+100, 11, 12, `["99","1"]`, "")
	o := convert.Options{NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.5, LotSize: 0.001, Quotes: true}
	ns := func(ms int64) string { return fmt.Sprintf("%d/%d", (ms-10)*1e6, ms*1e6) }
	before := func(ms int64) string {
		return strings.ReplaceAll("ELb4 @ 100x3\nELb4 @ 99.5x1\nELb4 @ 99x1\nELs4 @ 100.5x2\n", "@", ns(ms))
	}
	for _, c := range []struct {
		name, second, want string
		levels             int
	}{
		{"goes on", trade(t0+200) + spotDepth(t0+300, 13, 14, `["99.5","0"]`, ""),
			before(t0+200) + "ELs2 " + ns(t0+200) + " 100x1\nELb1 " + ns(t0+300) + " 99.5x0\n", 3},
		{"overlaps", spotDepth(t0+100, 11, 12, `["99","1"]`, "") + spotDepth(t0+300, 13, 14, `["99.5","0"]`, ""),
			before(t0+300) + "ELb1 " + ns(t0+300) + " 99.5x0\n", 3},
		{"has no book", trade(t0+day) + spotDepth(t0+day+100, 90, 91, `["50","1"]`, ""),
			"ELs2 " + ns(t0+day) + " 100x1\n", 0},
		{"has another book", snapshot(t0+day, 100, `["50","1"]`, `["51","2"]`) + trade(t0+day+100) +
			spotDepth(t0+day+200, 99, 101, `["50","4"]`, ""), "", 2},
		{"has another book, which comes later", spotDepth(t0+day, 99, 101, `["50","4"]`, "") +
			snapshot(t0+day+100, 100, `["50","1"]`, `["51","2"]`), "", 2},
	} {
		rows, s := fed(t, o, first, c.second)
		// Levels, of which the first file has times, begin behind one row that clears both sides.
		got := rows[1]
		if len(c.want) > 0 && c.levels > 0 {
			if clear := got[0]; clear.Kind() != hft.DepthClearEvent || clear.Side() != hft.SideNone ||
				!math.IsNaN(clear.Px) || !clear.Is(hft.ExchEvent|hft.LocalEvent) {
				t.Errorf("%s: begins with %s", c.name, text(got))
			}
			got = got[1:]
		}
		if c.want != "" && text(got) != c.want {
			t.Errorf("%s: %swant %s", c.name, text(got), c.want)
		}
		for _, flag := range []uint64{hft.ExchEvent, hft.LocalEvent} {
			levels := bookAt(rows[1], flag, 0.5, 0.001).Snapshot(nil)
			if len(levels) != c.levels || c.want == "" && levels[0].Qty != 4 {
				t.Errorf("%s: the book is %s", c.name, text(levels))
			}
		}
		if at := rows[1][0]; at.ExchTimestampNs < (t0+100)*1e6 || s[1].FirstExchTimestampNs != at.ExchTimestampNs {
			t.Errorf("%s: it begins at %d: %+v", c.name, at.ExchTimestampNs, s[1])
		}
		if gaps := found(s[1], feed.Gap); (gaps > 0) != strings.HasPrefix(c.name, "has") {
			t.Errorf("%s: %d gaps", c.name, gaps)
		}
	}
}

// TestFeedErrors: what cannot be one feed is refused.
func TestFeedErrors(t *testing.T) {
	o := convert.Options{NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.1, LotSize: 0.001}
	for _, change := range []func(*convert.Options){
		func(o *convert.Options) { o.Natural = true }, func(o *convert.Options) { o.Raw = true },
		func(o *convert.Options) { o.LotSize = 0 },
	} {
		wrong := o
		change(&wrong)
		if _, err := convert.NewFeed(wrong); err == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
	f, err := convert.NewFeed(o)
	if err != nil {
		t.Fatal(err)
	}
	later, sooner := spotDepth(t0+9000, 11, 12, `["99.8","1"]`, ""), spotDepth(t0, 1, 2, `["99.8","1"]`, "")
	first := fmt.Sprintf(`%d {"lastUpdateId":10,"bids":[["99.9","1"]],"asks":[["100","1"]]}`+"\n", (t0+8000)*1_000_000)
	files := write(t, first+later, sooner, later)
	if _, err := f.Convert(t.Context(), files[:1], ""); err != nil {
		t.Fatal(err)
	}
	for _, path := range files[1:] {
		_, err := f.Convert(t.Context(), []string{path}, "")
		if err == nil || !strings.Contains(err.Error(), "list files in order of time") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
