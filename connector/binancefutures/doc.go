// Package binancefutures is Binance's USD-M futures venue. So far it decodes the venue's market data: depthUpdate,
// bookTicker, trade or aggTrade, and the depth snapshot of the REST interface, with or without the combined stream's
// envelope.
//
// # Memory and goroutines
//
// A Decoder fills a message that the caller owns. The message's symbol points into the raw bytes, or into the
// decoder where the symbol is written with escapes, and holds until the next Decode. One goroutine uses a Decoder.
// Nothing is allocated once the message's rows have grown. There is nothing to close.
package binancefutures
