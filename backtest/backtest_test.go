package backtest_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/sim"
)

const both = hft.ExchEvent | hft.LocalEvent

// row is a row that the exchange sees at ns and the bot 10 ns later.
func row(ns int64, ev uint64, px, qty float64) hft.Event {
	return hft.Event{Ev: both | ev, ExchTimestampNs: ns, LocalTimestampNs: ns + 10, Px: px, Qty: qty}
}

// market is a book of 99 x 5 and 101 x 5, 102 x 5, and nothing but time until 1000.
func market(more ...hft.Event) []hft.Event {
	rows := []hft.Event{row(0, hft.BuyEvent|hft.DepthEvent, 99, 5), row(0, hft.SellEvent|hft.DepthEvent, 101, 5),
		row(0, hft.SellEvent|hft.DepthEvent, 102, 5)}
	return append(append(rows, more...), row(1000, hft.BuyEvent|hft.DepthEvent, 50, 1))
}

type watcher struct {
	orders  []backtest.OrderRow
	fills   []backtest.FillRow
	records []backtest.RecordRow
}

func (w *watcher) OnOrder(r *backtest.OrderRow)   { w.orders = append(w.orders, *r) }
func (w *watcher) OnFill(r *backtest.FillRow)     { w.fills = append(w.fills, *r) }
func (w *watcher) OnRecord(r *backtest.RecordRow) { w.records = append(w.records, *r) }

func newAsset(tb testing.TB, rows []hft.Event) *backtest.AssetBuilder {
	tb.Helper()
	latency, err := sim.NewConstantLatency(20, 30)
	if err != nil {
		tb.Fatal(err)
	}
	return backtest.NewAsset("X").Data(backtest.Rows(rows)).Book("hashmap", 1, 1).Exchange(backtest.PartialFill).
		Queue(sim.RiskAdverseQueue()).Latency(latency, latency).LastTrades(3)
}

func build(tb testing.TB, b *backtest.Builder) backtest.Backtest {
	tb.Helper()
	bot, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { bot.Close() })
	return bot
}

// want fails unless a call returned that result without an error.
func want(tb testing.TB, expected hft.ElapseResult) func(hft.ElapseResult, error) {
	return func(got hft.ElapseResult, err error) {
		tb.Helper()
		if got != expected || err != nil {
			tb.Errorf("got %v, %v; want %v", got, err, expected)
		}
	}
}

// wantEnd wants a waiting call to say that the data has ended, by result and error.
func wantEnd(tb testing.TB) func(hft.ElapseResult, error) {
	return func(got hft.ElapseResult, err error) {
		tb.Helper()
		if got != hft.ElapseEndOfData || !errors.Is(err, hft.ErrEndOfData) {
			tb.Errorf("got %v, %v; want the end of the data", got, err)
		}
	}
}

// The reference's own unit test: a side does not stop at rows that are not for it.
func TestSkipsUnseenRows(t *testing.T) {
	rows := []hft.Event{{Ev: both}, {Ev: both, ExchTimestampNs: 1, LocalTimestampNs: 1},
		{Ev: hft.ExchEvent, ExchTimestampNs: 3, LocalTimestampNs: 4},
		{Ev: hft.LocalEvent, ExchTimestampNs: 3, LocalTimestampNs: 4}}
	bot := build(t, backtest.NewBuilder().Compat(sim.Hftbacktest).AddAsset(newAsset(t, rows)))
	for wantNs := int64(1); wantNs <= 3; wantNs++ {
		want(t, hft.ElapseOk)(bot.Elapse(1))
		if bot.CurrentTimestampNs() != wantNs {
			t.Errorf("time is %d, want %d", bot.CurrentTimestampNs(), wantNs)
		}
		if local, exch := backtest.CursorRows(bot, 0); wantNs == 2 && (local != 3 || exch != 2) {
			t.Errorf("cursors are on rows %d and %d", local, exch)
		}
	}
}

// Both modes of the quirks that the bot's side has (Q15, Q17, Q20, Q21, Q22, Q29).
func TestQuirksOfTheBotsSide(t *testing.T) {
	rows := market(row(600, hft.SellEvent|hft.TradeEvent, 99, 7))
	for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest} {
		fixed := compat == sim.Fixed
		pick := func(f, c hft.ElapseResult) hft.ElapseResult {
			if fixed {
				return f
			}
			return c
		}
		watch := &watcher{}
		bot := build(t, backtest.NewBuilder().Compat(compat).Observer(watch).AddAsset(newAsset(t, rows)))
		want(t, hft.ElapseOk)(bot.Elapse(100))
		// Q17: a wait that is satisfied says so, in the reference not. Q29: 8 lots at two prices are two executions,
		// of which the reference tells the last.
		want(t, pick(hft.ElapseOrderResponse, hft.ElapseOk))(bot.SubmitBuyOrder(0, 1, 102, 8, hft.IOC, hft.Limit, true))
		if fixed { // each execution is a response; the wait ended with the first, all came at that time
			want(t, hft.ElapseOrderResponse)(bot.WaitOrderResponse(0, 1, 100))
		}
		executed, balance := 8.0, -(5*101.0 + 3*102)
		if !fixed {
			executed, balance = 3, -3*102.0
		}
		if v := bot.StateValues(0); v.TradingVolume != executed || v.Balance != balance || v.Position != executed {
			t.Errorf("%v: after a sweep %+v", compat, v)
		}
		// Q21: a partial execution counts when the bot learns of it, in the reference only the last one.
		want(t, pick(hft.ElapseOrderResponse, hft.ElapseOk))(bot.SubmitBuyOrder(0, 2, 99, 4, hft.GTX, hft.Limit, true))
		want(t, hft.ElapseOk)(bot.Elapse(500))
		o := bot.Orders(0).Get(2)
		if o.Status != hft.StatusPartiallyFilled || o.LeavesQty != 2 {
			t.Fatalf("%v: order 2 is %+v", compat, o)
		}
		wantVolume := executed
		if fixed {
			wantVolume += 2
		}
		if v := bot.StateValues(0); v.TradingVolume != wantVolume {
			t.Errorf("%v: after a partial fill %+v", compat, v)
		}
		// Q20: the latency of a cancel is that of the cancel, in the reference that of the submission.
		requestedNs := bot.CurrentTimestampNs()
		want(t, pick(hft.ElapseOrderResponse, hft.ElapseOk))(bot.Cancel(0, 2, true))
		reqNs, exchNs, respNs, ok := bot.OrderLatency(0)
		if !ok || exchNs != requestedNs+20 || respNs != requestedNs+50 || (reqNs == requestedNs) != fixed {
			t.Errorf("%v: latency of the cancel is %d %d %d %v", compat, reqNs, exchNs, respNs, ok)
		}
		// Q15: after the end of the data the time is that of the last event, in the reference that of the last call.
		calledNs := bot.CurrentTimestampNs()
		wantEnd(t)(bot.Elapse(time.Hour))
		if got := bot.CurrentTimestampNs(); fixed && got != 1010 || !fixed && got != calledNs {
			t.Errorf("%v: time after the end is %d", compat, got)
		}
	}
}

// A strategy that always has a request under way comes to the end all the same, after the answers to what it asked for
// while there was data.
func TestEndWithRequestsUnderWay(t *testing.T) {
	bot := build(t, backtest.NewBuilder().AddAsset(newAsset(t, market())))
	id := uint64(0)
	for {
		_, err := bot.Elapse(20)
		if hft.Ended(err) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if id++; id > 1000 {
			t.Fatal("the data does not end")
		}
		if _, err := bot.SubmitBuyOrder(0, id, 90, 1, hft.GTX, hft.Limit, false); err != nil {
			t.Fatal(err)
		}
	}
	if o := bot.Orders(0).Get(49); o == nil || o.Status != hft.StatusNew || o.Pending() {
		t.Errorf("an order of the last instants is %+v", o)
	}
	if last := bot.Orders(0).Get(id); !last.Pending() {
		t.Errorf("an order after the end was answered: %+v", last)
	}
}

// Q22: a modification that gets lost leaves the old price and quantity, in the reference the new ones.
func TestRefusedModification(t *testing.T) {
	good, _ := sim.NewConstantLatency(20, 30)
	lost, _ := sim.NewConstantLatency(-40, 30)
	for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest} {
		latency := sim.PerRequestLatency{New: good, Modify: lost, Cancel: good}
		bot := build(t, backtest.NewBuilder().Compat(compat).AddAsset(newAsset(t, market()).Latency(latency, latency)))
		_, err1 := bot.SubmitBuyOrder(0, 1, 98, 4, hft.GTX, hft.Limit, true)
		_, err2 := bot.Modify(0, 1, 97, 6, true)
		o := bot.Orders(0).Get(1)
		wantTick, wantQty := int64(98), 4.0
		if compat != sim.Fixed {
			wantTick, wantQty = 97, 6
		}
		if err1 != nil || err2 != nil || o.PriceTick != wantTick || o.Qty != wantQty || o.Req != hft.StatusNone ||
			o.Status != hft.StatusNew {
			t.Errorf("%v: %+v, %v, %v", compat, o, err1, err2)
		}
	}
}

// Q1: rows out of order are an error that says where, unless they are allowed.
func TestUnsortedRows(t *testing.T) {
	rows := []hft.Event{row(0, hft.BuyEvent|hft.DepthEvent, 99, 5), row(500, hft.BuyEvent|hft.DepthEvent, 98, 5),
		row(300, hft.BuyEvent|hft.DepthEvent, 97, 5), row(900, hft.BuyEvent|hft.DepthEvent, 96, 5)}
	bot := build(t, backtest.NewBuilder().AddAsset(newAsset(t, rows)))
	_, err := bot.Elapse(time.Second)
	if !errors.Is(err, hft.ErrData) || !strings.Contains(err.Error(), "row 2: exchange time 300 is before") {
		t.Errorf("error is %v", err)
	}
	bot = build(t, backtest.NewBuilder().AllowUnsorted().AddAsset(newAsset(t, rows)))
	want(t, hft.ElapseOk)(bot.Elapse(600))
	if bot.CurrentTimestampNs() != 600 || bot.Depth(0).BidQtyAtTick(97) != 5 {
		t.Errorf("time %d, %v at 97", bot.CurrentTimestampNs(), bot.Depth(0).BidQtyAtTick(97))
	}
}

// A row ten years ahead ends the run with its number, however the rows are sorted and whichever clock it is of.
func TestTimeJumpIsADataError(t *testing.T) {
	const tenYears = 315_360_000_000_000_000
	row := func(exchNs, localNs int64) hft.Event {
		return hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, ExchTimestampNs: exchNs,
			LocalTimestampNs: localNs, Px: 97, Qty: 5}
	}
	for name, bad := range map[string]hft.Event{"local": row(300, tenYears), "exchange": row(tenYears, 310),
		"both": row(tenYears, tenYears)} {
		for _, unsorted := range []bool{false, true} {
			rows := []hft.Event{row(100, 110), row(200, 210), bad, row(400, 410)}
			b := backtest.NewBuilder().AddAsset(newAsset(t, nil).
				Data(backtest.File(writeEvents(t, filepath.Join(t.TempDir(), "a.npz"), rows))))
			if unsorted {
				b = b.AllowUnsorted()
			}
			bot := build(t, b)
			var err error
			for steps := 0; err == nil && steps < 100; steps++ {
				_, err = bot.Elapse(time.Second)
			}
			if !errors.Is(err, hft.ErrData) || !strings.Contains(err.Error(), "a.npz row 2: ") ||
				!strings.Contains(err.Error(), "days after") {
				t.Errorf("%s, unsorted %v: %v", name, unsorted, err)
			}
		}
	}
}

// An asset whose rows are years before those of another ends the run, too: its last row is followed by years of
// nothing.
func TestTimeJumpBetweenAssets(t *testing.T) {
	const now = 1_700_000_000_000_000_000
	row := func(timestampNs int64) hft.Event {
		return hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | hft.BuyEvent | hft.DepthEvent,
			ExchTimestampNs: timestampNs, LocalTimestampNs: timestampNs, Px: 97, Qty: 5}
	}
	for name, early := range map[string][]hft.Event{"zero": {row(0)}, "1970": {row(100), row(200)},
		"negative": {row(-100), row(200)}} {
		for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest} {
			file := writeEvents(t, filepath.Join(t.TempDir(), "good.npz"), []hft.Event{row(now), row(now + 100)})
			bot := build(t, backtest.NewBuilder().Compat(compat).AddAsset(newAsset(t, early)).
				AddAsset(newAsset(t, nil).Data(backtest.File(file))))
			var err error
			for steps := 0; err == nil && steps < 100; steps++ {
				_, err = bot.Elapse(time.Second)
			}
			if !errors.Is(err, hft.ErrData) || !strings.Contains(err.Error(), "good.npz") ||
				!strings.Contains(err.Error(), "days after") {
				t.Errorf("%s, %v: %v", name, compat, err)
			}
		}
	}
}

func writeEvents(tb testing.TB, path string, rows []hft.Event) string {
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
	return path
}

// A day in three files, .npz and .npy, is the same as in memory.
func TestChainedFilesEqualOne(t *testing.T) {
	rows := sampletest.BTC(t).Events
	dir := t.TempDir()
	third := len(rows) / 3
	files := []backtest.Data{backtest.File(writeEvents(t, filepath.Join(dir, "a.npz"), rows[:third])),
		backtest.File(writeEvents(t, filepath.Join(dir, "b.npy"), rows[third:2*third])),
		backtest.File(writeEvents(t, filepath.Join(dir, "c.npz"), rows[2*third:]))}
	var hashes []uint64
	for _, data := range [][]backtest.Data{files, {backtest.Rows(rows)}} {
		g := newGolden()
		a := newAsset(t, nil).Data(data...).Book("window", depthtest.BTCTickSize, depthtest.BTCLotSize)
		bot := build(t, backtest.NewBuilder().Observer(g).AddAsset(a))
		script := &scripted{bot: bot, log: g, qty: 0.01, symbol: []instrument{{depthtest.BTCTickSize,
			depthtest.BTCLotSize, 1}}}
		if result := script.run("quote"); result != "EndOfData" || g.orderLines < 100 {
			t.Fatalf("%s after %d lines", result, g.orderLines)
		}
		if p := bot.Progress(); p.TotalRows != int64(len(rows)) {
			t.Errorf("progress is %+v", p)
		}
		hashes = append(hashes, g.orders.Sum64(), g.states.Sum64())
	}
	if hashes[0] != hashes[2] || hashes[1] != hashes[3] {
		t.Errorf("hashes %x", hashes)
	}
}

// random is a strategy that does anything, as its seed says.
func random(tb testing.TB, bot backtest.Backtest, seed uint64, split bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	elapse := func(d time.Duration) bool {
		for d > 0 {
			step := d
			if split {
				step = min(d, time.Duration(1+r.Int64N(int64(d)+1)))
			}
			_, err := bot.Elapse(step)
			if hft.Ended(err) {
				return false
			}
			if err != nil {
				tb.Fatal(err)
			}
			d -= step
		}
		return true
	}
	decide := rand.New(rand.NewPCG(seed, 2)) // so that the split does not change what is decided
	for id := uint64(1); elapse(30 * time.Millisecond); id++ {
		bid, ask := bot.Depth(0).BestBidTick(), bot.Depth(0).BestAskTick()
		if bid == hft.InvalidMin || ask == hft.InvalidMax {
			continue
		}
		side, tick := hft.Buy, ask+decide.Int64N(9)-6
		if decide.IntN(2) == 0 {
			side, tick = hft.Sell, bid+decide.Int64N(9)-2
		}
		_, err := bot.SubmitOrder(0, hft.OrderRequest{OrderID: id, Price: hft.TickPrice(tick, depthtest.BTCTickSize),
			Qty: float64(1+decide.IntN(4000)) * depthtest.BTCLotSize, Side: side,
			TimeInForce: hft.TimeInForce(decide.IntN(4)), OrdType: hft.OrdType(decide.IntN(8) / 7)}, false)
		if err != nil {
			tb.Fatal(err)
		}
		for o := range bot.Orders(0).All() {
			if !o.Cancellable() {
				continue
			}
			switch decide.IntN(4) {
			case 0:
				_, err = bot.Cancel(0, o.OrderID, false)
			case 1:
				_, err = bot.Modify(0, o.OrderID, hft.TickPrice(o.PriceTick+decide.Int64N(5)-2, depthtest.BTCTickSize),
					float64(1+decide.IntN(4000))*depthtest.BTCLotSize, false)
			}
			if err != nil {
				tb.Fatal(err)
			}
		}
		if decide.IntN(20) == 0 {
			bot.ClearInactiveOrders(0)
		}
	}
}

// In the fixed mode the accounts of both sides agree at the end, no order is both filled and canceled, executions add
// up to orders, and it does not matter in which pieces time passes.
func TestRandomTrading(t *testing.T) {
	rows := sampletest.BTC(t).Events
	latency, err := sim.NewConstantLatency(2*time.Millisecond, 7*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(12) {
		var hashes []uint64
		for _, split := range []bool{false, true} {
			g, watch := newGolden(), &watcher{}
			a := newAsset(t, rows).Book("window", depthtest.BTCTickSize, depthtest.BTCLotSize).
				Queue(goldenQueue("pow3")).Latency(latency, latency).
				Fee(sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}).ConsumeDepth(seed%2 == 0).
				SweepFills(seed%3 == 0)
			if seed%4 == 3 {
				a.Exchange(backtest.NoPartialFill)
			}
			bot := build(t, backtest.NewBuilder().Observer(tee{g, watch}).AddAsset(a))
			random(t, bot, seed, split)
			checkAccounts(t, bot, watch)
			hashes = append(hashes, g.orders.Sum64())
		}
		if hashes[0] != hashes[1] {
			t.Errorf("seed %d: another order log when time passes in pieces", seed)
		}
	}
}

type tee []backtest.Observer

func (t tee) OnOrder(r *backtest.OrderRow) {
	for _, o := range t {
		o.OnOrder(r)
	}
}
func (t tee) OnFill(r *backtest.FillRow) {
	for _, o := range t {
		o.OnFill(r)
	}
}
func (t tee) OnRecord(r *backtest.RecordRow) {
	for _, o := range t {
		o.OnRecord(r)
	}
}

func checkAccounts(t *testing.T, bot backtest.Backtest, watch *watcher) {
	t.Helper()
	r := bot.Finish(nil).Assets[0]
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(a)) }
	l, x := r.Local, r.Exchange
	if l.NumTrades != x.NumTrades || !near(l.Position, x.Position) || !near(l.Balance, x.Balance) ||
		!near(l.Fee, x.Fee) || !near(l.TradingVolume, x.TradingVolume) {
		t.Errorf("the bot's account is %+v, the exchange's %+v", l, x)
	}
	if l.NumTrades < 50 || r.Counts.Fills != l.NumTrades || int64(len(watch.fills)) != l.NumTrades {
		t.Errorf("%d fills counted, %d told, of %+v", r.Counts.Fills, len(watch.fills), l)
	}
	position := 0.0
	for _, f := range watch.fills {
		position += f.Qty * float64(f.Side)
		if f.ExchTimestampNs >= f.LocalTimestampNs || f.Qty <= 0 || f.Cause == sim.CauseNone ||
			f.Maker == (f.Cause == sim.CauseTaker) {
			t.Errorf("fill %+v", f)
		}
	}
	if !near(position, l.Position) {
		t.Errorf("fills add up to %v, position is %v", position, l.Position)
	}
	final := map[uint64]hft.Status{}
	for _, o := range watch.orders {
		if o.Kind != backtest.OrderResponse || o.Order.Req == hft.StatusRejected {
			continue
		}
		if was, ok := final[o.Order.OrderID]; ok {
			t.Errorf("order %d was %v and then %v", o.Order.OrderID, was, o.Order.Status)
		}
		if o.Order.Final() {
			final[o.Order.OrderID] = o.Order.Status
		}
	}
	if len(final) < 100 {
		t.Errorf("only %d orders came to an end", len(final))
	}
}

// Neither rows nor orders allocate.
func TestNoAllocations(t *testing.T) {
	a := newAsset(t, nil).Data(backtest.Repeated(sampletest.BTC(t).Events, 6)).
		Book("window", depthtest.BTCTickSize, depthtest.BTCLotSize).Queue(goldenQueue("pow3"))
	bot := build(t, backtest.NewBuilder().Observer(&discard{}).RecordInterval(time.Second).AddAsset(a))
	script := &scripted{bot: bot, log: newGolden(), qty: 0.01,
		symbol: []instrument{{depthtest.BTCTickSize, depthtest.BTCLotSize, 1}}}
	step := 0
	round := func() {
		step++
		if result, err := bot.Elapse(100 * time.Millisecond); result != hft.ElapseOk || err != nil {
			t.Fatal(result, err)
		}
		if err := script.quoteAll(step, step%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		round()
	}
	if n := testing.AllocsPerRun(2000, round); n != 0 {
		t.Errorf("%v allocations per 100 ms", n)
	}
}

// Memory does not grow with the number of rows: 2 million, or 100 million with HFTRUNNER_LONG=1.
func TestMemoryIsFlat(t *testing.T) {
	day := sampletest.BTC(t).Events
	times := 2_000_000/len(day) + 1
	if os.Getenv("HFTRUNNER_LONG") != "" {
		times = 100_000_000/len(day) + 1
	}
	a := newAsset(t, nil).Data(backtest.Repeated(day, times)).
		Book("window", depthtest.BTCTickSize, depthtest.BTCLotSize)
	bot := build(t, backtest.NewBuilder().Observer(&discard{}).AddAsset(a))
	script := &scripted{bot: bot, log: newGolden(), qty: 0.01,
		symbol: []instrument{{depthtest.BTCTickSize, depthtest.BTCLotSize, 1}}}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early uint64
	for step := 1; ; step++ {
		_, err := bot.Elapse(100 * time.Millisecond)
		if hft.Ended(err) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := script.quoteAll(step, false); err != nil {
			t.Fatal(err)
		}
		if step == 4000 { // in one of the first rounds
			early = heap()
		}
	}
	late := heap()
	t.Logf("%d rows, heap %d KiB early and %d KiB at the end", bot.Progress().TotalRows, early>>10, late>>10)
	if early == 0 || late > early+8<<20 {
		t.Errorf("the heap grew from %d to %d bytes over %d rows", early, late, bot.Progress().TotalRows)
	}
	if r := bot.Finish(nil); r.Rows != int64(times*len(day)) || r.End != backtest.EndOfData {
		t.Errorf("result %+v", r.End)
	}
}
