package convert_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// bybitOptions are those of the runner.
func bybitOptions() convert.Options {
	format := connector.Format{NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed, NaturalLevel: bybit.Kind().Format.NaturalLevel}
	return convert.Options{NewDecoder: format.NewDecoder, Rule: format.Rule, Format: "bybit", Formats: map[string]connector.Format{"bybit": format}, TickSize: 0.1, LotSize: 0.001, Quotes: true}
}

// TestDepths: of books of several depths the deepest is converted; natural rows are those of the depth that
// hftbacktest converts.
func TestDepths(t *testing.T) {
	deep := func(line string) string { return strings.Replace(line, ".50.", ".500.", 1) }
	lines := bybitBook(t0, 10, "snapshot", `["100.0","5"]`, `["100.1","5"]`) + deep(bybitBook(t0+1, 70, "snapshot", `["100.0","5"],["99.0","6"]`, `["100.1","5"]`)) +
		bybitBook(t0+100, 11, "delta", `["100.0","4"]`, "") + deep(bybitBook(t0+100, 71, "delta", `["100.0","4"],["99.0","7"]`, ""))
	for _, c := range []struct {
		natural              bool
		problem              string
		numProblems, numRows int
		worst                float64
	}{{false, "f0:1 other depth", 2, 6, 99}, {true, "f0:2 other depth", 2, 5, 100}} {
		o := bybitOptions()
		o.Natural = c.natural
		rows, s, problems := converted(t, o, lines)
		worst := slices.MinFunc(rows, func(a, b hft.Event) int { return int(100 * (a.Px - b.Px)) })
		if !slices.Contains(problems, c.problem) || found(s, feed.OtherLevel) != c.numProblems || len(rows) != c.numRows || worst.Px != c.worst {
			t.Errorf("natural %t: problems %q, %d rows down to %v", c.natural, problems, len(rows), worst.Px)
		}
	}
}

// TestArchive converts a day's archive of the venue as it is offered.
func TestArchive(t *testing.T) {
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	f, err := w.Create("2024-12-01_XRPUSDT_ob500.data")
	if err == nil {
		_, err = f.Write(datatest.Messages(t, "bybit-linear/ws_orderbook500_XRPUSDT_20241201.jsonl"))
	}
	path := filepath.Join(t.TempDir(), "2024-12-01_XRPUSDT_ob500.data.zip")
	if err = errors.Join(err, w.Close(), os.WriteFile(path, content.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	o := bybitOptions()
	o.TickSize, o.LotSize = 0.0001, 1
	out := filepath.Join(t.TempDir(), "out.npy")
	if _, err := convert.Events(t.Context(), []string{path}, out, o); err == nil || !strings.Contains(err.Error(), path+": its lines have no local time") {
		t.Errorf("without a latency: %v", err)
	}
	o.BaseLatency = 3 * time.Millisecond
	s, err := convert.Events(t.Context(), []string{path}, out, o)
	if err != nil || s.Lines != 50 || found(s, feed.NoLocalTime) != 1 || found(s, feed.NoTrades) != 1 || found(s, feed.Gap) != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	rows := readEvents(t, out)
	for _, e := range rows {
		if e.LocalTimestampNs < e.ExchTimestampNs+3e6 || e.LocalTimestampNs > e.ExchTimestampNs+106e6 { // 102 ms at most between cts and ts
			t.Fatalf("row %+v", e)
		}
	}
	book := bookAt(rows, hft.LocalEvent, o.TickSize, o.LotSize)
	got := fmt.Sprintf("%.4f x %v / %.4f x %v, %d levels", book.BestBid(), book.BestBidQty(), book.BestAsk(), book.BestAskQty(), len(book.Snapshot(nil)))
	if want := "1.9537 x 10605 / 1.9538 x 6702, 1000 levels"; got != want {
		t.Errorf("the book ends as %s, want %s", got, want)
	}
}
