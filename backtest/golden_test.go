package backtest_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"hash"
	"hash/fnv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/sim"
)

// golden writes the logs of the reference runs as hashes. It is the observer of the backtest.
type golden struct {
	orders, states         hash.Hash64
	orderLines, stateLines int
	requests               int
	// The logs by order compare the bot's orders before and after each delivery.
	byOrder     bool
	bot         hft.Bot
	delivered   []uint64
	deliveredNs int64
	before      map[uint64]hft.Order
}

func newGolden() *golden { return &golden{orders: fnv.New64a(), states: fnv.New64a()} }

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func (g *golden) line(text string) {
	g.orders.Write([]byte(text + "\n"))
	g.orderLines++
}

func (g *golden) OnOrder(r *backtest.OrderRow) {
	if g.byOrder && r.Kind == backtest.OrderResponse {
		if r.TimestampNs != g.deliveredNs {
			g.flush()
		}
		g.delivered, g.deliveredNs = append(g.delivered, r.Order.OrderID), r.TimestampNs
		return
	}
	g.write(r)
}

// flush writes what the last delivery has changed.
func (g *golden) flush() {
	slices.Sort(g.delivered)
	for _, id := range slices.Compact(g.delivered) {
		if o := g.bot.Orders(0).Get(id); o != nil && *o != g.before[id] {
			g.write(&backtest.OrderRow{Kind: backtest.OrderResponse, TimestampNs: g.deliveredNs, Order: *o})
		}
	}
	g.delivered = g.delivered[:0]
}

func (g *golden) write(r *backtest.OrderRow) {
	o := &r.Order
	if g.byOrder {
		g.before[o.OrderID] = *o
	}
	maker := 0
	if o.Maker {
		maker = 1
	}
	g.line(fmt.Sprintf("%c,%d,%d,%d,%d,%d,%d,%d,%s,%s,%d,%s,%d,%d,%d,%d,%d", r.Kind, r.TimestampNs, r.AssetNo,
		o.OrderID, o.Side, o.OrdType, o.TimeInForce, o.PriceTick, number(o.Qty), number(o.LeavesQty), o.ExecPriceTick,
		number(o.ExecQty), o.Status, o.Req, maker, o.ExchTimestampNs, o.LocalTimestampNs))
	if r.Kind != backtest.OrderResponse {
		g.requests++
	}
}

func (g *golden) OnFill(*backtest.FillRow)     {}
func (g *golden) OnRecord(*backtest.RecordRow) {}

func (g *golden) record(bot hft.Bot) {
	g.flush()
	for i := range bot.NumAssets() {
		book, v := bot.Depth(i), bot.StateValues(i)
		fmt.Fprintf(g.states, "%d,%d,%d,%d,%s,%s,%s,%s,%s,%s,%d,%s,%s,%d,%d\n", bot.CurrentTimestampNs(), i,
			book.BestBidTick(), book.BestAskTick(), number(book.BestBidQty()), number(book.BestAskQty()),
			number((book.BestBid()+book.BestAsk())/2), number(v.Position), number(v.Balance), number(v.Fee),
			v.NumTrades, number(v.TradingVolume), number(v.TradingValue), bot.Orders(i).Len(), len(bot.LastTrades(i)))
		g.stateLines++
	}
}

// summary is a line of the reference's summary by column.
type summary map[string]string

func readSummary(tb testing.TB, name string) []summary {
	tb.Helper()
	records, err := csv.NewReader(bytes.NewReader(datatest.Golden(tb, name))).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	var lines []summary
	for _, r := range records[1:] {
		s := summary{}
		for i, column := range records[0] {
			s[column] = r[i]
		}
		lines = append(lines, s)
	}
	return lines
}

func (s summary) float(tb testing.TB, column string) float64 {
	tb.Helper()
	x, err := strconv.ParseFloat(s[column], 64)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// latencyRows makes the reference's latency files: the last row with both flags of each second of local time.
func latencyRows(events []hft.Event, reject bool) []sim.LatencyRow {
	var rows []sim.LatencyRow
	second := int64(-1)
	for i := range events {
		e := &events[i]
		if !e.Is(hft.ExchEvent | hft.LocalEvent) {
			continue
		}
		latencyNs := e.LocalTimestampNs - e.ExchTimestampNs
		row := sim.LatencyRow{ReqTimestampNs: e.LocalTimestampNs}
		row.ExchTimestampNs = row.ReqTimestampNs + 4*latencyNs + 1_000_000
		row.RespTimestampNs = row.ExchTimestampNs + 3*latencyNs + 500_000
		if s := e.LocalTimestampNs / 1e9; s != second {
			rows, second = append(rows, row), s
			continue
		}
		rows[len(rows)-1] = row
	}
	for i := range rows {
		if reject && i%20 == 10 {
			rows[i].ExchTimestampNs = 0
		}
	}
	return rows
}

func goldenLatency(tb testing.TB, name string, events []hft.Event,
	compat sim.Compat) (entry, response sim.LatencyModel) {
	tb.Helper()
	if ms, ok := map[string][2]time.Duration{"c0": {0, 0}, "c1": {1, 1}, "c10_20": {10, 20},
		"cneg": {-5, 1}}[name]; ok {
		l, err := sim.NewConstantLatency(ms[0]*time.Millisecond, ms[1]*time.Millisecond)
		if err != nil {
			tb.Fatal(err)
		}
		return l, l
	}
	offset := time.Duration(0)
	if name == "intpoff" {
		offset = 3 * time.Millisecond
	}
	rows := latencyRows(events, name == "intprej")
	e, err1 := sim.NewInterpolatedLatency(rows, offset, compat)
	r, err2 := sim.NewInterpolatedLatency(rows, offset, compat)
	if err1 != nil || err2 != nil {
		tb.Fatal(err1, err2)
	}
	return e, r
}

func goldenQueue(name string) sim.QueueModel {
	if name == "risk" {
		return sim.RiskAdverseQueue()
	}
	return sim.ProbabilityQueue(map[string]sim.Probability{"pow": sim.PowerProbability(3),
		"pow2": sim.PowerProbability2(3), "pow3": sim.PowerProbability3(3), "pow0.7": sim.PowerProbability(0.7),
		"log": sim.LogProbability, "log2": sim.LogProbability2}[name])
}

// goldenAsset builds one instrument of a run.
func goldenAsset(tb testing.TB, s summary, symbol string, compat sim.Compat) (*backtest.AssetBuilder, instrument) {
	tb.Helper()
	inst := instrument{depthtest.BTCTickSize, depthtest.BTCLotSize, 1}
	roiLow, roiHigh := 60000.0, 64000.0
	events := []hft.Event(nil)
	if symbol == "btc" {
		events = depthtest.RecordedBTC(tb).Events
	} else {
		inst, roiLow, roiHigh = instrument{depthtest.ETHTickSize, depthtest.ETHLotSize, 20}, 2000, 3500
		events = depthtest.RecordedETH(tb).Events
	}
	entry, response := goldenLatency(tb, s["latency"], events, compat)
	a := backtest.NewAsset(symbol).Latency(entry, response).Queue(goldenQueue(s["queue"])).LastTrades(1000)
	a.Fee(map[string]sim.FeeModel{"value": sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007},
		"dir":  sim.DirectionalTradingValueFee{Maker: -0.00005, Taker: 0.0007, Buyer: 0.0001, Seller: 0.0002},
		"qty":  sim.TradingQtyFee{Maker: -0.00005, Taker: 0.0007},
		"flat": sim.FlatPerTradeFee{Maker: -0.00005, Taker: 0.0007}}[s["fee"]])
	if s["asset"] == "inv100" {
		a.AssetType(sim.InverseAsset(100))
	}
	if s["exchange"] == "partial" {
		a.Exchange(backtest.PartialFill)
	}
	switch s["depth"] {
	case "roi":
		a.ROIBook(inst.tickSize, inst.lotSize, roiLow, roiHigh)
	case "btree":
		a.Book("btree", inst.tickSize, inst.lotSize)
	default:
		a.Book("hashmap", inst.tickSize, inst.lotSize)
	}
	a.FeedLatencyOffset(time.Duration(s.float(tb, "feed_latency_offset")))
	a.Data(backtest.Rows(events))
	if s["data_files"] == "3" {
		third := len(events) / 3
		a.Data(backtest.Rows(events[:third]), backtest.Rows(events[third:2*len(events)/3]),
			backtest.Rows(events[2*len(events)/3:]))
	}
	return a, inst
}

// goldenRun runs one line of a summary and returns the same line as we have it.
func goldenRun(tb testing.TB, s summary, compat sim.Compat, countPartials bool) (got, want string) {
	tb.Helper()
	g := newGolden()
	b := backtest.NewBuilder().Compat(compat).Observer(g)
	script := &scripted{log: g, offset: int64(s.float(tb, "offset")), qty: s.float(tb, "qty")}
	for _, symbol := range strings.Split(s["symbols"], "+") {
		a, inst := goldenAsset(tb, s, symbol, compat)
		backtest.CountPartials(a, countPartials)
		b.AddAsset(a)
		script.symbol = append(script.symbol, inst)
	}
	bot, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	defer bot.Close()
	script.bot = bot
	result := script.run(s["strategy"])
	var state []string
	for i := range bot.NumAssets() {
		v := bot.StateValues(i)
		state = append(state, fmt.Sprintf("%s|%s|%s|%d|%s|%s", number(v.Position), number(v.Balance), number(v.Fee),
			v.NumTrades, number(v.TradingVolume), number(v.TradingValue)))
	}
	format := func(result, endTs, requests, lines, log, stateLines, stateLog, final string) string {
		return fmt.Sprintf("%s at %s, %s requests, %s lines %s, %s states %s, %s", result, endTs, requests, lines, log,
			stateLines, stateLog, final)
	}
	got = format(result, fmt.Sprint(bot.CurrentTimestampNs()), fmt.Sprint(g.requests), fmt.Sprint(g.orderLines),
		fmt.Sprintf("%016x", g.orders.Sum64()), fmt.Sprint(g.stateLines), fmt.Sprintf("%016x", g.states.Sum64()),
		strings.Join(state, ";"))
	want = format(s["result"], s["end_ts"], s["requests"], s["order_log_lines"], s["order_log_fnv"], s["state_lines"],
		s["state_fnv"], s["final_state(position|balance|fee|num_trades|volume|value)"])
	return got, want
}

// Every run of the reference over the recorded day gives the same order log and the same states, byte for byte: the
// oracle that runs to the end (patched), the one with repaired accounting (patched_p3), and the published engine up to
// the line where it dies (stock), but for its grid runs, whose order is random. A part of them runs quickly; all with
// HFTRUNNER_LONG=1.
func TestRunsEqualReference(t *testing.T) {
	for _, oracle := range []struct {
		file          string
		compat        sim.Compat
		countPartials bool
		every         int // in the quick test
	}{
		{"summary.patched.csv", sim.Hftbacktest, false, 40},
		{"summary.patched_p3.csv", sim.Hftbacktest, true, 80},
		{"summary.stock.csv", sim.Stock, false, 80},
	} {
		ran := 0
		for i, s := range readSummary(t, oracle.file) {
			if oracle.compat == sim.Stock && s["strategy"] == "grid" {
				continue
			}
			if os.Getenv("HFTRUNNER_LONG") == "" && i%oracle.every != 1 {
				continue
			}
			ran++
			t.Run(oracle.file+"/"+s["run"], func(t *testing.T) {
				t.Parallel()
				if got, want := goldenRun(t, s, oracle.compat, oracle.countPartials); got != want {
					t.Errorf("%s %s %s %s %s:\n got %s\nwant %s", s["strategy"], s["exchange"], s["queue"],
						s["latency"], s["depth"], got, want)
				}
			})
		}
		t.Logf("%s: %d runs", oracle.file, ran)
		if ran == 0 {
			t.Error("no run was compared")
		}
	}
}

// The latency files are those of the reference.
func TestLatencyRows(t *testing.T) {
	rows := latencyRows(depthtest.RecordedBTC(t).Events, true)
	if len(rows) != 346 || !slices.ContainsFunc(rows, func(r sim.LatencyRow) bool { return r.ExchTimestampNs == 0 }) {
		t.Errorf("%d rows", len(rows))
	}
}
