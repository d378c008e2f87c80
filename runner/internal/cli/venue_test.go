package cli

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/record"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

const twoVenues = `connector "paper" "sim" {
}
connector "bybit" "by" {
  network = "main"
}
connector "binancespot" "spot" {
  network = "main"
}
`

// What is wrong with the command lines of check and record is said before anything is connected.
func TestVenueCommandLines(t *testing.T) {
	one := strings.SplitAfterN(twoVenues, "}\n", 3)
	for _, c := range []struct {
		name, args, source string
		want               int
		stderr             string
	}{
		{"no venue", "check", goodConfig, ExitUsage, "has no connector to a venue: add one"},
		{"which venue", "check", twoVenues, ExitUsage, "name a connector:"},
		{"misspelled", "check spott", twoVenues, ExitUsage, `did you mean "spot"?`},
		{"paper", "check sim", twoVenues, ExitUsage, "it has [by spot]"},
		{"two names", "check by spot", twoVenues, ExitUsage, "takes the name of one connector"},
		{"not made", "check by", twoVenues, ExitFailure, "no such venue here"},
		{"invalid", "check by", "bogus = 1\n", ExitConfig, `unknown argument "bogus"`},
		{"no folder", "record BTCUSDT", twoVenues, ExitUsage, "--out is missing"},
		{"bad duration", "record --out x --duration 0s BTCUSDT", twoVenues, ExitUsage, "must be above 0"},
		{"no symbol", "record --connector by --out x", twoVenues, ExitUsage, "symbols to record are required"},
		{"no such connector", "record --connector nowhere --out x BTCUSDT", twoVenues, ExitUsage, "named \"nowhere\""},
		{"record not made", "record --out x BTCUSDT", one[0] + one[1], ExitFailure, "no such venue here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.source)
			r.Open = func(*config.Connector, *hostipc.Clock, hclog.Logger) (connector.Connector, error) {
				return nil, errors.New("no such venue here")
			}
			if code := r.run(strings.Fields(c.args)...); code != c.want || !strings.Contains(r.err.String(), c.stderr) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, c.want, c.stderr, &r.err)
			}
		})
	}
}

// A connector that cannot be used is an error of the configuration, wherever it is read.
func TestConnectorThatCannotBeUsed(t *testing.T) {
	for _, command := range []string{"validate", "run", "check by"} {
		r := newRig(t, twoVenues)
		r.CheckVenue = func(c *config.Connector) error {
			if c.Name == "by" {
				return errors.New("the key is none")
			}
			return nil
		}
		if code := r.run(strings.Fields(command)...); code != ExitConfig ||
			!strings.Contains(r.err.String(), `runner.hcl:3:1: error: connector "by" cannot be used: the key is none`) {
			t.Errorf("%s: exit code %d\n%s", command, code, &r.err)
		}
	}
}

// record keeps the key of a connector away from what records.
func TestRecordUsesNoKey(t *testing.T) {
	r := newRig(t, "connector \"bybit\" \"by\" {\n  network = \"main\"\n  api_key = \"k\"\n  secret = \"s\"\n}\n")
	r.Open = func(c *config.Connector, _ *hostipc.Clock, _ hclog.Logger) (connector.Connector, error) {
		if c.Live.HasKey() || c.Live.APIKey != "" || c.Live.Secret != "" {
			t.Errorf("the key is there: %+v", c.Live)
		}
		return nil, errors.New("enough")
	}
	if code := r.run("record", "BTCUSDT", "--out", filepath.Join(r.dir, "out")); code != ExitFailure ||
		!strings.Contains(r.err.String(), "enough") {
		t.Errorf("exit code %d\n%s", code, &r.err)
	}
}

func TestReportForms(t *testing.T) {
	findings := []connector.Finding{
		{What: "reachable", Value: "yes"},
		{What: "clock", Value: "3s ahead", Problem: "it is off", Advice: "set it"},
		{What: "key", Value: "not known", Problem: "refused", Advice: "make another", Blocks: true},
	}
	r := newRig(t, "")
	s := &settings{app: r.App, output: "text"}
	c := &config.Connector{Kind: "bybit", Name: "by", Live: &config.Live{Account: true, Network: "main",
		DeadMan: 30 * time.Second, Settings: &venue.Settings{APIKey: "k", Secret: "s", OrderEntry: "ws",
			OrderPrefix: "hr"}}}
	if err := s.printFindings(c, findings); err != nil {
		t.Fatal(err)
	}
	const want = `by, bybit, main, orders by ws as hr, dead man 30s

WHAT                FOUND
reachable  ok       yes
clock      look     3s ahead
key        PROBLEM  not known

clock: it is off
  set it

key: refused
  make another
`
	if r.out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &r.out, want)
	}
	r.out.b.Reset()
	s.output = "json"
	if err := s.printFindings(c, findings); err != nil || !strings.Contains(r.out.String(), `"what": "clock"`) ||
		!strings.Contains(r.out.String(), `"ok": false`) {
		t.Errorf("%v\n%s", err, &r.out)
	}
}

func TestRecordingForms(t *testing.T) {
	var found feed.Report
	found.Found[feed.Gap] = feed.Found{N: 2, First: feed.Problem{Finding: feed.Gap, LocalNs: 1_700_000_000_123_000_000,
		What: "updates are missing"}}
	p := record.Progress{Reconnects: 2, Symbols: []record.SymbolProgress{
		{Symbol: "BTCUSDT", Ready: true, Lines: 12_345, LinesPerSecond: 321.7, Gaps: 1, FileBytes: 1_234_567,
			Files: []string{"data/a.gz", "data/b.gz"}, Report: found},
		{Symbol: "ETHUSDT", Files: []string{}}}}
	r := newRig(t, "")
	s := &settings{app: r.App, output: "text"}
	if err := s.printRecorded(&r.out, &p); err != nil {
		t.Fatal(err)
	}
	const want = `SYMBOL   FILE        LINES  RESYNCS     SIZE
BTCUSDT  data/a.gz  12,345        1  1235 kB
         data/b.gz
ETHUSDT  -               0        0        -
2 reconnects, 0 bad messages
BTCUSDT: 2 gaps in the updates of the book; first: 2023-11-14 22:13:20.123 UTC: updates are missing; the book is empty until the next snapshot that fits
`
	if r.out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &r.out, want)
	}
	if lines := strings.Join(recordTable(&p), "\n"); !strings.Contains(lines, "in sync") ||
		!strings.Contains(lines, "no book") || !strings.Contains(lines, "321") ||
		!strings.Contains(lines, "BTCUSDT: 2 gaps") {
		t.Errorf("got\n%s", lines)
	}
	for n, text := range map[int64]string{0: "0 B", 9_999: "9999 B", 10_000: "10.0 kB", 25_000_000: "25.0 MB",
		30_000_000_000: "30.0 GB"} {
		if got := size(n); got != text {
			t.Errorf("%d: %s, want %s", n, got, text)
		}
	}
}
