package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

func writeEvents(t *testing.T, path string, rows ...hft.Event) {
	t.Helper()
	w, err := npy.Create[hft.Event](path, npy.EventDtype(), int64(len(rows)))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func readEvents(t *testing.T, path string) []hft.Event {
	t.Helper()
	r, err := npy.Open[hft.Event](path, npy.EventDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows := make([]hft.Event, r.NumRows())
	if n, err := r.Read(rows); n != len(rows) {
		t.Fatal(err)
	}
	return rows
}

// eventRow is a row of second n.
func eventRow(n int64, ev uint64, px, qty float64) hft.Event {
	ns := (1_700_000_000 + n) * 1_000_000_000
	return hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | ev, ExchTimestampNs: ns, LocalTimestampNs: ns + 1_000_000,
		Px: px, Qty: qty}
}

// TestSnapshot: the book of a day is written for the next one, of event files and of recordings alike, and not where no
// day can begin with it.
func TestSnapshot(t *testing.T) {
	r := newRig(t, "")
	r.Formats = map[string]connector.Format{
		"binancespot": {NewDecoder: binance.Spot().Format.NewDecoder, Rule: connector.RuleSpot},
		"bybit":       {NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed}}
	at := func(name string) string { return filepath.Join(r.dir, name) }
	const bid, ask, whole = hft.BuyEvent | hft.DepthEvent, hft.SellEvent | hft.DepthEvent, hft.BuyEvent | hft.DepthSnapshotEvent
	day1 := []hft.Event{eventRow(1, whole, 99.9, 1), eventRow(1, ask, 100.1, 2)}
	writeEvents(t, at("day1.npz"), day1...)
	writeEvents(t, at("day2.npz"), eventRow(90_000, bid, 99.8, 3))
	writeEvents(t, at("crossed.npz"), append(slices.Clone(day1), eventRow(2, bid, 100.1, 4))...)
	writeEvents(t, at("empty.npz"), eventRow(1, hft.BuyEvent|hft.TradeEvent, 100, 1))
	const snapshot = `1748908801000000000 {"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1748908800995,"data":{"s":"BTCUSDT","b":[["100.0","5"]],"a":[["100.1","5"]],"u":10,"seq":100}}` + "\n"
	later := strings.NewReplacer("snapshot", "delta", `"u":10`, `"u":12`).Replace(snapshot)
	next := strings.Replace(later, `"u":12`, `"u":11`, 1)
	next = strings.Replace(next, `"5"`, `"7"`, 1)
	for name, text := range map[string]string{"good": snapshot, "lost": snapshot + later, "lost2": later,
		"good2": next} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--out end1.npz day1.npz", ExitOK,
			"end1.npz: 1 bids from 99.9, 1 asks from 100.1\n  local time 2023-11-14 22:13:21.001 UTC\n"},
		{"--out end2.npy --initial end1.npz day2.npz", ExitOK, "end2.npy: 2 bids from 99.9, 1 asks from 100.1\n"},
		{"--out both.npy day1.npz day2.npz", ExitOK, "both.npy: 2 bids from 99.9"},
		{"--out only2.npz day2.npz", ExitOK, "start with the previous book by --initial"},
		{"--out x.npz day2.npz day1.npz", ExitFailure, "is before that of an earlier row"},
		{"--out x.npz crossed.npz", ExitFailure, "the book is crossed: bids of 100.1 (4) and asks of 100.1 (2);"},
		{"--out x.npz empty.npz", ExitFailure, "the book is empty"},
		{"--out x.npz absent.npz", ExitFailure, "absent.npz"},
		{"--out x.npz --format bybit good", ExitOK, "x.npz: 1 bids from 100, 1 asks from 100.1"},
		{"--out x2.npz --initial x.npz --format bybit good2", ExitOK, "x2.npz: 1 bids from 100, 1 asks from 100.1"},
		{"--out x3.npz --initial end1.npz --format bybit good2", ExitOK, "the initial book has no update id"},
		{"--out y.npz --initial x.npz --format bybit lost2", ExitFailure,
			"--initial x.npz: the initial book is that of the update 10, and the updates up to 11 are missing"},
		{"--out y.npz --initial empty.npz --format bybit good2", ExitFailure, "not a book level: must be a file of"},
		{"--out y.npz --format bybit lost", ExitFailure, "no snapshot that fits follows this gap"},
		{"--out y.npz good", ExitUsage, "name its venue with --format"},
		{"--out y.npz --format bibit good", ExitUsage, `did you mean "bybit"?`},
		{"--out y.npz --format bybit day1.npz", ExitUsage, "omit it with event files"},
		{"--out y.npz --format bybit day1.npz good", ExitUsage, "inputs must be either event files or recordings"},
		{"--out day1.npz day1.npz", ExitUsage, "which is an input"},
		{"--out y.gz day1.npz", ExitUsage, "must end in .npz or .npy"},
		{"--out y.npz --initial good day1.npz", ExitUsage, "--initial is"},
		{"--out y.npz --initial day1.npz day2.npz --lot-size 0", ExitUsage, "--lot-size is 0"},
		{"--out y.npz", ExitUsage, "snapshot needs at least one INPUT"},
	} {
		args := []string{"snapshot", "--tick-size", "0.1", "--lot-size", "0.001"}
		for word := range strings.FieldsSeq(c.args) {
			if strings.Contains(word, ".np") || strings.HasPrefix(word, "good") ||
				strings.HasPrefix(word, "lost") {
				word = at(word)
			}
			args = append(args, word)
		}
		outBefore, errBefore := len(r.out.String()), len(r.err.String())
		code := r.run(args...)
		if said := r.out.String()[outBefore:] + r.err.String()[errBefore:]; code != c.code ||
			!strings.Contains(strings.ReplaceAll(said, r.dir+string(filepath.Separator), ""), c.want) {
			t.Errorf("%s: code %d, %s", c.args, code, said)
		}
	}
	if got := readEvents(t, at("x2.npz")); len(got) != 2 || got[0].Qty != 7 || got[0].Ival != 11 || got[0].Fval != 0 {
		t.Errorf("the book that a recording has continued is %+v", got)
	}
	if _, err := os.Stat(at("y.npz")); err == nil {
		t.Error("a book that was refused was written")
	}
	if got := readEvents(t, at("both.npy")); len(got) != 3 || !slices.Equal(got, readEvents(t, at("end2.npy"))) {
		t.Errorf("day after day, and both together: %v, %v", readEvents(t, at("end2.npy")), got)
	}
}

// TestSnapshotOfARecording: JSON has what was found in it.
func TestSnapshotOfARecording(t *testing.T) {
	r := newRig(t, "")
	r.Formats = map[string]connector.Format{"binancespot": {NewDecoder: binance.Spot().Format.NewDecoder,
		Rule: connector.RuleSpot}}
	out := filepath.Join(r.dir, "end.npz")
	code := r.run("snapshot", "--tick-size", "0.01", "--lot-size", "0.00001", "--format", "binancespot", "--out", out,
		"--output", "json", sampletest.Path(t, "binancespot", "BTCUSDT"))
	var form struct {
		Bids, Asks int
		BestBid    float64 `json:"best_bid"`
		BestAsk    float64 `json:"best_ask"`
		LastNs     int64   `json:"last_local_ns"`
		Recording  struct {
			Depth int `json:"depth_messages"`
		}
	}
	if err := json.Unmarshal([]byte(r.out.String()), &form); code != ExitOK || err != nil {
		t.Fatalf("code %d, %v: %s%s", code, err, r.out.String(), r.err.String())
	}
	rows := readEvents(t, out)
	if len(rows) != form.Bids+form.Asks || form.Bids == 0 || form.Asks == 0 || form.BestBid != rows[0].Px ||
		form.BestAsk != rows[form.Bids].Px || form.BestBid >= form.BestAsk || form.LastNs == 0 ||
		form.Recording.Depth == 0 {
		t.Errorf("%d rows, %+v", len(rows), form)
	}
}

// TestInitialOfRecordings: a recording that continues without a snapshot is converted and looked over with the book before
// it, and what check-data calls wrong makes convert and snapshot end with the same code.
func TestInitialOfRecordings(t *testing.T) {
	r := newRig(t, "")
	r.Formats = map[string]connector.Format{
		"bybit": {NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed}}
	at := func(name string) string { return filepath.Join(r.dir, name) }
	const snapshot = `1748908801000000000 {"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1748908800995,` +
		`"data":{"s":"BTCUSDT","b":[["100.0","5"]],"a":[["100.1","5"]],"u":10,"seq":100}}` + "\n"
	next := strings.NewReplacer("snapshot", "delta", `"u":10`, `"u":11`, `"5"`, `"7"`).Replace(snapshot)
	const trade = `1748908801000000001 {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1748908800996,` +
		`"data":[{"T":1748908800995,"s":"BTCUSDT","S":"Buy","v":"1","p":"100.1","i":"a","BT":false}]}` + "\n"
	for name, text := range map[string]string{"next": next + trade,
		"first": snapshot + trade + strings.Replace(trade, `"a"`, `"b"`, 1)} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeEvents(t, at("other.npz"), eventRow(1, hft.BuyEvent|hft.DepthSnapshotEvent, 2000, 1))
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"snapshot --out end.npz --format bybit first", ExitOK, "end.npz: 1 bids from 100"},
		{"convert events --out a.npz --initial end.npz --format bybit next", ExitOK, "3 snapshot"},
		{"check-data --initial end.npz --format bybit next", ExitOK, "depth snapshot  2"},
		{"check-data --format bybit next", ExitFailure, "none of the recording was ever complete"},
		{"convert events --out b.npz --initial other.npz --format bybit next", ExitFailure,
			"--initial other.npz is of another instrument: its best bid is 2000"},
		{"check-data --initial other.npz --format bybit next", ExitFailure, "is of another instrument"},
		{"check-data --initial a.npz --format bybit next", ExitFailure, "a.npz: row 0 is of kind 3, not a book level"},
		{"snapshot --out c.npz --initial other.npz a.npz", ExitFailure, "--initial other.npz is of another instrument"},
		{"check-data --initial end.npz a.npz", ExitUsage, "--initial is for recordings"},
		{"convert events --natural --out b.npz --initial end.npz --format bybit next", ExitUsage, "use one of them"},
		{"convert events --out b.npz --format bybit first --tick-size 0.3", ExitFailure, "rows off the grid"},
		{"snapshot --out c.npz --format bybit first --tick-size 0.3", ExitFailure, "rows off the grid"},
		{"check-data --format bybit first --tick-size 0.3", ExitFailure, "rows off the grid"},
	} {
		args := strings.Fields(c.args)
		for i, word := range args {
			if strings.Contains(word, ".np") || word == "first" || word == "next" {
				args[i] = at(word)
			}
		}
		if !strings.Contains(c.args, "--tick-size") {
			args = append(args, "--tick-size", "0.1")
		}
		outBefore, errBefore := len(r.out.String()), len(r.err.String())
		code := r.run(append(args, "--lot-size", "0.001")...)
		said := r.out.String()[outBefore:] + r.err.String()[errBefore:]
		if code != c.code || !strings.Contains(strings.ReplaceAll(said, r.dir+string(filepath.Separator), ""), c.want) {
			t.Errorf("%s: exit code %d, want %d and %q: %s", c.args, code, c.code, c.want, said)
		}
	}
}
