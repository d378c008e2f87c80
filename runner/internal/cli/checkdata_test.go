package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// TestCheckDataOfRecordings: a recording is looked over as the rows that a backtest would have of it.
func TestCheckDataOfRecordings(t *testing.T) {
	r := newRig(t, "")
	r.Formats = map[string]connector.Format{
		"binancespot": {NewDecoder: binance.Spot().Format.NewDecoder, Rule: connector.RuleSpot},
		"bybit":       {NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed}}
	level200 := filepath.Join(r.dir, "level200")
	const text = `1748908801000000000 {"topic":"orderbook.200.BTCUSDT","type":"snapshot","ts":1748908800995,"data":{"s":"BTCUSDT","b":[["100.0","5"]],"a":[["100.1","5"]],"u":10,"seq":100}}` + "\n"
	gap, archive := filepath.Join(r.dir, "gap"), filepath.Join(r.dir, "archive.data")
	level50 := strings.Replace(text, ".200.", ".50.", 1)
	later := strings.NewReplacer("snapshot", "delta", `"u":10`, `"u":12`).Replace(level50)
	junk, doubt := filepath.Join(r.dir, "junk"), filepath.Join(r.dir, "doubt")
	trade := `1748908801000000000 {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1748908800995,"data":[{"T":1748908800994,"s":"BTCUSDT","S":"Buy","v":"1","p":"100.1","i":"1"}]}` + "\n"
	for path, text := range map[string]string{level200: text, gap: level50 + later,
		junk: level50 + strings.Repeat("x\n", 7), doubt: level50 + "x\n" + trade,
		archive: text[len("1748908801000000000 "):]} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spot := sampletest.Path(t, "binancespot", "BTCUSDT")
	for _, c := range []struct {
		path, format string
		code         int
		want         string
		more         []string
	}{
		{path: spot, format: "binancespot", code: ExitOK, want: "book: by the venue's rule"},
		{path: spot, code: ExitFailure, want: "name its venue with --format"},
		{path: spot, format: "binancesport", code: ExitUsage, want: `did you mean "binancespot"?`},
		{path: level200, format: "bybit", code: ExitOK, want: "book: by the venue's rule"},
		{path: gap, format: "bybit", code: ExitFailure, want: "depth updates after 10 are missing"},
		{path: gap, format: "bybit", code: ExitFailure,
			want: "error: 1 recording that ends without a complete book; first: " + gap +
				":2: no snapshot that fits follows this gap"},
		{path: doubt, format: "bybit", code: ExitFailure,
			want: "error: 1 recording that ends without a complete book; first: " + doubt +
				":2: this line cannot be read"},
		{path: archive, format: "bybit", code: ExitFailure, want: "its lines have no local time"},
		{path: archive, format: "bybit", code: ExitOK, want: "each is the venue's time and 5ms",
			more: []string{"--base-latency", "5ms"}},
		{path: archive, format: "bybit", code: ExitUsage, want: "--base-latency is -5ms",
			more: []string{"--base-latency", "-5ms"}},
		{path: junk, format: "bybit", code: ExitFailure, want: "7 unusable lines; first: " + junk + ":2: "},
		{path: junk, format: "bybit", code: ExitFailure, want: "warning:   " + junk +
			":6: the line does not start with a time"},
	} {
		code := r.run(append([]string{"check-data", "--tick-size", "0.01", "--lot-size", "0.00001", "--format",
			c.format, c.path}, c.more...)...)
		if said := r.out.String() + r.err.String(); code != c.code || !strings.Contains(said, c.want) {
			t.Errorf("%s as %q: code %d, %s", c.path, c.format, code, said)
		}
	}
	before := len(r.out.String())
	r.run("--output", "json", "check-data", "--tick-size", "0.01", "--lot-size", "0.00001", "--format", "bybit", junk)
	if said := r.out.String()[before:]; strings.Count(said, "the line does not start with a time") != 5 ||
		!strings.Contains(said, `"line": 6`) {
		t.Errorf("as JSON: %s", said)
	}
}

// TestUnusableRecordings: a row off the grid is counted once, and is an error where most are. A recording whose book is
// not complete at its end makes a file, and an exit code that says that it is of no use.
func TestUnusableRecordings(t *testing.T) {
	r := newRig(t, "")
	r.Formats = map[string]connector.Format{"bybit": {NewDecoder: bybit.Kind().Format.NewDecoder,
		Rule: connector.RuleStreamed}}
	message := func(kind string, id int, bid, asks string) string {
		return fmt.Sprintf(`1748908801%d00000000 {"topic":"orderbook.50.BTCUSDT","type":%q,"ts":1748908800996,`, id-10,
			kind) + fmt.Sprintf(`"data":{"s":"BTCUSDT","b":[[%q,"5"]],"a":[%s],"u":%d,"seq":%d}}`+"\n", bid, asks, id,
			id*10)
	}
	book := message("snapshot", 10, "100.0", `["100.1","5"],["100.2","5"]`)
	update := func(id int, px string) string { return message("delta", id, px, "") }
	file := func(name, text string) string {
		path := filepath.Join(r.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	few, gap := file("few", book+update(11, "99.955")), file("gap", book+update(12, "99.9"))
	off := strings.NewReplacer(`"100.0"`, `"100.005"`, `"100.1"`, `"100.105"`).Replace(book)
	most := file("most", off+update(11, "99.955"))
	for _, c := range []struct {
		path string
		code int
		want string
	}{{few, ExitOK, "warning: 1 row off the grid"}, {most, ExitFailure, "error: 3 rows off the grid"}} {
		before := len(r.out.String())
		code := r.run("check-data", "--tick-size", "0.01", "--lot-size", "0.001", "--format", "bybit", c.path)
		said := r.out.String()[before:]
		told := strings.Count(said, ":2: the price") + strings.Count(said, ":1: the price")
		if code != c.code || !strings.Contains(said, c.want) || strings.Count(said, "not a multiple of") != told {
			t.Errorf("%s: code %d, %s", c.path, code, said)
		}
	}
	out := filepath.Join(r.dir, "out.npz")
	for path, want := range map[string]int{few: ExitOK, gap: ExitFailure} {
		before := len(r.err.String())
		code := r.run("convert", "events", "--format", "bybit", "--tick-size", "0.01", "--lot-size", "0.001",
			"--out", out, path)
		said := strings.Contains(r.err.String()[before:], "no complete book at its end")
		if code != want || said != (want != ExitOK) {
			t.Errorf("convert %s: code %d, %s", path, code, r.err.String()[before:])
		}
		if _, err := os.Stat(out); err != nil {
			t.Error(err)
		}
		_ = os.Remove(out)
	}
	for path, want := range map[string]string{most: `"error": "3 rows off the grid`,
		gap: `"error": "1 recording that ends without`} {
		before := len(r.out.String())
		r.run("--output", "json", "check-data", "--tick-size", "0.01", "--lot-size", "0.001", "--format", "bybit", path)
		if said := r.out.String()[before:]; !strings.Contains(said, want) {
			t.Errorf("%s as JSON: %s", path, said)
		}
	}
}
