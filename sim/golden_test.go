package sim_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
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
	prevTick          int64 // of the modified order
	prevQty           float64
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

// finalState shows the local state as the reference's summary does.
func (r *replayed) finalState() string {
	v := &r.state.Values
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	return strings.Join([]string{number(v.Position), number(v.Balance), number(v.Fee), strconv.FormatInt(v.NumTrades, 10),
		number(v.TradingVolume), number(v.TradingValue)}, "|")
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
		if r.exchange.Err() != nil {
			return false
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
	r.link.Send(r.nowNs, &sim.Request{Owner: 1, Order: *o, PrevPriceTick: r.prevTick, PrevQty: r.prevQty})
}

func (r *replayed) submit(side hft.Side, tick int64, qty float64, ordType hft.OrdType, tif hft.TimeInForce) uint64 {
	r.nextID++
	r.submitAs(r.nextID, side, tick, qty, ordType, tif)
	return r.nextID
}

func (r *replayed) submitAs(id uint64, side hft.Side, tick int64, qty float64, ordType hft.OrdType, tif hft.TimeInForce) {
	tick = hft.PriceTick(float64(tick)*depthtest.BTCTickSize, depthtest.BTCTickSize)
	o := hft.NewOrder(id, tick, depthtest.BTCTickSize, qty, side, ordType, tif)
	r.orders[id] = &o
	r.send("S", &o, hft.StatusNew)
}

// own returns the local orders of a side, ascending by id.
func (r *replayed) own(side hft.Side) (own []*hft.Order) {
	for _, id := range slices.Sorted(maps.Keys(r.orders)) {
		if o := r.orders[id]; o.Side == side {
			own = append(own, o)
		}
	}
	return own
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
		own := r.own(side)
		for _, o := range own {
			switch {
			case !o.Cancellable():
			case !allowed || !modify && o.PriceTick != target:
				r.send("C", o, hft.StatusCanceled)
			case modify && (o.PriceTick != target || step%7 == 0):
				r.prevTick, r.prevQty = o.PriceTick, o.Qty
				o.PriceTick, o.Qty = target, qty*[]float64{1, 0.5, 2}[step%3]
				r.send("M", o, hft.StatusReplaced)
			}
		}
		if len(own) == 0 && allowed {
			r.submit(side, target, qty, hft.Limit, hft.GTX)
		}
	}
}

// grid is one step of the strategy grid.
func (r *replayed) grid(qty float64) {
	r.clearInactive()
	bid, ask := r.local.BestBidTick(), r.local.BestAskTick()
	if bid == hft.InvalidMin || ask == hft.InvalidMax {
		return
	}
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		touch, base := bid, int64(0)
		if side == hft.Sell {
			touch, base = ask, 10_000_000
		}
		var wanted []int64
		for j := range int64(5) {
			wanted = append(wanted, touch-3*j*int64(side))
		}
		known := map[uint64]bool{}
		for _, o := range r.own(side) {
			known[o.OrderID] = true
			if o.Cancellable() && !slices.Contains(wanted, o.PriceTick) {
				r.send("C", o, hft.StatusCanceled)
			}
		}
		for _, tick := range wanted {
			if id := uint64(tick + base); !known[id] {
				r.submitAs(id, side, tick, qty, hft.Limit, hft.GTX)
			}
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

// newLatency returns a latency model by its name in the reference's summary.
func newLatency(t *testing.T, rows []hft.Event, name string) sim.LatencyModel {
	t.Helper()
	if strings.HasPrefix(name, "intp") {
		offset := time.Duration(0)
		if name == "intpoff" {
			offset = 3 * time.Millisecond
		}
		return newInterpolated(t, recordedLatency(rows, name == "intprej"), offset, sim.Hftbacktest)
	}
	millis := map[string][2]time.Duration{"c0": {0, 0}, "c1": {1, 1}, "c10_20": {10, 20}, "cneg": {-5, 1}}[name]
	latency, err := sim.NewConstantLatency(millis[0]*time.Millisecond, millis[1]*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return latency
}

// newReplayed sets up the run of one line of the reference's summary, by column name.
func newReplayed(t *testing.T, rows []hft.Event, compat sim.Compat, column func(string) string) *replayed {
	t.Helper()
	probability := map[string]sim.Probability{"pow": sim.PowerProbability{N: 3}, "pow2": sim.PowerProbability2{N: 3}, "pow3": sim.PowerProbability3{N: 3},
		"pow0.7": sim.PowerProbability{N: 0.7}, "log": sim.LogProbability{}, "log2": sim.LogProbability2{}}[column("queue")]
	var queue sim.QueueModel = sim.ProbabilityQueue{Probability: probability}
	if column("queue") == "risk" {
		queue = sim.RiskAdverseQueue{}
	}
	newBook := func() depth.L2MarketDepth {
		kind := strings.Replace(column("depth"), "hash", "hashmap", 1)
		book, err := depth.NewCompat(kind, depthtest.BTCTickSize, depthtest.BTCLotSize, 60000, 64000)
		if err != nil {
			t.Fatal(err)
		}
		return book
	}
	value := sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}
	fee := map[string]sim.FeeModel{"value": value, "dir": sim.DirectionalTradingValueFee{Maker: value.Maker, Taker: value.Taker, Buyer: 0.0001, Seller: 0.0002},
		"qty": sim.TradingQtyFee(value), "flat": sim.FlatPerTradeFee(value)}[column("fee")]
	asset := map[string]sim.AssetType{"lin1": sim.LinearAsset(1), "inv100": sim.InverseAsset(100)}[column("asset")]
	r := &replayed{rows: rows, link: sim.NewLink(newLatency(t, rows, column("latency")), newLatency(t, rows, column("latency"))),
		local: newBook(), orders: map[uint64]*hft.Order{}, state: sim.NewState(asset, fee), log: fnv.New64a()}
	cfg := sim.Config{Book: newBook(), Queue: queue, Asset: asset, Fee: fee, Responder: r.link, Compat: compat}
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
		if strategy == "grid" {
			r.grid(qty)
			continue
		}
		r.quote(step, offset, qty, strategy == "modify")
	}
}

// The order logs of runs over the recorded day equal the reference's, byte for byte. HFTRUNNER_LONG=1 runs all that
// this package has the parts for.
func TestOrderLogsEqualReference(t *testing.T) {
	rows := depthtest.RecordedBTC(t).Events
	quick := []string{"r001", "r115", "r154", "r198", "r214", "r226"}
	for _, name := range []string{"summary.patched.csv", "summary.patched_p3.csv", "summary.stock.csv"} {
		records, err := csv.NewReader(bytes.NewReader(depthtest.Golden(t, name))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		ran := 0
		for _, record := range records[1:] {
			column := func(name string) string { return record[slices.Index(records[0], name)] }
			strategy, compat := column("strategy"), sim.Hftbacktest
			if strategy == "wait" || column("feed_latency_offset") != "0" || column("symbols") != "btc" || column("data_files") != "1" {
				continue
			}
			if name == "summary.stock.csv" {
				compat = sim.Stock
				if strategy == "grid" {
					continue // the published build visits orders in random order
				}
			}
			if os.Getenv("HFTRUNNER_LONG") == "" && !slices.Contains(quick, column("run")) {
				continue
			}
			ran++
			t.Run(fmt.Sprintf("%s/%s", name, column("run")), func(t *testing.T) {
				r := newReplayed(t, rows, compat, column)
				r.countPartials = name == "summary.patched_p3.csv"
				offset, err1 := strconv.ParseInt(column("offset"), 10, 64)
				qty, err2 := strconv.ParseFloat(column("qty"), 64)
				if err1 != nil || err2 != nil {
					t.Fatal(err1, err2)
				}
				r.run(strategy, offset, qty)
				got := fmt.Sprintf("%d requests, %d lines, log %016x, %s", r.requests, r.lines, r.log.Sum64(), r.finalState())
				want := fmt.Sprintf("%s requests, %s lines, log %s, %s", column("requests"), column("order_log_lines"), column("order_log_fnv"),
					column("final_state(position|balance|fee|num_trades|volume|value)"))
				if died := strings.HasPrefix(column("result"), "ERR"); died != (r.exchange.Err() != nil) || died && !errors.Is(r.exchange.Err(), hft.ErrInvalidOrderStatus) {
					t.Errorf("the reference ends with %s, the exchange with %v", column("result"), r.exchange.Err())
				}
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
