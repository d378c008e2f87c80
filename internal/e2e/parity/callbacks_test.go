package parity_test

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

func callbackScripts() []script {
	refusing := func(m market) market {
		m.hook = func(p *player, prev, next *hft.Order) error {
			if next.Status == hft.StatusNew {
				return errScript
			}
			return nil
		}
		return m
	}
	objecting := slow()
	objecting.handler = func(*player, hft.LiveError) error { return errScript }
	both := refusing(slow())
	both.hook = func(p *player, prev, next *hft.Order) error {
		if next.Req == hft.StatusRejected {
			return errScript
		}
		return nil
	}
	both.handler = func(*player, hft.LiveError) error { return fmt.Errorf("and so does the handler") }
	bare := slow()
	bare.withoutCallbacks = true
	return []script{
		{name: "an error of the hook ends the call after the update", market: refusing(slow()), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, true)
			p.waitOrder(0, 1, time.Second) // the answer is there
			p.buy(2, 99.5, 1, hft.GTC, false)
			p.buy(3, 99.5, 1, hft.GTC, false)
			p.elapse(10 * ms)
			p.elapse(0) // the other answer of the same instant
			p.waitFeed(true, time.Second)
			p.cancel(1, true)
		}, contains: []string{"hook at 4ms: order 1: Buy Limit GTC 1@995 None req New leaves 1 sent 1ms -> order 1: Buy Limit GTC 1@995 New req None",
			"4ms buy 1 1@99.5 GTC wait true = Ok the script says no", "New req None", "4ms wait order 0 1 1s = OrderResponse",
			"7ms elapse 10ms = Ok the script says no", "order 3: Buy Limit GTC 1@995 None req New", "7ms elapse 0s = Ok the script says no",
			"cancel 1 wait true = OrderResponse"}},
		{name: "an error of the handler ends the call", market: objecting, run: func(p *player) {
			p.elapse(ms)
			p.sell(1, 1e15, 1, hft.GTC, true)
			p.elapse(10 * ms)
			p.elapse(10 * ms)
			p.sell(2, 1e15, 1, hft.GTC, false)
			p.elapse(10 * ms)
			p.elapse(10 * ms)
		}, contains: []string{"4ms sell 1 1@1e+15 GTC wait true = OrderResponse", "handler at 4ms",
			"4ms elapse 10ms = Ok the script says no", "14ms elapse 10ms = Ok",
			"17ms elapse 10ms = Ok the script says no", "27ms elapse 10ms = Ok"}},
		{name: "errors of hook and handler", market: both, run: func(p *player) {
			p.elapse(ms)
			p.sell(1, 1e15, 1, hft.GTC, true)
			p.waitOrder(0, 1, time.Second)
			p.elapse(10 * ms)
		}, contains: []string{"4ms sell 1 1@1e+15 GTC wait true = Ok the script says no", "Expired",
			"4ms wait order 0 1 1s = Ok and so does the handler", "14ms elapse 10ms = Ok"}},
		{name: "calls from within", market: within(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, true)
			p.elapse(10 * ms)
			p.sell(2, 1e15, 1, hft.GTC, false)
			p.elapse(20 * ms)
		}, contains: []string{"a waiting call from within",
			"submit 0 {OrderID:11 Price:99 Qty:1 Side:Buy TimeInForce:GTC OrdType:Limit} wait false = Ok",
			"hook at 7ms: order 11:"}},
		{name: "without hook and handler", market: bare, run: func(p *player) {
			p.elapse(ms)
			p.sell(1, 1e15, 1, hft.GTC, true)
			p.buy(2, 99.5, 1, hft.GTC, true)
			p.elapse(ms)
		}, contains: []string{"sell 1 1@1e+15 GTC wait true = OrderResponse", "Expired"}},
	}
}

// within is a market whose callbacks call the bot: waiting is refused, requests are not.
func within() market {
	m := slow()
	nested := func(p *player) {
		p.elapse(ms)
		p.elapseBT(ms)
		p.waitFeed(true, ms)
		p.waitOrder(0, 1, ms)
		p.buy(9, 99, 1, hft.GTC, true)
		p.cancel(1, true)
	}
	m.hook = func(p *player, prev, next *hft.Order) error {
		nested(p)
		if next.OrderID == 1 && p.bot.Orders(0).Get(11) == nil {
			p.submit(0, hft.OrderRequest{OrderID: 11, Price: 99, Qty: 1, Side: hft.Buy}, false)
		}
		return nil
	}
	m.handler = func(p *player, e hft.LiveError) error {
		nested(p)
		p.cancel(11, false)
		return nil
	}
	return m
}

func misuseScripts() []script {
	stopping := slow()
	stopping.hook = func(p *player, prev, next *hft.Order) error {
		p.bot.Interrupt()
		return nil
	}
	closing := slow()
	closing.hook = func(p *player, prev, next *hft.Order) error {
		if err := p.bot.Close(); err != nil {
			p.note("close: %v", err)
		}
		return nil
	}
	return []script{
		{name: "closed in a wait", market: closing, run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, true) // what it waited for has come
			p.elapse(ms)
		}, contains: []string{"4ms buy 1 1@99.5 GTC wait true = OrderResponse", "4ms elapse 1ms = Ok interrupted"}},
		{name: "closed while time elapses", market: closing, run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, false)
			p.elapse(20 * ms)
			p.waitFeed(true, ms)
		}, contains: []string{"4ms elapse 20ms = Ok interrupted", "New req None",
			"4ms wait feed true 1ms = Ok interrupted"}},
		{name: "interrupted", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, true)
			p.bot.Interrupt()
			p.elapse(ms)
			p.elapse(0)
			p.waitFeed(true, ms)
			p.waitOrder(0, 1, ms)
			p.waitOrder(0, 2, ms)
			p.cancel(1, false)
			p.buy(2, 99.5, 1, hft.GTC, true)
		}, contains: []string{"4ms elapse 1ms = Ok interrupted", "4ms elapse 0s = Ok interrupted",
			"4ms wait feed true 1ms = Ok interrupted", "4ms wait order 0 1 1ms = Ok interrupted",
			"4ms wait order 0 2 1ms = Ok order not found", "4ms cancel 1 wait false = Ok",
			"4ms buy 2 1@99.5 GTC wait true = Ok interrupted"}},
		{name: "interrupted in a wait", market: stopping, run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, true) // what it waited for has come
			p.elapse(ms)
		}, contains: []string{"4ms buy 1 1@99.5 GTC wait true = OrderResponse", "4ms elapse 1ms = Ok interrupted"}},
		{name: "interrupted while time elapses", market: stopping, run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, false)
			p.elapse(20 * ms)
		}, contains: []string{"4ms elapse 20ms = Ok interrupted", "New req None"}},
	}
}

func afterwardsScripts() []script {
	return []script{
		{name: "closed", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 1, hft.GTC, true)
			for range 2 {
				if err := p.bot.Close(); err != nil {
					p.note("close: %v", err)
				}
				p.bot.Interrupt()
			}
			p.elapse(ms)
			p.elapseBT(ms)
			p.waitFeed(true, ms)
			p.waitOrder(0, 1, ms)
			p.buy(2, 99.5, 1, hft.GTC, true)
			p.buy(3, 99.5, 1, hft.GTC, false)
			p.modify(1, 99.5, 1, false)
			p.cancel(1, false)
			p.cancel(7, false)
			p.submit(4, hft.OrderRequest{}, false)
			p.clearOrders(0)
			p.clearTrades(hft.AllAssets)
		}, contains: []string{"4ms elapse 1ms = Ok interrupted", "elapseBT 1ms = Ok interrupted",
			"cancel 7 wait false = Ok interrupted"}},
		{name: "an asset that does not exist", market: slow(), run: func(p *player) {
			p.elapse(ms)
			p.note("%d assets", p.bot.NumAssets())
			for _, a := range []int{-2, -1, 1, 1 << 40} {
				p.note("asset %d", a)
				p.submit(a, hft.OrderRequest{OrderID: 1, Price: 99, Qty: 1, Side: hft.Buy}, false)
				p.waitOrder(a, 1, ms)
				r, err := p.bot.Cancel(a, 1, false)
				p.called("cancel", r, err)
				r, err = p.bot.Modify(a, 1, 99, 1, true)
				p.called("modify", r, err)
				p.panics("Instrument", func() { p.bot.Instrument(a) })
				p.panics("Position", func() { p.bot.Position(a) })
				p.panics("StateValues", func() { p.bot.StateValues(a) })
				p.panics("Depth", func() { p.bot.Depth(a) })
				p.panics("LastTrades", func() { p.bot.LastTrades(a) })
				p.panics("ClearLastTrades", func() { p.bot.ClearLastTrades(a) })
				p.panics("Orders", func() { p.bot.Orders(a) })
				p.panics("ClearInactiveOrders", func() { p.bot.ClearInactiveOrders(a) })
				p.panics("FeedLatency", func() { p.bot.FeedLatency(a) })
				p.panics("OrderLatency", func() { p.bot.OrderLatency(a) })
			}
		}, contains: []string{"asset -2", "instrument not found", "Position: panics true", "asset -1",
			"ClearLastTrades: panics false", "ClearInactiveOrders: panics false", "asset 1",
			"OrderLatency: panics true"}},
	}
}
