package cli

import (
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
	junk := filepath.Join(r.dir, "junk")
	for path, text := range map[string]string{level200: text, gap: level50 + later, junk: level50 + strings.Repeat("x\n", 7),
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
		{path: gap, format: "bybit", code: ExitFailure, want: "error: " + gap + ":2: no snapshot that fits follows this gap"},
		{path: archive, format: "bybit", code: ExitFailure, want: "its lines have no local time"},
		{path: archive, format: "bybit", code: ExitOK, want: "each is the venue's time and 5ms", more: []string{"--base-latency", "5ms"}},
		{path: archive, format: "bybit", code: ExitUsage, want: "--base-latency is -5ms", more: []string{"--base-latency", "-5ms"}},
		{path: junk, format: "bybit", code: ExitOK, want: "7 unusable lines; first: " + junk + ":2: "},
		{path: junk, format: "bybit", code: ExitOK, want: "warning:   " + junk + ":6: the line does not start with a time"},
	} {
		code := r.run(append([]string{"check-data", "--tick-size", "0.01", "--lot-size", "0.00001", "--format", c.format, c.path}, c.more...)...)
		if said := r.out.String() + r.err.String(); code != c.code || !strings.Contains(said, c.want) {
			t.Errorf("%s as %q: code %d, %s", c.path, c.format, code, said)
		}
	}
	before := len(r.out.String())
	r.run("--output", "json", "check-data", "--tick-size", "0.01", "--lot-size", "0.00001", "--format", "bybit", junk)
	if said := r.out.String()[before:]; strings.Count(said, "the line does not start with a time") != 5 || !strings.Contains(said, `"line": 6`) {
		t.Errorf("as JSON: %s", said)
	}
}
