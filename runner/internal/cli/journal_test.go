package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

const journalBegin = int64(1_700_000_000_000_000_000) // 2023-11-14T22:13:20Z

// put appends a record, when there is room.
func put[B journal.Body](t *testing.T, w *journal.Writer, h journal.Head, body *B, texts ...string) {
	t.Helper()
	for errors.Is(w.Err(), journal.ErrFull) {
		_ = w.Sync()
	}
	if err := journal.Append(w, &h, body, texts...); err != nil {
		t.Fatal(err)
	}
}

// trade appends executions number from to to of two strategies in turn, one a second.
func trade(t *testing.T, w *journal.Writer, from, to int) {
	t.Helper()
	number, err := w.Instrument("bf", "BTCUSDT", 0.1, 0.001)
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i <= to; i++ {
		o := hft.NewOrder(uint64(i), 600_000, 0.1, 0.002, hft.Buy, hft.Limit, hft.GTX)
		o.Status, o.LeavesQty, o.ExecQty, o.ExecPriceTick = hft.StatusFilled, 0, 0.002, 600_000
		put(t, w, journal.Head{Kind: journal.KindExecution, TimeNs: journalBegin + int64(i)*int64(time.Second),
			Bot: uint64(1 + i%2), Incarnation: 3, Instrument: number},
			&journal.Execution{Order: o, Value: 120, Fee: 0.024, FeePaid: 0.024}, "o1", "c1", "v1", "e1", "USDT")
	}
}

// journalRig is a rig with a journal of 1000 executions, the even ones by grid.
func journalRig(t *testing.T) (*rig, *journal.Writer) {
	t.Helper()
	r := newRig(t, goodConfig)
	w, _, err := journal.Open(journal.Config{Dir: filepath.Join(r.dir, "journal"),
		NowNs: func() int64 { return journalBegin }, RingBytes: 256 << 10,
		SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	put(t, w, journal.Head{Kind: journal.KindStarted, TimeNs: journalBegin, Bot: 1, Incarnation: 3},
		&journal.Process{PID: 7}, "grid", "gridtrading", "1.0.0")
	put(t, w, journal.Head{Kind: journal.KindStarted, TimeNs: journalBegin, Bot: 2, Incarnation: 3},
		&journal.Process{PID: 8}, "obimm \x1b[2J", "obimm", "1.0.0")
	trade(t, w, 1, 1000)
	return r, w
}

// TestJournalCat: while a host writes and after it, with filters, for people and for programs.
func TestJournalCat(t *testing.T) {
	r, w := journalRig(t)
	cat := func(args ...string) []string {
		t.Helper()
		r.out.b.Reset()
		if code := r.run(append([]string{"journal", "cat", "--state-dir", r.dir}, args...)...); code != ExitOK {
			t.Fatalf("%v: exit code %d\n%s", args, code, r.err.String())
		}
		return strings.Split(strings.TrimSuffix(r.out.String(), "\n"), "\n")
	}
	for _, running := range []bool{true, false} {
		all := cat()
		if len(all) != 1003 {
			t.Fatalf("running %t: %d lines", running, len(all))
		}
		for _, part := range []string{"1003 2023-11-14T22:30:00.000000000Z execution", " grid/3 bf BTCUSDT ",
			"side=buy", "price=60000 ", "fee=0.024 ", "fee_asset=USDT"} {
			if !strings.Contains(all[1002], part) {
				t.Errorf("no %q in %s", part, all[1002])
			}
		}
		if strings.Contains(strings.Join(all, ""), "\x1b") {
			t.Error("control characters")
		}
		if running {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for want, args := range map[int][]string{
		501: {"--strategy", "grid"},
		2:   {"--kind", "started"},
		10:  {"--since", "2023-11-14T22:29:51"},
		500: {"--kind", "execution", "--strategy", "grid"},
		3:   {"--from", "1001"},
	} {
		if got := cat(args...); len(got) != want {
			t.Errorf("%v: %d lines, want %d", args, len(got), want)
		}
	}
	var o struct {
		Sequence   uint64
		Time       time.Time
		Strategy   string
		Price, Qty float64
	}
	line := cat("--output", "json", "--from", "1003")[0]
	if err := json.Unmarshal([]byte(line), &o); err != nil || o.Sequence != 1003 ||
		o.Time.UnixNano() != journalBegin+1000*int64(time.Second) ||
		o.Strategy != "grid" || o.Price != 60_000 || o.Qty != 0.002 {
		t.Errorf("%v: %s", err, line)
	}
}

// TestJournalFollow: what is appended later comes, over the ends of segments, until the command is ended.
func TestJournalFollow(t *testing.T) {
	r, w := journalRig(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan int)
	go func() {
		ended <- r.Run(ctx, []string{"journal", "cat", "--state-dir", r.dir, "--follow", "--kind", "execution"})
	}()
	trade(t, w, 1001, 2000)
	for deadline := time.Now().Add(time.Minute); strings.Count(r.out.String(),
		"\n") < 2000; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d lines\n%s", strings.Count(r.out.String(), "\n"), r.err.String())
		}
	}
	stop()
	if code := <-ended; code != ExitOK || strings.Count(r.out.String(), "\n") != 2000 {
		t.Errorf("exit code %d, %d lines\n%s", code, strings.Count(r.out.String(), "\n"), r.err.String())
	}
}

// TestJournalVerify: all is well, or what is not has its file and records, and another exit code.
func TestJournalVerify(t *testing.T) {
	r, w := journalRig(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if code := r.run("journal", "verify", "--state-dir", r.dir); code != ExitOK || !strings.Contains(r.out.String(),
		"1003 records from 1 to 1003") {
		t.Errorf("exit code %d: %s%s", code, r.out.String(), r.err.String())
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
	for _, command := range []string{"verify", "cat"} {
		r.out.b.Reset()
		code := r.run("journal", command, "--state-dir", r.dir)
		if text := r.out.String() + r.err.String(); code != ExitFailure || !strings.Contains(text,
			path+": at byte") || !strings.Contains(text, "are missing") {
			t.Errorf("%s: exit code %d: %s", command, code, r.err.String())
		}
	}
	r.out.b.Reset()
	if code := r.run("journal", "verify", "--state-dir", r.dir, "--output", "json"); code != ExitFailure {
		t.Errorf("exit code %d", code)
	}
	var form verifyForm
	if err := json.Unmarshal([]byte(r.out.String()), &form); err != nil || form.OK || len(form.Damage) == 0 ||
		form.Damage[0].Path != path || form.Records != 1002 {
		t.Errorf("%v: %+v", err, form)
	}
}

// TestJournalExport: both formats have the same rows, with their types.
func TestJournalExport(t *testing.T) {
	r, w := journalRig(t)
	put(t, w, journal.Head{Kind: journal.KindAlert, TimeNs: 5}, &journal.None{}, "halted", "why")
	dir := filepath.Join(r.dir, "tables")
	if code := r.run("journal", "export", "--state-dir", r.dir, dir); code != ExitOK ||
		!strings.Contains(r.out.String(), "1000 rows of execution: ") {
		t.Fatalf("exit code %d: %s%s", code, r.out.String(), r.err.String())
	}
	raw, err := os.ReadFile(filepath.Join(dir, "execution.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil || len(lines) != 1001 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	at := make(map[string]int)
	for i, title := range lines[0] {
		if _, twice := at[title]; twice {
			t.Errorf("two columns %s", title)
		}
		at[title] = i
	}
	type row struct {
		Sequence *uint64  `parquet:"sequence,optional"`
		Time     *int64   `parquet:"time,optional,timestamp(nanosecond)"`
		Price    *float64 `parquet:"price,optional"`
		FeeAsset *string  `parquet:"fee_asset,optional"`
	}
	rows, err := parquet.ReadFile[row](filepath.Join(dir, "execution.parquet"))
	if err != nil || len(rows) != 1000 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if last, p := lines[1000], rows[999]; last[at["sequence"]] != "1003" || *p.Sequence != 1003 ||
		last[at["time"]] != "2023-11-14T22:30:00.000000000Z" ||
		*p.Time != journalBegin+1000*int64(time.Second) || last[at["price"]] != "60000" || *p.Price != 60_000 ||
		last[at["fee_asset"]] != "USDT" || *p.FeeAsset != "USDT" {
		t.Errorf("%v\n%+v", lines[1000], rows[999])
	}
	if alerts, err := os.ReadFile(filepath.Join(dir, "alert.csv")); err != nil || !strings.Contains(string(alerts),
		",halted,why\n") {
		t.Errorf("%v: %s", err, alerts)
	}
}

// TestJournalCommandErrors: each says what to do.
func TestJournalCommandErrors(t *testing.T) {
	r, _ := journalRig(t)
	here := " --state-dir " + r.dir
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"journal", ExitUsage, "journal needs one of cat, verify, export, latency"},
		{"journal cat --state-dir /nonexistent", ExitFailure,
			"no journal in /nonexistent: it begins with the first 'runner run'"},
		{"journal verify", ExitFailure, "no journal in state"},
		{"journal cat --kind fill" + here, ExitUsage, `no record kind is called "fill": use instrument, `},
		{"journal cat --since yesterday" + here, ExitUsage, `--since is "yesterday": give a time`},
		{"journal cat --strategy grd" + here, ExitUsage, `did you mean "grid"?`},
		{"journal export" + here, ExitUsage, "export takes the directory to write to"},
		{"journal export --format xml x" + here, ExitUsage, `--format is "xml": use csv or parquet`},
	} {
		r.err.b.Reset()
		if code := r.run(strings.Fields(c.args)...); code != c.code || !strings.Contains(r.err.String(), c.stderr) {
			t.Errorf("%s: exit code %d\n%s", c.args, code, r.err.String())
		}
	}
}
