package exchange_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// ledger holds an exchange to what its reports say.
type ledger struct {
	w      *world
	orders map[[2]uint64]*account
	sums   hft.StateValues
}

// account is what is known of one order from requests and reports alone.
type account struct {
	side              hft.Side
	qty, executed     float64 // since the last modification
	open              bool
	finals            int
	lastTimestampNs   int64
	limitTick         int64
	modifyQty         float64 // of the request under way
	market, submitted bool
}

func (l *ledger) failf(format string, args ...any) {
	l.w.t.Helper()
	l.w.t.Fatalf("after %d steps: %s", l.w.nowNs, fmt.Sprintf(format, args...))
}

// check takes the reports of one call. answers is how many requests the call made: 0 or 1.
func (l *ledger) check(request *exchange.Request) {
	reports := l.w.recorder.take()
	if request != nil && len(reports) == 0 {
		l.failf("request %+v was not answered", request)
	}
	if request != nil && reports[len(reports)-1].Order.OrderID != request.Order.OrderID {
		l.failf("request about %d was answered about %d", request.Order.OrderID, reports[len(reports)-1].Order.OrderID)
	}
	var previous *exchange.Report
	for i := range reports {
		r := &reports[i]
		if request == nil && !r.Fill {
			l.failf("an event gave the report %+v", r)
		}
		l.one(r, request)
		if request == nil && previous != nil && previous.Order.Side == r.Order.Side &&
			(previous.Order.PriceTick-r.Order.PriceTick)*int64(r.Order.Side) < 0 {
			l.failf("%d@%d filled before the better %d@%d", previous.Order.OrderID, previous.Order.PriceTick,
				r.Order.OrderID, r.Order.PriceTick)
		}
		previous = r
	}
	if got := l.w.exchange.State(); !sameState(got, l.sums) {
		l.failf("state is %+v, executions add up to %+v", got, l.sums)
	}
	open := 0
	for key, a := range l.orders {
		o, resting := l.w.exchange.Order(key[0], key[1])
		if resting != a.open {
			l.failf("order %v rests: %v, its reports say %v", key, resting, a.open)
		}
		if !resting {
			continue
		}
		open++
		if math.Abs(o.LeavesQty+a.executed-a.qty) > 1e-9 || o.PriceTick != a.limitTick {
			l.failf("order %v leaves %v at %d, executed %v of %v at %d", key, o.LeavesQty, o.PriceTick, a.executed,
				a.qty, a.limitTick)
		}
	}
	if open != l.w.exchange.NumOrders() {
		l.failf("%d orders are open, the exchange holds %d", open, l.w.exchange.NumOrders())
	}
}

// one takes one report.
func (l *ledger) one(r *exchange.Report, request *exchange.Request) {
	key := [2]uint64{r.Owner, r.Order.OrderID}
	o := &r.Order
	a := l.orders[key]
	if r.Reject != sim.NotRejected {
		if o.Req != hft.StatusRejected || r.Fill {
			l.failf("refusal %+v", r)
		}
		return
	}
	if a == nil || !a.open && !a.submitted {
		if request == nil || request.Order.Req != hft.StatusNew {
			l.failf("report %+v about an order that is not open", r)
		}
	}
	if request != nil && request.Order.Req == hft.StatusNew && (a == nil || !a.submitted) {
		a = &account{side: o.Side, qty: request.Order.Qty, submitted: true, limitTick: request.Order.PriceTick,
			market: request.Order.OrdType == hft.Market}
		l.orders[key] = a
	}
	if request != nil && request.Order.Req == hft.StatusReplaced && a.modifyQty == 0 {
		a.qty, a.executed, a.limitTick, a.modifyQty = request.Order.Qty, 0, request.Order.PriceTick, 1
	}
	if o.ExchTimestampNs < a.lastTimestampNs || o.Req != hft.StatusNone {
		l.failf("report %+v after one of %d", r, a.lastTimestampNs)
	}
	a.lastTimestampNs = o.ExchTimestampNs
	if r.Fill {
		l.execution(r, a)
	}
	if math.Abs(o.LeavesQty+a.executed-a.qty) > 1e-9 {
		l.failf("leaves %v + executed %v is not %v: %+v", o.LeavesQty, a.executed, a.qty, r)
	}
	a.open = o.Active()
	if o.Final() {
		a.submitted = false
		if a.finals++; a.finals > 1 {
			l.failf("a second end of the order: %+v", r)
		}
	}
}

func (l *ledger) execution(r *exchange.Report, a *account) {
	o := &r.Order
	if o.ExecQty <= 0 || (o.Status == hft.StatusFilled) != (o.LeavesQty == 0) {
		l.failf("execution %+v", r)
	}
	if worse := (o.ExecPriceTick - a.limitTick) * int64(a.side); !a.market && worse > 0 {
		l.failf("executed %d ticks beyond the limit: %+v", worse, r)
	}
	a.executed += o.ExecQty
	value := o.ExecPrice() * o.ExecQty
	fee := 2 * value
	if o.Maker {
		fee = -0.5 * value
	}
	if math.Abs(value-r.FillValue) > 1e-9*math.Abs(value) || math.Abs(fee-r.FillFee) > 1e-9*math.Abs(fee) {
		l.failf("value %v fee %v, want %v and %v", r.FillValue, r.FillFee, value, fee)
	}
	l.sums.Position += o.ExecQty * float64(o.Side)
	l.sums.Balance -= value * float64(o.Side)
	l.sums.Fee += fee
	l.sums.NumTrades++
	l.sums.TradingVolume += o.ExecQty
	l.sums.TradingValue += value
	if math.Abs(r.Position-l.sums.Position) > 1e-6 {
		l.failf("position is %v, executions add up to %v", r.Position, l.sums.Position)
	}
}

func sameState(a, b hft.StateValues) bool {
	close := func(x, y float64) bool { return math.Abs(x-y) <= 1e-6*(1+math.Abs(x)) }
	return close(a.Position, b.Position) && close(a.Balance, b.Balance) && close(a.Fee, b.Fee) &&
		a.NumTrades == b.NumTrades && close(a.TradingVolume, b.TradingVolume) && close(a.TradingValue, b.TradingValue)
}

// decode makes an event or a request of five bytes. Requests are about 16 orders of two owners.
func decode(op []byte) (e *hft.Event, r *exchange.Request) {
	tick := int64(95 + op[1]%12)
	qty := float64(op[2]%9) * 0.5
	sideFlag, side := hft.BuyEvent, hft.Buy
	if op[3]&1 == 0 {
		sideFlag, side = hft.SellEvent, hft.Sell
	}
	kind := op[0] % 16
	switch kind {
	case 0, 1, 2, 3, 4:
		return &hft.Event{Ev: hft.DepthEvent | sideFlag, Px: float64(tick), Qty: qty}, nil
	case 5, 6, 7:
		return &hft.Event{Ev: hft.TradeEvent | sideFlag, Px: float64(tick), Qty: qty}, nil
	case 8:
		return &hft.Event{Ev: hft.DepthClearEvent | sideFlag, Px: float64(tick)}, nil
	}
	r = &exchange.Request{Owner: uint64(op[4] & 1), Order: hft.NewOrder(uint64(op[4]>>1)%8, tick, 1, qty, side,
		hft.Limit, hft.TimeInForce(op[3]>>1&3))}
	switch kind {
	case 9, 10, 11:
		r.Order.Req = hft.StatusNew
	case 12:
		r.Order.Req, r.Order.OrdType = hft.StatusNew, hft.Market
	case 13, 14:
		r.Order.Req = hft.StatusReplaced
	default:
		r.Order.Req = hft.StatusCanceled
	}
	return nil, r
}

// play drives an exchange with operations read from bytes, which come in fives, and checks it after each.
func play(t *testing.T, opt options, ops []byte) {
	l := &ledger{w: newWorld(t, opt), orders: map[[2]uint64]*account{}}
	for ; len(ops) >= 5; ops = ops[5:] {
		w := l.w
		w.nowNs++
		e, r := decode(ops)
		if e != nil {
			w.exchange.OnEvent(w.nowNs, e)
			l.check(nil)
			continue
		}
		key := [2]uint64{r.Owner, r.Order.OrderID}
		if a := l.orders[key]; a != nil {
			a.modifyQty = 0
			if !a.open {
				delete(l.orders, key) // the id is free again
			}
		}
		w.exchange.OnRequest(w.nowNs, r)
		l.check(r)
	}
}

// playReference drives an exchange of the reference's modes, where the reports do not tell everything, and checks what
// still holds: one answer to each request, executions only of open orders, and an end of the run only as published.
func playReference(t *testing.T, opt options, ops []byte) []exchange.Report {
	w := newWorld(t, opt)
	open := map[[2]uint64]bool{}
	var all []exchange.Report
	for ; len(ops) >= 5; ops = ops[5:] {
		w.nowNs++
		e, request := decode(ops)
		if e != nil {
			w.exchange.OnEvent(w.nowNs, e)
		} else {
			if o, ok := w.exchange.Order(request.Owner, request.Order.OrderID); ok &&
				request.Order.Req == hft.StatusReplaced {
				requested := request.Order
				request.Order = o
				request.Order.Req, request.Order.PriceTick, request.Order.Qty = requested.Req, requested.PriceTick,
					requested.Qty
			}
			w.exchange.OnRequest(w.nowNs, request)
		}
		reports := w.recorder.take()
		if err := w.exchange.Err(); err != nil {
			if opt.compat != sim.Stock {
				t.Fatalf("after %d steps: %v", w.nowNs, err)
			}
			for _, e := range []*hft.Event{{Ev: hft.SellEvent | hft.TradeEvent, Px: 1, Qty: 9},
				{Ev: hft.BuyEvent | hft.TradeEvent, Px: 999, Qty: 9}} {
				w.exchange.OnEvent(w.nowNs, e)
			}
			if after := w.recorder.take(); len(after) > 0 {
				t.Fatalf("after the end: %+v", after)
			}
			return all
		}
		if request != nil && len(reports) != 1 {
			t.Fatalf("after %d steps: request %+v has %d answers", w.nowNs, request, len(reports))
		}
		for i := range reports {
			r := &reports[i]
			key := [2]uint64{r.Owner, r.Order.OrderID}
			if r.Fill && (!open[key] || r.Order.ExecQty < 0 || r.Order.ExecQty == 0 && opt.compat != sim.Stock ||
				r.Cause == sim.CauseNone || r.Cause == sim.CauseTaker) {
				t.Fatalf("after %d steps: execution %+v, open before: %v", w.nowNs, r, open[key])
			}
			if r.Reject == sim.NotRejected {
				open[key] = r.Order.Active()
			}
		}
		all = append(all, reports...)
	}
	return all
}

// variants are the exchanges that the properties must hold for.
func variants() map[string]options {
	power := sim.ProbabilityQueue(sim.PowerProbability3(3))
	return map[string]options{
		"whole":         {lotSize: 0.5},
		"partial":       {lotSize: 0.5, partial: true},
		"whole power":   {lotSize: 0.5, queue: power},
		"partial power": {lotSize: 0.5, queue: power, partial: true},
		"whole sweep":   {lotSize: 0.5, sweep: true},
		"partial sweep": {lotSize: 0.5, queue: power, partial: true, sweep: true},
		"consume":       {lotSize: 0.5, partial: true, consume: true},
		"consume sweep": {lotSize: 0.5, queue: power, partial: true, consume: true, sweep: true},
	}
}

func TestProperties(t *testing.T) {
	for name, opt := range variants() {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			ops := make([]byte, 5*2000)
			for range 20 {
				for i := range ops {
					ops[i] = byte(random.Uint32())
				}
				play(t, opt, ops)
			}
		})
	}
}

// The reference's modes keep what they can, and the same calls give the same reports.
func TestReferenceProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	ops := make([]byte, 5*400)
	ended := 0
	for range 60 {
		for i := range ops {
			ops[i] = byte(random.Uint32())
		}
		for name, opt := range variants() {
			for _, compat := range []sim.Compat{sim.Hftbacktest, sim.Stock} {
				if opt.consume || opt.sweep {
					continue
				}
				opt.compat = compat
				once, again := playReference(t, opt, ops), playReference(t, opt, ops)
				if !slices.Equal(once, again) {
					t.Fatalf("%s, compat %d: the same calls gave other reports", name, compat)
				}
				if compat == sim.Stock && len(once) < 200 {
					ended++
				}
			}
		}
	}
	if ended == 0 {
		t.Error("no run ended as published: the test does not test it")
	}
}

func FuzzExchange(f *testing.F) {
	f.Add([]byte{0, 3, 4, 1, 0, 9, 3, 4, 1, 2, 5, 3, 8, 0, 0, 13, 5, 2, 1, 2, 15, 0, 0, 0, 2})
	f.Add([]byte{0, 8, 4, 0, 0, 9, 9, 8, 1, 2, 12, 0, 8, 1, 4, 8, 0, 0, 0, 0, 12, 0, 8, 1, 6})
	// as published: a Filled order that stayed is modified
	f.Add([]byte("000000100001000000000100000000000009#X0C700007#X10.000C000100"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		for _, opt := range variants() {
			play(t, opt, ops)
			if opt.consume || opt.sweep {
				continue
			}
			for _, opt.compat = range []sim.Compat{sim.Hftbacktest, sim.Stock} {
				playReference(t, opt, ops)
			}
		}
	})
}
