// Package binance is what the two Binance venues of the loopback exchange have in common: parameters of requests and
// their signatures, error bodies, HTTP headers of limits, control messages of market streams, and the envelope of the
// WebSocket API. What a request means is for the venue's package.
//
// # What a venue supplies
//
// A REST has a table of routes, "METHOD /path" to Route; a WSAPI a table of methods; Streams a function that reads the
// name of a stream. All call the venue's functions with Params, which are the same for both ways to ask.
//
// # Memory and goroutines
//
// The tables are read only once serving has begun. Handlers run on the goroutines of the server, several at once.
// Nothing outlives its request but what the venue keeps.
package binance
