package parity_test

import (
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

func waitScripts() []script {
	return []script{
		{name: "wait for the next message", market: slow(), run: func(p *player) {
			p.waitFeed(false, time.Second)
			p.waitFeed(false, 3*ms)
			p.waitFeed(false, 7*ms) // just in time
			p.buy(1, 99.5, 1, hft.GTC, false)
			p.waitFeed(true, time.Second)
			p.waitFeed(true, time.Second)
			p.buy(2, 99.5, 1, hft.GTC, false)
			p.waitFeed(false, 5*ms) // the answer is applied and ends nothing
			p.waitOrder(0, 2, time.Second)
			p.waitFeed(false, 0)
			p.waitFeed(false, -ms)
		}, contains: []string{"0s wait feed false 1s = MarketFeed", "3ms wait feed false 3ms = Ok",
			"10ms wait feed false 7ms = MarketFeed", "13ms wait feed true 1s = OrderResponse",
			"20ms wait feed true 1s = MarketFeed", "25ms wait feed false 5ms = Ok",
			"25ms wait order 0 2 1s = OrderResponse", "25ms wait feed false 0s = Ok",
			"25ms wait feed false -1ms = Ok"}},
		{name: "a message and an answer in the same instant",
			market: market{messages: quiet(), entry: 2 * ms, response: 3 * ms}, run: func(p *player) {
				p.elapse(5 * ms)
				p.buy(1, 99.5, 1, hft.GTC, false)
				p.waitFeed(true, time.Second)
				p.waitFeed(true, time.Second)
				p.elapse(5 * ms)
				p.buy(2, 99.5, 1, hft.GTC, true) // and a message that does not end it
				p.elapse(5 * ms)
				p.buy(3, 99.5, 1, hft.GTC, false)
				p.elapse(5 * ms) // both within the time
				p.elapse(5 * ms)
				p.buy(4, 99.5, 1, hft.GTC, false)
				p.waitFeed(false, time.Second)
				p.elapse(0) // the answer of the same instant
				p.elapse(5 * ms)
				p.buy(5, 99.5, 1, hft.GTC, false)
				p.waitFeed(false, time.Second)
				p.waitOrder(0, 5, 0)
			}, contains: []string{"10ms wait feed true 1s = MarketFeed", "None req New",
				"10ms wait feed true 1s = OrderResponse", "New req None", "20ms buy 2 1@99.5 GTC wait true = OrderResponse",
				"30ms elapse 5ms = Ok", "40ms wait feed false 1s = MarketFeed", "order 4: Buy Limit GTC 1@995 None req New",
				"40ms elapse 0s = Ok", "order 4: Buy Limit GTC 1@995 New req None", "50ms wait feed false 1s = MarketFeed",
				"50ms wait order 0 5 0s = OrderResponse"}},
		{name: "wait for what has been answered", market: slow(at(25*ms, sold(99.4, 9))), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, false)
			p.elapse(5 * ms)
			p.waitOrder(0, 1, 10*ms) // answered meanwhile
			p.waitOrder(0, 1, 10*ms) // taken: nothing comes
			p.waitOrder(0, 1, 20*ms) // the fill
			p.waitOrder(0, 1, 20*ms) // it is over
			p.waitOrder(0, 1, 0)
			p.waitOrder(0, 3, 10*ms)
			p.waitOrder(5, 1, 10*ms)
		}, contains: []string{"6ms wait order 0 1 10ms = OrderResponse", "16ms wait order 0 1 10ms = Ok",
			"27ms wait order 0 1 20ms = OrderResponse", "27ms wait order 0 1 20ms = OrderResponse",
			"27ms wait order 0 3 10ms = Ok order not found", "27ms wait order 5 1 10ms = Ok instrument not found"}},
	}
}

func instantScripts() []script {
	twoAssets := slow(at(15*ms, bought(100.2, 0.3)), at(16*ms, sold(100, 0.2)), at(17*ms, bought(100.2, 0.1)),
		at(18*ms, bought(100.2, 0.4)), message{1, 5 * ms, []hft.Event{bid(50, 1), ask(51, 1)}},
		message{1, 15*ms + us, []hft.Event{sold(50, 7)}})
	return []script{
		{name: "elapse", market: slow(), run: func(p *player) {
			p.elapse(10*ms - 1)
			p.elapse(1)
			p.elapse(0)
			p.elapse(-ms)
			p.elapse(30 * ms)
			p.elapseBT(0)
			p.elapse(0)
		}, contains: []string{"9.999999ms elapse 9.999999ms = Ok", "feed -3ms 0s", "10ms elapse 1ns = Ok",
			"feed 7ms 10ms", "10ms elapse -1ms = Ok"}},
		{name: "elapse nothing at the start", market: slow(), run: func(p *player) {
			p.elapse(0) // the messages of the first instant
			p.elapse(0)
			p.waitFeed(false, 0)
		}, contains: []string{"0s elapse 0s = Ok", "asset 0: 1@1000 1@1002 feed -3ms 0s",
			"0s wait feed false 0s = Ok"}},
		{name: "everything within one instant", market: market{messages: quiet(at(15*ms, sold(99.4, 5))),
			partial: true}, run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, false)
			p.elapse(0)
			p.buy(2, 100.3, 2, hft.IOC, true)
			p.elapse(0)
			p.cancel(1, true)
			p.buy(3, 99.5, 1, hft.GTC, true)
			p.waitFeed(true, time.Second)
			p.waitFeed(true, time.Second)
			p.waitFeed(true, time.Second)
		}, contains: []string{"1ms elapse 0s = Ok", "order 1: Buy Limit GTC 1@995 New req None",
			"1ms buy 2 2@100.3 IOC wait true = OrderResponse", "PartiallyFilled", "1ms elapse 0s = Ok",
			"order 2: Buy Limit IOC 2@1003 Filled", "15ms wait feed true 1s = MarketFeed",
			"15ms wait feed true 1s = OrderResponse"}},
		{name: "what an instrument is", market: twoAssets, run: func(p *player) {
			p.instrument(0)
			p.elapse(ms)
			p.instrument(1)
		}, contains: []string{"instrument 0 = {Connector:sim Symbol:BTCUSDT TickSize:0.1 LotSize:0.001 ContractSize:1}",
			"instrument 1 = {Connector:sim Symbol:ETHUSDT TickSize:0.1 LotSize:0.001 ContractSize:1}"}},
		{name: "last trades, two instruments", market: twoAssets, run: func(p *player) {
			p.elapse(16 * ms)
			p.clearTrades(1)
			p.elapse(4 * ms) // one more than there is room for
			p.clearTrades(hft.AllAssets)
			p.submit(1, hft.OrderRequest{OrderID: 1, Price: 49, Qty: 1, Side: hft.Buy}, true)
			p.submit(0, hft.OrderRequest{OrderID: 1, Price: 99, Qty: 1, Side: hft.Sell}, true)
			p.clearOrders(1)
			p.clearOrders(0)
			p.waitFeed(false, 20*ms)
			p.submit(2, hft.OrderRequest{OrderID: 2, Price: 99, Qty: 1, Side: hft.Sell}, true)
			p.submit(-1, hft.OrderRequest{OrderID: 2, Price: 99, Qty: 1, Side: hft.Sell}, false)
		}, contains: []string{"[Buy 0.3@100.2 15ms] [Sell 0.2@100 16ms]", "[Sell 7@50 15.001ms]",
			"[Sell 0.2@100 16ms] [Buy 0.1@100.2 17ms] [Buy 0.4@100.2 18ms]", "asset 1: 1@500 1@510",
			"= Ok instrument not found", "= Ok instrument not found"}},
	}
}

func endScripts() []script {
	short := []message{opening(), heartbeat(10*ms, 1)}
	ending := func(entry, response time.Duration) market {
		return market{messages: short, entry: entry, response: response}
	}
	return []script{
		{name: "the data ends while time elapses", market: ending(ms, ms), run: func(p *player) {
			p.elapse(10 * ms) // exactly to the last message
			p.elapse(0)
			p.elapse(ms)
			p.elapse(0)
			p.waitFeed(true, time.Second)
			p.elapse(hft.UntilEndOfData)
		}, contains: []string{"10ms elapse 10ms = Ok", "10ms elapse 0s = Ok", "10ms elapse 1ms = EndOfData",
			"10ms elapse 0s = EndOfData", "10ms wait feed true 1s = EndOfData",
			"10ms elapse 2562047h47m16.854775807s = EndOfData"}},
		{name: "the data ends before the time is over", market: ending(ms, ms), run: func(p *player) {
			p.elapse(ms)
			p.elapse(hft.UntilEndOfData)
			p.waitFeed(false, ms)
		}, contains: []string{"10ms elapse 2562047h47m16.854775807s = EndOfData",
			"10ms wait feed false 1ms = EndOfData"}},
		{name: "the last message, then the end", market: ending(ms, ms), run: func(p *player) {
			p.waitFeed(false, time.Second)
			p.waitFeed(false, time.Second)
			p.waitFeed(false, time.Second)
		}, contains: []string{"10ms wait feed false 1s = MarketFeed", "10ms wait feed false 1s = EndOfData"}},
		{name: "the answer is the last thing that happens", market: ending(20*ms, 20*ms), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, true)
			p.waitOrder(0, 1, time.Second)
			p.waitOrder(0, 1, time.Second)
		}, contains: []string{"41ms buy 1 1@99.5 GTC wait true = OrderResponse", "New req None",
			"41ms wait order 0 1 1s = EndOfData"}},
		{name: "answers after the last message, elapsed over", market: ending(20*ms, 20*ms), run: func(p *player) {
			p.elapse(10 * ms)
			p.buy(1, 99.5, 1, hft.GTC, false)
			p.elapse(30 * ms)
			p.elapse(ms)
			p.elapse(hft.UntilEndOfData)
			p.waitOrder(0, 1, ms)
		}, contains: []string{"40ms elapse 30ms = Ok", "None req New", "41ms elapse 1ms = Ok",
			"50ms elapse 2562047h47m16.854775807s = EndOfData", "New req None", "50ms wait order 0 1 1ms = EndOfData"}},
		{name: "nothing is carried out after the last message", market: ending(20*ms, 20*ms), run: func(p *player) {
			p.elapse(10 * ms)
			p.buy(1, 99.5, 1, hft.GTC, true)
			p.cancel(1, true)
			p.cancel(1, false)
			p.buy(2, 99.5, 1, hft.GTC, true)
		}, contains: []string{"50ms buy 1 1@99.5 GTC wait true = OrderResponse", "50ms cancel 1 wait true = EndOfData",
			"New req Canceled", "cancel 1 wait false = Ok an order request is in process",
			"buy 2 1@99.5 GTC wait true = "}},
		{name: "a wait for an order at the end", market: ending(ms, ms), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, true)
			p.waitOrder(0, 1, time.Second) // taken by the submission; nothing more comes
			p.waitOrder(0, 1, time.Second)
		}, contains: []string{"10ms wait order 0 1 1s = EndOfData", "10ms wait order 0 1 1s = EndOfData"}},
		{name: "every answer of the last instant", market: market{messages: []message{opening(),
			at(10*ms, sold(99.4, 9))}, partial: true, response: ms}, run: func(p *player) {
			p.buy(1, 99.5, 1, hft.GTC, false)
			p.buy(2, 99.6, 1, hft.GTC, false)
			p.waitFeed(false, time.Second)
			p.elapse(9 * ms)
			p.waitOrder(0, 1, time.Second)
			p.waitOrder(0, 1, time.Second)
			p.waitOrder(0, 2, time.Second)
		}, contains: []string{"0s wait feed false 1s = MarketFeed", "9ms elapse 9ms = Ok",
			"9ms wait order 0 1 1s = OrderResponse", "11ms wait order 0 1 1s = OrderResponse"}},
	}
}
