package history

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// TestWhyHasEveryRecord: each record about an order is a step of exactly one order, in two runs with the same ids.
func TestWhyHasEveryRecord(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	r.tradeFor(300)
	r.close()
	r.open()
	r.begin()
	r.tradeFor(300)
	r.close()
	want := make(map[uint64]bool)
	reader, err := journal.OpenReader(r.dir(), journal.ReadFrom{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for {
		rec, err := reader.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if orderOf(rec) != nil {
			want[rec.Sequence] = true
		}
	}
	d := r.projected()
	orders, err := d.Orders(t.Context(), &Filter{})
	if err != nil || len(orders.Rows) < 100 {
		t.Fatal(len(orders.Rows), err)
	}
	for _, row := range orders.Rows {
		line, err := d.Why(t.Context(), row[0].(uint64))
		if err != nil || line.Gone || len(line.Steps) == 0 {
			t.Fatalf("%v: %+v %v", row, line, err)
		}
		for _, s := range line.Steps {
			if s.Sequence != 0 && !want[s.Sequence] {
				t.Errorf("order @%v: record %d is none of its own", row[0], s.Sequence)
			}
			delete(want, s.Sequence)
		}
	}
	if len(want) > 0 {
		t.Errorf("%d records are of no order: %v", len(want), want)
	}
}

// TestWhyOfRemovedRecords: the row and the executions have the steps that are left.
func TestWhyOfRemovedRecords(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	b := r.bots[0]
	o := r.submit(b, hft.Buy, 100, 0.003)
	first := uint64(r.lines) - 1 + 2 // before it: what was sent, and not two that name instruments
	r.accept(b, o)
	r.execute(b, o, 0.001)
	r.execute(b, o, 0.002)
	_ = r.dump("projection")
	r.tradeFor(1200)
	r.close()
	if removed, err := journal.Retain(r.dir(), r.nowNs, 1<<40); err != nil || removed < 3 {
		t.Fatalf("%d segments removed, %v", removed, err)
	}
	line, err := r.projected().Why(t.Context(), first)
	if err != nil || !line.Gone {
		t.Fatalf("%+v, %v", line, err)
	}
	var names []string
	for i, s := range line.Steps {
		names = append(names, s.Name)
		if i > 0 && s.TimeNs < line.Steps[i-1].TimeNs {
			t.Errorf("%+v goes back", s)
		}
	}
	same(t, "steps", join(names), "event request sent answered report execution execution")
}

func join(words []string) (s string) {
	for i, w := range words {
		if i > 0 {
			s += " "
		}
		s += w
	}
	return s
}

// TestStatementIsTheHoldings: by the average method, what was realised, paid and held is what the host says.
func TestStatementIsTheHoldings(t *testing.T) {
	r := newRig(t, t.TempDir())
	var realised, fees [2]float64
	for run := range 2 {
		if run > 0 {
			r.close()
			r.open()
		}
		r.begin()
		r.tradeFor(600)
		for i, b := range r.bots {
			realised[i] += b.held.Realised
			fees[i] += b.held.State.Fee
		}
	}
	d := r.projected()
	whole, err := d.Statement(t.Context(), &StatementOptions{Method: Average})
	if err != nil || len(whole.Positions.Rows) != 2 {
		t.Fatal(whole, err)
	}
	for i, row := range whole.Positions.Rows {
		got := byName(whole.Positions, row)
		for name, want := range map[string]float64{"realised": realised[i], "fees": fees[i], "opening_position": 0,
			"closing_position": r.bots[i].held.OwnPosition, "closing_price": r.bots[i].held.EntryPrice} {
			if x := numberOf(got[name]); math.Abs(x-want) > 1e-6 && r.bots[i].held.OwnPosition != 0 {
				t.Errorf("position %d: %s is %v, want %v", i, name, x, want)
			}
		}
	}
	// Two parts are the whole.
	middle := begin + (r.nowNs-begin)/2
	first, err1 := d.Statement(t.Context(), &StatementOptions{Method: FIFO, Account: true,
		Filter: Filter{UntilNs: middle}})
	second, err2 := d.Statement(t.Context(), &StatementOptions{Method: FIFO, Account: true,
		Filter: Filter{SinceNs: middle}})
	all, err3 := d.Statement(t.Context(), &StatementOptions{Method: FIFO, Account: true})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for i, row := range all.Positions.Rows {
		a, b, c := byName(first.Positions, first.Positions.Rows[i]), byName(second.Positions,
			second.Positions.Rows[i]), byName(all.Positions, row)
		for _, name := range []string{"realised", "fees", "funding", "bought", "sold_value"} {
			if sum := numberOf(a[name]) + numberOf(b[name]); math.Abs(sum-numberOf(c[name])) > 1e-6 {
				t.Errorf("%s: %v and %v are not %v", name, a[name], b[name], c[name])
			}
		}
		if a["closing_position"] != b["opening_position"] {
			t.Errorf("closed with %v, opened with %v", a["closing_position"], b["opening_position"])
		}
	}
	if n := len(first.Lines.Rows) + len(second.Lines.Rows); n != len(all.Lines.Rows) {
		t.Errorf("%d lines, want %d", n, len(all.Lines.Rows))
	}
}

func byName(t *Table, row []any) map[string]any {
	m := make(map[string]any)
	for i, c := range t.Columns {
		m[c.Name] = row[i]
	}
	return m
}

// TestLedger: cash and what is left are worth the same by each method, and first in is first out.
func TestLedger(t *testing.T) {
	l := ledger{fifo: true, lotSize: 0.001}
	got := []float64{l.trade(2, 100, 1), l.trade(1, 110, 1), l.trade(-2.5, 120, 1), l.trade(-1.5, 90, 1), l.trade(1,
		80, 1)}
	for i, want := range []float64{0, 0, 2*20 + 0.5*10, 0.5 * -20, 10} {
		if math.Abs(got[i]-want) > 1e-9 {
			t.Errorf("trade %d has realised %v, want %v", i, got[i], want)
		}
	}
	if l.position() != 0 || len(l.lots) != 0 {
		t.Errorf("%+v is left", l.lots)
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	fifo, average := ledger{fifo: true, lotSize: 0.001}, ledger{lotSize: 0.001}
	var cash, byFIFO, byAverage float64
	for range 5000 {
		qty, price := float64(rnd.IntN(21)-10)/1000, 90+20*rnd.Float64()
		if qty == 0 {
			continue
		}
		cash -= qty * price
		byFIFO += fifo.trade(qty, price, 1)
		byAverage += average.trade(qty, price, 1)
	}
	for what, x := range map[string]float64{"fifo": byFIFO - fifo.position()*fifo.price(),
		"average": byAverage - average.position()*average.price()} {
		if average.position() != 0 && math.Abs(x-cash) > 1e-6 {
			t.Errorf("%s: %v, cash is %v", what, x, cash)
		}
	}
	if fifo.position() != average.position() || len(average.lots) > 1 {
		t.Errorf("%v and %v are held", fifo.position(), average.position())
	}
}

// TestLatencies: the answers to submissions and cancels, and to nothing else.
func TestLatencies(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.begin()
	b := r.bots[0]
	o := r.submit(b, hft.Buy, 100, 0.003)
	submitted := o.LocalTimestampNs
	r.accept(b, o)
	accepted := r.nowNs
	r.execute(b, o, 0.001)
	o.LocalTimestampNs = submitted
	r.cancel(b, o)
	canceled := r.nowNs
	p := r.submit(b, hft.Buy, 100, 0.003) // is executed before it is accepted
	second := p.LocalTimestampNs
	r.execute(b, p, 0.003)
	r.submit(b, hft.Sell, 100, 0.003) // is not answered
	q := r.submit(b, hft.Sell, 100, 0.001)
	refused := q.LocalTimestampNs
	q.Status, q.Req, q.LeavesQty = hft.StatusExpired, hft.StatusRejected, 0
	put(r, r.head(b, journal.KindOrder), &journal.OrderState{Order: *q}, "", "", "")
	var l Latencies
	reader, err := journal.OpenReader(r.dir(), journal.ReadFrom{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for {
		rec, err := reader.Next(context.Background())
		if err != nil {
			break
		}
		l.Take(rec)
	}
	ms := int64(time.Millisecond)
	want := []RequestTimes{{submitted, accepted - ms/2, accepted}, {submitted + 1, canceled - ms/2, canceled},
		{second, second + 100_000 + ms, second + 100_000 + 2*ms}, {refused, 0, r.nowNs}}
	for i := range max(len(want), len(l.Answered)) {
		if i >= len(want) || i >= len(l.Answered) || l.Answered[i] != want[i] {
			t.Fatalf("got %v, want %v", l.Answered, want)
		}
	}
}
