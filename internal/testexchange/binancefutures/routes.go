package binancefutures

import (
	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
)

// routes are the REST requests.
func (v *Venue) routes() map[string]binance.Route {
	perSymbol := func(one, all int) func(binance.Params) int {
		return func(p binance.Params) int {
			if p["symbol"] == "" {
				return all
			}
			return one
		}
	}
	r := map[string]binance.Route{
		"GET /fapi/v1/ping":         {Weight: 1, Do: v.ping},
		"GET /fapi/v1/time":         {Weight: 1, Do: v.time},
		"GET /fapi/v1/exchangeInfo": {Weight: 1, Do: v.exchangeInfo},
		"GET /fapi/v1/depth":        {WeightOf: depthWeight, Do: v.depth},
		"GET /fapi/v1/premiumIndex": {Weight: 1, Do: v.premiumIndex},

		"POST /fapi/v1/order":           {Security: binance.Trade, Orders: 1, Order: true, Do: v.place},
		"POST /fapi/v1/order/test":      {Security: binance.Trade, Do: v.testOrder},
		"PUT /fapi/v1/order":            {Security: binance.Trade, Orders: 1, Order: true, Do: v.modify},
		"DELETE /fapi/v1/order":         {Security: binance.Trade, Weight: 1, Order: true, Do: v.cancel},
		"GET /fapi/v1/order":            {Security: binance.Signed, Weight: 1, Do: v.order(false)},
		"GET /fapi/v1/openOrder":        {Security: binance.Signed, Weight: 1, Do: v.order(true)},
		"GET /fapi/v1/openOrders":       {Security: binance.Signed, WeightOf: perSymbol(1, 40), Do: v.openOrders},
		"GET /fapi/v1/allOrders":        {Security: binance.Signed, Weight: 5, Do: v.allOrders},
		"GET /fapi/v1/userTrades":       {Security: binance.Signed, Weight: 5, Do: v.userTrades},
		"DELETE /fapi/v1/allOpenOrders": {Security: binance.Trade, Weight: 1, Order: true, Do: v.cancelAll},
		"POST /fapi/v1/batchOrders": {Security: binance.Trade, Weight: 5, Orders: 1, Order: true,
			Do: batch(v.placeOne)},
		"PUT /fapi/v1/batchOrders": {Security: binance.Trade, Weight: 5, Orders: 1, Order: true,
			Do: batch(v.modifyParams)},
		"DELETE /fapi/v1/batchOrders":      {Security: binance.Trade, Weight: 1, Order: true, Do: v.cancelBatch},
		"POST /fapi/v1/countdownCancelAll": {Security: binance.Trade, Weight: 10, Do: v.countdown},

		"GET /fapi/v1/forceOrders":        {Security: binance.Signed, Weight: 50, Do: v.forceOrders},
		"GET /fapi/v1/income":             {Security: binance.Signed, Weight: 30, Do: v.income},
		"GET /fapi/v1/positionSide/dual":  {Security: binance.Signed, Weight: 30, Do: v.dual},
		"POST /fapi/v1/positionSide/dual": {Security: binance.Trade, Weight: 1, Do: v.setDual},
		"GET /fapi/v1/rateLimit/order":    {Security: binance.Signed, Weight: 1, Do: v.orderCounts},

		"POST /fapi/v1/listenKey":   {Security: binance.KeyOnly, Weight: 1, Do: v.newListenKey},
		"PUT /fapi/v1/listenKey":    {Security: binance.KeyOnly, Weight: 1, Do: v.keepListenKey},
		"DELETE /fapi/v1/listenKey": {Security: binance.KeyOnly, Weight: 1, Do: v.endListenKey},
	}
	for _, version := range []string{"v1", "v2"} {
		r["GET /fapi/"+version+"/ticker/bookTicker"] = binance.Route{WeightOf: perSymbol(2, 5), Do: v.tickerBook}
		r["GET /fapi/"+version+"/ticker/price"] = binance.Route{Weight: 1, Do: v.tickerPrice}
	}
	for _, version := range []string{"v2", "v3"} {
		r["GET /fapi/"+version+"/positionRisk"] = binance.Route{Security: binance.Signed, Weight: 5, Do: v.positionRisk}
		r["GET /fapi/"+version+"/account"] = binance.Route{Security: binance.Signed, Weight: 5, Do: v.account}
		r["GET /fapi/"+version+"/balance"] = binance.Route{Security: binance.Signed, Weight: 5, Do: v.balance}
	}
	return r
}

// methods are the requests of the WebSocket API.
func (v *Venue) methods() map[string]binance.Route {
	return map[string]binance.Route{
		"ping":                {Weight: 1, Do: v.ping},
		"time":                {Weight: 1, Do: v.time},
		"depth":               {WeightOf: depthWeight, Do: v.depth},
		"ticker.book":         {Weight: 2, Do: v.tickerBook},
		"ticker.price":        {Weight: 1, Do: v.tickerPrice},
		"order.place":         {Security: binance.Trade, Orders: 1, Order: true, Do: v.place},
		"order.modify":        {Security: binance.Trade, Orders: 1, Order: true, Do: v.modify},
		"order.cancel":        {Security: binance.Trade, Weight: 1, Order: true, Do: v.cancel},
		"order.status":        {Security: binance.Signed, Weight: 1, Do: v.order(false)},
		"account.position":    {Security: binance.Signed, Weight: 5, Do: v.positionRisk},
		"v2/account.position": {Security: binance.Signed, Weight: 5, Do: v.positionRisk},
		"account.balance":     {Security: binance.Signed, Weight: 5, Do: v.balance},
		"v2/account.balance":  {Security: binance.Signed, Weight: 5, Do: v.balance},
		"account.status":      {Security: binance.Signed, Weight: 5, Do: v.account},
		"v2/account.status":   {Security: binance.Signed, Weight: 5, Do: v.account},

		"userDataStream.start": {Security: binance.KeyOnly, Weight: 5, Do: v.newListenKey},
		"userDataStream.ping":  {Security: binance.KeyOnly, Weight: 1, Do: v.keepListenKey},
		"userDataStream.stop":  {Security: binance.KeyOnly, Weight: 1, Do: v.endListenKey},
	}
}
