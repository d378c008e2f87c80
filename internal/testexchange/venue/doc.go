// Package venue is what the three venues of the loopback exchange have in common: one market behind one lock, the
// background that moves it, connections, keys, faults and counters, and the clock that drives all of them. A venue's
// package puts its protocol on top: it implements Protocol and hands it to Core.Start.
//
// # How a venue works
//
// Every access to the market goes through Core.Do, which first lets the background catch up with the clock, then runs
// the caller's function under the lock, and then gives what happened to Protocol.Publish, still under the lock: so the
// messages of all connections are queued in the order of the market, and a request's events are queued before its
// answer. Core.Advance, called by a ticker or by a test with a scripted clock, does the same with Protocol.Tick.
//
// # Memory and goroutines
//
// Methods of Core are safe for concurrent use, except Start and those named in Protocol, which run under the lock and
// must not call Do. With Config.TickInterval one goroutine advances the venue; Close ends it, all connections and the
// background, and waits for them.
package venue
