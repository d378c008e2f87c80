// Package paper is the connector of simulated trading: a Source gives the market, recorded or synthetic, and the
// exchange made of the models of package sim matches the orders of any number of bots against it.
//
// # Time
//
// The connector has its source's time. At Speed 1 that passes as the wall clock does, at 10 ten times as fast; at 0 it
// is stepped: it goes on when every bot has processed everything, and then two runs over the same data are equal,
// order by order. Market data reaches bots and exchange at the same time, or each at a time of its own, as the source
// says: a replay at speed 0 hands rows to the exchange at their exchange time and to the bots when they were received,
// and then requests, answers and fills are those of a backtest of the same recording (TestReplayIsABacktest in runner),
// if the recordings are those of the backtest: time begins with the first row of all, also of a symbol that nobody
// trades; of several instruments, what happens in one nanosecond may come in another order than there. A request
// reaches the exchange OrderLatency after Run has taken it; requests of one instant are handled by bot id, then in the
// order of arrival, when time is stepped. A report reaches the bots ResponseLatency after the exchange made it; its
// ExchTimestampNs is when it did.
//
// # Answers
//
// Every request is answered by an order update: the new state, executions one by one, or a refusal with Req
// hft.StatusRejected. A refusal that means a mistake (values that cannot be, an id twice, a full queue) also comes as
// an OrderError with the reason; a cancel that lost the race against a fill, or a post-only order that would take, does
// not. After each execution the position of all bots together goes out as the account's.
//
// # Memory and goroutines
//
// Run is one goroutine, the caller's, and the only one to use source and exchange. Register, Submit, Cancel and Modify
// may be called from any goroutine at any time and never wait: requests go into a queue of Config.RequestCapacity, and
// are refused when it is full. A refusal for that reason comes through the Sink from the caller's goroutine; those
// from before Run, when there is no Sink, are counted and reported together. Steady trading allocates nothing.
//
// # End
//
// When the source has ended, what is under way is still delivered, and then Run returns nil; requests made after the
// last batch are ignored. When ctx ends Run returns nil at once. It closes the source. An error of the source is
// returned. Requests made later are ignored.
package paper
