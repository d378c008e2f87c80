package convert_test

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/check"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

func spot() connector.Decoder { return binance.Spot().Format.NewDecoder() }

// spotDepth is a difference of a spot book, received 10 ms after it was made.
func spotDepth(ms, first, last int64, bids, asks string) string {
	return fmt.Sprintf(`%d {"e":"depthUpdate","E":%d,"s":"XUSDT","U":%d,"u":%d,"b":[%s],"a":[%s]}`+"\n", ms*1e6, ms-10, first, last, bids, asks)
}

const t0 = 1_748_908_801_000 // ms

// bookAt returns the book that rows of one side make.
func bookAt(rows []hft.Event, flag uint64, tick, lot float64) depth.Book {
	book := depth.NewHashMapMarketDepth(tick, lot)
	for i := range rows {
		if rows[i].Is(flag) {
			depth.Apply(book, &rows[i])
		}
	}
	return book
}

// TestDifferenceOlderThanTheSnapshot: a spot snapshot contains the difference that comes after it. Rows as they come bring a level
// back that was gone.
func TestDifferenceOlderThanTheSnapshot(t *testing.T) {
	lines := spotDepth(t0, 1, 5, `["99.9","1"]`, `["100.1","2"]`) +
		fmt.Sprintf(`%d {"lastUpdateId":10,"bids":[["100.0","3"],["99.9","1"]],"asks":[["100.1","2"],["100.2","2"]]}`+"\n", (t0+50)*1_000_000) +
		spotDepth(t0+100, 6, 9, `["100.1","7"]`, `["100.1","0"]`) + spotDepth(t0+200, 10, 12, `["99.8","4"]`, "") + spotDepth(t0+4200, 13, 14, `["99.7","4"]`, "")
	rows, s, problems := converted(t, convert.Options{NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.1, LotSize: 0.001, Quotes: true}, lines)
	for _, flag := range []uint64{hft.ExchEvent, hft.LocalEvent} {
		if b := bookAt(rows, flag, 0.1, 0.001); b.BestBidTick() != 1000 || b.BestBidQty() != 3 || b.BestAskTick() != 1001 || b.BestAskQty() != 2 {
			t.Errorf("best %v x %v and %v x %v: %s", b.BestBid(), b.BestBidQty(), b.BestAsk(), b.BestAskQty(), text(rows))
		}
	}
	if clear := rows[0]; len(problems) > 0 || s.Clears != 1 || clear.Kind() != hft.DepthClearEvent || clear.Side() != hft.SideNone || !math.IsNaN(clear.Px) {
		t.Errorf("problems %q, %+v: %s", problems, s, text(rows))
	}
	rows, _, _ = converted(t, convert.Options{NewDecoder: spot, Natural: true}, lines)
	if b := bookAt(rows, hft.LocalEvent, 0.1, 0.001); b.BestBidTick() != 1001 {
		t.Errorf("natural rows: the best bid is %v, the reference's 100.1", b.BestBid())
	}
}

func bybitBook(ms, id int64, kind, bids, asks string) string {
	return fmt.Sprintf(`%d {"topic":"orderbook.50.BTCUSDT","type":%q,"ts":%d,"data":{"s":"BTCUSDT","b":[%s],"a":[%s],"u":%d,"seq":%d},"cts":%d}`+"\n",
		ms*1e6, kind, ms-5, bids, asks, id, 10*id, ms-10)
}

// TestGap: a missing update is reported with its line, and the book is empty until a snapshot; clears empty it
// completely.
func TestGap(t *testing.T) {
	options := convert.Options{NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed, TickSize: 0.1, LotSize: 0.001}
	lines := bybitBook(t0, 10, "snapshot", `["100.0","5"],["98.0","5"]`, `["100.1","5"]`) + bybitBook(t0+100, 11, "delta", `["100.0","4"]`, "") +
		bybitBook(t0+200, 25, "delta", `["99.9","4"]`, "")
	rows, s, problems := converted(t, options, lines)
	if !slices.Equal(problems, []string{"f0:3 gap", "f0:3 not synchronised"}) || found(s, feed.Gap) != 1 || found(s, feed.Unsynchronised) != 1 {
		t.Errorf("problems %q, %+v", problems, s)
	}
	// Both sides lose the book with the message that shows the gap, not one of them with the last one before it.
	if last := rows[len(rows)-1]; last.Kind() != hft.DepthClearEvent || last.ExchTimestampNs != (t0+190)*1e6 ||
		last.LocalTimestampNs != (t0+200)*1e6 {
		t.Errorf("the gap ends the book with %+v", last)
	}
	for _, flag := range []uint64{hft.ExchEvent, hft.LocalEvent} {
		if b := bookAt(rows, flag, 0.1, 0.001); b.BestBidTick() != hft.InvalidMin || b.BestAskTick() != hft.InvalidMax || b.BidQtyAtTick(980) != 0 {
			t.Errorf("the book after the gap is %v", b.Snapshot(nil))
		}
	}
	rows, _, problems = converted(t, options, lines, bybitBook(t0+300, 30, "snapshot", `["99.0","1"]`, `["99.1","1"]`))
	if b := bookAt(rows, hft.ExchEvent, 0.1, 0.001); len(b.Snapshot(nil)) != 2 || b.BestAskTick() != 991 || len(problems) != 1 {
		t.Errorf("the book after the snapshot is %v: %q", b.Snapshot(nil), problems)
	}
}

// TestCrossingUpdate: after an update that crosses the book there is none until the next snapshot.
func TestCrossingUpdate(t *testing.T) {
	options := convert.Options{NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed, TickSize: 0.1, LotSize: 0.001}
	lines := bybitBook(t0, 10, "snapshot", `["100.0","5"]`, `["100.1","5"]`) + bybitBook(t0+100, 11, "delta", `["100.2","4"]`, "") +
		bybitBook(t0+200, 12, "delta", `["99.9","4"]`, "")
	rows, s, problems := converted(t, options, lines)
	if !slices.Equal(problems, []string{"f0:2 crossing update", "f0:2 not synchronised"}) || found(s, feed.Crossing) != 1 {
		t.Errorf("problems %q, %+v", problems, s)
	}
	if b := bookAt(rows, hft.ExchEvent, 0.1, 0.001); len(b.Snapshot(nil)) != 0 {
		t.Errorf("the book is %v", b.Snapshot(nil))
	}
	rows, _, _ = converted(t, options, lines, bybitBook(t0+300, 13, "snapshot", `["99.0","1"]`, `["99.1","1"]`))
	if b := bookAt(rows, hft.ExchEvent, 0.1, 0.001); len(b.Snapshot(nil)) != 2 {
		t.Errorf("the book after the snapshot is %v", b.Snapshot(nil))
	}
}

// TestSnapshotThatDiffers: a snapshot in mid-stream that differs from the book is reported with its place, and makes
// no rows.
func TestSnapshotThatDiffers(t *testing.T) {
	snapshot := func(ms, id int64, bids string) string {
		return fmt.Sprintf(`%d {"lastUpdateId":%d,"bids":[%s],"asks":[["100.1","2"]]}`+"\n", ms*1e6, id, bids)
	}
	first, more := snapshot(t0, 10, `["100.0","3"]`)+spotDepth(t0+100, 11, 12, `["99.9","1"]`, ""), spotDepth(t0+300, 13, 14, `["99.8","4"]`, "")
	options := convert.Options{NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.1, LotSize: 0.001, Quotes: true}
	want, _, _ := converted(t, options, first+more)
	rows, s, problems := converted(t, options, first+snapshot(t0+200, 12, `["100.0","3"],["99.9","7"]`)+more)
	if found(s, feed.Mismatch) != 1 || !slices.Equal(problems, []string{"f0:3 mismatch"}) || !strings.Contains(s.Report.Found[feed.Mismatch].First.What, "the bid of 99.9, 1 in the book and 7 in the snapshot") || text(rows) != text(want) {
		t.Errorf("%q, %+v: %s, want %s", problems, s.Report, text(rows), text(want))
	}
}

// TestOffBookTrades: a block trade is a row of its own kind, which natural rows have not.
func TestOffBookTrades(t *testing.T) {
	trade := func(ms int64, px, block string) string {
		return fmt.Sprintf(`%d {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":%d,"data":[{"T":%d,"s":"BTCUSDT","S":"Sell","v":"500","p":%q,"i":"b1","BT":%s,"RPI":false,"seq":101}]}`+"\n",
			ms*1e6, ms-5, ms-7, px, block)
	}
	options := convert.Options{NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed, TickSize: 0.1, LotSize: 0.001}
	lines := bybitBook(t0, 10, "snapshot", `["100.0","5"]`, `["100.1","5"]`) + trade(t0+100, "95.0", "true") + trade(t0+200, "100.0", "false")
	rows, s, _ := converted(t, options, lines)
	off := slices.IndexFunc(rows, func(e hft.Event) bool { return e.Kind() == hft.OffBookTrade })
	if found(s, feed.OffBook) != 1 || off < 0 || rows[off].Px != 95 || rows[off].Qty != 500 || rows[off].Side() != hft.Sell {
		t.Errorf("%+v: %s", s, text(rows))
	}
	options.Natural = true
	if rows, s, _ = converted(t, options, lines); found(s, feed.OffBook) != 1 || s.Trades != 1 || len(rows) == 0 || slices.ContainsFunc(rows, func(e hft.Event) bool { return e.Kind() == hft.OffBookTrade }) {
		t.Errorf("natural: %+v: %s", s, text(rows))
	}
}

// TestOffGrid: prices that are not multiples of the tick size are counted, and reported once, where they enter the
// book.
func TestOffGrid(t *testing.T) {
	lines := fmt.Sprintf(`%d {"lastUpdateId":1,"bids":[["100.09","9"],["100.08","8"]],"asks":[["100.1","5"]]}`+"\n", t0*1_000_000) +
		spotDepth(t0+100, 2, 2, `["100.01","1"]`, "")
	_, s, problems := converted(t, convert.Options{NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.1, LotSize: 0.001}, lines)
	if found(s, feed.OffGrid) != 3 || !slices.Equal(problems, []string{"f0:2 off the grid"}) {
		t.Errorf("problems %q, %+v", problems, s)
	}
}

// TestUnits: whatever the unit of the times, the venue's and the local ones, the rows are the same, and the unit is
// reported once.
func TestUnits(t *testing.T) {
	const second = t0 / 1000
	o := convert.Options{NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.1, LotSize: 0.001}
	recorded := func(localDigits, exchDigits string) string {
		return fmt.Sprintf(`%[1]d%[2]s {"lastUpdateId":1,"bids":[["9","1"]],"asks":[["10","1"]]}
%[1]d%[2]s {"e":"depthUpdate","E":%[1]d%[3]s,"s":"XUSDT","U":2,"u":2,"b":[["9.1","1"]],"a":[]}
%[1]d%[2]s {"e":"trade","E":%[1]d%[3]s,"T":%[1]d%[3]s,"s":"XUSDT","t":1,"p":"9","q":"1","m":true}
`, int64(second), localDigits, exchDigits)
	}
	rows, _, problems := converted(t, o, recorded("000000000", "000"))
	if want := text(rows); len(problems) > 0 || !strings.Contains(want, fmt.Sprintf("%d000000000/%[1]d000000000 9x1", int64(second))) {
		t.Fatalf("%s, problems %q", want, problems)
	}
	for _, digits := range []string{"", "000000", "000000000"} {
		for local, told := range map[string][]string{"": {"f0:1 unit of times", "f0:2 unit of times"}, "000": {"f0:1 unit of times", "f0:2 unit of times"},
			"000000": {"f0:1 unit of times", "f0:2 unit of times"}, "000000000": {"f0:2 unit of times"}} {
			got, s, problems := converted(t, o, recorded(local, digits))
			if text(got) != text(rows) || !slices.Equal(problems, told) || found(s, feed.BadLine) != 0 {
				t.Errorf("local times with %q, the venue's with %q: %s, problems %q", local, digits, text(got), problems)
			}
		}
	}
}

// TestCorrectionOfEachFile: each file's clock is corrected for itself, and quotes without a time decide nothing.
func TestCorrectionOfEachFile(t *testing.T) {
	early := strings.Replace(spotDepth(t0+100, 2, 2, `["9.1","1"]`, ""), fmt.Sprint((t0+100)*1_000_000), fmt.Sprint((t0+70)*1_000_000), 1) // 20 ms before it was made
	quote := fmt.Sprintf(`%d {"u":2,"s":"XUSDT","b":"9","B":"1","a":"10","A":"2"}`+"\n", (t0+60)*1_000_000)
	snapshot := fmt.Sprintf(`%d {"lastUpdateId":1,"bids":[["9","1"]],"asks":[["10","1"]]}`+"\n", (t0+50)*1_000_000)
	rows, s, _ := converted(t, convert.Options{NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.1, LotSize: 0.001, BaseLatency: 1e6},
		snapshot+quote+early, spotDepth(t0+200, 3, 3, `["9.2","1"]`, ""))
	if len(s.Report.Corrections) != 2 || s.Report.Corrections[0].OffsetNs != 21e6 || s.Report.Corrections[0].Line != 3 || s.Report.Corrections[0].MinLatencyNs != -20e6 || s.Report.Corrections[1].OffsetNs != 0 {
		t.Errorf("corrections %+v", s.Report.Corrections)
	}
	if last := rows[len(rows)-1]; last.LocalTimestampNs != (t0+200)*1e6 || s.FirstLocalTimestampNs != (t0+91)*1e6 {
		t.Errorf("rows %s", text(rows))
	}
	if want := "is received 20ms before its exchange time"; !strings.Contains(s.Report.Corrections[0].String(), want) {
		t.Errorf("%v does not say %q", s.Report.Corrections[0], want)
	}
}

// TestSamplesAreSound: what is made of the samples passes the check of data, which says what it is.
func TestSamplesAreSound(t *testing.T) {
	for venue, o := range map[string]convert.Options{
		"binancefutures": {NewDecoder: futures, Rule: connector.RuleFutures, TickSize: 0.1, LotSize: 0.001},
		"binancespot":    {NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.01, LotSize: 0.00001},
		"bybit":          {NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed, TickSize: 0.1, LotSize: 0.001},
	} {
		o.Quotes = true
		o.OnProblem = func(p feed.Problem) { t.Error(p) }
		out := filepath.Join(t.TempDir(), "out.npy")
		s, err := convert.Events(t.Context(), []string{sampletest.Path(t, venue, "BTCUSDT")}, out, o)
		if err != nil || s.BBOs != 0 || s.Both < 2*s.ExchOnly || found(s, feed.BadLine) != 0 {
			t.Errorf("%s: %+v, %v", venue, s, err)
		}
		rows := readEvents(t, out)
		report, err := check.Check(t.Context(), memory(rows).read(), check.Options{TickSize: o.TickSize, LotSize: o.LotSize})
		if err != nil || !report.OK() || report.Book != check.BookByRule {
			t.Errorf("%s: %v\n%s", venue, err, report.String())
		}
	}
}

// memory are rows that are read as a file is.
type memory []hft.Event

func (m memory) read() func([]hft.Event) (int, error) {
	return func(dst []hft.Event) (int, error) {
		n := copy(dst, m)
		if m = m[n:]; len(m) == 0 {
			return n, io.EOF
		}
		return n, nil
	}
}
