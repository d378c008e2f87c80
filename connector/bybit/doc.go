// Package bybit is Bybit's linear perpetuals venue (v5). So far it decodes the venue's public market data: the topics
// orderbook.N.SYMBOL and publicTrade.SYMBOL, as they come from the stream and stand in recordings.
//
// # Memory and goroutines
//
// A Decoder fills a message that the caller owns. The message's symbol points into the raw bytes, or into the
// decoder where the topic is written with escapes, and holds until the next Decode. One goroutine uses a Decoder.
// Nothing is allocated once the message's rows have grown. There is nothing to close.
package bybit
