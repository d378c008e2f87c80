// Package sim is what a simulated exchange is made of: QueueModel, Probability, LatencyModel, FeeModel and AssetType
// are small interfaces, each with the implementations of hftbacktest, and paper trading and the backtest take them
// alike. An author may write more of them.
//
// The exchange itself is the same for both and cannot be named. It takes orders of any number of bots against a
// recorded or synthetic market that does not react to them.
//
// # What is simulated
//
// A resting order fills when a trade passes its price, when the other side's best price reaches it, or when trades at
// its price have used up the quantity that its QueueModel says is ahead of it. Without partial fills an order fills
// whole; with them displayed quantities and the size of trades are taken into account. Orders of bots never meet each
// other, do not change the market, and each of them sees the full quantity of every trade. Behaviour follows
// hftbacktest 0.9.4 with its defects fixed; Compat names what can be had the original way.
//
// Latency is constant, interpolated between recorded requests (NewInterpolatedLatency), or different for each kind of
// request (PerRequestLatency). An execution is reported with what made it (FillCause), a refusal with its reason
// (Reject).
//
// # Memory and goroutines
//
// Nothing here starts a goroutine, reads a clock or draws random numbers. Models have no state of their own, except
// NewInterpolatedLatency's, which keeps a cursor and belongs to one goroutine. The state of an order's queue position
// is kept by the exchange.
package sim
