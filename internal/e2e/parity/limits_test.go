package parity_test

import (
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/risk"
)

// limited is a market with limits of the account.
func limited(l risk.Limits, extra ...message) market {
	m := slow(extra...)
	m.limits = l
	return m
}

// limitScripts are about orders that limits forbid: each is refused in the same way and at the same time.
func limitScripts() []script {
	return []script{
		{name: "limits of orders", market: limited(risk.Limits{MaxOrderQty: 0.6, MaxOpenOrders: 2}), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 99.5, 0.7, hft.GTX, true)
			p.buy(2, 99.5, 0.5, hft.GTX, true)
			p.modify(2, 99.5, 0.61, true)
			p.sell(3, 100.5, 0.6, hft.GTX, true)
			p.sell(4, 100.5, 0.1, hft.GTX, false)
			p.waitOrder(0, 4, 10*ms)
			p.cancel(3, true)
			p.sell(4, 100.5, 0.1, hft.GTX, true)
			p.elapse(5 * ms)
		}, contains: []string{"max_order_qty of connector", "modify 2", "max_order_qty of connector", "max_open_orders of connector",
			"cancel 3 wait true = OrderResponse"}},
		{name: "a limit of the position", market: limited(risk.Limits{MaxPosition: 1}), run: func(p *player) {
			p.elapse(ms)
			p.buy(1, 101, 0.5, hft.IOC, true)
			p.buy(2, 99.5, 0.5, hft.GTX, true)
			p.buy(3, 99.4, 0.001, hft.GTX, true)
			p.modify(2, 99.5, 0.6, true)
			p.sell(4, 100.5, 1.5, hft.GTX, true)
			p.sell(5, 100.5, 0.1, hft.GTX, true)
			p.cancel(2, true)
			p.market(hft.Buy, 6, 0.5, true)
			p.market(hft.Buy, 7, 0.1, true)
			p.elapse(5 * ms)
		}, contains: []string{"max_position of connector", "max_position of connector", "max_position of connector",
			"cancel 2 wait true = OrderResponse", "max_position of connector"}},
		{name: "a limit of the rate", market: limited(risk.Limits{MaxOrderRate: 2, OrderRateInterval: 20 * time.Millisecond}),
			run: func(p *player) {
				p.elapse(ms)
				p.buy(1, 99.5, 0.5, hft.GTX, true)
				p.modify(1, 99.4, 0.5, true)
				p.modify(1, 99.3, 0.5, true)
				p.cancel(1, true)
				p.buy(2, 99.5, 0.5, hft.GTX, true)
				p.elapse(20 * ms)
				p.buy(3, 99.5, 0.5, hft.GTX, true)
			}, contains: []string{"max_order_rate of connector", "cancel 1 wait true = OrderResponse",
				"max_order_rate of connector"}},
	}
}
