// Package exchange is the simulated exchange that paper trading and the backtest share: it matches the orders of any
// number of bots against a recorded or synthetic market that does not react to them. Package sim has the models that it
// is made of, and says what is simulated.
//
// An L2 exchange holds the book and the bots' resting orders of one instrument. OnEvent feeds it the market, OnRequest
// the bots' requests, in ascending time; what it has to say goes to its Responder, within the call. A Link carries
// requests to the exchange and reports back, each after its latency and none overtaking another.
//
// Two options go beyond hftbacktest: with ConsumeDepth own taking orders use up what is displayed until the feed shows
// it anew, and with SweepFills a trade larger than what is displayed at its price trades on through the levels behind.
//
// An L3 exchange is fed orders instead of levels (add, modify, cancel, fill) and knows every queue: the bots' orders
// stand among the feed's in order of arrival and fill, whole, together with the order behind them. Events that
// contradict its book are passed over and counted.
//
// # Memory and goroutines
//
// One goroutine uses an exchange and its Link; the package starts none and reads no clock and no random numbers, so the
// same calls give the same reports. Events, requests and reports are passed by pointer, belong to the caller and are
// copied. Orders are pooled: in steady state neither an event nor an order allocates.
//
// # Limits
//
// An exchange takes at most Config.MaxOrders resting orders and refuses more with sim.RejectTooManyOrders. A Link grows
// with what is in flight. Requests and events that make no sense are refused or ignored, never a panic; where the
// reference ends the run instead, its modes do so by Exchange.Err, after which nothing happens any more. There is
// nothing to close.
package exchange
