// Package binanceapi is what the two Binance venues, futures and spot, have in common on the way of requests: keys and
// signatures, the REST client, requests and replies of the WebSocket API, the subscriptions of market streams, and what
// a refusal means. It knows no endpoint and no order; that is the venues', which may not import each other.
//
// # Requests
//
// Params are written once and sent either way: percent-encoded in the query of a REST request, whose text is signed as
// it is sent, or as JSON in a request of the WebSocket API, whose parameters are signed sorted and unencoded.
//
// # Memory and goroutines
//
// A Key never changes and never shows its secret in a text. Signer, Client and Caller are used by any number of
// goroutines. What an Append function returns belongs to the caller, and nothing is allocated when the memory that it
// appends to is large enough. A Value is valid during the call that it was handed to.
//
// # When something fails
//
// What comes back is a *protocol.Failure whose Cause says what became of the request. Anything after the first byte may
// have been sent is protocol.Unknown unless the venue has said otherwise: a reply that is lost, cut or unreadable, also
// with status 200. A request that had no connection is protocol.Unreached: not executed. Replies larger than MaxReply
// are not read. Redirects are not followed, because they would take the key elsewhere. No error carries a secret, a
// key, a signature or the URL of a request.
package binanceapi
