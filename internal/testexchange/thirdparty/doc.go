// Package thirdparty checks the loopback exchange with client libraries that nobody of this project wrote:
// adshao/go-binance for the two Binance venues, hirokisan/bybit and the venue's own bybit.go.api for Bybit. What those
// clients take for a venue is less likely to be our own misunderstanding of one.
//
// It is a module of its own, so that the product depends on none of them; it holds tests only. `make thirdparty` runs
// them. When the product's own dependencies rise, `go mod tidy` in this directory follows.
//
// # How the clients are led to this machine
//
// go-binance has the URLs of streams in package variables, which a test sets before it opens a stream; they are read
// when dialling. That is why no test here runs in parallel. The REST clients and hirokisan/bybit take a base URL.
// bybit.go.api logs on at the venue's own URLs only, and is led here by the dialler that it shares with all of
// gorilla's users.
//
// # What the clients cannot do
//
// go-binance 2.8.7 knows neither the split of the futures URLs of 2026 (a test gives it one class of stream at a time)
// nor the trade stream of futures, and its listen keys of spot are those that the venue has removed: the spot tests
// use its signed subscription of the WebSocket API. It writes a list of client order ids as Go does and not as JSON, so
// that batches are cancelled by the venue's ids. hirokisan/bybit 2.36.0 shows nothing of the answers to orders on the
// trade connection, so that the private stream tells what became of them, and asks for the time at a path of version 3.
//
// # Memory and goroutines
//
// Every test starts an exchange of its own and ends it. The clients leave goroutines behind that wait for timers; a
// stream that is open when its exchange ends sees an error, which is what a closed venue is.
package thirdparty
