// Package binancefutures is Binance's USD-M futures venue: its streams of market data and of the account, its REST
// interface and its WebSocket API, as a protocol.Protocol, and a decoder of its market data, which is used alone for
// recordings.
//
// No library of the venue is used for it: those there are cover hundreds of endpoints that nobody here needs, keep
// connections in ways of their own, and follow the venue's changes, such as the streams' division into classes of 2026,
// when they can.
//
// # Memory and goroutines
//
// A Decoder fills a message that the caller owns. The message's symbol points into the raw bytes, or into the
// decoder where the symbol is written with escapes, and holds until the next Decode. One goroutine uses a Decoder.
// Nothing is allocated once the message's rows have grown.
//
// A Protocol keeps no state of orders or books. Its methods may be called from any goroutine; those that take a context
// block until the venue has answered. What they return belongs to the caller. With orders over the WebSocket API it has
// goroutines of its own for that connection, which have ended when Close returns; otherwise it has none, and Close only
// ends idle connections. Texts and errors never show the secret; a private stream's URL holds a listen key, which is to
// be kept out of logs.
//
// # When something fails
//
// Requests return a *protocol.Failure, whose Cause follows the venue's codes and HTTP statuses. A message that is not
// what the venue sends is an error that says where; unknown fields, events and statuses are not.
package binancefutures
