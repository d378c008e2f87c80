package exchange_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// recorder keeps the reports since it was last asked.
type recorder struct{ reports []exchange.Report }

func (r *recorder) Respond(_ int64, report *exchange.Report) { r.reports = append(r.reports, *report) }

func (r *recorder) take() []exchange.Report {
	out := r.reports
	r.reports = nil
	return out
}

// text shows a report as the scripts of this package's tests do: owner and id, status, remainder, execution, refusal.
func text(r exchange.Report) string {
	o := &r.Order
	name := strconv.FormatUint(o.OrderID, 10)
	if r.Owner != 1 {
		name = fmt.Sprintf("%d:%d", r.Owner, o.OrderID)
	}
	s := fmt.Sprintf("%s %s leaves %v", name, o.Status, o.LeavesQty)
	if r.Fill {
		liquidity := "taker"
		if o.Maker {
			liquidity = "maker"
		}
		s += fmt.Sprintf(" fill %v@%d %s", o.ExecQty, o.ExecPriceTick, liquidity)
	}
	if r.Reject != sim.NotRejected {
		s += fmt.Sprintf(" refused %d", r.Reject)
	}
	return s
}

// world is an exchange with tick and lot size 1 that a script drives.
type world struct {
	t        testing.TB
	exchange exchange.Exchange
	recorder *recorder
	nowNs    int64
}

// options of a world; the zero value is a fixed exchange without partial fills and a risk-adverse queue.
type options struct {
	partial bool
	compat  sim.Compat
	queue   sim.QueueModel
	lotSize float64
	max     int
	consume bool
	sweep   bool
}

func newWorld(t testing.TB, opt options) *world {
	t.Helper()
	if opt.queue == nil {
		opt.queue = sim.RiskAdverseQueue()
	}
	if opt.lotSize == 0 {
		opt.lotSize = 1
	}
	book, err := depth.New("hashmap", 1, opt.lotSize, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, recorder: &recorder{}}
	cfg := exchange.Config{AssetNo: 7, Book: book, Queue: opt.queue, Asset: sim.LinearAsset(1),
		Fee: sim.TradingValueFee{Maker: -0.5, Taker: 2}, Responder: w.recorder, Compat: opt.compat, MaxOrders: opt.max,
		ConsumeDepth: opt.consume, SweepFills: opt.sweep}
	w.exchange, err = exchange.NewNoPartialFill(cfg)
	if opt.partial {
		w.exchange, err = exchange.NewPartialFill(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// do runs one line: bid|ask|trade-buy|trade-sell PRICE QTY, clear [bid|ask PRICE], new ID SIDE PRICE QTY TIF,
// market ID SIDE QTY, modify ID PRICE QTY, cancel ID. ID may be OWNER:ID. For a feed by order, where ID is the feed's:
// add-bid|add-ask|change|fill-bid|fill-ask ID PRICE QTY, drop ID.
func (w *world) do(line string) {
	w.t.Helper()
	w.nowNs++
	f := strings.Fields(line)
	number := func(i int) float64 {
		x, err := strconv.ParseFloat(f[i], 64)
		if err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
		return x
	}
	event := func(ev uint64, px, qty float64) {
		w.exchange.OnEvent(w.nowNs, &hft.Event{Ev: ev, Px: px, Qty: qty})
	}
	switch f[0] {
	case "bid":
		event(hft.BuyEvent|hft.DepthEvent, number(1), number(2))
	case "ask":
		event(hft.SellEvent|hft.DepthEvent, number(1), number(2))
	case "trade-buy":
		event(hft.BuyEvent|hft.TradeEvent, number(1), number(2))
	case "trade-sell":
		event(hft.SellEvent|hft.TradeEvent, number(1), number(2))
	case "add-bid", "add-ask", "change", "fill-bid", "fill-ask", "drop":
		kinds := map[string]uint64{"add-bid": hft.BuyEvent | hft.AddOrderEvent,
			"add-ask": hft.SellEvent | hft.AddOrderEvent, "change": hft.ModifyOrderEvent,
			"fill-bid": hft.BuyEvent | hft.FillEvent, "fill-ask": hft.SellEvent | hft.FillEvent,
			"drop": hft.CancelOrderEvent}
		e := hft.Event{Ev: kinds[f[0]], OrderID: uint64(number(1))}
		if len(f) > 2 {
			e.Px, e.Qty = number(2), number(3)
		}
		w.exchange.OnEvent(w.nowNs, &e)
	case "clear":
		switch {
		case len(f) == 1:
			event(hft.DepthClearEvent, 0, 0)
		case f[1] == "bid":
			event(hft.BuyEvent|hft.DepthClearEvent, number(2), 0)
		default:
			event(hft.SellEvent|hft.DepthClearEvent, number(2), 0)
		}
	default:
		w.request(line, f, number)
	}
}

func (w *world) request(line string, f []string, number func(int) float64) {
	w.t.Helper()
	owner, id, found := strings.Cut(f[1], ":")
	if !found {
		owner, id = "1", f[1]
	}
	r := exchange.Request{Tag: 99}
	var err1, err2 error
	r.Owner, err1 = strconv.ParseUint(owner, 10, 64)
	r.Order.OrderID, err2 = strconv.ParseUint(id, 10, 64)
	if err1 != nil || err2 != nil {
		w.t.Fatalf("%s: bad id", line)
	}
	r.Order.LocalTimestampNs = w.nowNs - 1
	sides := map[string]hft.Side{"buy": hft.Buy, "sell": hft.Sell}
	tifs := map[string]hft.TimeInForce{"GTC": hft.GTC, "GTX": hft.GTX, "FOK": hft.FOK, "IOC": hft.IOC, "?": 9}
	switch f[0] {
	case "new":
		r.Order = hft.NewOrder(r.Order.OrderID, int64(number(3)), 1, number(4), sides[f[2]], hft.Limit, tifs[f[5]])
		r.Order.Req = hft.StatusNew
	case "market":
		r.Order = hft.NewOrder(r.Order.OrderID, 0, 1, number(3), sides[f[2]], hft.Market, hft.GTC)
		r.Order.Req = hft.StatusNew
	case "modify":
		if known, ok := w.exchange.Order(r.Owner, r.Order.OrderID); ok {
			requestedNs := r.Order.LocalTimestampNs
			r.Order = known
			r.Order.LocalTimestampNs = requestedNs
		}
		r.Order.PriceTick, r.Order.Qty, r.Order.Req = int64(number(2)), number(3), hft.StatusReplaced
		if len(f) > 4 { // what a bot of the reference would have as remainder
			r.Order.LeavesQty = number(4)
		}
	case "cancel":
		r.Order.Req = hft.StatusCanceled
	default:
		w.t.Fatalf("unknown line %q", line)
	}
	w.exchange.OnRequest(w.nowNs, &r)
}

// run runs a script of lines "COMMAND" or "COMMAND => REPORT; REPORT", where no reports are expected without "=>".
func (w *world) run(script string) {
	w.t.Helper()
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		command, want, _ := strings.Cut(line, "=>")
		w.do(command)
		var got []string
		for _, r := range w.recorder.take() {
			got = append(got, text(r))
		}
		if g := strings.Join(got, "; "); g != strings.TrimSpace(want) {
			w.t.Errorf("%s\n got %s\nwant %s", command, g, strings.TrimSpace(want))
		}
	}
}
