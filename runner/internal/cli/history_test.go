package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// smallJournal is a rig with the journal of a run on a live venue: an order that is filled in two parts, one that is
// canceled, one that is open, one that the host has refused, and one of another strategy, on the next day.
func smallJournal(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, goodConfig)
	now := journalBegin
	w, _, err := journal.Open(journal.Config{Dir: filepath.Join(r.dir, "journal"),
		NowNs: func() int64 { return journalBegin }, RingBytes: 256 << 10,
		SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	number, err := w.Instrument("bf", "BTCUSDT", 0.1, 0.001)
	if err != nil {
		t.Fatal(err)
	}
	// head is of a record some time after the one before.
	head := func(kind journal.Kind, bot uint64, after time.Duration) journal.Head {
		now += int64(after)
		h := journal.Head{Kind: kind, TimeNs: now, Bot: bot}
		if bot != 0 {
			h.Incarnation, h.Instrument = 3, number
		}
		return h
	}
	put(t, w, head(journal.KindRunBegun, 0, 0), &journal.Run{PID: 6}, "1.2.3", "0123456789abcdef0123456789abcdef")
	for bot, name := range []string{"grid", "obimm"} {
		h := head(journal.KindStarted, uint64(bot+1), time.Millisecond)
		h.Instrument = 0
		put(t, w, h, &journal.Process{PID: int64(7 + bot), SHA256: [32]byte{0xab, 0xcd}}, name, "gridtrading", "1.0.0")
	}
	put(t, w, journal.Head{Kind: journal.KindBookPresent, TimeNs: now, Instrument: number}, &journal.None{}, "")
	submit := func(bot, id uint64, side hft.Side, price, qty float64) hft.Order {
		o := hft.NewOrder(id, hft.PriceTick(price, 0.1), 0.1, qty, side, hft.Limit, hft.GTX)
		h := head(journal.KindRequest, bot, time.Second)
		o.Req, o.LocalTimestampNs = hft.StatusNew, now-5_000
		put(t, w, h, &journal.Request{Order: o, SawNs: now - 2_500_000, ReactedNs: 12_345})
		return o
	}
	names := func(o *hft.Order) []string {
		client := "hft-" + string(rune('a'+o.OrderID))
		return []string{client, client, "9000" + string(rune('0'+o.OrderID))}
	}
	accept := func(bot uint64, o *hft.Order) {
		n := names(o)
		put(t, w, head(journal.KindSent, bot, 7*time.Microsecond), &journal.Sent{Order: *o, Number: 1}, n[0], n[1], "")
		o.ExchTimestampNs = now + 1_400_000
		put(t, w, head(journal.KindAnswered, bot, 3*time.Millisecond), &journal.Answer{Order: *o,
			VenueNs: o.ExchTimestampNs, Outcome: journal.Accepted}, n[0], n[1], n[2], "")
		o.Status, o.Req = hft.StatusNew, hft.StatusNone
		put(t, w, head(journal.KindOrder, bot, 21*time.Microsecond), &journal.OrderState{Order: *o}, n...)
	}
	var held [3]journal.Holding
	execute := func(bot uint64, o *hft.Order, qty float64, id string, maker bool) {
		h := &held[bot]
		if pos := h.OwnPosition; pos != 0 && (pos > 0) != (o.Side > 0) {
			h.Realised += qty * (o.Price() - h.EntryPrice) * -float64(o.Side)
		} else {
			h.EntryPrice = o.Price()
		}
		h.OwnPosition += qty * float64(o.Side)
		h.NumFills++
		at := head(journal.KindExecution, bot, 1_500*time.Millisecond)
		o.ExecQty, o.ExecPriceTick, o.LeavesQty, o.Maker, o.ExchTimestampNs, o.Status = qty, o.PriceTick,
			o.LeavesQty-qty, maker, now-900_000, hft.StatusPartiallyFilled
		if o.LeavesQty < 1e-9 {
			o.LeavesQty, o.Status = 0, hft.StatusFilled
		}
		n := names(o)
		put(t, w, at, &journal.Execution{Order: *o, Holding: *h, Value: qty * o.Price(), Fee: 0.012,
			FeePaid: 0.00002}, n[0], n[1], n[2], id, "BNB")
	}
	a := submit(1, 1, hft.Buy, 60_000, 0.003)
	accept(1, &a)
	execute(1, &a, 0.001, "t1", true)
	execute(1, &a, 0.002, "t2", true)
	b := submit(1, 2, hft.Buy, 59_990, 0.001)
	accept(1, &b)
	b.Req = hft.StatusCanceled
	put(t, w, head(journal.KindRequest, 1, time.Second), &journal.Request{Order: b, SawNs: now, ReactedNs: -1})
	b.Req, b.Status, b.LeavesQty, b.ExchTimestampNs = hft.StatusNone, hft.StatusCanceled, 0, now+2_000_000
	put(t, w, head(journal.KindOrder, 1, 4*time.Millisecond), &journal.OrderState{Order: b}, names(&b)...)
	refused := hft.NewOrder(3, 0, 0.1, 7, hft.Buy, hft.Limit, hft.GTC)
	refused.Req, refused.LocalTimestampNs = hft.StatusNew, now
	put(t, w, head(journal.KindRefused, 1, time.Microsecond), &journal.Refusal{Order: refused, Count: 1,
		By: journal.ByHost}, "", "quantity 7 is not a multiple of the lot size 2")
	put(t, w, head(journal.KindFunding, 1, time.Second), &journal.Funding{Amount: -0.018, Rate: 0.0001, Price: 60_000,
		Position: 0.003, VenueNs: now}, "USDT", "f1")
	c := submit(1, 4, hft.Sell, 60_100, 0.002)
	accept(1, &c)
	execute(1, &c, 0.002, "t3", false)
	put(t, w, head(journal.KindCommand, 0, 2*time.Hour), &journal.None{}, "restart grid", "", "control socket")
	d := submit(2, 1, hft.Sell, 60_200, 0.001)
	accept(2, &d)
	execute(2, &d, 0.0005, "t4", true)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestHistoryGolden: what people and programs read of a small journal.
func TestHistoryGolden(t *testing.T) {
	r := smallJournal(t)
	for name, args := range map[string]string{
		"orders": "orders", "orders.json": "orders --open --output json", "orders-open": "orders --open",
		"orders-limit": "orders --limit 2",
		"fills":        "fills", "fills-none": "fills --since 2024-01-01", "events": "events",
		"events-refused": "events --kind refused",
		"pnl":            "pnl", "pnl-strategy": "pnl --by strategy",
		"pnl-symbol.json": "pnl --by symbol --output json",
		"statement":       "statement",
		"statement-fifo":  "statement --method fifo --account --from 2023-11-14T22:13:23 --to 2023-11-15",
		"statement.json":  "statement --output json --from 2023-11-15", "why": "why @6", "why-canceled": "why 90002",
		"why-refused": "why @18",
		"why.json":    "why hft-e --output json",
	} {
		t.Run(name, func(t *testing.T) { r.golden(t, "history/"+name, args) })
	}
}

// golden holds the output of a command against a file.
func (r *rig) golden(t *testing.T, name, args string) {
	t.Helper()
	r.out.b.Reset()
	if code := r.run(append(strings.Fields(args), "--state-dir", r.dir)...); code != ExitOK {
		t.Fatalf("exit code %d: %s", code, r.err.String())
	}
	got := strings.ReplaceAll(r.out.String(), r.dir, "DIR")
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if got != string(want) {
		t.Errorf("differs from %s; run the test with -update if that is right. Got:\n%s", path, got)
	}
}

// TestHistoryFiles: a table as a file has all columns, and only its owner may read it.
func TestHistoryFiles(t *testing.T) {
	r := smallJournal(t)
	for _, command := range []string{"orders", "fills", "events", "pnl"} {
		for _, ending := range []string{".csv", ".parquet"} {
			path := filepath.Join(r.dir, command+ending)
			if code := r.run(command, "--state-dir", r.dir, "--out", path); code != ExitOK {
				t.Fatalf("exit code %d: %s", code, r.err.String())
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", path, info, err)
			}
		}
	}
	raw, err := os.ReadFile(filepath.Join(r.dir, "fills.csv"))
	if err != nil || strings.Count(string(raw), "\n") != 5 || !strings.Contains(string(raw), ",t2,") {
		t.Errorf("%v: %s", err, raw)
	}
	type row struct {
		Strategy string  `parquet:"strategy,optional"`
		Realised float64 `parquet:"realised,optional"`
	}
	rows, err := parquet.ReadFile[row](filepath.Join(r.dir, "fills.parquet"))
	if err != nil || len(rows) != 4 || rows[2].Strategy != "grid" || rows[2].Realised < 0.19 ||
		rows[2].Realised > 0.21 {
		t.Errorf("%v: %+v", err, rows)
	}
}

// TestHistoryErrors: each says what to do.
func TestHistoryErrors(t *testing.T) {
	r := smallJournal(t)
	here := " --state-dir " + r.dir
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"orders --state-dir /nonexistent", ExitFailure,
			"no journal in /nonexistent: it begins with the first 'runner run'"},
		{"orders --strategy grd" + here, ExitUsage, `there is no strategy "grd" in the journal; did you mean "grid"?`},
		{"fills --connector x" + here, ExitUsage, `there is no connector "x" in the journal; there are bf`},
		{"fills --since yesterday" + here, ExitUsage, `--since is "yesterday": give a time`},
		{"why 1 --strategy grid --output json" + here, ExitOK, ""},
		{"fills --limit -1" + here, ExitUsage, `--limit is -1`},
		{"fills --out fills.xls" + here, ExitUsage, `--out is "fills.xls": must end in .csv or .parquet`},
		{"pnl --by moon" + here, ExitUsage, `--by is "moon": must be day, strategy or symbol`},
		{"statement --method lifo" + here, ExitUsage, `--method is "lifo": must be average or fifo`},
		{"statement --account --strategy grid" + here, ExitUsage, "--account is of all strategies"},
		{"why" + here, ExitUsage, "why takes one order, got 0"},
		{"why nosuch" + here, ExitUsage, `there is no order "nosuch" in the journal from record 1 on`},
		{"why @x" + here, ExitUsage, "a number is required after @"},
		{"why 1" + here, ExitUsage, `2 orders match "1": name one by @ and its record, as in 'runner why @6'`},
		{"events --kind party" + here, ExitUsage, `no record kind is called "party"`},
	} {
		r.err.b.Reset()
		if code := r.run(strings.Fields(c.args)...); code != c.code || !strings.Contains(r.err.String(), c.stderr) {
			t.Errorf("%s: exit code %d\n%s", c.args, code, r.err.String())
		}
	}
}

// TestHistoryOfADamagedJournal: the answer is printed, what it lacks is said, and the exit code is another, each
// time.
func TestHistoryOfADamagedJournal(t *testing.T) {
	r, w := journalRig(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.dir, "journal", "00000002.journal")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r.out.b.Reset()
		r.err.b.Reset()
		code := r.run("fills", "--state-dir", r.dir, "--output", "json")
		var form struct {
			Total int
			UpTo  upToForm `json:"up_to"`
		}
		if err := json.Unmarshal([]byte(r.out.String()), &form); err != nil || form.Total != 999 ||
			form.UpTo.Sequence != 1003 {
			t.Errorf("%v: %+v", err, form)
		}
		if code != ExitFailure || !strings.Contains(r.err.String(), path+": at byte") ||
			!strings.Contains(r.err.String(), "the journal is damaged in") {
			t.Errorf("exit code %d: %s", code, r.err.String())
		}
	}
}

// TestJournalLatency: the host's own orders make a latency file.
func TestJournalLatency(t *testing.T) {
	r := smallJournal(t)
	out := filepath.Join(r.dir, "latency.npz")
	if code := r.run("journal", "latency", "--state-dir", r.dir, "--out", out); code != ExitOK ||
		r.out.String() != out+": 5 rows, 0 rejected\n" {
		t.Fatalf("exit code %d: %s%s", code, r.out.String(), r.err.String())
	}
	f, err := npy.Open[convert.Latency](out, npy.LatencyDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := make([]convert.Latency, 10)
	n, _ := f.Read(rows)
	us := int64(time.Microsecond)
	first := rows[0].ReqTimestampNs
	if n != 5 || first != journalBegin+1002*1000*us-5*us || rows[0].ExchTimestampNs != first+1412*us ||
		rows[0].RespTimestampNs != first+3033*us {
		t.Errorf("%d rows, %+v", n, rows[:n])
	}
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"--out latency.txt", ExitUsage, `--out is "latency.txt"`},
		{"--out x.npz --connector nosuch", ExitFailure, "there is no answered order with usable times"},
	} {
		r.err.b.Reset()
		args := append([]string{"journal", "latency", "--state-dir", r.dir}, strings.Fields(c.args)...)
		if code := r.run(args...); code != c.code || !strings.Contains(r.err.String(), c.stderr) {
			t.Errorf("%s: exit code %d: %s", c.args, code, r.err.String())
		}
	}
}
