// Package linear speaks the v5 protocol of Bybit for linear perpetuals. Protocol is what package venue runs: public and
// private streams, orders by REST or over the trade connection, questions about the account. Decoder decodes the topics
// orderbook.N.SYMBOL and publicTrade.SYMBOL, as they come from the stream and stand in recordings.
//
// No SDK is used: what the venue needs is one signature and a dozen requests, and the ones there are decide about
// retries and clocks themselves, which the runtime has to. Messages other than market data are read with fastjson.
//
// # What is different about this venue
//
// Books of several depths come as streams of their own, which have a sequence (seq) but no update ids in common. One of
// them is the book (Config.DepthLevel, in recordings the deepest), and the best bid and ask (depth 1) are fused into it
// by that sequence. A book comes with the stream: a snapshot when it is subscribed, and again whenever the venue wants
// (connector.RuleStreamed). An acknowledgement says that a request was accepted for processing, nothing more; what
// becomes of an order is said by the private stream, in the topics order and execution, whose order is not defined. The
// venue cancels a post-only order that would take, and what is left of an immediate-or-cancel one: their reports say
// Expired, as at other venues. Positions are of one-way mode; a symbol in hedge mode takes no new orders. Of a balance
// that is bound which spot orders lock and what margin contract orders and positions take up; the venue itself counts
// the whole account's collateral.
//
// There is no dead-man's switch for everyone. The venue's cancel-on-disconnect (DCP) is for institutions, covers the
// whole account, and cannot be ended by a request; see Config.DisconnectCancel.
//
// # Memory and goroutines
//
// A Decoder fills a message that the caller owns. The message's symbol points into the raw bytes, or into the
// decoder where the topic is written with escapes, and holds until the next Decode. One goroutine uses a Decoder.
// Nothing is allocated once the message's rows have grown. There is nothing to close.
//
// A Protocol may be used from any goroutine. It keeps no orders and no subscriptions, but counts its requests against
// the venue's limits. It has one goroutine of its own, and that only for the trade connection; Close ends it.
//
// # When things go wrong
//
// Every error of a request is a *protocol.Failure: the venue's code as a cause, an HTTP status, or no answer. Unknown
// says that a request may have been executed. A request over a limit is not sent and fails at once, with the time at
// which it may be. A list that breaks off is an error, never a part of the list. Fields, statuses and topics that are
// not known fail nothing; a row of the private stream that is broken is reported after the others have been handed
// over.
package linear
