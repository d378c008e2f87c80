package history

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

const begin = int64(1_700_000_000_000_000_000) // 2023-11-14T22:13:20Z

// rig writes a journal of a state directory.
type rig struct {
	t     testing.TB
	state string
	w     *journal.Writer
	nowNs int64
	rnd   *rand.Rand
	bots  []*bot
	trade int
	lines int // records
}

// bot is a strategy that trades one instrument as a host does it.
type bot struct {
	id, nextID uint64
	instrument uint32
	held       journal.Holding
	open       []hft.Order
}

func newRig(t testing.TB, state string) *rig {
	t.Helper()
	r := &rig{t: t, state: state, nowNs: begin, rnd: rand.New(rand.NewPCG(1, 2))}
	r.open()
	return r
}

func (r *rig) dir() string { return filepath.Join(r.state, journal.DirName) }

// open opens the journal of a run.
func (r *rig) open() {
	r.t.Helper()
	cfg := journal.Config{Dir: r.dir(), NowNs: func() int64 { return r.nowNs }}
	if _, long := r.t.(*testing.B); !long {
		cfg.RingBytes, cfg.SegmentBytes = 256<<10, 64<<10
	}
	w, _, err := journal.Open(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.w = w
	r.t.Cleanup(func() { _ = w.Close() })
}

func (r *rig) close() {
	r.t.Helper()
	if err := r.w.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// put appends a record, a millisecond after the one before.
func put[B journal.Body](r *rig, h journal.Head, body *B, texts ...string) {
	r.t.Helper()
	for errors.Is(r.w.Err(), journal.ErrFull) {
		_ = r.w.Sync()
	}
	r.nowNs += int64(time.Millisecond)
	h.TimeNs = r.nowNs
	if err := journal.Append(r.w, &h, body, texts...); err != nil {
		r.t.Fatal(err)
	}
	r.lines++
}

// begin starts a run with two strategies.
func (r *rig) begin() {
	r.t.Helper()
	put(r, journal.Head{Kind: journal.KindRunBegun}, &journal.Run{PID: 7}, "1.2.3", "0123456789abcdef")
	before := r.bots
	r.bots = nil
	for i, symbol := range []string{"BTCUSDT", "ETHUSDC"} {
		number, err := r.w.Instrument("bf", symbol, 0.1, 0.001)
		if err != nil {
			r.t.Fatal(err)
		}
		b := &bot{id: uint64(i) + 1<<63, instrument: number, nextID: 1}
		r.bots = append(r.bots, b)
		if i < len(before) {
			put(r, r.head(b, journal.KindReset), &before[i].held, "a simulated market begins anew")
		}
		put(r, journal.Head{Kind: journal.KindStarted, Bot: b.id, Incarnation: 1}, &journal.Process{PID: 8},
			"grid"+fmt.Sprint(i), "gridtrading", "1.0.0")
	}
}

func (r *rig) head(b *bot, kind journal.Kind) journal.Head {
	return journal.Head{Kind: kind, Bot: b.id, Incarnation: 1, Instrument: b.instrument}
}

// origin returns an order's first client id, which is like no other of any run.
func origin(b *bot, o *hft.Order) string {
	return fmt.Sprintf("c-%d-%d-%d", b.instrument, o.OrderID, o.LocalTimestampNs)
}

// submit requests an order.
func (r *rig) submit(b *bot, side hft.Side, price, qty float64) *hft.Order {
	o := hft.NewOrder(b.nextID, hft.PriceTick(price, 0.1), 0.1, qty, side, hft.Limit, hft.GTX)
	b.nextID++
	o.Req, o.LocalTimestampNs = hft.StatusNew, r.nowNs+900_000
	b.held.NumOrders++
	put(r, r.head(b, journal.KindRequest), &journal.Request{Order: o, SawNs: r.nowNs - 5_000_000, ReactedNs: 150_000})
	put(r, r.head(b, journal.KindSent), &journal.Sent{Order: o, Number: b.nextID}, origin(b, &o), origin(b, &o), "")
	b.open = append(b.open, o)
	return &b.open[len(b.open)-1]
}

// report tells an order's state.
func (r *rig) report(b *bot, o *hft.Order) {
	o.ExchTimestampNs = r.nowNs + 500_000
	put(r, r.head(b, journal.KindOrder), &journal.OrderState{Order: *o, Holding: b.held}, origin(b, o), origin(b, o),
		"v"+origin(b, o))
}

func (r *rig) accept(b *bot, o *hft.Order) {
	put(r, r.head(b, journal.KindAnswered), &journal.Answer{Order: *o, VenueNs: r.nowNs, Outcome: journal.Accepted},
		origin(b, o), origin(b, o), "v"+origin(b, o), "")
	o.Status, o.Req = hft.StatusNew, hft.StatusNone
	r.report(b, o)
}

func (r *rig) cancel(b *bot, o *hft.Order) {
	o.Req, o.LocalTimestampNs = hft.StatusCanceled, o.LocalTimestampNs+1
	put(r, r.head(b, journal.KindRequest), &journal.Request{Order: *o, SawNs: r.nowNs, ReactedNs: -1})
	o.LocalTimestampNs--
	o.Req, o.Status, o.LeavesQty = hft.StatusNone, hft.StatusCanceled, 0
	r.report(b, o)
}

// execute executes a part of an order. What is realised is counted as the host does it.
func (r *rig) execute(b *bot, o *hft.Order, qty float64) {
	h := &b.held
	signed, price, feeQty := qty*float64(o.Side), o.Price(), 0.0
	if r.trade%2 == 0 { // as on spot
		feeQty = 0.00007
		signed -= feeQty
	}
	switch was := h.OwnPosition; {
	case was == 0 || was > 0 == (signed > 0):
		h.EntryPrice = (abs(was)*h.EntryPrice + abs(signed)*price) / abs(was+signed)
	default:
		closed := min(abs(was), abs(signed))
		h.Realised += closed * (price - h.EntryPrice) * was / abs(was)
		if abs(signed) > abs(was) {
			h.EntryPrice = price
		}
	}
	h.OwnPosition += signed
	if abs(h.OwnPosition) < 1e-9 {
		h.OwnPosition = 0
	}
	h.UnitValue = 1
	h.NumFills++
	h.State.Position, h.State.NumTrades = h.OwnPosition, int64(h.NumFills)
	h.State.Balance -= signed * price
	h.State.Fee += 0.01
	h.State.TradingVolume += qty
	h.State.TradingValue += qty * price
	o.ExecQty, o.ExecPriceTick, o.LeavesQty, o.Status, o.Maker, o.ExchTimestampNs = qty, o.PriceTick, o.LeavesQty-qty,
		hft.StatusPartiallyFilled, true, r.nowNs
	if o.LeavesQty < 1e-9 {
		o.LeavesQty, o.Status = 0, hft.StatusFilled
	}
	r.trade++
	put(r, r.head(b, journal.KindExecution), &journal.Execution{Order: *o, Holding: *h, Value: qty * price, Fee: 0.01,
		FeePaid: 0.00001, FeeQty: feeQty}, origin(b, o), origin(b, o),
		"v"+origin(b, o), fmt.Sprint("t", r.trade), "BNB")
}

func abs(x float64) float64 { return max(x, -x) }

// tradeFor does n things by chance.
func (r *rig) tradeFor(n int) {
	r.t.Helper()
	for range n {
		b := r.bots[r.rnd.IntN(len(r.bots))]
		b.open = notOver(b.open)
		kind := r.rnd.IntN(40)
		switch {
		case kind == 0:
			put(r, r.head(b, journal.KindMark), &journal.Mark{Holding: b.held, Mid: 100, Equity: b.held.Realised,
				DayEnd: uint8(r.rnd.IntN(2))})
		case kind == 1:
			b.held.State.Funding -= 0.5
			put(r, r.head(b, journal.KindFunding), &journal.Funding{Amount: -0.5, Rate: 0.0001, Price: 100,
				Position: 1, VenueNs: r.nowNs, Holding: b.held}, "USDT", fmt.Sprint("f", r.nowNs))
		case kind == 2:
			put(r, journal.Head{Kind: journal.KindCommand}, &journal.None{}, "restart grid0", "", "control socket")
		case kind == 3:
			put(r, journal.Head{Kind: journal.KindBalance}, &journal.Balance{Total: 5, Free: 4, Locked: 1,
				VenueNs: r.nowNs}, "bf", "USDT")
		case kind == 4:
			o := hft.NewOrder(b.nextID, 1000, 0.1, 5, hft.Sell, hft.Limit, hft.GTC)
			o.Req, o.LocalTimestampNs = hft.StatusNew, r.nowNs
			b.nextID++
			put(r, r.head(b, journal.KindRefused), &journal.Refusal{Order: o, Count: 1, By: journal.ByHost}, "",
				"no such thing")
		case len(b.open) == 0 || kind < 15:
			o := r.submit(b, []hft.Side{hft.Buy, hft.Sell}[r.rnd.IntN(2)], 90+float64(r.rnd.IntN(200))/10, 0.003)
			r.accept(b, o)
		default:
			o := &b.open[r.rnd.IntN(len(b.open))]
			if kind < 22 {
				r.cancel(b, o)
			} else {
				r.execute(b, o, []float64{0.001, o.LeavesQty}[r.rnd.IntN(2)])
			}
		}
	}
}

func notOver(all []hft.Order) (open []hft.Order) {
	for _, o := range all {
		if !o.Final() {
			open = append(open, o)
		}
	}
	return open
}

// projected opens the database, which ends with the test.
func (r *rig) projected() *DB {
	r.t.Helper()
	d, err := Open(context.Background(), r.state)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = d.Close() })
	return d
}

// dump returns what tables hold, all of them without a name.
func (r *rig) dump(only ...string) string {
	r.t.Helper()
	d := r.projected()
	defer func() {
		if err := d.Close(); err != nil {
			r.t.Error(err)
		}
		d.tx, d.sql = nil, nil
	}()
	var b strings.Builder
	if len(only) == 0 {
		only = tables()
	}
	for _, table := range only {
		rows, err := d.tx.Query("SELECT * FROM " + table + " ORDER BY 1, 2")
		if err != nil {
			r.t.Fatal(err)
		}
		columns, _ := rows.Columns()
		row := make([]any, len(columns))
		cells := make([]any, len(columns))
		for i := range row {
			cells[i] = &row[i]
		}
		for rows.Next() {
			if err := rows.Scan(cells...); err != nil {
				r.t.Fatal(err)
			}
			fmt.Fprintln(&b, table, row)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			r.t.Fatal(err)
		}
	}
	return b.String()
}

// removeDB deletes the database.
func (r *rig) removeDB() {
	r.t.Helper()
	if err := (&DB{path: filepath.Join(r.state, DBName)}).remove(); err != nil {
		r.t.Fatal(err)
	}
}

// same fails where two texts differ, at the first line.
func same(t testing.TB, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s: line %d of %d and %d:\n got %s\nwant %s", what, i+1, len(g), len(w), g[i], w[i])
		}
	}
	t.Fatalf("%s: %d lines, want %d", what, len(g), len(w))
}
