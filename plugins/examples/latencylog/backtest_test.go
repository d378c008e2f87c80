package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/pluginapi"
	"github.com/hftrunner/hftrunner/sim"
)

// wavering is a latency that changes with the time and refuses the request of each tenth second.
type wavering struct{}

func (wavering) EntryNs(timestampNs int64, _ *hft.Order) int64 {
	second := timestampNs / int64(time.Second)
	if second%10 == 0 {
		return -int64(7 * time.Millisecond)
	}
	return (2 + second%5) * int64(time.Millisecond)
}

func (wavering) ResponseNs(int64, *hft.Order) int64 { return int64(3 * time.Millisecond) }

// runSample runs the strategy over the sample, without a process, and returns what it logged.
func runSample(t *testing.T, params string, latency sim.LatencyModel) (backtest.Result, string) {
	t.Helper()
	var out bytes.Buffer
	log := logger(&out, slog.LevelInfo)
	quiet := plugin()
	quiet.New = func(p Params) (pluginapi.Strategy, error) { return newLatencyLog(p, log) }
	day := backtest.NewBuilder().AddAsset(backtest.NewAsset("BTCUSDT").
		Data(backtest.Rows(sampletest.BTC(t).Events)).
		Book("window", depthtest.BTCTickSize, depthtest.BTCLotSize).
		Latency(latency, latency))
	result, err := pluginapi.Backtest(t.Context(), quiet, json.RawMessage(params), day)
	if err != nil {
		t.Fatal(err)
	}
	if result.End != backtest.EndOfData {
		t.Fatalf("result is %+v", result)
	}
	return result, out.String()
}

// readJournal returns the lines of a journal.
func readJournal(t *testing.T, path string) (lines []journalLine) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var l journalLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestSampleMeasuresTheLatencyThatIsSimulated(t *testing.T) {
	latency, err := sim.NewConstantLatency(4*time.Millisecond, 3*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	result, log := runSample(t, `{"order_qty": 0.01, "interval": "1s"}`, latency)
	for _, request := range []string{"new", "cancel"} {
		line := fmt.Sprintf("msg=order asset=0 request=%s entry=4ms response=3ms round_trip=7ms\n", request)
		if n := strings.Count(log, line); n < 50 || int64(n) > result.Assets[0].Counts.Submits {
			t.Errorf("%d times %q for %d orders", n, line, result.Assets[0].Counts.Submits)
		}
	}
	if n := strings.Count(log, "msg=feed asset=0 latency="); n < 50 {
		t.Errorf("%d feed latencies", n)
	}
	if asset := result.Assets[0]; asset.Local != (hft.StateValues{}) || asset.Counts.Canceled == 0 {
		t.Errorf("it is not meant to trade, and did: %+v", asset)
	}
}

func TestSampleTwice(t *testing.T) {
	var texts [2]string
	for i := range texts {
		result, log := runSample(t, `{"order_qty": 0.01}`, wavering{})
		texts[i] = fmt.Sprintf("%+v\n%s", result, log)
	}
	if texts[0] != texts[1] || !strings.Contains(texts[0], "round_trip=") {
		t.Errorf("two runs differ, or logged nothing:\n%.3000s\n%.3000s", texts[0], texts[1])
	}
}

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "latency.jsonl")
	result, log := runSample(t, fmt.Sprintf(`{"order_qty": 0.01, "journal": %q}`, path), wavering{})
	lines := readJournal(t, path)
	var refused, last int64
	for _, l := range lines {
		if l.ReqTimestampNs < last || l.Request != "new" && l.Request != "cancel" || l.Asset != 0 {
			t.Fatalf("line %+v after the request at %d", l, last)
		}
		last = l.RespTimestampNs
		entry := wavering{}.EntryNs(l.ReqTimestampNs, nil)
		want := journalLine{l.ReqTimestampNs, l.ReqTimestampNs + entry,
			l.ReqTimestampNs + entry + int64(3*time.Millisecond), 0, l.Request}
		if entry < 0 {
			refused++
			want.ExchTimestampNs, want.RespTimestampNs = 0, l.ReqTimestampNs-entry
		}
		if l != want {
			t.Fatalf("line %+v, want %+v", l, want)
		}
	}
	counts := result.Assets[0].Counts
	if refused < 5 || refused != counts.Rejects || int64(strings.Count(log,
		"msg=refused asset=0 request=")) != refused {
		t.Errorf("%d refused requests of %+v", refused, counts)
	}
	// the last answer is beyond the data
	if missing := counts.Submits + counts.Cancels - int64(len(lines)); missing < 0 || missing > 1 {
		t.Errorf("%d lines for %+v", len(lines), counts)
	}
	// Another run appends.
	runSample(t, fmt.Sprintf(`{"order_qty": 0.01, "journal": %q}`, path), wavering{})
	if n := len(readJournal(t, path)); n != 2*len(lines) {
		t.Errorf("%d lines after a second run, want %d", n, 2*len(lines))
	}
}

func TestJournalThatCannotBeWritten(t *testing.T) {
	b := &bot{book: book{bid: math.NaN()}, rounds: 1}
	l, err := newLatencyLog(Params{OrderQty: 1, Interval: time.Second,
		Journal: filepath.Join(t.TempDir(), "none", "j")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Run(t.Context(), b); err == nil || !strings.Contains(err.Error(),
		"set the parameter journal to another file") {
		t.Errorf("Run: %v", err)
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := (&journal{file}).add(journalLine{}); err == nil || !strings.Contains(err.Error(), "write the journal") {
		t.Errorf("write to a file that is read only: %v", err)
	}
}
