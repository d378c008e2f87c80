// Package clientid writes the client order ids of this runner and recognises them: who sent an order, and under which
// order id, can be read from what the venue calls it, after any restart and without a file.
//
// An id is a prefix of 1 to 4 letters or digits, which tells one runner's orders from those of others on the same
// account, and 192 bits in the URL-safe base64 alphabet, 33 to 36 characters of [A-Za-z0-9_-] in all, which the three
// venues allow:
//
//	prefix | bot id 64 | order id 64 | incarnation 24 | nonce 40
//
// The nonce is the milliseconds since 2020 at the codec's start, plus the ids made so far. So no id is ever used twice,
// also when a bot uses an order id again, as long as a runner sends fewer than 1000 orders a second on the average of
// its life and the clock is not set back between two runs. It lasts until the year 2054.
//
// # Memory and goroutines
//
// All methods may be called from any goroutine. Encode allocates the string it returns and nothing else; Decode
// nothing. Nothing has to be closed. Whatever text Decode is given, the answer is the content or that it is no id of
// this runner.
package clientid
