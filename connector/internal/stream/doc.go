// Package stream keeps a WebSocket connection to a venue alive. A Keeper connects, says hello, reads, notices when
// nothing comes any more, connects anew with growing pauses, and replaces a connection before the venue cuts it: the
// next one is opened and made ready first, frames of both are delivered for an overlap, then the old one is closed. The
// consumer drops duplicates by their sequence.
// A Caller does the same for requests that are answered by frames with an id. Both know bytes, not venues: a Stream
// describes what one connection is like.
//
// # Memory and goroutines
//
// A frame belongs to the Keeper and is valid during the call of OnFrame only. Reading allocates nothing per frame
// unless the venue compresses. OnUp, OnDown, OnRenewed, OnFrame and a Stream's Ready and Pong are never called at the
// same time, though from several goroutines; Prepare, Ping and KeepAlive are called beside them. Every goroutine has
// ended when Run returns. Renew, Send, Call, Up and Stats may be called from any goroutine, OnFrame included; Call,
// which waits for a frame, not from a callback.
//
// # When things go wrong
//
// There is no queue: while OnFrame works nothing is read, TCP holds the venue back, and Stats counts such frames as
// slow. A frame longer than ReadLimit ends the connection. While there is no connection, Send and Call return ErrDown
// at once. What was written when a connection ended may have arrived or not: Call returns ErrUnknown then. A venue
// that refuses what is asked for is asked again a few times only; then Run returns a *RefusedError. A refusal that is a
// backoff.RetryAfter does not count: it may pass.
package stream
