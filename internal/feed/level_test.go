package feed_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// topics is a venue of the form of Bybit: books of several depths, each a stream of its own with ids of its own, and
// one sequence for all of them. Prices are whole.
type topics struct {
	rng   *rand.Rand
	seq   int64
	book  *sides
	sent  map[int]*sides // by depth
	ids   map[int]int64
	lines []topicLine
}

// topicLine is a message on its way: the book of its depth after it, as of seq.
type topicLine struct {
	depth int
	text  string
	seq   int64
	book  *sides
}

func newTopics(seed uint64) *topics {
	v := &topics{rng: rand.New(rand.NewPCG(seed, 1)), seq: int64(seed) * 10_000, book: newSides(), sent: map[int]*sides{}, ids: map[int]int64{}}
	for i := range 260 {
		v.book.bids[float64(10_000-i)], v.book.asks[float64(10_001+i)] = float64(1+i%7), float64(1+i%5)
	}
	return v
}

// change changes a level near the best, or adds one, perhaps a better one.
func (v *topics) change() {
	v.seq++
	bid, ask := v.book.best()
	side, px := v.book.bids, bid+float64(2-v.rng.IntN(12))
	if px = min(px, ask-1); v.rng.IntN(2) == 0 {
		side, px = v.book.asks, max(ask-float64(2-v.rng.IntN(12)), bid+1)
	}
	if qty := v.rng.IntN(9); qty > 2 || len(side) < 255 {
		side[px] = float64(1 + qty)
	} else {
		delete(side, px)
	}
}

// top is the book of a depth.
func (v *topics) top(depth int) *sides {
	bids, asks := slices.Sorted(maps.Keys(v.book.bids)), slices.Sorted(maps.Keys(v.book.asks))
	slices.Reverse(bids)
	top := newSides()
	for _, px := range bids[:min(depth, len(bids))] {
		top.bids[px] = v.book.bids[px]
	}
	for _, px := range asks[:min(depth, len(asks))] {
		top.asks[px] = v.book.asks[px]
	}
	return top
}

const topicsBeganMs = 1_700_000_000_000

// message sends the book of a depth: whole at first, as always the best bid and ask, then what has changed; nothing if
// nothing has.
func (v *topics) message(depth int) {
	top, before, kind := v.top(depth), v.sent[depth], "delta"
	if before != nil && before.equal(top) {
		return
	}
	v.sent[depth] = top.clone()
	if v.ids[depth]++; before == nil || depth == 1 {
		before, kind = newSides(), "snapshot"
	}
	if v.ids[depth] == 1 {
		v.ids[depth] = int64(7000 * depth)
	}
	text := func(now, before levels) string {
		var rows []string
		for px, qty := range now {
			if before[px] != qty {
				rows = append(rows, fmt.Sprintf(`["%v","%v"]`, px, qty))
			}
		}
		for px := range before {
			if now[px] == 0 {
				rows = append(rows, fmt.Sprintf(`["%v","0"]`, px))
			}
		}
		return strings.Join(rows, ",")
	}
	v.lines = append(v.lines, topicLine{depth, fmt.Sprintf(`{"topic":"orderbook.%d.X","type":%q,"ts":%d,"data":{"s":"X","b":[%s],"a":[%s],"u":%d,"seq":%d},"cts":%d}`,
		depth, kind, topicsBeganMs+v.seq, text(top.bids, before.bids), text(top.asks, before.asks), v.ids[depth], v.seq, topicsBeganMs+v.seq-1), v.seq, top})
}

// record returns what comes of the depths, those of a depth in their order: deeper books later than the best bid and
// ask.
func record(seed uint64, depths ...int) []topicLine {
	v := newTopics(seed)
	for i := range 1500 {
		v.change()
		for _, depth := range depths {
			if depth == 1 || i%map[int]int{50: 4, 200: 9}[depth] == 0 {
				v.message(depth)
			}
		}
	}
	var recorded []topicLine
	var late [][2]int // line and when it comes
	for i, l := range v.lines {
		for len(late) > 0 && late[0][1] <= i {
			recorded, late = append(recorded, v.lines[late[0][0]]), late[1:]
		}
		if l.depth == 1 {
			recorded = append(recorded, l)
			continue
		}
		due := i + v.rng.IntN(12)
		if len(late) > 0 {
			due = max(due, late[len(late)-1][1])
		}
		late = append(late, [2]int{i, due})
	}
	return recorded
}

// inFile writes lines with a local time after the end of all, or as they are.
func inFile(t *testing.T, timed bool, lines []topicLine) string {
	t.Helper()
	var text bytes.Buffer
	for i, l := range lines {
		if timed {
			fmt.Fprint(&text, (topicsBeganMs+lines[0].seq+5000)*1_000_000+int64(i)*10_000, " ")
		}
		fmt.Fprint(&text, l.text, "\n")
	}
	path := filepath.Join(t.TempDir(), "recorded")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func topicsConfig(files ...string) feed.LinesConfig {
	format := connector.Format{NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed, NaturalLevel: 50}
	return feed.LinesConfig{Files: files, Format: "bybit", NewDecoder: format.NewDecoder, Formats: map[string]connector.Format{"binancefutures": {NewDecoder: futures, Rule: connector.RuleFutures},
		"binancespot": {NewDecoder: spot, Rule: connector.RuleSpot}, "bybit": format}}
}

// readThrough reads files into a book and calls check after each line with the message, nil for none, and what was
// published.
func readThrough(t *testing.T, config feed.LinesConfig, check func(no int, book *sides, out *feed.Out)) (feed.Report, []string) {
	t.Helper()
	var told []string
	config.OnProblem = func(p feed.Problem) error {
		told = append(told, fmt.Sprintf("%d %v", p.Line, p.Finding))
		return nil
	}
	l, err := feed.OpenLines(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := l.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: connector.RuleStreamed, Quotes: true})
	if err != nil {
		t.Fatal(err)
	}
	book := newSides()
	for no := 0; ; no++ {
		localNs, err := l.Next()
		if errors.Is(err, io.EOF) {
			return *l.Report(), told
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := l.Message()
		if err != nil {
			t.Fatal(err)
		}
		out := feed.Out{}
		if m != nil {
			out = b.Take(localNs, m)
			if out.Stale != "" {
				*book = *newSides()
			}
			if err := errors.Join(book.apply(out.Events), l.Tell(&out)); err != nil {
				t.Fatal(err)
			}
		}
		check(no, book, &out)
	}
}

// TestBookOfEachDepth: whichever depths were recorded, the book is that of the deepest as of its newest message, and
// the bests that are newer than that by the venue's sequence.
func TestBookOfEachDepth(t *testing.T) {
	for _, c := range []struct{ depths []int }{{[]int{1, 50}}, {[]int{1, 200}}, {[]int{50}}, {[]int{200}}, {[]int{1, 50, 200}}, {[]int{200, 50}}, {[]int{1}}} {
		lines := record(uint64(len(c.depths)), c.depths...)
		deepest := slices.Max(c.depths)
		var base *sides
		baseSeq, passedOver := int64(0), 0
		var quotes []topicLine
		ahead := 0
		report, told := readThrough(t, topicsConfig(inFile(t, true, lines)), func(no int, book *sides, _ *feed.Out) {
			switch l := lines[no]; l.depth {
			case deepest:
				base, baseSeq = l.book, l.seq
			case 1:
				quotes = append(quotes, l)
			default:
				passedOver++
			}
			quotes = slices.DeleteFunc(quotes, func(q topicLine) bool { return base != nil && q.seq <= baseSeq })
			want := newSides()
			if base != nil {
				want = base.clone()
				ahead += min(len(quotes), 1)
				for _, q := range quotes {
					bid, ask := q.book.best()
					maps.DeleteFunc(want.bids, func(px, _ float64) bool { return px > bid })
					maps.DeleteFunc(want.asks, func(px, _ float64) bool { return px < ask })
					want.bids[bid], want.asks[ask] = q.book.bids[bid], q.book.asks[ask]
				}
			}
			if !book.equal(want) {
				t.Fatalf("depths %v, line %d (depth %d): the book is %v, want %v", c.depths, no+1, lines[no].depth, book, want)
			}
		})
		if report.Found[feed.OtherLevel].N != uint64(passedOver) || (passedOver > 0) != (len(c.depths) > 1 && slices.Contains(c.depths, 50) && deepest == 200) {
			t.Errorf("depths %v: %+v passed over, want %d", c.depths, report.Found[feed.OtherLevel], passedOver)
		}
		if n := slices.IndexFunc(told, func(p string) bool { return strings.Contains(p, "gap") || strings.Contains(p, "bad") }); n >= 0 || slices.Contains(c.depths, 1) && deepest > 1 && ahead < 100 {
			t.Errorf("depths %v: told %q, %d times a quote was ahead", c.depths, told, ahead)
		}
	}
}

// TestDepthOfEachFile: of two files with other depths the second one's snapshot begins the book anew, and a natural
// book is of the depth that the reference reads, if there is one.
func TestDepthOfEachFile(t *testing.T) {
	shallow, deep := record(5, 1, 50), record(6, 1, 50, 200)
	last := map[bool]*sides{}
	for _, natural := range []bool{false, true} {
		config := topicsConfig(inFile(t, true, shallow), inFile(t, true, deep))
		if config.AsRecorded = natural; natural {
			config.Level = 50
		}
		report, told := readThrough(t, config, func(_ int, book *sides, _ *feed.Out) { last[natural] = book })
		if n := report.Found[feed.OtherLevel].N; n == 0 || report.Found[feed.Gap].N != 0 {
			t.Errorf("natural %t: %d passed over, told %q", natural, n, told)
		}
	}
	if n, natural := len(last[false].bids), len(last[true].bids); n < 199 || natural > 60 {
		t.Errorf("%d bids at the end, %d natural ones", n, natural)
	}
}

// TestDepthThatEnds: where a recording goes on with another depth, so does the book: with a deeper one at once, else
// when the first is silent for too long; without a snapshot there is none.
func TestDepthThatEnds(t *testing.T) {
	lines := slices.Concat(record(5, 200), record(7, 50), record(9, 50, 200))
	snapshots := 0
	var want *sides
	_, told := readThrough(t, topicsConfig(inFile(t, true, lines)), func(no int, book *sides, _ *feed.Out) {
		l := lines[no]
		if l.depth == 200 && strings.Contains(l.text, "snapshot") {
			snapshots++
		}
		if l.depth == 200 || l.seq >= 70_000 && snapshots == 1 {
			want = l.book
		}
		if !book.equal(want) {
			t.Fatalf("line %d, depth %d: the book is %v, want %v", no+1, l.depth, book, want)
		}
	})
	if slices.ContainsFunc(told, func(p string) bool { return strings.Contains(p, "gap") }) {
		t.Errorf("told %q", told)
	}
	isSnapshot := func(l topicLine) bool { return strings.Contains(l.text, "snapshot") }
	before := record(5, 200)
	lines = slices.Concat(before, slices.DeleteFunc(record(7, 50), isSnapshot))
	stale := 0
	readThrough(t, topicsConfig(inFile(t, true, lines)), func(no int, book *sides, out *feed.Out) {
		if out.Stale != "" {
			stale++
		}
		if stale == 1 && len(book.bids) != 0 || stale != min(max(0, no-len(before)+1), 1) {
			t.Fatalf("line %d: lost %d times (%s), %d bids", no+1, stale, out.Stale, len(book.bids))
		}
	})
	if stale != 1 {
		t.Errorf("the book was lost %d times", stale)
	}
}

// TestFileWithoutLocalTimes: an archive of the venue is read with the latency that is said, as a zip archive or plain,
// and without one it is an error that says what to do.
func TestFileWithoutLocalTimes(t *testing.T) {
	lines := record(9, 200)
	plain := inFile(t, false, lines)
	text, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	zipped := filepath.Join(t.TempDir(), "2023-11-14_X_ob200.data.zip")
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	f, err := w.Create("2023-11-14_X_ob200.data")
	if err == nil {
		_, err = f.Write(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	}
	if err = errors.Join(err, w.Close(), os.WriteFile(zipped, archive.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{plain, zipped} {
		for _, asRecorded := range []bool{false, true} {
			config := topicsConfig(path)
			config.AsRecorded = asRecorded
			if _, err := feed.OpenLines(context.Background(), config); err == nil || !strings.Contains(err.Error(), path+": its lines have no local time") ||
				!strings.Contains(err.Error(), "--base-latency") {
				t.Errorf("without a latency: %v", err)
			}
			config.BaseLatency = 5 * time.Millisecond
			n := 0
			report, told := readThrough(t, config, func(no int, book *sides, out *feed.Out) {
				for _, e := range out.Events {
					if e.ExchTimestampNs != (topicsBeganMs+lines[no].seq-1)*1e6 || e.LocalTimestampNs != e.ExchTimestampNs+6e6 {
						t.Fatalf("line %d: row %+v", no+1, e)
					}
					n++
				}
				if !book.equal(lines[no].book) {
					t.Fatalf("line %d: the book is %v, want %v", no+1, book, lines[no].book)
				}
			})
			want := []string{"1 no trades", "1 no local times"}
			if asRecorded {
				want = want[1:]
			}
			slices.Sort(told)
			slices.Sort(want)
			if report.Found[feed.NoLocalTime].N != 1 || len(told) != len(want) || n < 1000 || report.Corrections[0].OffsetNs != 0 {
				t.Errorf("told %q, %d rows, %+v", told, n, report.Corrections)
			}
		}
		config := topicsConfig(path)
		config.Format, config.BaseLatency = "binancespot", time.Millisecond
		config.NewDecoder = config.Formats["binancespot"].NewDecoder
		if _, err := feed.OpenLines(context.Background(), config); err == nil || !strings.Contains(err.Error(), "bybit reads") {
			t.Errorf("as another format: %v", err)
		}
	}
}

// TestBestsAlone: a recording of the best bid and ask alone is a book of one level, also where quotes are not wanted.
func TestBestsAlone(t *testing.T) {
	lines := record(3, 1)
	l, err := feed.OpenLines(context.Background(), topicsConfig(inFile(t, true, lines)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := l.NewBook(feed.Config{TickSize: 1, LotSize: 1, Rule: connector.RuleStreamed})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		localNs, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		m, err := l.Message()
		if err != nil || m.Kind != connector.MessageSnapshot {
			t.Fatalf("%+v, %v", m, err)
		}
		for _, e := range b.Take(localNs, m).Events {
			if e.Kind() == hft.DepthBBOEvent {
				t.Fatalf("row %+v", e)
			}
		}
	}
	if !b.Synced() {
		t.Error("there is no book")
	}
}
