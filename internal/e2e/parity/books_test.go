package parity_test

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/replay"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/sim"
)

// recorded is a recording that all paths are given.
type recorded struct {
	venue, symbol, file string
	rule                connector.Rule
	decoder             func() connector.Decoder
	tick, lot           float64
}

var recordedBooks = []recorded{
	{"binancefutures", "BTCUSDT", "btcusdt_20240808.gz", connector.RuleFutures, binance.Futures().Format.NewDecoder,
		0.1, 0.001},
	{"binancefutures", "ETHUSDT", "ethusdt_20240808.gz", connector.RuleFutures, binance.Futures().Format.NewDecoder,
		0.01, 0.001},
	{"binancespot", "BTCUSDT", "btcusdt_20240808.gz", connector.RuleSpot, binance.Spot().Format.NewDecoder, 0.01,
		0.00001},
	{"bybit", "BTCUSDT", "", connector.RuleStreamed, bybit.Kind().Format.NewDecoder, 0.1, 0.001},
}

// wrongBooks are the books that are known to be wrong, by path and recording: how many, of those after each time of
// receipt. A number that has become smaller is to be written down.
var wrongBooks = map[string]int{}

// quickLines is the number of lines of a recording used without HFTRUNNER_LONG.
const quickLines = 2500

// TestBooks sends recordings as they are through the live connector, over real sockets and with 0, 10 and 50 ms
// latency, through replay, and through convert and backtest. (On the whole spot day some levels are off the grid of
// today's lot size.) After each time of receipt all have the same book, level by level, and it is the one that the
// venue's ids say.
func TestBooks(t *testing.T) {
	long := os.Getenv("HFTRUNNER_LONG") != ""
	for _, r := range recordedBooks {
		t.Run(r.venue+"/"+r.symbol, func(t *testing.T) {
			t.Parallel() // recording is waiting
			if r.symbol == "BTCUSDT" {
				t.Run("recorder", func(t *testing.T) { r.compare(t, r.record(t), true) })
				t.Run("beginning",
					func(t *testing.T) { r.compare(t, beginning(t, sampletest.Path(t, r.venue, r.symbol)), false) })
			}
			if !long {
				return
			}
			t.Run("sample", func(t *testing.T) { r.compare(t, []string{sampletest.Path(t, r.venue, r.symbol)}, false) })
			if r.file != "" {
				t.Run("recorded",
					func(t *testing.T) { r.compare(t, []string{datatest.Recording(t, r.venue, r.file)}, false) })
			}
		})
	}
}

// beginning returns a recording with the first lines of another.
func beginning(t *testing.T, path string) []string {
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	zipped, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short")
	out, err := os.Create(short)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	lines := bufio.NewReader(zipped)
	for range quickLines {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		if _, err := out.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	return []string{short}
}

// shown is a book after everything that was received up to a time.
type shown struct {
	localNs  int64
	print    uint64
	bid, ask int64 // in ticks, of the truth only
}

// compare takes a recording, with gaps or without, all ways. All find the same about it.
func (r *recorded) compare(t *testing.T, files []string, gaps bool) {
	truth := r.truth(t, files)
	file, want := r.convert(t, files)
	offsetNs := want.Corrections[0].OffsetNs
	if n := want.Found[feed.Gap].N; n > 0 != gaps {
		t.Errorf("%d gaps are found; there are some: %t", n, gaps)
	}
	if n := want.Found[feed.TradeGap].N; n > 0 && !gaps {
		t.Errorf("%d gaps of trades are found", n)
	}
	check(t, "convert", truth, r.rows(t, file, offsetNs))
	r.backtest(t, file, offsetNs, truth)
	books, report := r.replay(t, files)
	check(t, "replay", truth, books)
	same(t, "replay", &report, want)
	for _, latency := range []time.Duration{0, 10 * time.Millisecond, 50 * time.Millisecond} {
		path := fmt.Sprintf("live %v", latency)
		books, report := r.live(t, files, int64(latency))
		check(t, path, truth, books)
		// What has not come by the end of a recording may still come live.
		report.Found[feed.TradeGap].N = want.Found[feed.TradeGap].N
		same(t, path, &report, want)
	}
}

// same compares what was found about messages on a path with what convert has found.
func same(t *testing.T, path string, got, want *feed.Report) {
	t.Helper()
	for f := feed.BadTime; f < feed.NumFindings; f++ {
		if got.Found[f].N != want.Found[f].N {
			t.Errorf("%s: %s %d times, convert has found it %d times", path, f, got.Found[f].N, want.Found[f].N)
		}
	}
}

// known checks how many books are wrong, and fails where that is not what is known.
func known(t *testing.T, path string, wrong, of int, firstNs int64) {
	t.Helper()
	name := t.Name() + " " + path
	t.Logf("%s: %d of %d books wrong", path, wrong, of)
	switch want := wrongBooks[name]; {
	case wrong > want:
		t.Errorf("%s: %d of %d books are wrong, the first at %d; known are %d", path, wrong, of, firstNs, want)
	case wrong < want:
		t.Errorf("%q has %d wrong books only, not %d: say so in wrongBooks", name, wrong, want)
	}
}

// check compares what a path has shown with the truth. A path shows a book when something was published.
func check(t *testing.T, path string, truth, got []shown) {
	t.Helper()
	wrong, at, firstNs := 0, -1, int64(0)
	for i := range truth {
		for at+1 < len(got) && got[at+1].localNs <= truth[i].localNs {
			at++
		}
		print := uint64(0)
		if at >= 0 {
			print = got[at].print
		}
		if print != truth[i].print {
			if wrong++; wrong == 1 {
				firstNs = truth[i].localNs
			}
		}
	}
	known(t, path, wrong, len(truth), firstNs)
}

// plain is a book as anybody has it who applies what is published, with a sum over its levels.
type plain struct {
	tickSize float64
	levels   map[level]float64
	print    uint64
}

type level struct {
	side hft.Side
	tick int64
}

func newPlain(tickSize float64) *plain {
	return &plain{tickSize: tickSize, levels: map[level]float64{}}
}

func (p *plain) clear() {
	clear(p.levels)
	p.print = 0
}

// sum is different for each level and quantity, 0 for a level that is not there.
func sum(l level, qty float64) uint64 {
	if qty == 0 {
		return 0
	}
	x := uint64(l.tick)*0x9e3779b97f4a7c15 ^ uint64(l.side)*0xbf58476d1ce4e5b9 ^ math.Float64bits(qty)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (p *plain) set(l level, qty float64) {
	p.print ^= sum(l, p.levels[l]) ^ sum(l, qty)
	if qty > 0 {
		p.levels[l] = qty
	} else {
		delete(p.levels, l)
	}
}

// apply applies a row; quotes are none of a plain book.
func (p *plain) apply(row *hft.Event) {
	switch row.Kind() {
	case hft.DepthClearEvent:
		for l := range p.levels {
			if s := float64(l.side); row.Side() == hft.SideNone ||
				l.side == row.Side() && !(s*hft.TickPrice(l.tick, p.tickSize) < s*row.Px) {
				p.set(l, 0)
			}
		}
	case hft.DepthEvent, hft.DepthSnapshotEvent:
		p.set(level{row.Side(), hft.PriceTick(row.Px, p.tickSize)}, row.Qty)
	}
}

// show notes the book at a time, of which there may be one already.
func show(list []shown, now shown) []shown {
	if n := len(list); n > 0 && list[n-1].localNs == now.localNs {
		list[n-1] = now
		return list
	}
	return append(list, now)
}

// said is everything that the venue has said: the book of the depth stream, by the venue's ids, and the quotes
// that are newer, each of which is the whole truth about the best of both sides when it was made.
type said struct {
	depth  *venueBook
	quotes []quoted
	newest quoted
	// changed are the levels of which the quotes have said something.
	changed map[level]float64
}

type quoted struct {
	seq      int64
	bid, ask level
	qty      [2]float64
}

func (r *recorded) said() *said {
	return &said{depth: newVenueBook(r.rule, r.tick), changed: map[level]float64{}}
}

// take takes a message and returns what it has done to the book of the depth stream.
func (s *said) take(m *connector.Message) (done taken) {
	switch m.Kind {
	case connector.MessageDepth, connector.MessageSnapshot:
		done = s.depth.take(m)
	case connector.MessageBBO:
		s.quote(m)
		return done
	default:
		return done
	}
	if done.lost {
		s.quotes, s.newest = nil, quoted{}
	}
	if !done.changed {
		return done
	}
	if done.whole {
		s.quotes = append(s.quotes[:0], s.newest)
	}
	clear(s.changed)
	for len(s.quotes) > 0 && s.quotes[0].seq <= s.depth.seq {
		s.quotes = s.quotes[1:]
	}
	for i := range s.quotes {
		s.overlay(&s.quotes[i])
	}
	return done
}

func (s *said) quote(m *connector.Message) {
	q := quoted{seq: m.Seq}
	for i := range m.Events {
		e := &m.Events[i]
		l := level{e.Side(), hft.PriceTick(e.Px, s.depth.levels.tickSize)}
		if l.side == hft.Buy {
			q.bid, q.qty[0] = l, e.Qty
		} else {
			q.ask, q.qty[1] = l, e.Qty
		}
	}
	if q.seq <= s.newest.seq {
		return
	}
	if s.newest = q; q.seq > s.depth.seq && s.synced() {
		s.quotes = append(s.quotes, q)
		s.overlay(&q)
	}
}

func (s *said) synced() bool { return s.depth.complete }

// overlay removes the levels that are better than a quote's best and sets those.
func (s *said) overlay(q *quoted) {
	for l := range s.changed {
		if l.side == hft.Buy && l.tick > q.bid.tick || l.side == hft.Sell && l.tick < q.ask.tick {
			s.changed[l] = 0
		}
	}
	if best := s.depth.bid; best != hft.InvalidMin {
		for tick := best; tick > q.bid.tick; tick-- {
			s.changed[level{hft.Buy, tick}] = 0
		}
	}
	if best := s.depth.ask; best != hft.InvalidMax {
		for tick := best; tick < q.ask.tick; tick++ {
			s.changed[level{hft.Sell, tick}] = 0
		}
	}
	s.changed[q.bid], s.changed[q.ask] = q.qty[0], q.qty[1]
}

// show returns the book.
func (s *said) show(localNs int64) shown {
	if !s.synced() {
		return shown{localNs: localNs, bid: hft.InvalidMin, ask: hft.InvalidMax}
	}
	now := shown{localNs: localNs, print: s.depth.levels.print, bid: s.depth.bid, ask: s.depth.ask}
	for l, qty := range s.changed {
		now.print ^= sum(l, s.depth.levels.levels[l]) ^ sum(l, qty)
	}
	if n := len(s.quotes); n > 0 {
		now.bid, now.ask = s.quotes[n-1].bid.tick, s.quotes[n-1].ask.tick
	}
	return now
}

// truth returns the books that the ids say.
func (r *recorded) truth(t *testing.T, files []string) (list []shown) {
	s, decoder, m := r.said(), r.decoder(), connector.Message{}
	sampletest.EachLine(t, func(localNs int64, raw []byte) {
		if err := decoder.Decode(localNs, raw, &m); err != nil {
			t.Fatal(err)
		}
		s.take(&m)
		list = show(list, s.show(localNs))
	}, files...)
	if last := list[len(list)-1]; last.print == 0 || len(list) < quickLines/4 {
		t.Fatalf("%d books, the last %+v: the test shows little", len(list), last)
	}
	return list
}

// unexpected fails at what no recording is to have.
func unexpected(t *testing.T) func(p feed.Problem) {
	return func(p feed.Problem) {
		if p.Finding != feed.OffGrid && p.Finding != feed.Gap && p.Finding != feed.TradeGap {
			t.Error(p)
		}
	}
}

// formats are those that the runner has, by which it looks whether a recording is of the one that it is said to be of.
func formats() map[string]connector.Format {
	list := map[string]connector.Format{}
	for _, k := range []connector.Kind{binance.Futures(), binance.Spot(), bybit.Kind()} {
		list[k.Name] = k.Format
	}
	return list
}

// replay returns the books of a replay with what the runner sets for one at a speed that is not max.
func (r *recorded) replay(t *testing.T, files []string) (list []shown, report feed.Report) {
	source, err := replay.Open(replay.Config{Context: t.Context(), Files: map[string][]string{r.symbol: files},
		NewDecoder: r.decoder, Rule: r.rule, Format: r.venue, Formats: formats(), Sync: replay.SyncExchange,
		OnBadLine: replay.SkipBadLine, OnGap: replay.ResyncOnGap, BookTicker: true, OnProblem: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	offsetNs := source.Reports()[0].Corrections[0].OffsetNs
	if err := source.Register(connector.Instrument{Symbol: r.symbol, TickSize: r.tick, LotSize: r.lot}); err != nil {
		t.Fatal(err)
	}
	book, batch := newPlain(r.tick), paper.Batch{}
	for {
		err := source.Next(&batch)
		if errors.Is(err, io.EOF) {
			return list, source.Reports()[0]
		}
		if err != nil {
			t.Fatal(err)
		}
		if batch.Stale != "" {
			book.clear()
		}
		for i := range batch.Events {
			book.apply(&batch.Events[i])
		}
		list = show(list, shown{localNs: batch.TimestampNs - offsetNs, print: book.print})
	}
}

// convert returns an event file.
func (r *recorded) convert(t *testing.T, files []string) (file string, report *feed.Report) {
	file = filepath.Join(t.TempDir(), "events.npy")
	summary, err := convert.Events(t.Context(), files, file,
		convert.Options{NewDecoder: r.decoder, Rule: r.rule, Format: r.venue, Formats: formats(),
			TickSize: r.tick, LotSize: r.lot, Quotes: true, OnProblem: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	return file, summary.Report
}

func readRows(t *testing.T, file string) []hft.Event {
	reader, err := npy.Open[hft.Event](file, npy.EventDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	rows := make([]hft.Event, reader.NumRows())
	if n, err := reader.Read(rows); n != len(rows) || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%d of %d rows: %v", n, len(rows), err)
	}
	return rows
}

// rows returns the books of the local rows of an event file. The rows of the exchange end in the same.
func (r *recorded) rows(t *testing.T, file string, offsetNs int64) (list []shown) {
	local, exch := newPlain(r.tick), newPlain(r.tick)
	rows := readRows(t, file)
	for i := range rows {
		if rows[i].Is(hft.ExchEvent) {
			exch.apply(&rows[i])
		}
		if rows[i].Is(hft.LocalEvent) {
			local.apply(&rows[i])
			list = show(list, shown{localNs: rows[i].LocalTimestampNs - offsetNs, print: local.print})
		}
	}
	wrong := 0
	for l := range local.levels {
		if exch.levels[l] != local.levels[l] {
			wrong++
		}
	}
	if !maps.Equal(local.levels, exch.levels) {
		wrong = max(wrong, 1)
	}
	known(t, "levels of the exchange's side", wrong, len(local.levels), 0)
	return list
}

// backtest compares the books of a backtest: the best prices each time, and each 50th time every level.
func (r *recorded) backtest(t *testing.T, file string, offsetNs int64, truth []shown) {
	latency, err := sim.NewConstantLatency(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	bot, err := backtest.NewBuilder().AddAsset(backtest.NewAsset(r.symbol).Data(backtest.File(file)).
		Book("hashmap", r.tick, r.lot).
		Queue(sim.RiskAdverseQueue()).Latency(latency, latency).Fee(sim.TradingValueFee{})).Build()
	if err != nil {
		t.Fatal(err)
	}
	defer bot.Close()
	book, ok := bot.Depth(0).(interface {
		Snapshot(dst []hft.Event) []hft.Event
	})
	if !ok {
		t.Fatalf("%T says not all of its levels", bot.Depth(0))
	}
	wrong, of, firstNs := 0, 0, int64(0)
	var levels []hft.Event
	for i := range truth {
		want := &truth[i]
		_, err := bot.Elapse(time.Duration(want.localNs + offsetNs - bot.CurrentTimestampNs()))
		if hft.Ended(err) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		of++
		got := shown{bid: bot.Depth(0).BestBidTick(), ask: bot.Depth(0).BestAskTick(), print: want.print}
		if i%50 == 0 {
			got.print = 0
			levels = book.Snapshot(levels[:0])
			for i := range levels {
				got.print ^= sum(level{levels[i].Side(), hft.PriceTick(levels[i].Px, r.tick)}, levels[i].Qty)
			}
		}
		if got.bid != want.bid || got.ask != want.ask || got.print != want.print {
			if wrong++; wrong == 1 {
				firstNs = want.localNs
			}
		}
	}
	if of < len(truth)*9/10 {
		t.Errorf("the backtest ends after %d of %d times", of, len(truth))
	}
	known(t, "backtest", wrong, of, firstNs)
}
