package convert_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// converted converts texts and returns the rows and what was wrong.
func converted(t *testing.T, options convert.Options, texts ...string) (rows []hft.Event, s convert.Summary, problems []string) {
	t.Helper()
	if options.NewDecoder == nil {
		options.NewDecoder = futures
	}
	options.OnProblem = func(p feed.Problem) {
		problems = append(problems, fmt.Sprintf("%s:%d %v", filepath.Base(p.File), p.Line, p.Finding))
	}
	out := filepath.Join(t.TempDir(), "out.npy")
	s, err := convert.Events(t.Context(), write(t, texts...), out, options)
	if err != nil {
		t.Fatal(err)
	}
	return readEvents(t, out), s, problems
}

// TestOrder shows rows that cannot be in both orders at once, which come twice.
func TestOrder(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{trade(5e6, 5), trade(7e6, 6)}, "ELb2 5000000/5000000 61800.3x0.006\nELb2 6000000/7000000 61800.3x0.006\n"},
		// The second trade happened before the first: the exchange sees it first, the local side last.
		{[]string{trade(9e6, 8), trade(10e6, 7)}, "Eb2 7000000/10000000 61800.3x0.006\nELb2 8000000/9000000 61800.3x0.006\nLb2 7000000/10000000 61800.3x0.006\n"},
		// A clock set back: nothing is lost.
		{[]string{trade(9e6, 4), trade(8e6, 5), trade(12e6, 6)},
			"Eb2 4000000/9000000 61800.3x0.006\nELb2 5000000/8000000 61800.3x0.006\nLb2 4000000/9000000 61800.3x0.006\nELb2 6000000/12000000 61800.3x0.006\n"},
	} {
		for _, memoryRows := range []int{0, 1, 2} {
			rows, s, _ := converted(t, convert.Options{Natural: true, MemoryRows: memoryRows, Hash: true}, strings.Join(c.lines, ""))
			if got := text(rows); got != c.want || s.SHA256 != depthtest.RowsSHA256(rows) {
				t.Errorf("%s, want %s: %+v", got, c.want, s)
			}
		}
	}
}

// found returns how often something was found.
func found(s convert.Summary, f feed.Finding) int { return int(s.Report.Found[f].N) }

func TestLocalTimeCorrection(t *testing.T) {
	// The second line was received 3 ms before it happened.
	lines := trade(5e6, 5) + trade(6e6, 9)
	for base, want := range map[time.Duration]int64{0: 3e6, time.Microsecond: 3_001_000} {
		rows, s, _ := converted(t, convert.Options{Natural: true, BaseLatency: base}, lines)
		if c := s.Report.Corrections[0]; c.MinLatencyNs != -3e6 || c.Line != 2 || filepath.Base(c.File) != "f0" || c.OffsetNs != want ||
			rows[1].LocalTimestampNs != 6e6+want || s.FirstExchTimestampNs != 5e6 || s.LastExchTimestampNs != 9e6 ||
			s.FirstLocalTimestampNs != 5e6+want || s.LastLocalTimestampNs != 6e6+want {
			t.Errorf("base %v: %+v", base, s)
		}
	}
	if _, s, _ := converted(t, convert.Options{Natural: true, BaseLatency: time.Second}, trade(5e6, 5)); s.Report.Corrections[0].OffsetNs != 0 || s.Report.Corrections[0].MinLatencyNs != 0 {
		t.Errorf("nothing is to be corrected: %+v", s)
	}
}

func TestSnapshots(t *testing.T) {
	const head = `5000000 {"lastUpdateId":1,"T":4,`
	for _, c := range []struct{ line, want string }{
		{head + `"bids":[["9","1"],["8","2"]],"asks":[["10","3"],["11","4"],["12","5"]]}`,
			"ELb3 4000000/5000000 8x0\nELb4 4000000/5000000 9x1\nELb4 4000000/5000000 8x2\n" +
				"ELs3 4000000/5000000 12x0\nELs4 4000000/5000000 10x3\nELs4 4000000/5000000 11x4\nELs4 4000000/5000000 12x5\n"},
		{head + `"bids":[],"asks":[["10","3"]]}`, "ELs3 4000000/5000000 10x0\nELs4 4000000/5000000 10x3\n"},
		{head + `"bids":[["9","1"]],"asks":[]}`, "ELb3 4000000/5000000 9x0\nELb4 4000000/5000000 9x1\n"},
	} {
		rows, _, _ := converted(t, convert.Options{Natural: true}, c.line)
		if got := text(rows); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestSpotTimes: what comes without a time of the venue gets that of the depth message before it.
func TestSpotTimes(t *testing.T) {
	lines := `1000000 {"e":"depthUpdate","E":7,"s":"BTCUSDT","U":1,"u":1,"b":[["9","1"]],"a":[]}
2000000 {"u":2,"s":"BTCUSDT","b":"9","B":"1","a":"10","A":"2"}
3000000 {"lastUpdateId":1,"bids":[["9","1"]],"asks":[]}
`
	rows, _, _ := converted(t, convert.Options{Natural: true, NewDecoder: binance.Spot().Format.NewDecoder, Quotes: true, Raw: true}, lines)
	if want := "b1 7000000/7000000 9x1\nb5 7000000/8000000 9x1\ns5 7000000/8000000 10x2\nb3 7000000/9000000 9x0\nb4 7000000/9000000 9x1\n"; text(rows) != want {
		t.Errorf("%s, want %s", text(rows), want)
	}
}

// The samples of spot and Bybit: books and trades come out, with both flags nearly everywhere.
func TestSpotAndBybitSamples(t *testing.T) {
	for venue, decoder := range map[string]func() connector.Decoder{
		"binancespot": binance.Spot().Format.NewDecoder,
		"bybit":       bybit.Kind().Format.NewDecoder,
	} {
		out := filepath.Join(t.TempDir(), "out.npy")
		s, err := convert.Events(t.Context(), []string{sampletest.Path(t, venue, "BTCUSDT")}, out,
			convert.Options{Natural: true, NewDecoder: decoder, OnProblem: func(p feed.Problem) { t.Error(p) }})
		if err != nil || s.Clears != 2 || s.Snapshots < 100 || s.Depth < 10_000 || s.Trades < 1000 || s.Both < 9*s.ExchOnly ||
			s.Report.Corrections[0].OffsetNs != 0 || s.Lines != int64(sampletest.Lines(t, venue, "BTCUSDT")) {
			t.Errorf("%s: %+v, %v", venue, s, err)
		}
	}
}

func TestSpotAndBybitRecordings(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.npy")
	s, err := convert.Events(t.Context(), []string{datatest.Recording(t, "binancespot", "btcusdt_20240808.gz")}, out,
		convert.Options{Natural: true, NewDecoder: binance.Spot().Format.NewDecoder})
	if err != nil || found(s, feed.BadLine) != 0 || s.Clears != 2 || s.Both < 100_000 || s.Both < 9*s.ExchOnly {
		t.Errorf("spot: %+v, %v", s, err)
	}
	samples := datatest.Messages(t, "bybit-linear/ws_orderbook500_XRPUSDT_20241201.jsonl")
	var lines strings.Builder
	for i, line := range strings.SplitAfter(strings.TrimSpace(string(samples)), "\n") {
		fmt.Fprint(&lines, 1733011200700000000+int64(i)*100_000_000, " ", line)
	}
	rows, s, _ := converted(t, convert.Options{Natural: true, NewDecoder: bybit.Kind().Format.NewDecoder}, lines.String())
	if s.Lines != 50 || s.Clears != 2 || s.Snapshots != 1000 || rows[0].Kind() != hft.DepthClearEvent || rows[0].Px != rows[500].Px ||
		rows[501].Kind() != hft.DepthClearEvent || rows[501].Px != rows[1001].Px || rows[0].ExchTimestampNs != 1733011200691000000 {
		t.Errorf("bybit: %+v", s)
	}
}

func TestProblems(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(w, trade(1000, 1)+trade(2000, 2)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(zipped.Bytes())
	flipped[len(flipped)-6] ^= 1
	other := strings.Replace(trade(1500, 1), "BTCUSDT", "ETHUSDT", 1)
	for _, c := range []struct {
		name     string
		texts    []string
		problems []string
		lines    int64
		rows     int
	}{
		{"good", []string{trade(1, 1) + trade(2, 1)}, nil, 2, 2},
		{"acknowledgements", []string{"5 {\"result\":null,\"id\":1}\n" + trade(6, 1)}, nil, 2, 1},
		{"bad lines", []string{"x\n" + trade(1, 1) + "2 {\n3 \n\n" + trade(4, 1)}, []string{"f0:1 bad line", "f0:3 bad line", "f0:4 bad line", "f0:5 bad line"}, 4, 2},
		{"another symbol", []string{trade(1000, 1) + other, trade(1600, 1)}, []string{"f0:2 bad line"}, 3, 2},
		{"clock set back", []string{trade(9, 1) + trade(5, 1) + trade(6, 1) + trade(9, 1), trade(8, 1)},
			[]string{"f0:2 time runs backwards", "f1:1 time runs backwards"}, 5, 5},
		{"checksum", []string{string(flipped), trade(3000, 3)}, []string{"f0:3 damaged file"}, 3, 3},
	} {
		rows, s, problems := converted(t, convert.Options{Natural: true, Symbol: "btcusdt"}, c.texts...)
		unique := s.Both + s.ExchOnly // each row is once in the order of the exchange
		if !slices.Equal(problems, c.problems) || s.Lines != c.lines || unique != int64(c.rows) || int64(len(rows)) != s.NumRows {
			t.Errorf("%s: problems %q, %+v", c.name, problems, s)
		}
		if n := found(s, feed.BadLine) + found(s, feed.TimeBackwards) + found(s, feed.Damaged); n != len(problems) {
			t.Errorf("%s: %d problems are counted: %+v", c.name, n, s)
		}
	}
}

// TestCutOffFile cuts a recording at many lengths: what can be read is converted, and the cut is reported.
func TestCutOffFile(t *testing.T) {
	whole, err := os.ReadFile(sampletest.Path(t, "binancefutures", "BTCUSDT"))
	if err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for _, n := range []int{20_000, 60_001, 200_000} {
		_, s, problems := converted(t, convert.Options{Natural: true}, string(whole[:n]))
		if len(problems) != 1 || !strings.HasSuffix(problems[0], "damaged file") || found(s, feed.Damaged) != 1 || s.NumRows <= last {
			t.Errorf("%d bytes: problems %q, %+v", n, problems, s)
		}
		last = s.NumRows
	}
}

// deepBook is a decoder that ignores books of other depths than 500 levels.
type deepBook struct{ connector.Decoder }

func (d *deepBook) Decode(localNs int64, raw []byte, m *connector.Message) error {
	err := d.Decoder.Decode(localNs, raw, m)
	if m.Level != 0 && m.Level != 500 {
		m.Reset()
	}
	return err
}

func TestErrors(t *testing.T) {
	good := trade(1000, 1)
	quote := `5 {"e":"bookTicker","T":5,"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}` + "\n"
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		name  string
		ctx   context.Context
		texts []string
		out   string
		edit  func(*convert.Options)
		want  string
	}{
		{name: "empty", texts: []string{good, ""}, want: "f1: no line of it can be used, of 0 with a time; it must be a recording"},
		{name: "wrong format", texts: []string{"a,b\n1,2\n"}, want: `f0:1: the line does not start with a time and a space: "a,b"`},
		{name: "not a message", texts: []string{good, "5 hello\n"}, want: "f1:1: binancefutures: byte 0: a value is expected; repair"},
		{name: "several symbols", texts: []string{good, strings.Replace(good, "BTC", "ETH", 1)},
			want: "messages of several symbols: BTCUSDT, ETHUSDT; choose one with --symbol"},
		{name: "another symbol", texts: []string{strings.Replace(good, "BTC", "ETH", 1)},
			edit: func(o *convert.Options) { o.Symbol = "BTCUSDT" },
			want: "no message of the recording is about BTCUSDT: it has messages of ETHUSDT; use another"},
		{name: "snapshot of any symbol", texts: []string{good + strings.Replace(good, "BTC", "ETH", 1) +
			`6000000 {"lastUpdateId":1,"T":4,"bids":[["9","1"]],"asks":[]}`},
			edit: func(o *convert.Options) { o.Symbol = "BTCUSDT" },
			want: "f0:3: this snapshot does not say which symbol it is about, and the recording has several: BTCUSDT, ETH"},
		{name: "acknowledgements", texts: []string{"5 {}\n"}, want: "no line of it can be used, of 1 with a time"},
		{name: "another depth", texts: []string{bybitBook(t0, 1, "snapshot", "", ""), strings.ReplaceAll(bybitBook(t0+1, 2, "snapshot", "", ""), ".50.", ".200.") +
			trade(5e6, 5)}, edit: func(o *convert.Options) {
			o.NewDecoder = func() connector.Decoder { return &deepBook{bybit.Kind().Format.NewDecoder()} }
		}, want: "f0: no line of it can be used"},
		{name: "header cut off", texts: []string{"\x1f\x8b\x08"}, want: "f0:1: the file was cut off here"},
		{name: "quotes", texts: []string{quote}, want: "have no row of a book or trade"},
		{name: "no file", want: "no files; at least one"},
		{name: "clock", texts: []string{trade(92e17, 1)}, want: "f0:1: the exchange time 1970-01-01T00:00:00.001Z is 106481 days before the local time 2261-"},
		{name: "decoder", texts: []string{good}, edit: func(o *convert.Options) { o.NewDecoder = nil }, want: "NewDecoder is missing"},
		{name: "base latency", texts: []string{good}, edit: func(o *convert.Options) { o.BaseLatency = -1 }, want: "BaseLatency is -1ns"},
		{name: "memory", texts: []string{good}, edit: func(o *convert.Options) { o.MemoryRows = -1 }, want: "MemoryRows is -1"},
		{name: "line length", texts: []string{good}, edit: func(o *convert.Options) { o.MaxLineBytes = -1 }, want: "MaxLineBytes is -1"},
		{name: "temporary folder", texts: []string{good}, edit: func(o *convert.Options) { o.TempDir = "no/such" }, want: "must be a writable directory"},
		{name: "extension", texts: []string{good}, out: "out.csv", want: "must be .npy or .npz"},
		{name: "context", texts: []string{good}, ctx: ended, want: "context canceled"},
	} {
		options := convert.Options{Natural: true, NewDecoder: futures}
		if c.edit != nil {
			c.edit(&options)
		}
		if c.ctx == nil {
			c.ctx = t.Context()
		}
		if c.out == "" {
			c.out = "out.npz"
		}
		out := filepath.Join(t.TempDir(), c.out)
		_, err := convert.Events(c.ctx, write(t, c.texts...), out, options)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: there is an output: %v", c.name, err)
		}
		onlyFile(t, out)
	}
	if _, err := convert.Events(t.Context(), []string{"no"}, filepath.Join(t.TempDir(), "out.npy"), convert.Options{Natural: true, NewDecoder: futures}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

// TestBeforeTheEpoch: a decoder that gives times before 1970 does not break the order.
func TestBeforeTheEpoch(t *testing.T) {
	rows, s, problems := converted(t, convert.Options{Natural: true, NewDecoder: func() connector.Decoder { return early{} }}, "1 a\n2 b\n")
	if len(rows) != 1 || found(s, feed.BadTime) != 1 || !slices.Equal(problems, []string{"f0:1 bad time"}) {
		t.Errorf("%v, %+v, %q", rows, s, problems)
	}
}

// early decodes every message to a trade, of which that received at 1 is before 1970.
type early struct{}

func (early) Decode(localNs int64, _ []byte, m *connector.Message) error {
	m.Reset()
	m.Kind = connector.MessageTrade
	m.ExchTimestampNs = 1
	m.Events = append(m.Events, hft.Event{Ev: hft.TradeEvent, ExchTimestampNs: 2*localNs - 3, LocalTimestampNs: localNs})
	return nil
}

// TestTimesDaysOff: several lines with both times days ahead, or behind, are bad lines with their places, and the rows are of the time
// that the others have.
func TestTimesDaysOff(t *testing.T) {
	at := func(id, ms int64) string {
		return fmt.Sprintf(`%d {"e":"trade","E":%d,"s":"XUSDT","t":%d,"p":"1.0","q":"1","T":%[2]d,"m":true}`+"\n", (ms+10)*1e6, ms, id)
	}
	for _, days := range []int64{1, 20, 31, -1, -20} {
		off := days*86_400_000 + 7_200_000
		lines := at(1, t0) + at(2, t0+1) + at(3, t0+2+off) + at(4, t0+3+off) + at(5, t0+4+off) + at(6, t0+5) + at(7, t0+6)
		rows, s, problems := converted(t, convert.Options{NewDecoder: spot, Natural: true}, lines)
		if len(rows) != 4 || s.FirstExchTimestampNs != t0*1e6 || s.LastExchTimestampNs != (t0+6)*1e6 || !slices.Equal(problems, []string{"f0:3 bad line", "f0:4 bad line", "f0:5 bad line"}) {
			t.Errorf("%d days: %d rows, problems %q, %+v", days, len(rows), problems, s)
		}
	}
}

// TestSpoolsHaveNoName: what a conversion keeps on the disk meanwhile goes with its process, however that ends.
func TestSpoolsHaveNoName(t *testing.T) {
	files := write(t, string(bytes.Join(sampleLines(t, 2_000), nil)))
	out := filepath.Join(t.TempDir(), "out.npz")
	looked := false
	_, err := convert.Events(t.Context(), files, out, convert.Options{Natural: true, NewDecoder: futures, MemoryRows: 16,
		Progress: func(p convert.Progress) {
			if p.Stage != convert.Writing {
				return
			}
			looked = true
			if left, err := filepath.Glob(filepath.Join(filepath.Dir(out), ".convert-*")); err != nil || len(left) > 0 {
				t.Errorf("%v, %v", left, err)
			}
		}})
	if err != nil || !looked {
		t.Errorf("looked %v, %v", looked, err)
	}
	onlyFile(t, out)
}

// TestCancel ends the context at every stage: nothing is left behind and an older file stays.
func TestCancel(t *testing.T) {
	files := write(t, string(bytes.Join(sampleLines(t, 30_000), nil)))
	for _, memoryRows := range []int{0, 20_000} {
		for _, stage := range []convert.Stage{convert.Reading, convert.Counting, convert.Writing} {
			ctx, cancel := context.WithCancel(t.Context())
			out := filepath.Join(t.TempDir(), "out.npz")
			if err := os.WriteFile(out, []byte("older"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := convert.Events(ctx, files, out, convert.Options{Natural: true, NewDecoder: futures, MemoryRows: memoryRows,
				Progress: func(p convert.Progress) {
					if p.Stage == stage && p.Done > p.Total/2 {
						cancel()
					}
				}})
			cancel()
			if !errors.Is(err, context.Canceled) {
				t.Errorf("ended while %v: %v", stage, err)
			}
			if older, err := os.ReadFile(out); err != nil || string(older) != "older" {
				t.Errorf("ended while %v: the older file is %q, %v", stage, older, err)
			}
			onlyFile(t, out)
		}
	}
}

func TestProgress(t *testing.T) {
	for _, raw := range []bool{false, true} {
		var stages []string
		var last convert.Progress
		options := convert.Options{Natural: true, NewDecoder: futures, Raw: raw, Progress: func(p convert.Progress) {
			if p.Stage != last.Stage {
				stages = append(stages, p.Stage.String())
			} else if p.Done < last.Done || p.Total != last.Total {
				t.Errorf("%+v after %+v", p, last)
			}
			if p.Done < 0 || p.Done > p.Total {
				t.Errorf("%+v", p)
			}
			last = p
		}}
		s, err := convert.Events(t.Context(), []string{sampletest.Path(t, "binancefutures", "ETHUSDT")}, filepath.Join(t.TempDir(), "out.npy"), options)
		if err != nil || last.Done != s.NumRows || last.Done != last.Total {
			t.Errorf("%+v at the end, %+v, %v", last, s, err)
		}
		want := []string{"reading", "counting", "writing"}
		if raw {
			want = []string{"reading", "writing"}
		}
		if !slices.Equal(stages, want) {
			t.Errorf("stages %q", stages)
		}
	}
}

// FuzzEvents converts arbitrary text with arbitrary little memory: whatever comes out can be read in both orders, has
// every decoded row once per order, and does not depend on the memory.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(trade(5e6, 5)+trade(3e6, 9)+trade(9e6, 7)), 2, false, 0)
	f.Add([]byte("5 {\"lastUpdateId\":1,\"T\":4,\"bids\":[[\"9\",\"1\"]],\"asks\":[[\"10\",\"3\"],[\"11\",\"4\"]]}\n"+trade(1, 1)), 1, true, 0)
	f.Add([]byte(trade(0, 9e12)+trade(9e18, 1)), 1, false, 0)
	f.Add([]byte("x\n5 {}\n7 {\"e\":\"bookTicker\",\"T\":5,\"u\":1,\"s\":\"A\",\"b\":\"1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}"), 3, false, 0)
	f.Add([]byte(`5 {"topic":"orderbook.50.A","type":"snapshot","ts":3,"data":{"s":"A","b":[["1","1"]],"a":[["2","1"]],"u":1}}`), 3, false, 2)
	f.Add([]byte(`5 {"topic":"orderbook.1.A","type":"snapshot","ts":3,"data":{"s":"A","b":[["1","1"]],"a":[["2","1"]],"u":1,"seq":9}}
6 {"topic":"orderbook.1000.A","type":"snapshot","ts":3,"data":{"s":"A","b":[["1","1"]],"a":[["2","1"]],"u":7,"seq":8}}`), 3, true, 2)
	f.Add([]byte(`{"topic":"orderbook.500.A","type":"snapshot","ts":3,"data":{"s":"A","b":[["1","1"]],"a":[["2","1"]],"u":1}}
{"topic":"orderbook.500.A","type":"delta","ts":4,"data":{"s":"A","b":[["1","0"]],"a":[],"u":2}}`), 3, false, 5)
	f.Add([]byte(`5 {"e":"depthUpdate","E":7,"s":"A","U":1,"u":1,"b":[["9","1"]],"a":[]}`), 3, true, 1)
	decoders := []func() connector.Decoder{futures,
		binance.Spot().Format.NewDecoder, bybit.Kind().Format.NewDecoder}
	f.Fuzz(func(t *testing.T, content []byte, memoryRows int, bbo bool, venue int) {
		memoryRows = int(uint(memoryRows)%40) + 1
		dir := t.TempDir()
		name := filepath.Join(dir, "in")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		options := convert.Options{Natural: true, NewDecoder: decoders[uint(venue)%3], Quotes: bbo, MaxLineBytes: 1 << 16, MemoryRows: 1 << 10, Hash: true,
			BaseLatency: time.Duration(uint(venue) / 3 % 2)}
		var results [2]string
		for i := range results {
			if i == 1 {
				options.MemoryRows = memoryRows
			}
			out := filepath.Join(dir, "out.npy")
			s, err := convert.Events(t.Context(), []string{name}, out, options)
			report := s.Report
			s.Report = nil // a pointer
			if results[i] = fmt.Sprint(s, report, err); err != nil {
				if !strings.HasPrefix(err.Error(), "convert: ") || strings.Contains(err.Error(), "byte ") && !strings.Contains(err.Error(), "in:") && !strings.Contains(err.Error(), "bytes ") {
					t.Fatalf("the error does not say where: %v", err)
				}
				continue
			}
			checkBothOrders(t, readEvents(t, out), s)
		}
		if results[0] != results[1] {
			t.Fatalf("with memory for %d rows %s, with more %s", memoryRows, results[1], results[0])
		}
	})
}

// checkBothOrders reads rows as a backtest does.
func checkBothOrders(t *testing.T, rows []hft.Event, s convert.Summary) {
	t.Helper()
	var exchNs, localNs, exchRows, localRows int64
	for i := range rows {
		e := &rows[i]
		if e.LocalTimestampNs < e.ExchTimestampNs {
			t.Fatalf("row %d was received before it happened: %+v", i, e)
		}
		if e.Ev&hft.ExchEvent != 0 {
			if exchRows++; e.ExchTimestampNs < exchNs {
				t.Fatalf("row %d goes back in exchange time", i)
			}
			exchNs = e.ExchTimestampNs
		}
		if e.Ev&hft.LocalEvent != 0 {
			if localRows++; e.LocalTimestampNs < localNs {
				t.Fatalf("row %d goes back in local time", i)
			}
			localNs = e.LocalTimestampNs
		}
	}
	if decoded := s.Depth + s.Trades + s.Clears + s.Snapshots + s.BBOs; exchRows != decoded || localRows != decoded || int64(len(rows)) != s.NumRows {
		t.Fatalf("%d rows for the exchange, %d local ones: %+v", exchRows, localRows, s)
	}
}
