// Package sim is the simulated exchange that paper trading and the backtest share: it matches the orders of any number
// of bots against a recorded or synthetic market that does not react to them.
//
// An L2 exchange holds the book and the bots' resting orders of one instrument. OnEvent feeds it the market, OnRequest
// the bots' requests, in ascending time; what it has to say goes to its Responder, within the call. A Link carries
// requests to the exchange and reports back, each after its latency and none overtaking another. QueueModel,
// Probability, LatencyModel, FeeModel and AssetType are the small interfaces that make up a simulation.
//
// # What is simulated
//
// A resting order fills when a trade passes its price, when the other side's best price reaches it, or when trades at
// its price have used up the quantity that its QueueModel says is ahead of it. NoPartialFill fills orders whole;
// PartialFill takes displayed quantities and the size of trades into account. Orders of bots never meet each other, do
// not change the market, and each of them sees the full quantity of every trade. Behaviour follows hftbacktest 0.9.4
// with its defects fixed; Compat names what can be had the original way.
//
// Two options go beyond it: with ConsumeDepth own taking orders use up what is displayed until the feed shows it anew,
// and with SweepFills a trade larger than what is displayed at its price trades on through the levels behind. Latency
// is constant, interpolated between recorded requests (InterpolatedLatency), or different for each kind of request
// (PerRequestLatency). An execution is reported with what made it (FillCause) and how the order stood in the queue.
//
// An L3 exchange is fed orders instead of levels (add, modify, cancel, fill) and knows every queue: the bots' orders
// stand among the feed's in order of arrival and fill, whole, together with the order behind them. Events that
// contradict its book are passed over and counted.
//
// # Memory and goroutines
//
// One goroutine uses an exchange and its Link; the package starts none and reads no clock and no random numbers, so
// the same calls give the same reports. Events, requests and reports are passed by pointer, belong to the caller and
// are copied. Orders are pooled: in steady state neither an event nor an order allocates. The state of an order's
// queue position is kept here, not in hft.Order.
//
// # Limits
//
// An exchange takes at most Config.MaxOrders resting orders and refuses more with RejectTooManyOrders. A Link grows
// with what is in flight. Requests and events that make no sense are refused or ignored, never a panic; where the
// reference ends the run instead, its modes do so by Exchange.Err, after which nothing happens any more. There is
// nothing to close.
package sim
