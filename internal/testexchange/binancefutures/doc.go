// Package binancefutures is the loopback exchange's Binance USD-M futures: REST, market streams on their routed and
// unrouted paths, the user data stream by listen key, and order entry through the WebSocket API.
//
// Messages have the fields of the venue in the order they have on the wire. Where the venue's documentation leaves the
// behaviour open it does the stricter thing: market-class streams and user data are silent on unrouted paths, ids
// between depth updates have holes, an acknowledgement says NEW whatever became of the order.
//
// # Memory and goroutines
//
// New builds a Venue, Core serves it; what the Venue keeps (streams, listen keys, countdowns) is used under the lock of
// the core only. A listen key expires after an hour of the venue's clock; a countdown that runs out cancels. Closing
// is up to the core.
package binancefutures
