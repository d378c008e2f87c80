// Package binancespot is Binance's spot venue: what its messages mean, and how to ask it. A Decoder decodes market data
// (depthUpdate, bookTicker, trade or aggTrade, and the depth snapshot, with or without the combined stream's envelope);
// a Protocol describes the streams, sends the requests and decodes the account's events for the runtime in package
// venue, which keeps the connections, books and orders.
//
// # What is particular to the venue
//
// There are no positions, only balances, and no dead-man's switch. A post-only order is a type of its own, LIMIT_MAKER.
// The account's events come over the WebSocket API. An order whose quantity falls is amended in place; any other
// amendment cancels it and places a new one, with a client id and a venue id of its own. The report about a
// cancellation has the cancellation's client id where other reports have the order's; the order's is taken from where
// it is then.
//
// No maintained library of others is used for the venue: market data has to be decoded without allocating, and the
// rest is a dozen requests on top of package binanceapi, which both Binance venues share.
//
// # Memory and goroutines
//
// A Decoder fills a message that the caller owns. The message's symbol points into the raw bytes, or into the
// decoder where the symbol is written with escapes, and holds until the next Decode. One goroutine uses a Decoder, and
// nothing is allocated once the message's rows have grown. A Protocol is used by any number of goroutines; what it
// returns belongs to the caller. Close ends the connection for order entry, if there is one.
//
// # When something fails
//
// Requests return a *protocol.Failure, as package binanceapi explains; nothing is asked twice. An event with unknown
// fields, statuses or types is never an error, one whose known fields are wrong is, and is not handed on.
package binancespot
