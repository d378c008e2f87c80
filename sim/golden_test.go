package sim_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"hash"
	"hash/fnv"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"hftrunner/depth"
	"hftrunner/depth/depthtest"
	"hftrunner/hft"
	"hftrunner/sim"
)

// replayed is just enough of a backtest to hold the exchanges to the reference's order logs: one instrument, its local
// side, and the loop that visits, at one time, local rows, responses, exchange rows and requests in this order.
type replayed struct {
	rows              []hft.Event
	localRow, exchRow int
	nowNs             int64
	exchange          sim.Exchange
	link              *sim.Link
	local             depth.L2MarketDepth
	orders            map[uint64]*hft.Order
	state             sim.State
	countPartials     bool // the patched_p3 oracle
	log               hash.Hash64
	lines             int
	requests, nextID  uint64
	request           sim.Request
	report            sim.Report
}

func (r *replayed) write(kind string, o *hft.Order) {
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	maker := 0
	if o.Maker {
		maker = 1
	}
	fmt.Fprintf(r.log, "%s,%d,0,%d,%d,%d,%d,%d,%s,%s,%d,%s,%d,%d,%d,%d,%d\n", kind, r.nowNs, o.OrderID, o.Side, o.OrdType, o.TimeInForce,
		o.PriceTick, number(o.Qty), number(o.LeavesQty), o.ExecPriceTick, number(o.ExecQty), o.Status, o.Req, maker, o.ExchTimestampNs, o.LocalTimestampNs)
	r.lines++
}

// skip moves a cursor to the next row with a flag.
func (r *replayed) skip(row int, flag uint64) int {
	for row < len(r.rows) && r.rows[row].Ev&flag == 0 {
		row++
	}
	return row
}

// advance handles everything up to untilNs, or up to the response of waitID. It reports whether there is more.
func (r *replayed) advance(untilNs int64, waitID uint64) bool {
	for {
		r.localRow, r.exchRow = r.skip(r.localRow, hft.LocalEvent), r.skip(r.exchRow, hft.ExchEvent)
		slots := [4]int64{sim.NeverNs, r.link.ToLocal.NextNs(), sim.NeverNs, r.link.ToExchange.NextNs()}
		if r.localRow < len(r.rows) {
			slots[0] = r.rows[r.localRow].LocalTimestampNs
		}
		if r.exchRow < len(r.rows) {
			slots[2] = r.rows[r.exchRow].ExchTimestampNs
		}
		next := 0
		for k, at := range slots {
			if at < slots[next] {
				next = k
			}
		}
		at := slots[next]
		if at == sim.NeverNs {
			return false
		}
		if at > untilNs {
			r.nowNs = untilNs
			return true
		}
		switch next {
		case 0:
			depth.Apply(r.local, &r.rows[r.localRow])
			r.localRow++
		case 1:
			before := r.nowNs
			r.nowNs = at // the time of the lines that are written
			for r.link.ToLocal.Receive(at, &r.report) {
				r.respond(&r.report.Order)
				if r.report.Order.OrderID == waitID {
					untilNs = at
				}
			}
			r.nowNs = before
		case 2:
			r.exchange.OnEvent(at, &r.rows[r.exchRow])
			r.exchRow++
		default:
			for r.link.ToExchange.Receive(at, &r.request) {
				r.exchange.OnRequest(at, &r.request)
			}
		}
	}
}

// respond applies a response to the local side.
func (r *replayed) respond(o *hft.Order) {
	if o.Status == hft.StatusFilled && o.Req != hft.StatusRejected || o.Status == hft.StatusPartiallyFilled && r.countPartials {
		r.state.ApplyFill(o)
	}
	local := r.orders[o.OrderID]
	if o.Req != hft.StatusRejected {
		r.write("R", o)
		if local == nil {
			local = &hft.Order{}
			r.orders[o.OrderID] = local
		}
		local.Update(o)
		return
	}
	if local == nil {
		return
	}
	r.write("R", o)
	if o.LocalTimestampNs == local.LocalTimestampNs {
		if local.Req == hft.StatusNew {
			local.Status = hft.StatusExpired
		}
		local.Req = hft.StatusNone
	}
}

func (r *replayed) send(kind string, o *hft.Order, req hft.Status) {
	o.Req, o.LocalTimestampNs = req, r.nowNs
	r.requests++
	r.write(kind, o)
	r.link.Send(r.nowNs, &sim.Request{Owner: 1, Order: *o})
}

func (r *replayed) submit(side hft.Side, tick int64, qty float64, ordType hft.OrdType, tif hft.TimeInForce) uint64 {
	r.nextID++
	tick = hft.PriceTick(float64(tick)*depthtest.BTCTickSize, depthtest.BTCTickSize)
	o := hft.NewOrder(r.nextID, tick, depthtest.BTCTickSize, qty, side, ordType, tif)
	r.orders[r.nextID] = &o
	r.send("S", &o, hft.StatusNew)
	return r.nextID
}

func (r *replayed) clearInactive() {
	maps.DeleteFunc(r.orders, func(_ uint64, o *hft.Order) bool {
		return o.Status == hft.StatusExpired || o.Status == hft.StatusFilled || o.Status == hft.StatusCanceled
	})
}

// quote is one step of the strategies quote and modify.
func (r *replayed) quote(step int, offset int64, qty float64, modify bool) {
	r.clearInactive()
	bid, ask := r.local.BestBidTick(), r.local.BestAskTick()
	if bid == hft.InvalidMin || ask == hft.InvalidMax {
		return
	}
	position, limit := math.Round(r.state.Values.Position/depthtest.BTCLotSize), math.Round(5*qty/depthtest.BTCLotSize)
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		target, allowed := bid+offset, position < limit
		if side == hft.Sell {
			target, allowed = ask-offset, position > -limit
		}
		var own []*hft.Order
		for _, id := range slices.Sorted(maps.Keys(r.orders)) {
			if o := r.orders[id]; o.Side == side {
				own = append(own, o)
			}
		}
		for _, o := range own {
			switch {
			case !o.Cancellable():
			case !allowed || !modify && o.PriceTick != target:
				r.send("C", o, hft.StatusCanceled)
			case modify && (o.PriceTick != target || step%7 == 0):
				o.PriceTick, o.Qty = target, qty*[]float64{1, 0.5, 2}[step%3]
				r.send("M", o, hft.StatusReplaced)
			}
		}
		if len(own) == 0 && allowed {
			r.submit(side, target, qty, hft.Limit, hft.GTX)
		}
	}
}

// take is one step of the strategy taker. It reports whether there is more data.
func (r *replayed) take(step int, qty float64) bool {
	r.clearInactive()
	bid, ask := r.local.BestBidTick(), r.local.BestAskTick()
	if bid == hft.InvalidMin || ask == hft.InvalidMax {
		return true
	}
	k := step % 8
	side, touch := hft.Buy, ask
	if k >= 4 {
		side, touch = hft.Sell, bid
	}
	var id uint64
	switch k % 4 {
	case 0:
		id = r.submit(side, touch+5*int64(side), qty, hft.Limit, hft.GTC)
	case 1:
		id = r.submit(side, touch, qty, hft.Limit, hft.IOC)
	case 2:
		id = r.submit(side, touch+2*int64(side), qty, hft.Limit, hft.FOK)
	default:
		id = r.submit(side, touch, qty, hft.Market, hft.GTC)
	}
	return r.advance(sim.NeverNs-1, id)
}

// newReplayed sets up the run of one line of the reference's summary, by column name.
func newReplayed(t *testing.T, rows []hft.Event, column func(string) string) *replayed {
	t.Helper()
	millis := map[string][2]time.Duration{"c0": {0, 0}, "c1": {1, 1}, "c10_20": {10, 20}, "cneg": {-5, 1}}[column("latency")]
	latency, err := sim.NewConstantLatency(millis[0]*time.Millisecond, millis[1]*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	probability := map[string]sim.Probability{"pow": sim.PowerProbability{N: 3}, "pow2": sim.PowerProbability2{N: 3}, "pow3": sim.PowerProbability3{N: 3},
		"pow0.7": sim.PowerProbability{N: 0.7}, "log": sim.LogProbability{}, "log2": sim.LogProbability2{}}[column("queue")]
	var queue sim.QueueModel = sim.ProbabilityQueue{Probability: probability}
	if column("queue") == "risk" {
		queue = sim.RiskAdverseQueue{}
	}
	newBook := func() depth.L2MarketDepth {
		book, err := depth.NewCompat("hashmap", depthtest.BTCTickSize, depthtest.BTCLotSize, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return book
	}
	fee := sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}
	r := &replayed{rows: rows, link: sim.NewLink(latency, latency), local: newBook(), orders: map[uint64]*hft.Order{},
		state: sim.NewState(sim.LinearAsset(1), fee), log: fnv.New64a()}
	cfg := sim.Config{Book: newBook(), Queue: queue, Asset: sim.LinearAsset(1), Fee: fee, Responder: r.link, Compat: sim.Hftbacktest}
	exchange, err := sim.NewNoPartialFill(cfg)
	if column("exchange") == "partial" {
		exchange, err = sim.NewPartialFill(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.exchange = exchange
	r.nowNs = min(rows[r.skip(0, hft.LocalEvent)].LocalTimestampNs, rows[r.skip(0, hft.ExchEvent)].ExchTimestampNs)
	return r
}

func (r *replayed) run(strategy string, offset int64, qty float64) {
	interval := int64(100 * time.Millisecond)
	if strategy == "taker" {
		interval = int64(500 * time.Millisecond)
	}
	for step := 1; r.advance(r.nowNs+interval, 0); step++ {
		if strategy == "taker" {
			if !r.take(step, qty) {
				return
			}
			continue
		}
		r.quote(step, offset, qty, strategy == "modify")
	}
}

// The order logs of runs over the recorded day equal the reference's, byte for byte. HFTRUNNER_LONG=1 runs all that
// this package has the parts for.
func TestOrderLogsEqualReference(t *testing.T) {
	rows := depthtest.RecordedBTC(t).Events
	quick := []string{"r001", "r115", "r198", "r226"}
	for _, name := range []string{"summary.patched.csv", "summary.patched_p3.csv"} {
		records, err := csv.NewReader(bytes.NewReader(depthtest.Golden(t, name))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		ran := 0
		for _, record := range records[1:] {
			column := func(name string) string { return record[slices.Index(records[0], name)] }
			constant := slices.Contains([]string{"c0", "c1", "c10_20", "cneg"}, column("latency"))
			strategy := column("strategy")
			if !constant || strategy == "grid" || strategy == "wait" || column("depth") != "hash" || column("fee") != "value" || column("asset") != "lin1" ||
				column("feed_latency_offset") != "0" || column("symbols") != "btc" || column("data_files") != "1" {
				continue
			}
			if os.Getenv("HFTRUNNER_LONG") == "" && !slices.Contains(quick, column("run")) {
				continue
			}
			ran++
			t.Run(fmt.Sprintf("%s/%s", name, column("run")), func(t *testing.T) {
				r := newReplayed(t, rows, column)
				r.countPartials = name == "summary.patched_p3.csv"
				offset, err1 := strconv.ParseInt(column("offset"), 10, 64)
				qty, err2 := strconv.ParseFloat(column("qty"), 64)
				if err1 != nil || err2 != nil {
					t.Fatal(err1, err2)
				}
				r.run(strategy, offset, qty)
				got := fmt.Sprintf("%d requests, %d lines, log %016x", r.requests, r.lines, r.log.Sum64())
				want := fmt.Sprintf("%s requests, %s lines, log %s", column("requests"), column("order_log_lines"), column("order_log_fnv"))
				if got != want {
					t.Errorf("%s %s %s %s:\n got %s\nwant %s", strategy, column("exchange"), column("queue"), column("latency"), got, want)
				}
			})
		}
		t.Logf("%s: %d runs", name, ran)
		if ran == 0 {
			t.Error("no run was compared")
		}
	}
}
