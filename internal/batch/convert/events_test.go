package convert_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func futures() connector.Decoder { return binance.Futures().Format.NewDecoder() }

// readRows reads a file whole.
func readRows[T any](tb testing.TB, path string, dtype npy.Dtype) []T {
	tb.Helper()
	r, err := npy.Open[T](path, dtype)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	rows := make([]T, r.NumRows())
	if n, err := r.Read(rows); n != len(rows) || err != nil && err != io.EOF {
		tb.Fatalf("%d of %d rows: %v", n, len(rows), err)
	}
	return rows
}

func readEvents(tb testing.TB, path string) []hft.Event {
	return readRows[hft.Event](tb, path, npy.EventDtype())
}

// sampleLines returns the first lines of a recording that is always there.
func sampleLines(tb testing.TB, limit int) [][]byte {
	tb.Helper()
	return firstLines(tb, sampletest.Path(tb, "binancefutures", "BTCUSDT"), limit)
}

// firstLines returns the first lines of a recording, all with limit 0.
func firstLines(tb testing.TB, path string, limit int) [][]byte {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		tb.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if limit > 0 {
		lines = lines[:limit]
	}
	return lines
}

// write stores the texts as files f0, f1... in a directory of their own and returns their names.
func write(tb testing.TB, texts ...string) []string {
	tb.Helper()
	dir := tb.TempDir()
	var names []string
	for i, text := range texts {
		name := filepath.Join(dir, fmt.Sprintf("f%d", i))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// onlyFile fails the test when something else than a file is in its directory.
func onlyFile(tb testing.TB, path string) {
	tb.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			tb.Errorf("%s is left behind", e.Name())
		}
	}
}

// golden is one of hftbacktest's results.
type golden struct {
	file, ext                       string
	lines                           int
	raw                             bool
	depth, trades                   int64
	offset                          int64
	numRows, both, exchOnly, locals int64
	sha256                          string
}

var goldens = []golden{
	{file: "btcusdt_20240808.gz", ext: ".npz", offset: 1272156851, numRows: 491973, both: 441699, exchOnly: 25137, locals: 25137,
		sha256: depthtest.BTCEventsSHA256},
	{file: "ethusdt_20240808.gz", ext: ".npy", offset: 1272228703, numRows: 452115, both: 437365, exchOnly: 7375, locals: 7375,
		sha256: depthtest.ETHEventsSHA256},
	{file: "btcusdt_20240808.gz", ext: ".npy", raw: true, offset: 1272402468, numRows: 599014, sha256: depthtest.BTCRawSHA256},
	{file: "ethusdt_20240808.gz", ext: ".npz", raw: true, offset: 1272335332, numRows: 552724, sha256: depthtest.ETHRawSHA256},
	{file: "btcusdt_20240808.gz", ext: ".npy", lines: 14000, depth: 68140, trades: 2235, offset: 1270744430,
		numRows: 75092, both: 69662, exchOnly: 2715, locals: 2715, sha256: "85973b19ab89e9266aa9466a0d46a38d3aee3e5e7e58aed9789feecf3ebb81b3"},
	{file: "ethusdt_20240808.gz", ext: ".npy", lines: 4000, depth: 20349, trades: 555, offset: 1270413891,
		numRows: 24908, both: 20904, exchOnly: 2002, locals: 2002, sha256: "5dbef3f9080d400f6e45bf6b59eb6ff6780695756499b18e7d89a3031824f69d"},
}

// TestEqualsTheReference holds the bytes of all conversions against hftbacktest's, with little and with enough memory.
func TestEqualsTheReference(t *testing.T) {
	for _, g := range goldens {
		files := []string{datatest.Recording(t, "binancefutures", g.file)}
		if g.lines > 0 {
			files = write(t, string(bytes.Join(firstLines(t, files[0], g.lines), nil)))
		}
		memory := []int{0}
		switch {
		case g.lines > 0:
			memory = []int{350}
		case g.ext == ".npz":
			memory = []int{0, 10_007}
		}
		for _, memoryRows := range memory {
			out := filepath.Join(t.TempDir(), "out"+g.ext)
			s, err := convert.Events(t.Context(), files, out, convert.Options{Natural: true, NewDecoder: futures, Raw: g.raw, Quotes: g.raw,
				MemoryRows: memoryRows, Hash: true, OnProblem: func(p feed.Problem) { t.Error(p) }})
			if err != nil {
				t.Fatal(err)
			}
			if s.SHA256 != g.sha256 || depthtest.RowsSHA256(readEvents(t, out)) != g.sha256 {
				t.Errorf("%s %+v: hash %s, want %s", g.file, s, s.SHA256, g.sha256)
			}
			if s.Report.Corrections[0].OffsetNs != g.offset || s.Report.Corrections[0].MinLatencyNs != -g.offset || s.NumRows != g.numRows || s.Both != g.both ||
				s.ExchOnly != g.exchOnly || s.LocalOnly != g.locals || s.Clears != 2 || s.Snapshots != 2000 {
				t.Errorf("%s: %+v", g.file, s)
			}
			if g.lines > 0 && (s.Depth != g.depth || s.Trades != g.trades || s.Lines != int64(g.lines)) {
				t.Errorf("%s: %+v", g.file, s)
			}
			onlyFile(t, out)
		}
	}
}

// TestEqualsTheKit holds the conversion of the sample against the one of package depthtest, which the test above it
// holds against hftbacktest's, too, where that is there.
func TestEqualsTheKit(t *testing.T) {
	for symbol, rec := range map[string]depthtest.Recording{"BTCUSDT": sampletest.BTC(t), "ETHUSDT": sampletest.ETH(t)} {
		for _, raw := range []bool{false, true} {
			want := rec.Events
			if raw {
				want = rec.Raw
			}
			for _, memoryRows := range []int{0, 1003} {
				out := filepath.Join(t.TempDir(), "out.npz")
				s, err := convert.Events(t.Context(), []string{sampletest.Path(t, "binancefutures", symbol)}, out, convert.Options{Natural: true, NewDecoder: futures,
					Raw: raw, Quotes: raw, MemoryRows: memoryRows, Hash: true, OnProblem: func(p feed.Problem) { t.Error(p) }})
				sum := depthtest.RowsSHA256(want)
				if err != nil || s.SHA256 != sum || depthtest.RowsSHA256(readEvents(t, out)) != sum || s.NumRows != int64(len(want)) {
					t.Errorf("%s, raw %v: %+v, %v; want %d rows with the hash %s", symbol, raw, s, err, len(want), sum)
				}
			}
		}
	}
}

// TestFilesInPartsAreOne cuts a recording in three files and converts them to what the whole one gives.
func TestFilesInPartsAreOne(t *testing.T) {
	lines := sampleLines(t, 14000)
	var texts []string
	for _, part := range [][][]byte{lines[:41], lines[41:6000], lines[6000:]} {
		texts = append(texts, string(bytes.Join(part, nil)))
	}
	out := filepath.Join(t.TempDir(), "out.npy")
	s, err := convert.Events(t.Context(), write(t, texts...), out, convert.Options{Natural: true, NewDecoder: futures, Hash: true})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := convert.Events(t.Context(), write(t, string(bytes.Join(lines, nil))), out, convert.Options{Natural: true, NewDecoder: futures, Hash: true})
	if err != nil || s.SHA256 != whole.SHA256 || s.Lines != 14000 {
		t.Errorf("%+v, the whole %+v, %v", s, whole, err)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "convert")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	name, out := filepath.Join(dir, "btcusdt_20240808"), filepath.Join(dir, "btcusdt_20240808.npz")
	_ = os.WriteFile(name, []byte(trade(1000, 3)+"oops\n"+trade(2000, 4)), 0o600)
	s, err := convert.Events(context.Background(), []string{name}, out, convert.Options{Natural: true,
		NewDecoder: binance.Futures().Format.NewDecoder,
		OnProblem:  func(p feed.Problem) { fmt.Printf("line %d: %s\n", p.Line, p.What) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d rows, %d line skipped, %d ns added to local times\n", s.NumRows, s.Report.Found[feed.BadLine].N, s.Report.Corrections[0].OffsetNs)
	// Output:
	// line 2: the line does not start with a time and a space: "oops"
	// 2 rows, 1 line skipped, 3998000 ns added to local times
}

// trade is a line of a trade at a time of the venue in milliseconds.
func trade(localNs, exchMs int64) string {
	return fmt.Sprintf(`%d {"e":"trade","T":%d,"s":"BTCUSDT","p":"61800.30","q":"0.006","X":"MARKET","m":false}`+"\n", localNs, exchMs)
}

// text writes rows so that a test can be read: kind and side, times, price and quantity.
func text(rows []hft.Event) string {
	var b strings.Builder
	for i := range rows {
		e := &rows[i]
		for _, flag := range []struct {
			bit  uint64
			name string
		}{{hft.ExchEvent, "E"}, {hft.LocalEvent, "L"}, {hft.BuyEvent, "b"}, {hft.SellEvent, "s"}} {
			if e.Ev&flag.bit != 0 {
				b.WriteString(flag.name)
			}
		}
		fmt.Fprintf(&b, "%d %d/%d %vx%v\n", e.Kind(), e.ExchTimestampNs, e.LocalTimestampNs, e.Px, e.Qty)
	}
	return b.String()
}
