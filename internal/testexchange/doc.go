// Package testexchange is an exchange on this machine: HTTP and WebSocket servers that speak the protocols of the real
// venues, with a matching engine behind, for trying a live configuration without keys and for tests of connectors. It
// can be told to do everything that real venues do wrong; package fault lists that.
//
// # Parts
//
// Start serves each configured Venue on an address of its own. Its layers, from below:
//
//	market           books, accounts, orders; no protocol
//	fault            what is to go wrong, as data
//	wire             sockets, WebSocket connections, signatures, limits; no venue
//	venue            one market with connections, keys, background and counters behind one lock
//	binance          what the two Binance venues have in common
//	binancefutures   a protocol: implements venue.Protocol
//	binancespot      another
//	bybit            another, with nothing in common with the two
//
// A protocol is a package that has New(core, Options), WireConfig and a type that implements venue.Protocol, and one
// line in the table of Start. It gets all its requests in ServeHTTP, changes the market in Core.Do only, and turns the
// market's events into messages in Publish.
//
// # Use
//
// In a test, give Config a wire.ScriptedClock and move time by Exchange.Advance; without it the exchange follows the
// wall clock by itself. With Config.Offline, Exchange.Tap and Exchange.Get it needs no sockets: package sample records
// it so. Each address also serves GET /admin/state, POST and DELETE /admin/fault, and POST /admin/account, which lets
// the venue do to an account what Exchange.Happen does: liquidation, ADL, settlement, delivery, funding, deposits,
// margin calls, another leverage or position mode.
//
// # Memory and goroutines
//
// Methods of Exchange are safe for concurrent use. Close ends all servers and connections and waits for their
// goroutines; it returns what went wrong in them. A venue whose background ends or fails goes on with the book as it is
// then; State says so.
package testexchange
