package convert_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// goldenLatency is the configuration of hftbacktest's latency files.
var goldenLatency = convert.FeedLatencyOptions{EntryFactor: 4, EntryOffset: time.Millisecond, ResponseFactor: 3, ResponseOffset: 500 * time.Microsecond}

func latencySHA256(t *testing.T, rows []convert.Latency) string {
	t.Helper()
	var buf bytes.Buffer
	if err := binary.Write(&buf, binary.LittleEndian, rows); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(buf.Bytes())
	return hex.EncodeToString(sum[:])
}

func writeEvents(tb testing.TB, path string, rows []hft.Event) {
	tb.Helper()
	w, err := npy.Create[hft.Event](path, npy.EventDtype(), int64(len(rows)))
	if err == nil {
		err = w.Write(rows)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// TestLatenciesEqualTheReference compares the four latency files, made from one event file and from its three parts.
func TestLatenciesEqualTheReference(t *testing.T) {
	for _, c := range []struct{ file, lat, latrej string }{
		{"btcusdt_20240808.gz", "bc841b4d3d93b83fa49ad1594387c856d3cf10a6557fe9cf82fe7e51b9e5e3dc", "d0ab948d331e4bc81c6d504b67bcb371a07898b23132b9096a47f1f478a314c9"},
		{"ethusdt_20240808.gz", "c71975873280272bdcec08283fedc3adec511d3ae50eea858fb26c8cf2e8a3d9", "19e0de8c223fa43cf5d2a8647fe8d61728e91bb9013a0332ef26d6c9b8b06480"},
	} {
		dir := t.TempDir()
		whole := filepath.Join(dir, "events.npy")
		if _, err := convert.Events(t.Context(), []string{datatest.Recording(t, "binancefutures", c.file)}, whole, convert.Options{Natural: true, NewDecoder: futures}); err != nil {
			t.Fatal(err)
		}
		events := readEvents(t, whole)
		var parts []string
		for i := range 3 {
			parts = append(parts, filepath.Join(dir, fmt.Sprintf("part%d.npy", i)))
			writeEvents(t, parts[i], events[len(events)*i/3:len(events)*(i+1)/3])
		}
		for _, files := range [][]string{{whole}, parts} {
			out := filepath.Join(dir, "lat.npz")
			n, err := convert.FeedLatencies(t.Context(), files, out, goldenLatency)
			if err != nil || n != 346 {
				t.Fatalf("%d rows, %v", n, err)
			}
			rows := readRows[convert.Latency](t, out, npy.LatencyDtype())
			if got := latencySHA256(t, rows); got != c.lat {
				t.Errorf("the latencies have the hash %s, want %s", got, c.lat)
			}
			for i := range rows {
				if i%20 == 10 {
					rows[i].ExchTimestampNs = 0
				}
			}
			if got := latencySHA256(t, rows); got != c.latrej {
				t.Errorf("the latencies with rejections have the hash %s, want %s", got, c.latrej)
			}
		}
	}
}

// row is an event of both sides.
func row(exchNs, localNs int64) hft.Event {
	return hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | hft.TradeEvent | hft.BuyEvent, ExchTimestampNs: exchNs, LocalTimestampNs: localNs, Px: 1, Qty: 1}
}

func TestFeedLatencyRules(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.npy")
	half := row(5, 18)
	half.Ev &^= hft.ExchEvent
	estimated := row(1, 19)
	estimated.Ev |= hft.EstimatedTime
	writeEvents(t, path, []hft.Event{row(-15, -11), row(0, 3), row(4, 9), half, estimated, row(10, 20), row(11, 29), row(40, 45)})
	out := filepath.Join(t.TempDir(), "lat.npy")
	n, err := convert.FeedLatencies(t.Context(), []string{path}, out, convert.FeedLatencyOptions{Bucket: 10, EntryFactor: 0.5, ResponseOffset: 7})
	got := fmt.Sprint(readRows[convert.Latency](t, out, npy.LatencyDtype()))
	if want := "[{-11 -9 -2 0} {9 11 18 0} {29 38 45 0} {45 47 54 0}]"; err != nil || n != 4 || got != want {
		t.Errorf("%d rows %s, want %s, %v", n, got, want, err)
	}
}

func TestFeedLatencyErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, rows ...hft.Event) string {
		path := filepath.Join(dir, name+".npy")
		writeEvents(t, path, rows)
		return path
	}
	good := file("good", row(1, 2))
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		ctx     context.Context
		files   []string
		options convert.FeedLatencyOptions
		want    string
	}{
		{t.Context(), nil, convert.FeedLatencyOptions{}, "no event with both flags"},
		{t.Context(), []string{good}, convert.FeedLatencyOptions{Bucket: -1}, "Bucket is -1ns"},
		{t.Context(), []string{good}, convert.FeedLatencyOptions{EntryFactor: math.NaN()}, "EntryFactor is NaN"},
		{t.Context(), []string{good}, convert.FeedLatencyOptions{ResponseFactor: -1}, "ResponseFactor is -1"},
		{t.Context(), []string{file("raw", hft.Event{Ev: hft.DepthEvent})}, convert.FeedLatencyOptions{}, "no event with both flags"},
		{t.Context(), []string{file("back", row(1, 5), row(1, 4))}, convert.FeedLatencyOptions{}, "back.npy: row 1: local time 4 comes after 5"},
		{t.Context(), []string{file("negative", row(9, 5))}, convert.FeedLatencyOptions{EntryFactor: 1}, "negative.npy: row 0: a feed latency of -4 ns"},
		{t.Context(), []string{good}, convert.FeedLatencyOptions{EntryFactor: 1e300}, "past the year 2116"},
		{t.Context(), []string{filepath.Join(dir, "no.npy")}, convert.FeedLatencyOptions{}, "no such file"},
		{ended, []string{good}, convert.FeedLatencyOptions{}, "context canceled"},
	} {
		out := filepath.Join(t.TempDir(), "lat.npz")
		if _, err := convert.FeedLatencies(c.ctx, c.files, out, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: there is an output: %v", c.want, err)
		}
	}
	if n, err := convert.FeedLatencies(t.Context(), []string{good}, filepath.Join(dir, "x.csv"), convert.FeedLatencyOptions{}); err == nil {
		t.Errorf("%d rows went into a .csv", n)
	}
}

func TestJournal(t *testing.T) {
	text := `{"req_ts":300,"exch_ts":310,"resp_ts":320,"order_id":7}
{"exch_ts":0,"resp_ts":130,"req_ts":100}
{"req_ts":200,"exch_ts":200,"resp_ts":200}
{"req_ts":200,"exch_ts":199,"resp_ts":220}
{"req_ts":200,"exch_ts":230,"resp_ts":220}
{"req_ts":200,"exch_ts":0,"resp_ts":190}
{"req_ts":0,"exch_ts":0,"resp_ts":190}
{"req_ts":200,"exch_ts":210}
{"req_ts":"200","exch_ts":210,"resp_ts":220}

[1,2,3]
{"req_ts":100,"exch_ts":105,"resp_ts":110`
	out := filepath.Join(t.TempDir(), "lat.npz")
	var problems []string
	s, err := convert.JournalLatencies(t.Context(), write(t, text, `{"req_ts":100,"exch_ts":105,"resp_ts":110}`), out, func(p recording.Problem) {
		problems = append(problems, fmt.Sprint(p.Line, " ", p.What))
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (convert.JournalSummary{NumRows: 4, Rejected: 1, SkippedLines: 9}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	rows := fmt.Sprint(readRows[convert.Latency](t, out, npy.LatencyDtype()))
	if want := "[{100 0 130 0} {100 105 110 0} {200 200 200 0} {300 310 320 0}]"; rows != want {
		t.Errorf("%s, want %s", rows, want)
	}
	for i, want := range []string{"4 the exchange is 1 ns before the request", "5 the response is 10 ns before the exchange",
		"6 the response is 10 ns before the request", "7 req_ts is 0", "8 the line lacks", "9 the line is not a JSON object", "10 the line is not", "11 the line is not",
		"12 the line is no"} {
		if !strings.HasPrefix(problems[i], want) {
			t.Errorf("problem %q, want %q", problems[i], want)
		}
	}
	_, err = convert.JournalLatencies(t.Context(), write(t, "x\n"), out, nil)
	if err == nil || !strings.Contains(err.Error(), "f0:1: the line is not a JSON object") {
		t.Errorf("a journal without a line gives %v", err)
	}
	if _, err = convert.JournalLatencies(t.Context(), []string{"no"}, out, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing journal gives %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err = convert.JournalLatencies(ended, write(t, text), out, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context gives %v", err)
	}
}

func ExampleJournalLatencies() {
	dir, err := os.MkdirTemp("", "convert")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	journal, out := filepath.Join(dir, "journal.jsonl"), filepath.Join(dir, "latency.npz")
	_ = os.WriteFile(journal, []byte(`{"req_ts":1000,"exch_ts":1400,"resp_ts":1900}`+"\n"), 0o600)
	s, err := convert.JournalLatencies(context.Background(), []string{journal}, out, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := npy.Open[convert.Latency](out, npy.LatencyDtype())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	rows := make([]convert.Latency, s.NumRows)
	if _, err := r.Read(rows); err != nil && err != io.EOF {
		fmt.Println(err)
	}
	fmt.Println(rows[0].ExchTimestampNs-rows[0].ReqTimestampNs, "ns there,", rows[0].RespTimestampNs-rows[0].ExchTimestampNs, "ns back")
	// Output: 400 ns there, 500 ns back
}
