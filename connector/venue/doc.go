// Package venue runs the connection to a live venue: streams, books, orders and their reconciliation, the same for every
// venue. What is particular about one is its Protocol; Connector is the connector.Connector made of it.
//
// # What is promised
//
// A book is fed while it is in step with the venue and cleared otherwise: a lost message, a lost connection or a snapshot
// that does not fit make it stale until a snapshot fits again. Ready is said of an instrument when its book is in step and
// its open orders and the positions are known. Orders are accepted while the private stream is up and the orders on their
// symbol have been asked for since it came up; cancels at any time. What an earlier run has left is asked for without the private
// stream where that stays away. What becomes of an order is the business of package
// blotter, which is asked again by an audit now and then, and soon after a message that could not be read.
//
// Requests begin in the bots' sequence and each waits for its own answer. Two requests about one order keep their sequence;
// those about different orders go out side by side and may overtake each other on their way. Many cancels of a symbol go
// together as far as the venue has requests for it, all of its orders at once only when each of them is to be canceled. A cancel
// is tried until the order has ended or Run has; OpenOrders says what is left.
//
// With Config.DeadMan the venue cancels the orders on a symbol when this process is silent for that long. The switch is
// armed with a symbol's first order, refreshed for all symbols side by side, and disarmed when Run ends in order: orders
// that are kept are kept on purpose. It stays armed on a symbol on which a cancel is not confirmed, and when Run ends with an
// error.
//
// # Memory and goroutines
//
// A market message allocates nothing on its way to the Sink. Register, Submit, Cancel and Modify may be called from any
// goroutine and do not wait for the venue. A market stream delivers by one goroutine at a time, each stream by its own; the
// Sink is called from all of them, from the private stream's and from those of requests. Locks are taken in this order: a
// stream's, then an instrument's or that of the record of orders, never both of these; the Sink is called under them and
// must not call back. All goroutines have ended when Run returns, which waits 3 s at most for the answers to
// requests that are out.
//
// # When things go wrong
//
// Up to 512 requests wait for answers; what is more, but for cancels, is refused at once. A key that is refused, a ban and a
// missing dead-man's switch are told to all bots as critical errors. A venue that refuses the market streams from
// the start ends Run with an error; one that refuses the private stream from the start ends trading, not market data. What
// it has given before is asked for again every minute, and cancels go on. After Run has returned requests are dropped.
package venue
