package bybit

// Units of the account's limits.
const (
	unitCreate     = "create"
	unitAmend      = "amend"
	unitCancel     = "cancel"
	unitCancelAll  = "cancel-all"
	unitOrders     = "orders"
	unitHistory    = "history"
	unitExecutions = "executions"
	unitPositions  = "positions"
)

// newRoutes returns what the venue knows: requests of REST by method and path, those of the trade connection by op.
func (v *Venue) newRoutes() map[string]route {
	r := map[string]route{
		"GET /v5/market/time":             {do: v.time},
		"GET /v5/market/instruments-info": {do: v.instruments},
		"GET /v5/market/orderbook":        {do: v.orderbook},
		"GET /v5/market/tickers":          {do: v.tickers},

		"POST /v5/order/cancel-all": {signed: true, trading: true, order: true, unit: unitCancelAll,
			do: v.cancelAll},
		"POST /v5/order/disconnected-cancel-all": {signed: true, trading: true, do: v.setWindow},

		"GET /v5/order/realtime":         {signed: true, unit: unitOrders, do: v.realtime},
		"GET /v5/order/history":          {signed: true, unit: unitHistory, do: v.history},
		"GET /v5/execution/list":         {signed: true, unit: unitExecutions, do: v.executions},
		"GET /v5/position/list":          {signed: true, unit: unitPositions, do: v.positions},
		"GET /v5/account/wallet-balance": {signed: true, do: v.wallet},
		"GET /v5/user/query-api":         {signed: true, do: v.queryKey},
	}
	for _, o := range []struct {
		op, path, unit string
		one            func(*call, *orderRequest) (orderIDs, *refusal)
	}{
		{"order.create", "create", unitCreate, v.create},
		{"order.amend", "amend", unitAmend, v.amend},
		{"order.cancel", "cancel", unitCancel, v.cancel},
	} {
		single := route{signed: true, trading: true, order: true, unit: o.unit, do: oneOrder(o.one)}
		several := route{signed: true, trading: true, order: true, unit: o.unit, count: countOrders, do: batch(o.one)}
		r[o.op], r["POST /v5/order/"+o.path] = single, single
		r[o.op+"-batch"], r["POST /v5/order/"+o.path+"-batch"] = several, several
	}
	return r
}
