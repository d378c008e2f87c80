package history

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// TestIncrementalIsRebuilt: tables that were brought up to date many times are those that are made at once, over
// several runs of the host, in each of which the same order ids come again.
func TestIncrementalIsRebuilt(t *testing.T) {
	r := newRig(t, t.TempDir())
	for run := range 3 {
		if run > 0 {
			r.close()
			r.open()
		}
		r.begin()
		for i := range 5 {
			r.tradeFor(100 * (i % 4))
			_ = r.dump("projection")
		}
	}
	grown := r.dump()
	r.removeDB()
	same(t, "made anew", r.dump(), grown)
	if n := strings.Count(grown, "\nexecutions "); n < 100 {
		t.Errorf("%d executions", n)
	}
	for _, ending := range []string{"", ".lock"} {
		if info, err := os.Stat(filepath.Join(r.state, DBName+ending)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", ending, info, err)
		}
	}
}

// TestDroppedSegments: what is about money is the same when the segments are gone, and what else was in the tables
// stays there.
func TestDroppedSegments(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	r.tradeFor(1200)
	before := r.dump()
	moneyTables := []string{"executions", "positions", "funding", "balances", "venue_positions", "strategies",
		"instruments"}
	money := r.dump(moneyTables...)
	r.tradeFor(200)
	r.close()
	removed, err := journal.Retain(r.dir(), r.nowNs, 1<<40)
	if err != nil || removed < 3 {
		t.Fatalf("%d segments removed, %v", removed, err)
	}
	grown := r.dump()
	for _, line := range strings.Split(before, "\n") {
		if strings.HasPrefix(line, "executions") && !strings.Contains(grown, line) || strings.HasPrefix(line,
			"orders") && strings.Contains(line, " filled ") && !strings.Contains(grown, line) {
			t.Fatalf("%s is gone", line)
		}
	}
	grownMoney := r.dump(moneyTables...)
	if !strings.HasPrefix(grownMoney, money[:strings.Index(money, "\npositions")]) {
		t.Error("executions have changed")
	}
	ends := r.dayEnds()
	r.removeDB()
	same(t, "money made anew", r.dump(moneyTables...), grownMoney)
	same(t, "ends of days made anew", r.dayEnds(), ends)
	d := r.projected()
	if up := d.UpTo(); up.FirstSequence < 500 || up.Sequence != uint64(r.lines+2) { // two records name instruments
		t.Errorf("%+v, %d lines", up, r.lines)
	}
}

func (r *rig) dayEnds() string {
	d := r.projected()
	rows, err := d.names(context.Background(),
		"SELECT sequence || ' ' || equity || ' ' || time_ns FROM marks WHERE day_end ORDER BY sequence")
	if err != nil || len(rows) == 0 {
		r.t.Fatal(rows, err)
	}
	_ = d.Close()
	d.sql, d.tx = nil, nil
	return strings.Join(rows, "\n")
}

// TestMissedSegments: tables that nobody used while segments went take what is about money from the money directory.
func TestMissedSegments(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	r.tradeFor(100)
	_ = r.dump()
	r.tradeFor(1200)
	r.close()
	if removed, err := journal.Retain(r.dir(), r.nowNs, 1<<40); err != nil || removed < 3 {
		t.Fatalf("%d segments removed, %v", removed, err)
	}
	grown := r.dump("executions", "positions", "funding", "balances")
	r.removeDB()
	same(t, "money", grown, r.dump("executions", "positions", "funding", "balances"))
}

// TestAnotherJournal: a journal that was put in the place of another, or has gone on otherwise since, makes the
// tables again.
func TestAnotherJournal(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	r.tradeFor(300)
	r.close()
	saved := filepath.Join(t.TempDir(), "saved")
	if err := os.CopyFS(saved, os.DirFS(r.dir())); err != nil {
		t.Fatal(err)
	}
	r.open()
	r.tradeFor(50)
	r.close()
	_ = r.dump()
	lines := r.lines
	if err := os.RemoveAll(r.dir()); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(r.dir(), os.DirFS(saved)); err != nil { // a backup
		t.Fatal(err)
	}
	shorter := r.dump()
	r.removeDB()
	same(t, "a backup", r.dump(), shorter)
	r.open()
	r.nowNs += 12345
	r.tradeFor(200)
	if r.lines <= lines {
		t.Fatal("too few records to have reached the old end")
	}
	other := r.dump()
	r.removeDB()
	same(t, "gone on otherwise", r.dump(), other)

	s := newRig(t, t.TempDir())
	s.begin()
	s.tradeFor(1000)
	s.close()
	r.close()
	want := s.dump()
	if err := os.RemoveAll(r.dir()); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(r.dir(), os.DirFS(s.dir())); err != nil {
		t.Fatal(err)
	}
	same(t, "another journal", r.dump(), want)
}

// TestBrokenDB: a file of something else, a corrupt one and one of another release are made again.
func TestBrokenDB(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	r.tradeFor(500)
	want := r.dump()
	path := filepath.Join(r.state, DBName)
	spoil := func(what string, change func([]byte) []byte) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r.removeDB()
		if err := os.WriteFile(path, change(raw), 0o644); err != nil {
			t.Fatal(err)
		}
		same(t, what, r.dump(), want)
	}
	spoil("no database", func([]byte) []byte { return []byte(strings.Repeat("this is a letter to my aunt ", 100)) })
	spoil("empty", func([]byte) []byte { return nil })
	spoil("cut off", func(b []byte) []byte { return b[:len(b)/2] })
	d := r.projected()
	if err := d.tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.sql.Exec("UPDATE projection SET format = 99; DROP TABLE orders; CREATE TABLE orders (a)"); err != nil {
		t.Fatal(err)
	}
	d.tx = nil
	_ = d.Close()
	d.sql = nil
	same(t, "another format", r.dump(), want)
}

// TestDamagedJournal: what is missing is said, by each answer, and all else is there.
func TestDamagedJournal(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	r.tradeFor(800)
	r.close()
	path := filepath.Join(r.dir(), "00000002.journal")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d := r.projected()
		if damage := d.Damage(); len(damage) == 0 || damage[0].Path != path || damage[0].From != damage[0].To ||
			damage[0].To == 0 || d.UpTo().Sequence != uint64(r.lines+2) {
			t.Errorf("%+v %+v", damage, d.UpTo())
		}
	}
}

// TestManyAtOnce: many may ask at the same time, while a host writes.
func TestManyAtOnce(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	r.tradeFor(100)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			var last uint64
			for range 5 {
				d, err := Open(context.Background(), r.state)
				if err != nil {
					t.Error(err)
					return
				}
				fills, err := d.Fills(context.Background(), &Filter{})
				if err != nil || d.UpTo().Sequence < last || len(d.Damage()) > 0 {
					t.Errorf("%v, %+v, %v", err, d.UpTo(), d.Damage())
				}
				last = d.UpTo().Sequence
				if n := len(fills.Rows); n > 0 && fills.Rows[n-1][0].(uint64) > last {
					t.Errorf("fill %v after record %d", fills.Rows[n-1], last)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		r.tradeFor(100)
	}
	group.Wait()
	grown := r.dump()
	r.removeDB()
	same(t, "made anew", r.dump(), grown)
}

// TestOrderRow: what a row has of an order.
func TestOrderRow(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	b := r.bots[0]
	o := r.submit(b, hft.Buy, 100, 0.003)
	r.accept(b, o)
	r.execute(b, o, 0.001)
	r.execute(b, o, 0.001)
	r.cancel(b, o)
	r.report(b, o) // told twice
	late := *o
	r.execute(b, &late, 0.001) // was executed before it was canceled
	r.submit(b, hft.Sell, 101, 0.002)
	d := r.projected()
	orders, err := d.Orders(context.Background(), &Filter{Strategy: "grid0"})
	if err != nil || len(orders.Rows) != 2 {
		t.Fatal(orders, err)
	}
	text := rowText(orders, 0)
	for _, part := range []string{"strategy=grid0", "connector=bf", "symbol=BTCUSDT", "order_id=1", "side=buy",
		"price=100", "exec_qty=0.003", "fills=3",
		"status=canceled", "open=false", "cancels=1", "reacted_ns=150000", "origin=c-1-1-", "venue_order_id=vc-1-1-",
		"avg_price=100", "currency=USDT"} {
		if !strings.Contains(text, " "+part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	open, err := d.Orders(context.Background(), &Filter{Open: true})
	if err != nil || len(open.Rows) != 1 || !strings.Contains(rowText(open, 0), "status=requested") {
		t.Errorf("%v %v", open, err)
	}
	for want, f := range map[int]Filter{0: {Symbol: "ETHUSDC"}, 1: {Limit: 1}, 2: {Connector: "bf", SinceNs: begin}} {
		if got, err := d.Orders(context.Background(), &f); err != nil || len(got.Rows) != want {
			t.Errorf("%+v: %d rows, %v", f, len(got.Rows), err)
		}
	}
}

// TestReset: a strategy that begins anew has no position and no open orders, whatever it had.
func TestReset(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	b := r.bots[0]
	o := r.submit(b, hft.Buy, 100, 0.003)
	r.execute(b, o, 0.001)
	put(r, r.head(b, journal.KindReset), &b.held, "--fresh")
	b.held = journal.Holding{NumFills: 7} // however they are counted
	p := r.submit(b, hft.Sell, 110, 0.001)
	r.execute(b, p, 0.001)
	d := r.projected()
	open, err := d.Orders(t.Context(), &Filter{Open: true})
	if err != nil || len(open.Rows) != 0 {
		t.Errorf("%v %v", open, err)
	}
	all, err := d.Orders(t.Context(), &Filter{})
	if err != nil || len(all.Rows) != 2 || !strings.Contains(rowText(all, 0), "status=unknown") {
		t.Errorf("%v %v", all, err)
	}
	st, err := d.Statement(t.Context(), &StatementOptions{Method: Average})
	if err != nil || len(st.Positions.Rows) != 1 {
		t.Fatal(st, err)
	}
	if got := byName(st.Positions, st.Positions.Rows[0]); got["realised"] != 0.0 || got["closing_position"] != -0.001 {
		t.Errorf("%v", got)
	}
	events, err := d.Events(t.Context(), &Filter{Kinds: []string{"reset"}})
	if err != nil || len(events.Rows) != 1 || !strings.Contains(rowText(events, 0), "text=--fresh") {
		t.Errorf("%v %v", events, err)
	}
}

func rowText(t *Table, n int) string {
	var b strings.Builder
	for i, c := range t.Columns {
		fmt.Fprintf(&b, " %s=%v", c.Name, t.Rows[n][i])
	}
	return b.String()
}

// TestPnL: each currency apart, and sums are those of the holdings.
func TestPnL(t *testing.T) {
	r := newRig(t, t.TempDir())
	var realised, fees [2]float64
	for run := range 2 { // each run begins without a position
		if run > 0 {
			r.close()
			r.open()
		}
		r.begin()
		r.tradeFor(1000)
		for i, b := range r.bots {
			realised[i] += b.held.Realised
			fees[i] += b.held.State.Fee
		}
	}
	d := r.projected()
	for _, by := range []string{"symbol", "strategy", "day"} {
		pnl, err := d.PnL(context.Background(), by, &Filter{})
		if err != nil || len(pnl.Rows) < 2 {
			t.Fatal(pnl, err)
		}
		for n, row := range pnl.Rows {
			text := rowText(pnl, n)
			i := 0
			if strings.Contains(text, "currency=USDC") {
				i = 1
			}
			values := make(map[string]any)
			for c, column := range pnl.Columns {
				values[column.Name] = row[c]
			}
			if values["fills"].(int64) == 0 { // funding of the other in USDT
				continue
			}
			if diff := abs(values["realised"].(float64) - realised[i]); diff > 1e-9 {
				t.Errorf("by %s: %s, want %v realised", by, text, realised[i])
			}
			if diff := abs(values["fees"].(float64) - fees[i]); diff > 1e-9 {
				t.Errorf("by %s: %s, want fees %v", by, text, fees[i])
			}
		}
	}
	if _, err := d.PnL(context.Background(), "moon", &Filter{}); err == nil {
		t.Error("by moon")
	}
}

func TestNoJournal(t *testing.T) {
	if _, err := Open(context.Background(), t.TempDir()); err == nil || !strings.Contains(err.Error(),
		"no such file") && !strings.Contains(err.Error(), "no journal") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkProject measures a million records made into tables.
func BenchmarkProject(b *testing.B) {
	r := newRig(b, b.TempDir())
	r.begin()
	for r.lines < 1_000_000 {
		r.tradeFor(10_000)
	}
	r.close()
	b.ResetTimer()
	var spent time.Duration
	for range b.N {
		r.removeDB()
		at := time.Now()
		d := r.projected()
		spent += time.Since(at)
		_ = d.Close()
		d.sql, d.tx = nil, nil
	}
	b.ReportMetric(float64(r.lines)*float64(b.N)/spent.Seconds(), "records/s")
	if info, err := os.Stat(filepath.Join(r.state, DBName)); err == nil {
		b.ReportMetric(float64(info.Size())/float64(r.lines), "bytes/record")
	}
}
