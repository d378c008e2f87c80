// Package binancespot is the loopback exchange's Binance spot: REST, market streams, and the WebSocket API with order
// entry and user data.
//
// Messages have the fields of the venue in the order they have on the wire. Update ids of a book have no holes: a
// difference begins one after the last one ended. Market data has no engine time and the ticker no time at all. There
// is no listen key; user data is subscribed on a connection of the WebSocket API, several accounts on one if their keys
// sign for it. An amendment without a new client id gives the order a random one, as the venue does.
//
// # Memory and goroutines
//
// New builds a Venue, Core serves it; what the Venue keeps (streams, subscriptions) is used under the lock of the core
// only. Closing is up to the core.
package binancespot
