package parity_test

import "github.com/hftrunner/hftrunner/hft"

// partial is a market in which displayed and traded quantities count.
func partial(extra ...message) market {
	m := slow(extra...)
	m.partial = true
	return m
}

func executionScripts() []script {
	return []script{
		{name: "a post-only order that would take expires", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 100.2, 0.5, hft.GTX, true)
			p.sell(2, 99, 0.5, hft.GTX, true)
			p.cancel(1, true)
			p.waitOrder(0, 1, ms)
			p.elapse(10 * ms)
		}, contains: []string{"buy 1 0.5@100.2 GTX wait true = OrderResponse", "Expired req None",
			"cancel 1 wait true = Ok invalid order status"}},
		{name: "orders that take, whole", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 100.3, 5, hft.IOC, true)
			p.sell(2, 99.9, 2.5, hft.FOK, true)
			p.buy(3, 100, 1, hft.FOK, true)
			p.buy(4, 100, 1, hft.IOC, true)
			p.sell(5, 99, 2.5, hft.GTC, true)
			p.market(hft.Buy, 6, 0.001, true)
			p.elapse(10 * ms)
		}, contains: []string{"Filled req None leaves 0 executed 5@1002 maker false", "position 5 ", "position 2.5 ",
			"FOK 1@1000 Expired", "IOC 1@1000 Expired", "position 0 balance", "position 0.001 "}},
		{name: "orders that take what is displayed", market: partial(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 100.3, 5, hft.IOC, true) // 1 and 2 of 5
			p.elapse(0)
			p.buy(2, 100.3, 5, hft.FOK, true)
			p.elapse(0)
			p.buy(3, 100.3, 2.5, hft.FOK, true)
			p.elapse(10 * ms)
			p.sell(4, 99.9, 4, hft.GTC, true)
			p.elapse(10 * ms)
			p.market(hft.Sell, 5, 100, true)
			p.elapse(10 * ms)
		}, contains: []string{"buy 1 5@100.3 IOC wait true = OrderResponse",
			"PartiallyFilled req None leaves 4 executed 1@1002", "elapse 0s = Ok",
			"Expired req None leaves 2 executed 2@1003", "FOK 5@1003 Expired", "FOK 2.5@1003 Filled req None leaves 0",
			"GTC 4@999 Filled", "Market IOC 100@0 Expired"}},
		{name: "market orders on an empty book", market: market{messages: []message{at(0, bid(100, 1)),
			heartbeat(20*ms, 1)}, entry: ms, response: ms}, run: func(p *player) {
			p.elapse(ms)
			p.market(hft.Buy, 1, 1, true)
			p.market(hft.Sell, 2, 1, true)
			p.buy(3, 101, 1, hft.IOC, true)
			p.buy(4, 101, 1, hft.GTX, true)
		}, contains: []string{"Market IOC 1@0 Expired", "Market IOC 1@0 Filled", "IOC 1@1010 Expired",
			"GTX 1@1010 New"}},
	}
}

func restingScripts() []script {
	return []script{
		{name: "partial executions of a resting order", market: partial(at(11*ms, sold(99.5, 0.3)),
			at(12*ms, sold(99.5, 0.1)), at(25*ms, sold(99.5, 9))), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTC, true)
			p.waitFeed(false, 10*ms)
			p.waitOrder(0, 1, 10*ms)
			p.waitOrder(0, 1, 10*ms)
			p.cancel(1, false)
			p.modify(1, 99.4, 1, false)
			p.elapse(10 * ms)
			p.buy(2, 99.5, 0.7, hft.GTC, true)
			p.elapse(10 * ms)
		}, contains: []string{"13ms wait order 0 1 10ms = OrderResponse", "position 0.3 ",
			"PartiallyFilled req None leaves 0.2 executed 0.3@995 maker true",
			"14ms wait order 0 1 10ms = OrderResponse", "position 0.4 ", "leaves 0.1 executed 0.1@995",
			"trades 2 volume 0.4"}},
		{name: "a fill while a cancel is in flight", market: partial(at(11*ms, sold(99.5, 0.3)),
			at(25*ms, sold(99.5, 0.3))), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.5, hft.GTC, true)
			p.elapse(8*ms + 500*us)
			p.cancel(1, true) // at 12.5, reaches the exchange at 13.5; the fill of 11 is heard at 13
			p.waitOrder(0, 1, 10*ms)
			p.cancel(1, true)
			p.buy(2, 99.5, 0.5, hft.GTC, true)
			p.elapse(4 * ms)
			p.modify(2, 99.4, 0.4, true)
			p.elapse(10 * ms)
		}, contains: []string{"13ms cancel 1 wait true = OrderResponse", "PartiallyFilled req None leaves 0.2"}},
		{name: "the position is a whole number of lots", market: market{messages: quiet()}, run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 100.3, 0.1, hft.IOC, true)
			p.buy(2, 100.3, 0.2, hft.IOC, true)
			p.sell(3, 99.9, 0.3, hft.IOC, true)
			p.sell(4, 99.9, 0.007, hft.IOC, true)
			p.elapse(ms)
		}, contains: []string{"position 0.1 ", "position 0.3 ", "position 0 ", "position -0.007 "}},
	}
}
