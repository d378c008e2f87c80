package binancespot

import (
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
)

func openWeight(p binance.Params) int {
	if p["symbol"] == "" {
		return 80
	}
	return 6
}

// routes are the REST requests.
func (v *Venue) routes() map[string]binance.Route {
	return map[string]binance.Route{
		"GET /api/v3/ping":              {Weight: 1, Do: v.ping},
		"GET /api/v3/time":              {Weight: 1, Do: v.time},
		"GET /api/v3/exchangeInfo":      {Weight: 20, Do: v.exchangeInfo},
		"GET /api/v3/depth":             {WeightOf: depthWeight, Do: v.depth},
		"GET /api/v3/ticker/bookTicker": {Weight: 2, Do: v.tickerBook},
		"GET /api/v3/ticker/price":      {Weight: 2, Do: v.tickerPrice},

		"POST /api/v3/order": {Security: binance.Trade, Weight: 1, Orders: 1, Order: true,
			Do: v.place},
		"POST /api/v3/order/test":              {Security: binance.Trade, Weight: 1, Do: v.testOrder},
		"DELETE /api/v3/order":                 {Security: binance.Trade, Weight: 1, Order: true, Do: v.cancel},
		"DELETE /api/v3/openOrders":            {Security: binance.Trade, Weight: 1, Order: true, Do: v.cancelAll},
		"PUT /api/v3/order/amend/keepPriority": {Security: binance.Trade, Weight: 4, Order: true, Do: v.amend},
		"POST /api/v3/order/cancelReplace": {Security: binance.Trade, Weight: 1, Orders: 1, Order: true,
			Do: v.cancelReplace},

		"GET /api/v3/order":           {Security: binance.Signed, Weight: 4, Do: v.order},
		"GET /api/v3/openOrders":      {Security: binance.Signed, WeightOf: openWeight, Do: v.openOrders},
		"GET /api/v3/allOrders":       {Security: binance.Signed, Weight: 20, Do: v.allOrders},
		"GET /api/v3/myTrades":        {Security: binance.Signed, Weight: 20, Do: v.myTrades},
		"GET /api/v3/account":         {Security: binance.Signed, Weight: 20, Do: v.account},
		"GET /api/v3/rateLimit/order": {Security: binance.Signed, Weight: 40, Do: v.orderCounts},
	}
}

// methods are the requests of the WebSocket API.
func (v *Venue) methods() map[string]binance.Route {
	r := v.routes()
	return map[string]binance.Route{
		"ping":                      r["GET /api/v3/ping"],
		"time":                      r["GET /api/v3/time"],
		"exchangeInfo":              r["GET /api/v3/exchangeInfo"],
		"depth":                     r["GET /api/v3/depth"],
		"ticker.book":               r["GET /api/v3/ticker/bookTicker"],
		"ticker.price":              r["GET /api/v3/ticker/price"],
		"order.place":               r["POST /api/v3/order"],
		"order.test":                r["POST /api/v3/order/test"],
		"order.cancel":              r["DELETE /api/v3/order"],
		"order.cancelReplace":       r["POST /api/v3/order/cancelReplace"],
		"order.amend.keepPriority":  r["PUT /api/v3/order/amend/keepPriority"],
		"order.status":              r["GET /api/v3/order"],
		"openOrders.status":         r["GET /api/v3/openOrders"],
		"openOrders.cancelAll":      r["DELETE /api/v3/openOrders"],
		"allOrders":                 r["GET /api/v3/allOrders"],
		"myTrades":                  r["GET /api/v3/myTrades"],
		"account.status":            r["GET /api/v3/account"],
		"account.rateLimits.orders": r["GET /api/v3/rateLimit/order"],
	}
}
