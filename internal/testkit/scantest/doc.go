// Package scantest holds what the tests of the Binance decoders share: the recorded messages, a slow and plain
// decoder on encoding/json to compare with, and a writer that puts a message into other words.
//
// Everything that is returned belongs to the caller. The functions keep no state and may be called from any goroutine;
// there is nothing to close. Recordings that are missing fail the test that asks for them.
package scantest
