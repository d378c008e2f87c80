package parity_test

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

func scripts() []script {
	return slices.Concat(requestScripts(), orderScripts(), executionScripts(), restingScripts(), waitScripts(),
		instantScripts(), endScripts(), callbackScripts(), misuseScripts(), afterwardsScripts(),
		limitScripts())
}

// quiet is a market that opens and then says something far from the touch every 10 ms until 100 ms.
func quiet(extra ...message) []message {
	all := append([]message{opening()}, extra...)
	for i := 1; i <= 10; i++ {
		all = append(all, heartbeat(time.Duration(i)*10*ms, float64(i)))
	}
	slices.SortStableFunc(all, func(a, b message) int { return int(a.at - b.at) })
	return all
}

// slow is a market whose answers take 1 ms there and 2 ms back.
func slow(extra ...message) market {
	return market{messages: quiet(extra...), entry: ms, response: 2 * ms, lastTrades: 3}
}

func requestScripts() []script {
	return []script{
		{name: "submit accepted", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTX, true)
			p.sell(2, 100.5, 0.25, hft.GTC, false)
			p.waitOrder(0, 2, 10*ms)
			p.elapse(5 * ms)
		}, contains: []string{"4ms buy 1 0.5@99.5 GTX wait true = OrderResponse", "order 1ms 2ms 4ms", "New req None",
			"4ms sell 2 0.25@100.5 GTC wait false = Ok", "None req New", "7ms wait order 0 2 10ms = OrderResponse"}},
		{name: "the answer is slower than the timeout", market: market{messages: quiet(), entry: 5 * ms,
			response: 5 * ms, timeout: 4 * ms}, run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTX, true)
			p.cancel(1, true) // still in flight
			p.waitOrder(0, 1, 2*ms)
			p.waitOrder(0, 1, 20*ms)
			p.cancel(1, true)
			p.elapse(20 * ms)
			p.waitOrder(0, 1, ms)
		}, contains: []string{"5ms buy 1 0.5@99.5 GTX wait true = Ok", "None req New",
			"cancel 1 wait true = Ok an order request is in process", "7ms wait order 0 1 2ms = Ok",
			"11ms wait order 0 1 20ms = OrderResponse", "15ms cancel 1 wait true = Ok", "35ms elapse 20ms = Ok",
			"Canceled req None", "35ms wait order 0 1 1ms = OrderResponse"}},
		{name: "refused at once", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTC, true)
			p.buy(1, 99.4, 0.5, hft.GTC, true) // the id is taken
			invalidRequests(p)
			p.cancel(9, true)
			p.modify(9, 99, 1, true)
			p.modify(1, math.NaN(), 1, true)
			p.modify(1, 99, 0, true)
			p.modify(1, 99, 0.0005, true)
			p.elapse(ms)
		}, contains: []string{"wait true = Ok order id already exists", "cancel 9 wait true = Ok order not found",
			"modify 9 1@99 wait true = Ok order not found", "modify 1 1@NaN wait true = Ok invalid order request",
			"modify 1 0@99 wait true = Ok invalid order request",
			"modify 1 0.0005@99 wait true = Ok invalid order request"}},
		{name: "before the first message is processed", market: slow(), run: func(p *player) {
			p.look()
			p.cancel(1, false)
			p.buy(1, 99.5, 0.5, hft.GTC, false)
			p.market(hft.Buy, 2, 1, false)
			p.waitOrder(0, 1, 10*ms)
			p.waitOrder(0, 2, 10*ms)
		}, contains: []string{"asset 0: 0@-9223372036854775808 0@9223372036854775807",
			"0s cancel 1 wait false = Ok order not found", "3ms wait order 0 1 10ms = OrderResponse",
			"3ms wait order 0 2 10ms = OrderResponse"}},
		{name: "requests while another is in flight", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTC, false)
			p.modify(1, 99.4, 0.5, false)
			p.elapse(10 * ms)
			p.modify(1, 99.4, 0.25, false)
			p.modify(1, 99.3, 0.25, false)
			p.cancel(1, true)
			p.elapse(10 * ms)
			p.cancel(1, false)
			p.cancel(1, false)
			p.elapse(10 * ms)
			p.cancel(1, true)
			p.modify(1, 99.3, 0.25, true)
		}, contains: []string{"modify 1 0.5@99.4 wait false = Ok an order request is in process",
			"cancel 1 wait true = Ok an order request is in process",
			"cancel 1 wait false = Ok an order request is in process", "cancel 1 wait true = Ok invalid order status",
			"modify 1 0.25@99.3 wait true = Ok invalid order status"}},
	}
}

// invalidRequests makes every kind of submission that is refused before anything is sent.
func invalidRequests(p *player) {
	good := hft.OrderRequest{OrderID: 2, Price: 99, Qty: 1, Side: hft.Buy}
	for _, change := range []func(q *hft.OrderRequest){
		func(q *hft.OrderRequest) { q.Price = math.NaN() },
		func(q *hft.OrderRequest) { q.Price = math.Inf(1) },
		func(q *hft.OrderRequest) { q.Price = 0 },
		func(q *hft.OrderRequest) { q.Price = -1 },
		func(q *hft.OrderRequest) { q.Price = 0.04 },
		func(q *hft.OrderRequest) { q.Qty = math.NaN() },
		func(q *hft.OrderRequest) { q.Qty = math.Inf(1) },
		func(q *hft.OrderRequest) { q.Qty = 0 },
		func(q *hft.OrderRequest) { q.Qty = -1 },
		func(q *hft.OrderRequest) { q.Qty = 0.0004 },
		func(q *hft.OrderRequest) { q.Qty = 0.0015 },
		func(q *hft.OrderRequest) { q.Side = hft.SideNone },
		func(q *hft.OrderRequest) { q.Side = 3 },
		func(q *hft.OrderRequest) { q.OrdType = hft.OrdTypeUnsupported },
		func(q *hft.OrderRequest) { q.TimeInForce = hft.TimeInForceUnsupported },
	} {
		q := good
		change(&q)
		p.submit(0, q, true)
		if last := len(p.lines) - 1; !slices.ContainsFunc(p.lines[max(0, last-5):], func(l string) bool {
			return len(l) > 22 && l[len(l)-22:] == " invalid order request"
		}) {
			p.tb.Errorf("%+v is not refused: %q", q, p.lines[last])
		}
	}
}

func orderScripts() []script {
	fill := at(25*ms, sold(99.4, 5)) // through a buy order at 99.5
	return []script{
		{name: "cancel", market: slow(fill), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTC, true)
			p.cancel(1, true)
			p.cancel(1, true) // canceled
			p.buy(2, 99.5, 0.5, hft.GTC, true)
			p.elapse(25 * ms)
			p.elapse(2 * ms)
			p.cancel(2, true) // filled
			p.modify(2, 99, 0.5, true)
			p.clearOrders(0)
			p.cancel(2, true) // forgotten
			p.buy(2, 99.5, 0.5, hft.GTC, true)
			p.clearOrders(hft.AllAssets)
		}, contains: []string{"cancel 1 wait true = OrderResponse", "Canceled req None",
			"cancel 1 wait true = Ok invalid order status", "Filled req None leaves 0 executed 0.5@995 maker true",
			"cancel 2 wait true = Ok invalid order status", "cancel 2 wait true = Ok order not found",
			"buy 2 0.5@99.5 GTC wait true = OrderResponse", "clear orders of -1", "order 2:"}},
		{name: "a cancel loses the race against a fill", market: slow(fill), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTC, true)
			p.elapse(20*ms + 500*us)
			p.cancel(1, true) // reaches the exchange at 25.5 ms, the fill was at 25
			p.look()
			p.waitOrder(0, 1, 10*ms)
			p.elapse(10 * ms)
		}, contains: []string{"cancel 1 wait true = OrderResponse", "Filled req None"}},
		{name: "a modification loses the race against a fill", market: slow(fill), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTC, true)
			p.elapse(20*ms + 500*us)
			p.modify(1, 99.2, 0.25, true)
			p.elapse(10 * ms)
		}, contains: []string{"modify 1 0.25@99.2 wait true = OrderResponse", "0.5@995 Filled req None"}},
		{name: "modify", market: slow(fill), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.3, 0.5, hft.GTC, true)
			p.modify(1, 99.3, 0.25, true) // keeps its place
			p.modify(1, 99.3, 0.75, true)
			p.modify(1, 99.6, 1, false)
			p.elapse(ms)
			p.elapse(5 * ms)
			p.elapse(20 * ms)
		}, contains: []string{"modify 1 0.25@99.3 wait true = OrderResponse", "leaves 0.25",
			"modify 1 0.75@99.3 wait true = OrderResponse", "leaves 0.75", "1@996 New req Replaced",
			"1@996 New req None leaves 1", "Filled req None leaves 0 executed 1@996"}},
		{name: "a refused modification is undone", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTC, true)
			p.modify(1, 1e15, 0.25, false) // a price beyond what the exchange takes
			p.elapse(10 * ms)
			p.modify(1, 1e15, 0.25, true)
			p.look()
			p.elapse(0)
			p.sell(2, 1e15, 1, hft.GTC, true)
			p.elapse(0)
		}, contains: []string{"New req Replaced",
			"handler at 7ms: OrderError connector sim asset 0 order 1: order rejected:", "0.5@995 New req None",
			"modify 1 0.25@1e+15 wait true = OrderResponse", "0.5@995 New req None", "handler", "Expired req None"}},
		{name: "modified through the touch", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTC, true)
			p.modify(1, 100.5, 0.5, true)
			p.buy(2, 99.5, 0.5, hft.GTX, true)
			p.modify(2, 100.5, 0.5, true)
			p.elapse(10 * ms)
		}, contains: []string{"Filled req None leaves 0 executed 0.5@1002 maker false", "GTX 0.5@1005 Expired"}},
	}
}

var errScript = errors.New("the script says no")
