package replay_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/replay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func Example() {
	dir, err := os.MkdirTemp("", "replay")
	if err != nil {
		fmt.Println(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "btcusdt_20240808")
	_ = os.WriteFile(name, []byte(tradeAt(1000, "BTCUSDT")+tradeAt(2000, "BTCUSDT")), 0o600)

	s, err := replay.Open(replay.Config{Files: map[string][]string{"BTCUSDT": {name}}, NewDecoder: futures, Rule: connector.RuleFutures})
	if err != nil {
		fmt.Println(err)
	}
	defer s.Close()
	_ = s.Register(connector.Instrument{No: 3, Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001})
	var b paper.Batch
	for s.Next(&b) == nil {
		fmt.Println(b.TimestampNs, "instrument", b.InstrumentNo, "trade at", b.Events[0].Px)
	}
	// Output:
	// 1000 instrument 3 trade at 61800.3
	// 2000 instrument 3 trade at 61800.3
}

func tradeAt(localNs int64, symbol string) string {
	return fmt.Sprintf(`%d {"e":"trade","T":5,"s":%q,"p":"61800.30","q":"0.006","X":"MARKET","m":false}`+"\n", localNs, symbol)
}

// depthAt is a difference with the ids first to last after prev, which sets the bid at its last id.
func depthAt(localNs, first, last, prev int64) string {
	return fmt.Sprintf(`%d {"e":"depthUpdate","T":5,"s":"BTCUSDT","U":%d,"u":%d,"pu":%d,"b":[["%d","1"]],"a":[]}`+"\n", localNs, first, last, prev, last)
}

func snapshotAt(localNs, id int64) string {
	return fmt.Sprintf(`%d {"lastUpdateId":%d,"T":5,"bids":[["1","1"]],"asks":[["1000000","1"]]}`+"\n", localNs, id)
}

func bboAt(localNs, id int64) string {
	return fmt.Sprintf(`%d {"e":"bookTicker","T":5,"u":%d,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}`+"\n", localNs, id)
}

func zipped(t *testing.T, members ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, text := range members {
		w := gzip.NewWriter(&buf)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// write stores the contents as files f0, f1... and returns their names.
func write(t *testing.T, contents ...[]byte) []string {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for i, content := range contents {
		name := filepath.Join(dir, fmt.Sprintf("f%d", i))
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// played is what a replay gave, one line a batch: time, number of rows, state changes.
type played struct {
	batches  []string
	problems []string
	counts   [connector.NumCounters]uint64
	report   feed.Report
	err      error
}

// play replays text of BTCUSDT with the configuration.
func play(t *testing.T, config replay.Config, contents ...[]byte) (p played) {
	t.Helper()
	config.Files = map[string][]string{"BTCUSDT": write(t, contents...)}
	if config.NewDecoder == nil {
		config.NewDecoder, config.Rule = futures, connector.RuleFutures
	}
	config.OnProblem = func(problem feed.Problem) {
		p.problems = append(p.problems, fmt.Sprintf("%s:%d: %v", filepath.Base(problem.File), problem.Line, problem.Finding))
	}
	s, err := replay.Open(config)
	if err != nil {
		p.err = err
		return p
	}
	defer s.Close()
	defer func() { p.report = s.Reports()[0] }()
	if err := s.Register(connector.Instrument{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}); err != nil {
		t.Fatal(err)
	}
	var b paper.Batch
	last := int64(0)
	for {
		if err := s.Next(&b); err != nil {
			if err != io.EOF {
				p.err = err
			}
			if again := s.Next(&b); again != err {
				t.Errorf("the next call says %v after %v", again, err)
			}
			return p
		}
		if b.TimestampNs < last {
			t.Errorf("time runs from %d to %d", last, b.TimestampNs)
		}
		last = b.TimestampNs
		text := fmt.Sprintf("%d %d", b.TimestampNs, len(b.Events))
		for _, e := range b.Events {
			if e.LocalTimestampNs != b.TimestampNs {
				t.Errorf("a row of %d in the batch of %d", e.LocalTimestampNs, b.TimestampNs)
			}
		}
		if b.Stale != "" {
			text += " stale"
		}
		if b.Ready {
			text += " ready"
		}
		p.batches = append(p.batches, text)
		for c, n := range b.Counts {
			p.counts[c] += n
		}
	}
}

func (p played) check(t *testing.T, batches, problems []string, messages, bad, gaps uint64) {
	t.Helper()
	if p.err != nil {
		t.Error(p.err)
	}
	if !slices.Equal(p.batches, batches) {
		t.Errorf("batches %q, want %q", p.batches, batches)
	}
	if !slices.Equal(p.problems, problems) {
		t.Errorf("problems %q, want %q", p.problems, problems)
	}
	want := [connector.NumCounters]uint64{connector.Messages: messages, connector.BadMessages: bad, connector.Gaps: gaps}
	if p.counts != want {
		t.Errorf("counts %v, want %v", p.counts, want)
	}
}

// withGap is a recording whose book is complete at 4, lost at 6 and complete again at 8.
var withGap = []byte(depthAt(1, 10, 20, 9) + bboAt(2, 15) + depthAt(3, 25, 30, 20) + snapshotAt(4, 25) + depthAt(5, 31, 40, 30) +
	depthAt(6, 51, 60, 50) + bboAt(7, 55) + snapshotAt(8, 60) + bboAt(9, 65) + depthAt(10, 61, 70, 60))

func TestExchangeSync(t *testing.T) {
	// The first two quotes are older than the books that come after them. The third removes a bid and brings an ask;
	// the depth message after it crosses the ask and brings the bid back, of which the depth stream has never said that
	// it is gone.
	play(t, replay.Config{BookTicker: true}, withGap).check(t,
		[]string{"4 3 ready", "5 1", "6 0 stale", "8 3 ready", "9 3", "10 3"}, []string{"f0:6: gap"}, 10, 0, 1)
	play(t, replay.Config{}, withGap).check(t, []string{"4 3 ready", "5 1", "6 0 stale", "8 3 ready", "10 1"}, []string{"f0:6: gap"}, 10, 0, 1)
	play(t, replay.Config{OnGap: replay.IgnoreGap}, withGap).check(t,
		[]string{"4 3 ready", "5 1", "6 1", "10 1"}, []string{"f0:6: gap", "f0:8: mismatch"}, 10, 0, 1)

	p := play(t, replay.Config{OnGap: replay.FatalGap}, withGap)
	if p.err == nil || !strings.Contains(p.err.Error(), "f0:6: depth updates after 40 are missing, the next one starts at 51; ") {
		t.Errorf("the gap gives %v", p.err)
	}
}

// TestCrossingUpdate: a bid at the ask of a book says that this has missed something, and is treated as a gap.
func TestCrossingUpdate(t *testing.T) {
	text := []byte(depthAt(1, 10, 20, 9) + strings.Replace(snapshotAt(2, 20), `"1000000"`, `"25"`, 1) + depthAt(3, 21, 30, 20) + depthAt(4, 31, 32, 30) + snapshotAt(5, 32))
	play(t, replay.Config{}, text).check(t, []string{"2 3 ready", "3 0 stale", "5 3 ready"}, []string{"f0:3: crossing update"}, 5, 0, 1)
	play(t, replay.Config{OnGap: replay.IgnoreGap}, text).check(t, []string{"2 3 ready", "3 2", "4 1", "5 0"}, []string{"f0:3: crossing update", "f0:5: mismatch"}, 5, 0, 1)
	if p := play(t, replay.Config{OnGap: replay.FatalGap}, text); p.err == nil || !strings.Contains(p.err.Error(), "f0:3: the depth update 30 leaves the book crossed") {
		t.Errorf("the crossing gives %v", p.err)
	}
}

func TestNaturalSync(t *testing.T) {
	// All have the same exchange time, so the later wins; what it crosses is removed.
	batches := []string{"1 1 ready", "2 3", "3 2", "4 2", "5 1", "6 1", "7 5", "8 2", "10 2"}
	play(t, replay.Config{Sync: replay.SyncNatural, BookTicker: true}, withGap).check(t, batches, []string{"f0:6: gap"}, 10, 0, 1)
	if p := play(t, replay.Config{Sync: replay.SyncNatural, OnGap: replay.FatalGap}, withGap); p.err == nil {
		t.Error("a fatal gap went unnoticed")
	}
}

func TestBookThatIsNeverComplete(t *testing.T) {
	lines := bytes.SplitAfter(withGap, []byte("\n"))
	play(t, replay.Config{}, bytes.Join(lines[:3], nil)).check(t, []string{"3 0"}, []string{"f0:3: not synchronised"}, 3, 0, 0)
	// Lost at line 6 and no snapshot afterwards: the report names line 6.
	play(t, replay.Config{}, bytes.Join(lines[:7], nil)).check(t,
		[]string{"4 3 ready", "5 1", "6 0 stale", "7 0"}, []string{"f0:6: gap", "f0:6: not synchronised"}, 7, 0, 1)
}

// TestBookInDoubt: a line that cannot be read may have been an update of the book. Where none follows, nobody knows whether the book is
// complete, and where the recording ends with the line, whether it is the last one.
func TestBookInDoubt(t *testing.T) {
	book := depthAt(1, 10, 20, 9) + snapshotAt(2, 20)
	end := `f0:3: not synchronised`
	for _, bad := range []string{`3 {"e":"depthUpdate","T":5,"s":"BTCUSDT","U":21,` + "\n", "x\n"} {
		for text, want := range map[string][]string{
			book + bad + tradeAt(4, "BTCUSDT"):                          {"f0:3: bad line", end},
			book + bad + tradeAt(4, "BTCUSDT") + snapshotAt(5, 30):      {"f0:3: bad line", end},
			book + bad + tradeAt(4, "BTCUSDT") + depthAt(5, 21, 30, 20): {"f0:3: bad line"},
			book + bad + tradeAt(4, "BTCUSDT") + depthAt(5, 31, 40, 30): {"f0:3: bad line", "f0:5: gap", "f0:5: not synchronised"},
			book + bad + depthAt(4, 31, 40, 30) + snapshotAt(5, 40):     {"f0:3: bad line", "f0:4: gap"},
			book + bad: {"f0:3: bad line", end},
			book + `3 {"e":"trade","T":5,"s":"ETHUSDT","p":"1","q":"1","X":"MARKET","m":false}` + "\n" + tradeAt(4, "BTCUSDT"): {"f0:3: bad line"},
		} {
			p := play(t, replay.Config{}, []byte(text))
			for i := range p.problems {
				p.problems[i] = strings.Replace(p.problems[i], "unusable line", "bad line", 1)
			}
			if p.err != nil || !slices.Equal(p.problems, want) {
				t.Errorf("%s gives %v and %q, want %q", text, p.err, p.problems, want)
			}
		}
	}
}

func TestBadLines(t *testing.T) {
	text := tradeAt(1000, "BTCUSDT") + "\nno time\n2000\n99999999999999999999 {}\n2000 {\"e\":\"tra\n" + tradeAt(3000, "ETHUSDT") +
		tradeAt(4000, "btcusdt") + tradeAt(3500, "BTCUSDT") + tradeAt(3600, "BTCUSDT") + tradeAt(4000, "BTCUSDT") +
		"4100 {\"result\":null,\"id\":1}\r\n" + tradeAt(4200, "BTCUSDT") + "4300 5 6\n" + strings.TrimSuffix(tradeAt(4400, "BTCUSDT"), "\n")
	problems := []string{"f0:2: bad line", "f0:3: bad line", "f0:4: bad line", "f0:5: bad line", "f0:6: bad line", "f0:7: bad line",
		"f0:9: time runs backwards", "f0:14: bad line"}
	batches := []string{"1000 1", "4000 1", "4000 1", "4000 1", "4000 1", "4200 1", "4400 1"}
	play(t, replay.Config{}, []byte(text)).check(t, batches, problems, 11, 8, 0)
	play(t, replay.Config{}, zipped(t, text[:300], text[300:700], text[700:])).check(t, batches, problems, 11, 8, 0)

	for line, want := range map[string]string{
		"no time\n":              `f0:2: the line does not start with a time and a space: "no time"; repair`,
		"2000 {\n":               "f0:2: binancefutures: byte 1: a name in quotes is expected; repair",
		tradeAt(900, "BTCUSDT"):  "f0:2: the time is 100 ns before that of an earlier line; sort",
		tradeAt(2000, "XRPUSDT"): `f0:2: the message is about "XRPUSDT", the file is of BTCUSDT; repair`,
	} {
		p := play(t, replay.Config{OnBadLine: replay.FatalBadLine}, []byte(tradeAt(1000, "BTCUSDT")+line))
		if p.err == nil || !strings.Contains(p.err.Error(), want) || len(p.batches) != 1 {
			t.Errorf("%d batches and %v, want the error %s", len(p.batches), p.err, want)
		}
		var problem feed.Problem
		if !errors.As(p.err, &problem) || problem.Line != 2 || problem.Symbol != "BTCUSDT" {
			t.Errorf("the error is %#v", p.err)
		}
	}
}

func TestLongLines(t *testing.T) {
	const bound = 1 << 19
	filler := strings.Repeat("x", bound)
	long := tradeAt(2000, "BTCUSDT")
	long = strings.Replace(long, `"T":5`, `"T":5,"more":"`+filler[:bound-200]+`"`, 1) // a line of nearly the bound
	text := tradeAt(1000, "BTCUSDT") + long + "3000 " + filler + "\n" + tradeAt(4000, "BTCUSDT") +
		"5000 " + strings.Repeat(filler, 5) + "\n" + tradeAt(6000, "BTCUSDT") + "7000 " + filler
	config := replay.Config{MaxLineBytes: bound}
	play(t, config, []byte(text)).check(t, []string{"1000 1", "2000 1", "4000 1", "6000 1", "6000 0"},
		[]string{"f0:3: bad line", "f0:5: bad line", "f0:7: bad line"}, 4, 3, 0)
}

// TestCutOffFiles cuts a gzip file at every length: what can be read is, and the cut is reported.
func TestCutOffFiles(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		text.WriteString(tradeAt(int64(1000+i), "BTCUSDT"))
	}
	whole := zipped(t, text.String(), text.String())
	next := []byte(tradeAt(5000, "BTCUSDT"))
	for n := 3; n < len(whole); n += 11 {
		p := play(t, replay.Config{}, whole[:n], next)
		if n == len(zipped(t, text.String())) {
			continue // whole by chance
		}
		if p.err != nil || len(p.problems) == 0 || p.batches[len(p.batches)-1] != "5000 1" {
			t.Fatalf("%d bytes of %d: %v, problems %q, batches %q", n, len(whole), p.err, p.problems, p.batches)
		}
		// The second member repeats the times, which is a problem of its own.
		if want := fmt.Sprintf("f0:%d: damaged file", len(p.batches)); p.problems[len(p.problems)-1] != want {
			t.Fatalf("%d bytes: problems %q, want %s at last", n, p.problems, want)
		}
	}
	p := play(t, replay.Config{OnBadLine: replay.FatalBadLine}, whole[:len(whole)/3])
	if !errors.Is(p.err, io.ErrUnexpectedEOF) || !strings.Contains(p.err.Error(), "the file was cut off here") {
		t.Errorf("a cut off file gives %v", p.err)
	}
	flipped := slices.Clone(whole)
	flipped[len(flipped)-6] ^= 1 // the checksum
	if p := play(t, replay.Config{}, flipped); p.err != nil || len(p.problems) != 2 || !strings.Contains(p.problems[1], ":101: damaged file") {
		t.Errorf("a wrong checksum gives %v, %q", p.err, p.problems)
	}
}

func TestMergeByTime(t *testing.T) {
	names := write(t, []byte(tradeAt(1, "AUSDT")+tradeAt(4, "AUSDT")), []byte(tradeAt(4, "AUSDT")+tradeAt(9, "AUSDT")),
		[]byte(tradeAt(2, "BUSDT")+tradeAt(4, "BUSDT")+tradeAt(5, "BUSDT")), []byte(tradeAt(0, "CUSDT")+tradeAt(3, "CUSDT")))
	s, err := replay.Open(replay.Config{NewDecoder: futures, Rule: connector.RuleFutures,
		Files: map[string][]string{"AUSDT": names[:2], "BUSDT": names[2:3], "CUSDT": names[3:]}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for no, symbol := range []string{"BUSDT", "AUSDT"} {
		if err := s.Register(connector.Instrument{No: no, Symbol: symbol, TickSize: 0.1, LotSize: 0.001}); err != nil {
			t.Fatal(err)
		}
	}
	for _, symbol := range []string{"AUSDT", "DUSDT"} {
		if err := s.Register(connector.Instrument{Symbol: symbol}); err == nil {
			t.Errorf("%s was registered", symbol)
		}
	}
	var got []string
	var b paper.Batch
	for s.Next(&b) == nil {
		got = append(got, fmt.Sprint(b.TimestampNs, b.InstrumentNo))
	}
	if want := []string{"1 1", "2 0", "4 0", "4 1", "4 1", "5 0", "9 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := s.Register(connector.Instrument{Symbol: "CUSDT"}); err == nil {
		t.Error("an instrument was registered after the replay")
	}
}

func TestOpenErrors(t *testing.T) {
	good := write(t, []byte(tradeAt(1, "A")))
	dir := t.TempDir()
	for _, c := range []struct {
		config replay.Config
		want   string
	}{
		{replay.Config{}, "replay: no files"},
		{replay.Config{Files: map[string][]string{"A": nil}}, "symbol A has no files"},
		{replay.Config{Files: map[string][]string{"A": good}}, "NewDecoder is missing"},
		{replay.Config{Files: map[string][]string{"A": good}, NewDecoder: futures}, "Rule is missing"},
		{replay.Config{Sync: "later"}, `sync "later" is unknown`},
		{replay.Config{OnBadLine: "x"}, `on_bad_line "x"`},
		{replay.Config{OnGap: "x"}, `on_gap "x"`},
		{replay.Config{MaxLineBytes: -1}, "MaxLineBytes is -1"},
		{replay.Config{Files: map[string][]string{"A": {good[0], filepath.Join(dir, "no")}}, NewDecoder: futures, Rule: 1}, "HFTRUNNER_DATA"},
		{replay.Config{Files: map[string][]string{"A": {dir}}, NewDecoder: futures, Rule: 1}, "is not a file"},
		{replay.Config{Files: map[string][]string{"A": write(t, nil)}, NewDecoder: futures, Rule: 1}, "A has no line"},
	} {
		s, err := replay.Open(c.config)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	_, err := replay.Open(replay.Config{Files: map[string][]string{"A": {filepath.Join(dir, "no")}}, NewDecoder: futures, Rule: 1})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

// TestClose closes in the middle, and while another goroutine waits for the next batch.
func TestClose(t *testing.T) {
	text := strings.Repeat(tradeAt(1, "BTCUSDT"), 20_000)
	names := write(t, []byte(text), zipped(t, text))
	for n := range 20 {
		s, err := replay.Open(replay.Config{Files: map[string][]string{"BTCUSDT": names, "OTHER": names}, NewDecoder: futures, Rule: connector.RuleFutures})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Register(connector.Instrument{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}); err != nil {
			t.Fatal(err)
		}
		var b paper.Batch
		for range n * 400 {
			if err := s.Next(&b); err != nil {
				t.Fatal(err)
			}
		}
		ended := make(chan error)
		go func() {
			var err error
			for err == nil {
				err = s.Next(&b)
			}
			ended <- err
		}()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, os.ErrClosed) && err != io.EOF {
			t.Errorf("the source ended with %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	var text strings.Builder
	text.WriteString(snapshotAt(1, 5))
	for i := int64(5); i < 40_000; i++ {
		text.WriteString(depthAt(i, i+1, i+1, i))
		text.WriteString(tradeAt(i, "BTCUSDT"))
	}
	s, err := replay.Open(replay.Config{Files: map[string][]string{"BTCUSDT": write(t, zipped(t, text.String()))}, NewDecoder: futures, Rule: connector.RuleFutures})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Register(connector.Instrument{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}); err != nil {
		t.Fatal(err)
	}
	var b paper.Batch
	rows := 0
	if n := testing.AllocsPerRun(10, func() {
		for range 5000 {
			if err := s.Next(&b); err != nil {
				t.Fatal(err)
			}
			rows += len(b.Events)
		}
	}); n > 5 || rows < 50_000 {
		// Reading ahead may allocate now and then, not per line.
		t.Errorf("%v allocations in 5000 batches, %d rows", n, rows)
	}
}

// Whoever has enough while the files are looked through does not wait for their end.
func TestOpenIsEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte(tradeAt(5, "BTCUSDT")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := replay.Open(replay.Config{Context: ctx, Files: map[string][]string{"BTCUSDT": {file}}, NewDecoder: futures, Rule: connector.RuleFutures})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// A recording of which no line is of any use, as of another venue, is an error: a run on it would look like one without
// a market.
func TestForeignRecording(t *testing.T) {
	const other = `{"topic":"orderbook.50.BTCUSDT","type":"delta","data":{"s":"BTCUSDT","b":[],"a":[]}}`
	for name, text := range map[string]string{"another venue": "1000000000 " + other + "\n1000000001 " + other + "\n", "nothing readable": "1000000000 x\n",
		"a clock two days off": tradeAt(1_700_172_800_000_000_000, "BTCUSDT") + tradeAt(1_700_172_800_000_000_001, "BTCUSDT")} {
		text = strings.ReplaceAll(text, `"T":5`, `"T":1700000000000`)
		p := play(t, replay.Config{}, []byte(text))
		if p.err == nil || !strings.Contains(p.err.Error(), "check that format is the venue of the recording") {
			t.Errorf("%s: %v", name, p.err)
		}
	}
}

// A problem says what was done about it where the replay goes on, and what to do where it ended.
func TestProblemSaysWhatWasDone(t *testing.T) {
	text := []byte(tradeAt(1000, "BTCUSDT") + "2000 x\n")
	config := replay.Config{Files: map[string][]string{"BTCUSDT": write(t, text)}, NewDecoder: futures, Rule: connector.RuleFutures}
	for on, want := range map[replay.OnBadLine]string{replay.SkipBadLine: "; the line is skipped, as set by on_bad_line", replay.FatalBadLine: "; repair or remove the line, or"} {
		var said error
		config.OnBadLine, config.OnProblem = on, func(p feed.Problem) { said = p }
		s, err := replay.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Register(connector.Instrument{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}); err != nil {
			t.Fatal(err)
		}
		var b paper.Batch
		for err == nil {
			err = s.Next(&b)
		}
		if err != io.EOF {
			said = err
		}
		if said == nil || !strings.Contains(said.Error(), want) {
			t.Errorf("%s: %v", on, said)
		}
		_ = s.Close()
	}
}

// A message whose exchange time cannot be true is a bad line, and the book that lacks it is lost until a snapshot fits.
func TestWrongExchangeTimes(t *testing.T) {
	const now = int64(1_700_000_000_000_000_000)
	at := func(second int64, text string) string {
		_, rest, _ := strings.Cut(text, " ")
		return fmt.Sprintf("%d %s", now+second, strings.Replace(rest, `"T":5`, fmt.Sprintf(`"T":%d`, now/1e6), 1))
	}
	wrong := func(text, ms string) string {
		return strings.Replace(text, fmt.Sprintf(`"T":%d`, now/1e6), `"T":`+ms, 1)
	}
	trade := at(4, tradeAt(0, "BTCUSDT"))
	text := at(1, snapshotAt(0, 20)) + at(2, depthAt(0, 10, 20, 9)) + at(3, depthAt(0, 21, 30, 20)) +
		wrong(trade, "2015228800000") + wrong(trade, "0") + wrong(trade, "17") + wrong(trade, "-5") + trade +
		wrong(at(5, depthAt(0, 31, 40, 30)), "2015228800000") + at(6, depthAt(0, 41, 50, 40)) + at(7, snapshotAt(0, 50)) + at(8, depthAt(0, 51, 60, 50))
	first := func(n int64, rest string) string { return fmt.Sprintf("%d %s", now+n, rest) }
	play(t, replay.Config{}, []byte(text)).check(t,
		[]string{first(2, "3 ready"), first(3, "1"), first(4, "1"), first(5, "0 stale"), first(7, "3 ready"), first(8, "1")},
		[]string{"f0:4: bad time", "f0:5: bad line", "f0:6: bad time", "f0:7: bad line", "f0:9: bad time", "f0:9: gap"}, 12, 5, 1)
	if p := play(t, replay.Config{OnBadLine: replay.FatalBadLine}, []byte(text)); p.err == nil || !strings.Contains(p.err.Error(), "f0:4: the exchange time 2033-") {
		t.Errorf("it ends with %v", p.err)
	}
	if p := play(t, replay.Config{OnGap: replay.FatalGap}, []byte(text)); p.err == nil || !strings.Contains(p.err.Error(), "f0:9: depth updates after 30 are missing") {
		t.Errorf("it ends with %v", p.err)
	}
}

// A first line that is years ahead is a bad line, with both places in its text, and the rest is replayed at its own
// times.
func TestFirstLineYearsAhead(t *testing.T) {
	const now = int64(1_700_000_000_000_000_000)
	at := func(ns int64) string {
		return strings.Replace(tradeAt(ns, "BTCUSDT"), `"T":5`, fmt.Sprintf(`"T":%d`, now/1e6), 1)
	}
	text := []byte(at(now+315_360_000_000_000_000) + at(now) + at(now+1))
	play(t, replay.Config{}, text).check(t, []string{fmt.Sprintf("%d 1", now), fmt.Sprintf("%d 1", now+1)}, []string{"f0:1: bad line"}, 2, 1, 0)
	p := play(t, replay.Config{OnBadLine: replay.FatalBadLine}, text)
	if p.err == nil || !strings.Contains(p.err.Error(), "f0:1: this line says 2033-") || !strings.Contains(p.err.Error(), "f0:2 says 2023-") {
		t.Errorf("it ends with %v", p.err)
	}
}

// Lines that are days ahead take no time along: a few are bad lines, and of any number those that their own messages
// contradict.
func TestLocalTimesDaysAhead(t *testing.T) {
	const now, days = int64(1_700_000_000_000_000_000), int64(30 * 24 * time.Hour)
	at := func(ns, exchNs int64) string {
		return strings.Replace(tradeAt(ns, "BTCUSDT"), `"T":5`, fmt.Sprintf(`"T":%d`, exchNs/1e6), 1)
	}
	want := []string{fmt.Sprintf("%d 1", now), fmt.Sprintf("%d 1", now+1), fmt.Sprintf("%d 1", now+2), fmt.Sprintf("%d 1", now+3)}
	for _, exchNs := range []int64{now, now + days} { // of the lines that are ahead
		text := []byte(at(now, now) + at(now+1, now) + at(now+days, exchNs) + at(now+days+1, exchNs) + at(now+2, now) + at(now+3, now))
		play(t, replay.Config{}, text).check(t, want, []string{"f0:3: bad line", "f0:4: bad line"}, 4, 2, 0)
	}
	const many = 20_000
	text, problems := []byte(at(now, now)+at(now+1, now)), []string(nil)
	for i := range int64(many) {
		text = append(text, at(now+days+i, now)...)
		problems = append(problems, fmt.Sprintf("f0:%d: bad time", i+3))
	}
	play(t, replay.Config{}, append(text, at(now+2, now)+at(now+3, now)...)).check(t, want, problems, many+4, many, 0)
}

// A file that begins more than a month after the one before, or days before it ends, is no file of which all lines are
// bad.
func TestFilesApart(t *testing.T) {
	const now, days = int64(1_700_000_000_000_000_000), int64(40 * 24 * time.Hour)
	at := func(ns int64) string {
		return strings.Replace(tradeAt(ns, "BTCUSDT"), `"T":5`, fmt.Sprintf(`"T":%d`, ns/1e6), 1)
	}
	first, later := []byte(at(now)+at(now+1)), []byte(at(now+days)+at(now+days+1))
	if p := play(t, replay.Config{}, first, later); p.err == nil || !strings.Contains(p.err.Error(), "f1:1: from here on the file is of 2023-12-24") {
		t.Errorf("it ends with %v", p.err)
	}
	if p := play(t, replay.Config{}, later, first); p.err == nil || !strings.Contains(p.err.Error(), "list the files in order of time") {
		t.Errorf("it ends with %v", p.err)
	}
}

// One message that says a time hours ahead, or a first line hours before all others, is a bad line; it does not move
// the others.
func TestOneTimeHoursOff(t *testing.T) {
	const now, hours, ms = int64(1_700_000_000_000_000_000), int64(20 * time.Hour), int64(time.Millisecond)
	at := func(localNs, exchNs int64) string {
		return strings.Replace(tradeAt(localNs, "BTCUSDT"), `"T":5`, fmt.Sprintf(`"T":%d`, exchNs/ms), 1)
	}
	row := func(ns int64) string { return fmt.Sprintf("%d 1", ns) }
	good := at(now+10*ms, now+9*ms) + at(now+20*ms, now+18*ms)
	text := good + at(now+30*ms, now+hours) + at(now+40*ms, now+39*ms)
	play(t, replay.Config{}, []byte(text)).check(t, []string{row(now + 10*ms), row(now + 20*ms), row(now + 40*ms)}, []string{"f0:3: bad line"}, 4, 1, 0)
	play(t, replay.Config{}, []byte(at(now-hours, now+5*ms)+good)).check(t, []string{row(now + 10*ms), row(now + 20*ms)}, []string{"f0:1: bad line"}, 2, 1, 0)
	// Two that bear each other out correct the file.
	slow := at(now+10*ms, now+hours+9*ms) + at(now+20*ms, now+hours+20*ms)
	play(t, replay.Config{BaseLatency: time.Millisecond}, []byte(slow)).check(t, []string{row(now + hours + 11*ms), row(now + hours + 21*ms)}, nil, 2, 0, 0)
}

// Of a recording with books of several depths the deepest is read, and the others are told once; a natural one has the
// depth that the reference reads.
func TestBookOfOneDepth(t *testing.T) {
	const trade = `{"topic":"publicTrade.BTCUSDT","ts":1748908801000,"type":"snapshot","data":[{"i":"1","T":1748908801000,"p":"100.1","v":"1","S":"Buy","s":"BTCUSDT"}]}`
	const book = `{"topic":"orderbook.200.BTCUSDT","type":"snapshot","ts":1748908800995,"data":{"s":"BTCUSDT","b":[["100.0","5"],["99.9","1"]],"a":[["100.1","5"]],"u":10,"seq":100},"cts":1748908800990}`
	shallow := strings.NewReplacer("orderbook.200", "orderbook.50", `["99.9","1"]`, `["99.8","1"],["99.7","1"]`).Replace(book)
	decoder := bybit.Kind().Format.NewDecoder
	formats := map[string]connector.Format{"bybit": {NewDecoder: decoder, Rule: connector.RuleStreamed, NaturalLevel: 50}}
	text := "1748908801000000000 " + shallow + "\n1748908801000000001 " + book + "\n1748908801000000002 " + shallow + "\n1748908801000000003 " + trade + "\n"
	config := replay.Config{NewDecoder: decoder, Rule: connector.RuleStreamed, Format: "bybit", Formats: formats}
	play(t, config, []byte(text)).check(t, []string{"1748908801000000001 3 ready", "1748908801000000003 1"}, []string{"f0:1: other depth"}, 4, 0, 0)
	config.Sync = replay.SyncNatural
	play(t, config, []byte(text)).check(t, []string{"1748908801000000000 4 ready", "1748908801000000002 4", "1748908801000000003 1"}, []string{"f0:2: other depth"}, 4, 0, 0)
}

// An archive of the venue, which has no local times, needs a base latency.
func TestArchive(t *testing.T) {
	decoder := bybit.Kind().Format.NewDecoder
	config := replay.Config{NewDecoder: decoder, Rule: connector.RuleStreamed, Format: "bybit", Formats: map[string]connector.Format{"bybit": {NewDecoder: decoder, Rule: connector.RuleStreamed}}}
	const text = `{"topic":"orderbook.500.BTCUSDT","type":"snapshot","ts":1733011200691,"data":{"s":"BTCUSDT","b":[["1.9","62"]],"a":[["2.0","10"]],"u":20,"seq":130},"cts":1733011200589}
{"topic":"orderbook.500.BTCUSDT","type":"delta","ts":1733011200693,"data":{"s":"BTCUSDT","b":[["1.9","0"],["1.8","7"]],"a":[],"u":21,"seq":131},"cts":1733011200691}
`
	if p := play(t, config, []byte(text)); p.err == nil || !strings.Contains(p.err.Error(), "f0: its lines have no local time") {
		t.Errorf("%v", p.err)
	}
	config.BaseLatency = 9 * time.Millisecond
	for _, sync := range []replay.Sync{replay.SyncExchange, replay.SyncNatural} {
		problems := []string{"f0:0: no trades", "f0:1: no local times"}
		if config.Sync = sync; sync == replay.SyncNatural {
			problems = problems[1:]
		}
		play(t, config, []byte(text)).check(t, []string{"1733011200700000000 2 ready", "1733011200702000000 2"}, problems, 2, 0, 0)
	}
}

// A snapshot in mid-stream that is not the book is told with its place; it changes nothing.
func TestSnapshotThatDiffers(t *testing.T) {
	text := snapshotAt(1, 20) + depthAt(2, 10, 20, 9) + depthAt(3, 21, 30, 20) + snapshotAt(4, 30) + depthAt(5, 31, 40, 30)
	p := play(t, replay.Config{}, []byte(text))
	p.check(t, []string{"2 3 ready", "3 1", "5 1"}, []string{"f0:4: mismatch"}, 5, 0, 0)
	if found := p.report.Found[feed.Mismatch]; found.N != 1 || found.First.Line != 4 || !strings.Contains(found.First.What, "1 in the book and 0 in the snapshot") {
		t.Errorf("%+v", found)
	}
	// Some more are kept with their places.
	text = snapshotAt(1, 20) + depthAt(2, 10, 20, 9) + depthAt(3, 21, 30, 20) + strings.Repeat(snapshotAt(4, 30), 7) + depthAt(5, 31, 40, 30)
	found := play(t, replay.Config{}, []byte(text)).report.Found[feed.Mismatch]
	if found.N != 7 || len(found.More) != 4 || found.More[3].Line != 8 || found.More[3].What != found.First.What {
		t.Errorf("%+v", found)
	}
}

// Open tells how far it is with the files of each symbol.
func TestProgress(t *testing.T) {
	text := snapshotAt(1, 20) + depthAt(2, 10, 20, 9)
	files := map[string][]string{"BTCUSDT": write(t, []byte(text), []byte(text))}
	var told []int64
	s, err := replay.Open(replay.Config{Files: files, NewDecoder: futures, Rule: connector.RuleFutures, Progress: func(symbol string, done, total int64) {
		if told = append(told, done); symbol != "BTCUSDT" || total != int64(2*len(text)) {
			t.Errorf("%s: %d of %d", symbol, done, total)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if len(told) != 2 || told[1] < int64(len(text)) {
		t.Errorf("told %d", told)
	}
}

// A recording of a finer grid than the instrument's is counted row by row and told once, with an example.
func TestOffGrid(t *testing.T) {
	const text = `1748908800990000000 {"e":"depthUpdate","E":1748908800985,"T":1748908800985,"s":"BTCUSDT","U":98,"u":101,"pu":97,"b":[],"a":[]}
1748908801000000000 {"lastUpdateId":100,"E":1748908800990,"T":1748908800989,"bids":[["100.09","9"],["100.08","8"],["100.0","7"]],"asks":[["100.10","50"],["100.11","40"]]}
1748908801200000000 {"e":"depthUpdate","E":1748908801195,"T":1748908801193,"s":"BTCUSDT","U":102,"u":103,"pu":101,"b":[["100.01","1"]],"a":[]}
`
	p := play(t, replay.Config{}, []byte(text))
	if n := p.report.Found[feed.OffGrid].N; n != 4 || !slices.Equal(p.problems, []string{"f0:2: off the grid"}) || p.err != nil {
		t.Errorf("%d rows, problems %q, %v", n, p.problems, p.err)
	}
}

// TestUnits: a recording with times in other units is replayed like any other, whatever is to be done about bad lines.
func TestUnits(t *testing.T) {
	text := `1700000000001 {"e":"trade","T":1700000000000999,"s":"BTCUSDT","p":"9","q":"1","X":"MARKET","m":true}` + "\n"
	play(t, replay.Config{OnBadLine: replay.FatalBadLine}, []byte(text+text)).check(t, []string{"1700000000001000000 1", "1700000000001000000 1"},
		[]string{"f0:1: unit of times", "f0:1: unit of times"}, 2, 0, 0)
	// A message that is not used is no example of one.
	play(t, replay.Config{}, []byte(strings.Replace(text, "000999", "000", 1)+strings.Replace(text, "BTCUSDT", "OTHER", 1))).check(t,
		[]string{"1700000000001000000 1", "1700000000001000000 0"}, []string{"f0:1: unit of times", "f0:2: bad line"}, 2, 1, 0)
}

// TestFilesOfOneFeed: a recording of another symbol, files out of order, one that is listed twice and one that is empty are
// refused, as by a conversion.
func TestFilesOfOneFeed(t *testing.T) {
	formats := map[string]connector.Format{"binancefutures": {NewDecoder: futures, Rule: connector.RuleFutures}}
	const second = 1_700_000_000
	at := func(n int64) string {
		text := depthAt((second+n)*1e9, 10*n, 10*n+9, 10*n-1)
		return regexp.MustCompile(`"(E|T)":\d+`).ReplaceAllString(text, fmt.Sprintf(`"$1":%d`, (second+n)*1000-5))
	}
	first, next := at(1)+at(2), at(3)+at(4)
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"in order":     {[]string{first, next}, ""},
		"out of order": {[]string{next, first}, "f1 ends before "},
		"another symbol": {[]string{strings.ReplaceAll(first, "BTCUSDT", "ETHUSDT")},
			"no message of the recording is about BTCUSDT: it has messages of ETHUSDT"},
		"empty": {[]string{first, ""}, "f1: the recording ends and no line of it could be used"},
	} {
		var contents [][]byte
		for _, text := range c.files {
			contents = append(contents, []byte(text))
		}
		p := play(t, replay.Config{Format: "binancefutures", Formats: formats}, contents...)
		if (p.err == nil) != (c.want == "") || p.err != nil && !strings.Contains(p.err.Error(), c.want) {
			t.Errorf("%s: %v, %q", name, p.err, p.problems)
		}
	}
}
