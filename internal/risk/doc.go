// Package risk holds the limits that no order gets round: one Gate for the host's request path, which serves live
// venues and paper alike, and for the backtest, so that a backtest shows what the limits would have done.
//
// Limits stand at four levels: an instrument of a strategy, a strategy, a connector (the account), and the runner (all
// together). Those of one order and of a position hold for every single instrument within their level, those of open
// orders and rates for the level as a whole. An order has to pass all of them; the strictest wins.
//
//	gate := risk.NewGate(limitsOfAll)
//	account := gate.Connector("bf", limitsOfAccount)
//	strategy := gate.Strategy("grid", limitsOfStrategy)
//	holding := gate.Holding(strategy, account, "BTCUSDT", instrument, limitsOfInstrument)
//
//	if refusal := holding.Reserve(&order, book, nowNs); refusal.Rule != risk.None { ... } // it must not be sent
//	holding.Update(&order)                     // after each report of the order
//	holding.SetPosition(position, own)         // after each execution
//
// Reserve counts an order in the same step in which it checks it, so that two goroutines cannot both use the last of a
// limit. Update and Release state what is so and are idempotent: however often the end of an order is reported, it is
// released once. Cancels pass without being asked about.
//
// A Gate has no clock: the time is the caller's. Given the same calls it decides the same. All methods may be called by
// any goroutine; they allocate nothing once an instrument has had as many open orders as it has now.
package risk
