package sim_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"maps"
	"math"
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

const (
	l3TickSize, l3LotSize = 0.1, 1.0
	l3Qty                 = 2.0
)

// l3Events reads the reference's made-up L3 feed.
func l3Events(tb testing.TB) []hft.Event {
	tb.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(depthtest.Golden(tb, "l3.events.npy.gz")))
	if err != nil {
		tb.Fatal(err)
	}
	content, err := io.ReadAll(unzipped)
	if err != nil {
		tb.Fatal(err)
	}
	content = content[10+binary.LittleEndian.Uint16(content[8:]):]
	rows := make([]hft.Event, len(content)/64)
	for i := range rows {
		b := content[64*i:]
		word := func(n int) uint64 { return binary.LittleEndian.Uint64(b[8*n:]) }
		rows[i] = hft.Event{Ev: word(0), ExchTimestampNs: int64(word(1)), LocalTimestampNs: int64(word(2)),
			Px: math.Float64frombits(word(3)), Qty: math.Float64frombits(word(4)), OrderID: word(5)}
	}
	if got := depthtest.RowsSHA256(rows); got != "ed1067ab786bc65c024cfb8003e221a3765b3a42b04b0da2bd8426a020373072" {
		tb.Fatalf("the rows' hash is %s", got)
	}
	return rows
}

// l3Run is just enough of a backtest for the reference's L3 runs: one instrument, its local side, the loop and three
// strategies (the reference results' sections 3 and 4). Latency is constant, and every row is for both sides.
type l3Run struct {
	rows               []hft.Event
	localRow, exchRow  int
	nowNs              int64
	exchange           *sim.L3
	link               *sim.Link
	local              depth.L3MarketDepth
	orders             map[uint64]hft.Order
	state              sim.State
	trades             int
	orderLog, stateLog hash.Hash64
	lines              int
	requests, nextID   uint64
}

func newL3Run(tb testing.TB, rows []hft.Event, compat sim.Compat, entry, response time.Duration) *l3Run {
	tb.Helper()
	latency, err := sim.NewConstantLatency(entry, response)
	if err != nil {
		tb.Fatal(err)
	}
	newBook := func() depth.L3MarketDepth { return depth.NewHashMapMarketDepth(l3TickSize, l3LotSize, depth.Compat) }
	fee := sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}
	r := &l3Run{rows: rows, link: sim.NewLink(latency, latency), local: newBook(), orders: map[uint64]hft.Order{},
		state: sim.NewState(sim.LinearAsset(1), fee), orderLog: fnv.New64a(), stateLog: fnv.New64a()}
	r.exchange, err = sim.NewL3(sim.L3Config{Book: newBook(), Asset: sim.LinearAsset(1), Fee: fee, Responder: r.link, Compat: compat})
	if err != nil {
		tb.Fatal(err)
	}
	r.nowNs = min(rows[0].LocalTimestampNs, rows[0].ExchTimestampNs)
	return r
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func (r *l3Run) write(kind string, timestampNs int64, o hft.Order) {
	maker := 0
	if o.Maker {
		maker = 1
	}
	fmt.Fprintf(r.orderLog, "%s,%d,0,%d,%d,%d,%d,%d,%s,%s,%d,%s,%d,%d,%d,%d,%d\n", kind, timestampNs, o.OrderID, o.Side, o.OrdType, o.TimeInForce,
		o.PriceTick, number(o.Qty), number(o.LeavesQty), o.ExecPriceTick, number(o.ExecQty), o.Status, o.Req, maker, o.ExchTimestampNs, o.LocalTimestampNs)
	r.lines++
}

// record writes a line of state and forgets the trades.
func (r *l3Run) record() {
	s := &r.state.Values
	fmt.Fprintf(r.stateLog, "%d,0,%d,%d,%s,%s,%s,%s,%s,%s,%d,%s,%s,%d,%d\n", r.nowNs, r.local.BestBidTick(), r.local.BestAskTick(),
		number(r.local.BestBidQty()), number(r.local.BestAskQty()), number((r.local.BestBid()+r.local.BestAsk())/2),
		number(s.Position), number(s.Balance), number(s.Fee), s.NumTrades, number(s.TradingVolume), number(s.TradingValue), len(r.orders), r.trades)
	r.trades = 0
}

// advance handles everything up to untilNs, or up to the response about waitID. It reports whether there is more.
func (r *l3Run) advance(untilNs int64, waitID uint64) bool {
	for {
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
			r.feedLocal(&r.rows[r.localRow])
			r.localRow++
		case 1:
			if r.deliver(at, waitID) {
				untilNs = at
			}
		case 2:
			r.exchange.OnEvent(at, &r.rows[r.exchRow])
			r.exchRow++
		default:
			for request := (sim.Request{}); r.link.ToExchange.Receive(at, &request); {
				r.exchange.OnRequest(at, &request)
			}
		}
	}
}

func (r *l3Run) feedLocal(e *hft.Event) {
	switch {
	case e.Kind() == hft.DepthClearEvent:
		r.local.ClearOrders(e.Side())
	case e.Is(hft.BuyEvent | hft.AddOrderEvent):
		r.local.AddBuyOrder(e.OrderID, e.Px, e.Qty, e.LocalTimestampNs)
	case e.Is(hft.SellEvent | hft.AddOrderEvent):
		r.local.AddSellOrder(e.OrderID, e.Px, e.Qty, e.LocalTimestampNs)
	case e.Kind() == hft.ModifyOrderEvent:
		r.local.ModifyOrder(e.OrderID, e.Px, e.Qty, e.LocalTimestampNs)
	case e.Kind() == hft.CancelOrderEvent:
		r.local.DeleteOrder(e.OrderID, e.LocalTimestampNs)
	case e.Kind() == hft.TradeEvent:
		r.trades++
	}
}

// deliver applies the responses due at a time and writes what they changed. It reports whether waitID was among them.
func (r *l3Run) deliver(at int64, waitID uint64) (waited bool) {
	before := maps.Clone(r.orders)
	for report := (sim.Report{}); r.link.ToLocal.Receive(at, &report); {
		o := report.Order
		waited = waited || o.OrderID == waitID
		local, known := r.orders[o.OrderID]
		switch {
		case o.Req != hft.StatusRejected:
			if o.Status == hft.StatusFilled {
				r.state.ApplyFill(&o)
			}
			if !known {
				local = o
			}
			local.Update(&o)
			r.orders[o.OrderID] = local
		case known && o.LocalTimestampNs == local.LocalTimestampNs:
			if local.Req == hft.StatusNew {
				local.Status = hft.StatusExpired
			}
			local.Req = hft.StatusNone
			r.orders[o.OrderID] = local
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.orders)) {
		if o := r.orders[id]; o != before[id] {
			r.write("R", at, o)
		}
	}
	return waited
}

func (r *l3Run) send(kind string, o hft.Order, req hft.Status) {
	o.Req, o.LocalTimestampNs = req, r.nowNs
	r.orders[o.OrderID] = o
	r.requests++
	r.write(kind, r.nowNs, o)
	r.link.Send(r.nowNs, &sim.Request{Owner: 1, Order: o})
}

func (r *l3Run) submit(side hft.Side, tick int64, ordType hft.OrdType, tif hft.TimeInForce) {
	r.nextID++
	r.send("S", hft.NewOrder(r.nextID, tick, l3TickSize, l3Qty, side, ordType, tif), hft.StatusNew)
}

// quote is one step of the strategies quote and modify.
func (r *l3Run) quote(step int, offset int64, modify bool) {
	bid, ask := r.local.BestBidTick(), r.local.BestAskTick()
	position := math.Round(r.state.Values.Position / l3LotSize)
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		target, limit := bid+offset, position < 5*l3Qty
		if side == hft.Sell {
			target, limit = ask-offset, position > -5*l3Qty
		}
		own := slices.DeleteFunc(slices.Sorted(maps.Keys(r.orders)), func(id uint64) bool { return r.orders[id].Side != side })
		for _, id := range own {
			o := r.orders[id]
			switch {
			case !o.Cancellable():
			case !limit || !modify && o.PriceTick != target:
				r.send("C", o, hft.StatusCanceled)
			case modify && (o.PriceTick != target || step%7 == 0):
				o.PriceTick, o.Qty = target, l3Qty*[]float64{1, 0.5, 2}[step%3]
				r.send("M", o, hft.StatusReplaced)
			}
		}
		if len(own) == 0 && limit {
			r.submit(side, target, hft.Limit, hft.GTX)
		}
	}
}

// take is one step of the strategy taker. It reports whether there is more data.
func (r *l3Run) take(step int) bool {
	k := step % 8
	side, touch := hft.Buy, r.local.BestAskTick()
	if k >= 4 {
		side, touch = hft.Sell, r.local.BestBidTick()
	}
	switch k % 4 {
	case 0:
		r.submit(side, touch+5*int64(side), hft.Limit, hft.GTC)
	case 1:
		r.submit(side, touch, hft.Limit, hft.IOC)
	case 2:
		r.submit(side, touch+2*int64(side), hft.Limit, hft.FOK)
	default:
		r.submit(side, touch, hft.Market, hft.GTC)
	}
	return r.advance(sim.NeverNs-1, r.nextID)
}

func (r *l3Run) run(strategy string, offset int64) {
	interval, every := 100*time.Millisecond, 10
	if strategy == "taker" {
		interval, every = 500*time.Millisecond, 1
	}
	for step := 1; r.advance(r.nowNs+int64(interval), 0); step++ {
		if step%every == 0 {
			r.record()
		}
		maps.DeleteFunc(r.orders, func(_ uint64, o hft.Order) bool { return o.Final() })
		if r.local.BestBidTick() == hft.InvalidMin || r.local.BestAskTick() == hft.InvalidMax {
			continue
		}
		if strategy != "taker" {
			r.quote(step, offset, strategy == "modify")
		} else if !r.take(step) {
			break
		}
	}
	r.record()
}

// The order and state logs of the reference's L3 runs, byte for byte.
func TestL3LogsEqualReference(t *testing.T) {
	rows := l3Events(t)
	records, err := csv.NewReader(bytes.NewReader(depthtest.Golden(t, "l3.summary.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 19 {
		t.Fatalf("%d lines, want 18 runs", len(records)-1)
	}
	for _, record := range records[1:] {
		column := func(name string) string { return record[slices.Index(records[0], name)] }
		t.Run(column("run"), func(t *testing.T) {
			entryNs, err1 := strconv.ParseInt(column("latency_entry"), 10, 64)
			responseNs, err2 := strconv.ParseInt(column("latency_resp"), 10, 64)
			offset, err3 := strconv.ParseInt(column("offset"), 10, 64)
			if err := cmp.Or(err1, err2, err3); err != nil {
				t.Fatal(err)
			}
			r := newL3Run(t, rows, sim.Hftbacktest, time.Duration(entryNs), time.Duration(responseNs))
			r.run(column("strategy"), offset)
			s := r.state.Values
			final := strings.Join([]string{number(s.Position), number(s.Balance), number(s.Fee), strconv.FormatInt(s.NumTrades, 10),
				number(s.TradingVolume), number(s.TradingValue)}, "|")
			got := fmt.Sprintf("end %d, %d requests, %d lines, orders %016x, state %016x, %s", r.nowNs, r.requests, r.lines,
				r.orderLog.Sum64(), r.stateLog.Sum64(), final)
			want := fmt.Sprintf("end %s, %s requests, %s lines, orders %s, state %s, %s", column("end_ts"), column("requests"), column("lines"),
				column("order_log_fnv"), column("state_fnv"), column("final_state"))
			if got != want || r.exchange.Err() != nil {
				t.Errorf("error %v\n got %s\nwant %s", r.exchange.Err(), got, want)
			}
		})
	}
}
