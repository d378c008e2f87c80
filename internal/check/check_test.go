package check_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/check"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

const both = hft.ExchEvent | hft.LocalEvent

func checked(tb testing.TB, rows []hft.Event, options check.Options) check.Report {
	tb.Helper()
	report, err := check.Check(context.Background(), reader(rows), options)
	if err != nil {
		tb.Fatal(err)
	}
	return report
}

// start is the time of row 0 of day, stepNs the time between its messages.
const start, stepNs = 1_700_000_000_000_000_000, 100_000_000

// day is a sound feed: messages of a bid, an ask and a trade around a price that goes up and down, tick 0.5, lot 1.
func day(messages int) []hft.Event {
	rows := make([]hft.Event, 0, 5*messages)
	bid := 1000.0
	for i := range messages {
		exchNs := int64(start + i*stepNs)
		add := func(ev uint64, px, qty float64) {
			rows = append(rows, hft.Event{Ev: both | ev, ExchTimestampNs: exchNs, LocalTimestampNs: exchNs + 3_000_000, Px: px, Qty: qty})
		}
		next := 1000 + 0.5*float64(i%40/20*2-1)*float64(i%20)/2
		next = math.Round(next*2) / 2
		// The old best levels go last, so that within a message the book is crossed when the price moves.
		add(hft.BuyEvent|hft.DepthEvent, next, 5)
		add(hft.SellEvent|hft.DepthEvent, next+0.5, 4)
		if next > bid {
			for px := bid + 0.5; px <= next; px += 0.5 {
				add(hft.SellEvent|hft.DepthEvent, px, 0)
			}
		} else {
			for px := next + 0.5; px <= bid; px += 0.5 {
				add(hft.BuyEvent|hft.DepthEvent, px, 0)
			}
		}
		add(hft.SellEvent|hft.TradeEvent, next, 1)
		bid = next
	}
	return rows
}

var options = check.Options{TickSize: 0.5, LotSize: 1}

func TestSoundDay(t *testing.T) {
	rows := day(1000)
	report := checked(t, rows, options)
	if problems := report.Problems(); problems != nil || !report.OK() {
		t.Errorf("%+v", problems)
	}
	n := int64(len(rows))
	if report.Rows != n || report.ExchRows != n || report.LocalRows != n || report.UnflaggedRows != 0 || report.Messages != 1000 ||
		report.BuyRows+report.SellRows != n || report.DepthRows != n-1000 || report.GapLimitNs != 60e9 || report.ClockStepLimitNs != 1e9 {
		t.Errorf("%+v", report)
	}
	if report.FirstExchTimestampNs != start || report.LastExchTimestampNs != start+999*stepNs || report.FirstLocalTimestampNs != start+3e6 ||
		report.LastLocalTimestampNs != start+999*stepNs+3e6 {
		t.Errorf("%+v", report)
	}
	if want := []check.KindCount{{Kind: 1, Name: "depth", Count: n - 1000}, {Kind: 2, Name: "trade", Count: 1000}}; !slices.Equal(report.Kinds, want) {
		t.Errorf("%+v", report.Kinds)
	}
	if text := report.String(); !strings.Contains(text, "no problems") || !strings.Contains(text, "1m39.9s of local time from 2023-11-14 22:13:20.003000000") {
		t.Error(text)
	}
}

// TestRecordedDaysAreClean checks the recorded feeds, as the reference project's own converter makes them, and the sample.
func TestRecordedDaysAreClean(t *testing.T) {
	t.Run("sample", func(t *testing.T) { daysAreClean(t, sampletest.BTC(t), sampletest.ETH(t)) })
	t.Run("recorded", func(t *testing.T) { daysAreClean(t, depthtest.RecordedBTC(t), depthtest.RecordedETH(t)) })
}

// A tick size that most prices do not fit is that of another instrument, so that results would be wrong.
func TestWrongTickSize(t *testing.T) {
	report := checked(t, day(1000), check.Options{TickSize: 0.7, LotSize: 0.001})
	problems := report.Problems()
	if report.OK() || !slices.ContainsFunc(problems, func(p check.Problem) bool {
		return p.Severity == check.SeverityError && strings.Contains(p.What, "not a multiple of the tick size 0.7")
	}) {
		t.Errorf("%d of %d rows: %v", report.OffTick.Count, report.Rows, problems)
	}
}

// TestWrongLotSize: the same of a lot size, as of rows that were made for another instrument.
func TestWrongLotSize(t *testing.T) {
	report := checked(t, day(1000), check.Options{TickSize: 0.5, LotSize: 0.7})
	problems := report.Problems()
	if report.OK() || !slices.ContainsFunc(problems, func(p check.Problem) bool {
		return p.Severity == check.SeverityError && strings.Contains(p.What, "not a multiple of the lot size 0.7")
	}) {
		t.Errorf("%d of %d rows: %v", report.OffLot.Count, report.Rows, problems)
	}
}

func daysAreClean(t *testing.T, btc, eth depthtest.Recording) {
	for name, c := range map[string]struct {
		rows []hft.Event
		tick float64
	}{
		"BTC": {btc.Events, depthtest.BTCTickSize},
		"ETH": {eth.Events, depthtest.ETHTickSize},
	} {
		report := checked(t, c.rows, check.Options{TickSize: c.tick, LotSize: 0.001})
		if !report.OK() || report.Rows != int64(len(c.rows)) || report.OffTick.Count != 0 {
			t.Errorf("%s: %s", name, report.String())
		}
		if crossed, locked := bruteForce(c.rows, c.tick, 0.001); report.Crossed.Count != crossed || report.Locked.Count != locked {
			t.Errorf("%s: crossed %d times, locked %d; with an ordered map %d and %d", name, report.Crossed.Count, report.Locked.Count, crossed, locked)
		}
	}
}

// TestDayByOrderIsClean checks the recorded orders (L3) of the reference results, read from their file.
func TestDayByOrderIsClean(t *testing.T) {
	unzipped, err := gzip.NewReader(bytes.NewReader(datatest.Golden(t, "l3.events.npy.gz")))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "l3.npy")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := npy.Open[hft.Event](path, npy.EventDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	report, err := check.Check(context.Background(), file.Read, check.Options{TickSize: 0.1, LotSize: 1})
	if err != nil || !report.OK() || report.Rows != 21093 || report.DepthRows == 0 {
		t.Errorf("%v: %s", err, report.String())
	}
}

// TestFaults puts one fault each into the sound day and looks for it, and for nothing else.
func TestFaults(t *testing.T) {
	const at = 50 // the first row of some message
	for name, c := range map[string]struct {
		inject   func(rows []hft.Event) []hft.Event
		finding  func(r *check.Report) check.Finding
		severity check.Severity
		value    float64
		says     string
	}{
		"exchange order": {func(rows []hft.Event) []hft.Event { rows[at+1].ExchTimestampNs -= 7; return rows },
			func(r *check.Report) check.Finding { return r.ExchOrder }, check.SeverityError, 7, "goes back in time at 1 row, at most by 7ns"},
		"local order": {func(rows []hft.Event) []hft.Event { rows[at+1].LocalTimestampNs -= 9; return rows },
			func(r *check.Report) check.Finding { return r.LocalOrder }, check.SeverityError, 9, "local side goes back"},
		"latency": {func(rows []hft.Event) []hft.Event {
			rows[at+1].Ev &^= hft.ExchEvent
			rows[at+1].ExchTimestampNs = rows[at+1].LocalTimestampNs + 11
			return rows
		},
			func(r *check.Report) check.Finding { return r.NegativeLatency }, check.SeverityError, 11, "received before it happened"},
		"price": {func(rows []hft.Event) []hft.Event { rows[at+1].Px = -2; return rows },
			func(r *check.Report) check.Finding { return r.BadPrices }, check.SeverityError, 2, "price that is negative"},
		"infinite price": {func(rows []hft.Event) []hft.Event { rows[at+1].Px = math.Inf(1); return rows },
			func(r *check.Report) check.Finding { return r.BadPrices }, check.SeverityError, 0, "not finite"},
		"quantity": {func(rows []hft.Event) []hft.Event { rows[at+1].Qty = -3; return rows },
			func(r *check.Report) check.Finding { return r.BadQuantities }, check.SeverityError, 3, "quantity that is negative"},
		"quantity NaN": {func(rows []hft.Event) []hft.Event { rows[at+1].Qty = math.NaN(); return rows },
			func(r *check.Report) check.Finding { return r.BadQuantities }, check.SeverityError, 0, "quantity that is"},
		"off tick": {func(rows []hft.Event) []hft.Event { rows[at+1].Px += 0.01; return rows },
			func(r *check.Report) check.Finding { return r.OffTick }, check.SeverityWarning, day(1000)[at+1].Px + 0.01, "not a multiple of the tick size 0.5"},
		"off lot": {func(rows []hft.Event) []hft.Event { rows[at+1].Qty += 0.25; return rows },
			func(r *check.Report) check.Finding { return r.OffLot }, check.SeverityWarning, day(1000)[at+1].Qty + 0.25, "not a multiple of the lot size 1."},
		"kind": {func(rows []hft.Event) []hft.Event { return slices.Insert(rows, at+1, with(rows[at], both|77, 0, 0)) },
			func(r *check.Report) check.Finding { return r.UnknownKinds }, check.SeverityWarning, 77, "first of kind 77"},
		"side": {func(rows []hft.Event) []hft.Event {
			return slices.Insert(rows, at+1, with(rows[at], both|hft.DepthEvent, 900, 1))
		},
			func(r *check.Report) check.Finding { return r.NoSide }, check.SeverityWarning, 1, "neither side of the book"},
		"gap": {func(rows []hft.Event) []hft.Event { return later(rows, at+1, 60_900_000_000, 60_900_000_000) },
			func(r *check.Report) check.Finding { return r.Gaps }, check.SeverityWarning, 61e9, "more than 1m0s, 1 time, 1m1s at most"},
		"clock": {func(rows []hft.Event) []hft.Event { return later(rows, at+1, 0, 2e9) },
			func(r *check.Report) check.Finding { return r.ClockSteps }, check.SeverityWarning, 2e9, "more than 1s from one message to the next"},
		"order": {func(rows []hft.Event) []hft.Event {
			return slices.Insert(rows, at+1, with(rows[at], both|hft.BuyEvent|hft.CancelOrderEvent, 0, 0))
		},
			func(r *check.Report) check.Finding { return r.OrderErrors }, check.SeverityError, 11, "order that is not there"},
	} {
		rows := day(1000)
		if rows[at].LocalTimestampNs != rows[at+1].LocalTimestampNs {
			t.Fatal("rows at and at+1 belong together")
		}
		report := checked(t, c.inject(rows), options)
		f := c.finding(&report)
		if f.Count != 1 || f.Worst != c.value || len(f.First) != 1 || math.Abs(f.First[0].Value) != c.value || f.First[0].Row < at || f.First[0].Row > at+6 {
			t.Errorf("%s: %+v", name, f)
			continue
		}
		problems := report.Problems()
		if len(problems) != 1 || problems[0].Severity != c.severity || problems[0].Row != f.First[0].Row || problems[0].Count != 1 ||
			problems[0].TimestampNs != f.First[0].TimestampNs || !strings.Contains(problems[0].What, c.says) || problems[0].Advice == "" {
			t.Errorf("%s: %+v", name, problems)
		}
		if report.OK() != (c.severity == check.SeverityWarning) || !strings.Contains(report.String(), problems[0].What) {
			t.Errorf("%s: %s", name, report.String())
		}
	}
}

// with returns row with other flags, price and quantity.
func with(row hft.Event, ev uint64, px, qty float64) hft.Event {
	row.Ev, row.Px, row.Qty = ev, px, qty
	return row
}

// later shifts the times of all messages after that of row at by so much.
func later(rows []hft.Event, at int, exchNs, localNs int64) []hft.Event {
	after := rows[at].LocalTimestampNs
	for i := range rows {
		if rows[i].LocalTimestampNs > after {
			rows[i].ExchTimestampNs += exchNs
			rows[i].LocalTimestampNs += localNs
		}
	}
	return rows
}

// TestCrossedBook loses a message that removes a level, so that the next one leaves the book locked, then crossed.
func TestCrossedBook(t *testing.T) {
	row := func(message int64, ev uint64, px, qty float64) hft.Event {
		return hft.Event{Ev: both | hft.DepthEvent | ev, ExchTimestampNs: message * 1e9, LocalTimestampNs: message * 1e9, Px: px, Qty: qty}
	}
	rows := []hft.Event{
		row(1, hft.BuyEvent, 99, 1), row(1, hft.SellEvent, 100, 1), row(1, hft.SellEvent, 101, 1),
		row(2, hft.BuyEvent, 100, 1), // locked with the ask that should have gone
		row(3, hft.BuyEvent, 100.5, 1),
		row(5, hft.SellEvent, 100, 0), row(5, hft.BuyEvent, 100, 0), // fine
		row(6, hft.BuyEvent, 103, 1), // crossed again
		row(7, hft.BuyEvent, 103, 0), // fine: the asks are above the bids again, shown or not
		row(8, hft.SellEvent, 100.5, 1), row(8, hft.SellEvent, 100.5, 0), row(2000, hft.BuyEvent, 98, 1),
	}
	report := checked(t, rows, options)
	example := func(row, second int64, value float64) check.Example {
		return check.Example{Row: row, TimestampNs: second * 1e9, Value: value}
	}
	if want := (check.Finding{Count: 2, Worst: 2e9, Sum: 3e9, First: []check.Example{example(4, 3, 2e9), example(7, 6, 1e9)}}); !reflect.DeepEqual(report.Crossed, want) {
		t.Errorf("crossed %+v", report.Crossed)
	}
	if want := (check.Finding{Count: 1, Worst: 1e9, Sum: 1e9, First: []check.Example{example(3, 2, 1e9)}}); !reflect.DeepEqual(report.Locked, want) {
		t.Errorf("locked %+v", report.Locked)
	}
	if !report.OK() {
		t.Errorf("3 s of 2000 s are moments: %+v", report.Problems())
	}
	report = checked(t, rows[:7], options)
	if problems := report.Problems(); len(problems) != 2 || problems[0].Severity != check.SeverityError ||
		problems[0].What != "The book is crossed 1 time, 2s in all and 2s at most." || report.OK() {
		t.Errorf("2 s of 4 s are an error: %+v", problems)
	}
}

// bruteForce counts crossed and locked episodes with the ordered book, which keeps a crossed feed crossed.
func bruteForce(rows []hft.Event, tick, lot float64) (crossed, locked int64) {
	book := depth.NewBTreeMarketDepth(tick, lot)
	was, message := 0, int64(math.MinInt64)
	end := func() {
		now := 0
		bid, ask := book.BestBidTick(), book.BestAskTick()
		switch {
		case bid == hft.InvalidMin || ask == hft.InvalidMax || bid < ask:
		case bid == ask:
			now = 1
		default:
			now = 2
		}
		if now != was {
			locked += int64(now % 2)
			crossed += int64(now / 2)
		}
		was = now
	}
	for i := range rows {
		ev := &rows[i]
		if !ev.Is(hft.LocalEvent) {
			continue
		}
		if ev.LocalTimestampNs != message {
			end()
			message = ev.LocalTimestampNs
		}
		side := ev.Side()
		switch ev.Kind() {
		case hft.AddOrderEvent:
			if side == hft.Buy {
				book.AddBuyOrder(ev.OrderID, ev.Px, ev.Qty, 0)
			} else {
				book.AddSellOrder(ev.OrderID, ev.Px, ev.Qty, 0)
			}
		case hft.CancelOrderEvent:
			book.DeleteOrder(ev.OrderID, 0)
		case hft.ModifyOrderEvent:
			book.ModifyOrder(ev.OrderID, ev.Px, ev.Qty, 0)
		default:
			depth.Apply(book, ev)
		}
	}
	end()
	return crossed, locked
}

// TestCrossingsAgainstOrderedBook holds crossed and locked times against a book that is right about them by itself, on
// random feeds by level and by order, with clears and far prices.
func TestCrossingsAgainstOrderedBook(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var episodes int64
	for run := range 400 {
		byOrder := run%4 == 3
		var rows []hft.Event
		now := int64(1)
		for range 300 {
			now += rng.Int64N(3) / 2
			ev := hft.Event{Ev: both | hft.DepthEvent, ExchTimestampNs: now, LocalTimestampNs: now, OrderID: rng.Uint64N(30),
				Px: 50 + 0.5*float64(rng.IntN(14)), Qty: float64(rng.IntN(3))}
			if rng.IntN(50) == 0 {
				ev.Px += float64(rng.IntN(4000))
			}
			ev.Ev |= hft.BuyEvent >> rng.IntN(2)
			switch n := rng.IntN(40); {
			case byOrder:
				ev.Ev = ev.Ev&^hft.DepthEvent | hft.AddOrderEvent + uint64(rng.IntN(3))
				ev.Qty++
			case n == 0:
				ev.Ev = ev.Ev&^hft.DepthEvent | hft.DepthClearEvent
			case n == 1 && rng.IntN(4) == 0:
				ev.Ev, ev.Px = both|hft.DepthClearEvent, math.NaN()
			}
			rows = append(rows, ev)
		}
		report := checked(t, rows, options)
		crossed, locked := bruteForce(rows, 0.5, 1)
		if report.Crossed.Count != crossed || report.Locked.Count != locked {
			t.Fatalf("run %d: crossed %d times, locked %d; the ordered book says %d and %d", run, report.Crossed.Count, report.Locked.Count, crossed, locked)
		}
		episodes += crossed + locked
	}
	if episodes < 1000 {
		t.Errorf("only %d episodes: the feed tests nothing", episodes)
	}
}

// TestWholeDayProblems gives days that lack something altogether.
func TestWholeDayProblems(t *testing.T) {
	without := func(keep func(*hft.Event) bool, clear uint64) []hft.Event {
		var rows []hft.Event
		for _, ev := range day(20) {
			if keep(&ev) {
				ev.Ev &^= clear
				rows = append(rows, ev)
			}
		}
		return rows
	}
	all := func(*hft.Event) bool { return true }
	for says, rows := range map[string][]hft.Event{
		"There are no rows.": nil,
		"No row is flagged for the exchange or the local side": without(all, both),
		"No row is flagged for the exchange side":              without(all, hft.ExchEvent),
		"No row is flagged for the local side":                 without(all, hft.LocalEvent),
		"There is no depth at all":                             without(func(ev *hft.Event) bool { return ev.Kind() == hft.TradeEvent }, 0),
	} {
		report := checked(t, rows, options)
		problems := report.Problems()
		if len(problems) != 1 || problems[0].Severity != check.SeverityError || problems[0].Row != -1 || !strings.HasPrefix(problems[0].What, says) {
			t.Errorf("%s: %+v", says, problems)
		}
	}
	rows := day(20)
	rows[4].Ev &^= both
	report := checked(t, rows, options)
	if p := report.Problems(); len(p) != 1 || p[0].Severity != check.SeverityWarning || p[0].Count != 1 || !report.OK() {
		t.Errorf("%+v", p)
	}
}

// TestCustomKindsAndClears are no faults: kinds from 100 on, and clears whatever their price.
func TestCustomKindsAndClears(t *testing.T) {
	rows := day(100)
	rows = append(rows, with(rows[len(rows)-1], both|200, math.NaN(), -1), with(rows[len(rows)-1], both|hft.DepthClearEvent, math.NaN(), math.NaN()))
	report := checked(t, rows, options)
	if p := report.Problems(); p != nil {
		t.Errorf("%+v", p)
	}
}

// TestManyFaultsKeepFirst counts all and keeps some.
func TestManyFaultsKeepFirst(t *testing.T) {
	rows := day(100)
	for i := range rows {
		rows[i].Qty = -1
	}
	o := options
	o.MaxExamples = 3
	report := checked(t, rows, o)
	if f := report.BadQuantities; f.Count != int64(len(rows)) || len(f.First) != 3 || f.First[2].Row != 2 || f.Sum != -float64(len(rows)) {
		t.Errorf("%+v", f)
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var again check.Report
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(again, report) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestRefusedOptions(t *testing.T) {
	for _, o := range []check.Options{{}, {TickSize: 1}, {LotSize: 1}, {TickSize: math.NaN(), LotSize: 1}, {TickSize: 1, LotSize: math.Inf(1)},
		{TickSize: 1, LotSize: 1, GapLimit: -1}, {TickSize: 1, LotSize: 1, ClockStepLimit: -1}, {TickSize: 1, LotSize: 1, MaxExamples: -1}} {
		_, err := check.Check(context.Background(), reader(nil), o)
		if !errors.Is(err, &hft.BuildError{Kind: hft.InvalidArgument}) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestReadErrors ends the check with what was seen before.
func TestReadErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, c := range map[string]struct {
		n     int
		err   error
		cause error
	}{
		"error":                {0, broken, broken},
		"rows with the error":  {2, broken, broken},
		"rows with the end":    {2, io.EOF, nil},
		"neither rows nor end": {0, nil, io.ErrNoProgress},
	} {
		calls := 0
		report, err := check.Check(context.Background(), func(dst []hft.Event) (int, error) {
			calls++
			if calls == 1 {
				return copy(dst, day(1)), nil
			}
			return copy(dst, day(2)[:c.n]), c.err
		}, options)
		if !errors.Is(err, c.cause) || report.Rows != int64(len(day(1))+c.n) {
			t.Errorf("%s: %v, %d rows", name, err, report.Rows)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	report, err := check.Check(ctx, func(dst []hft.Event) (int, error) { cancel(); return copy(dst, day(1)), nil }, options)
	if !errors.Is(err, context.Canceled) || report.Rows != int64(len(day(1))) {
		t.Errorf("%v, %d rows", err, report.Rows)
	}
	if _, err := check.Check(context.Background(), func(dst []hft.Event) (int, error) { return len(dst) + 1, nil }, options); err == nil {
		t.Error("more rows than there is room for")
	}
}

// TestRowsAllocateNothing checks a short day and one ten times as long: the same allocations.
func TestRowsAllocateNothing(t *testing.T) {
	short, long := day(2000), day(20_000)
	allocs := func(rows []hft.Event) float64 {
		return testing.AllocsPerRun(5, func() { checked(t, rows, options) })
	}
	if a, b := allocs(short), allocs(long); a != b {
		t.Errorf("%v allocations for %d rows, %v for %d", a, len(short), b, len(long))
	}
}

// FuzzCheck reads any rows without panic, and reports what can be written as JSON.
func FuzzCheck(f *testing.F) {
	f.Add(uint64(both|hft.BuyEvent|hft.DepthEvent), int64(1), int64(2), 1.0, 1.0, uint64(both|hft.SellEvent|hft.DepthEvent), int64(math.MinInt64), int64(math.MaxInt64), 0.5, 1e300)
	f.Add(uint64(both|hft.BuyEvent|hft.DepthClearEvent), int64(1), int64(2), -1e300, 1.0, uint64(both|hft.SellEvent|hft.AddOrderEvent), int64(3), int64(3), math.Inf(1), 1.0)
	f.Fuzz(func(t *testing.T, ev1 uint64, exch1, local1 int64, px1, qty1 float64, ev2 uint64, exch2, local2 int64, px2, qty2 float64) {
		a := hft.Event{Ev: ev1, ExchTimestampNs: exch1, LocalTimestampNs: local1, Px: px1, Qty: qty1}
		b := hft.Event{Ev: ev2, ExchTimestampNs: exch2, LocalTimestampNs: local2, Px: px2, Qty: qty2}
		report := checked(t, []hft.Event{a, b, a, b, b, a}, options)
		if report.Rows != 6 || report.String() == "" {
			t.Errorf("%+v", report)
		}
		if _, err := json.Marshal(report); err != nil {
			t.Error(err)
		}
	})
}

func TestLimitsAreOptions(t *testing.T) {
	o := options
	o.GapLimit, o.ClockStepLimit = 99*time.Millisecond, 50*time.Millisecond
	report := checked(t, day(10), o)
	if report.Gaps.Count != 9 || report.ClockSteps.Count != 0 || !strings.Contains(report.String(), "No row arrived for more than 99ms, 9 times, 100ms") {
		t.Errorf("%s", report.String())
	}
}
