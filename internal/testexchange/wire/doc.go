// Package wire is the sockets of the loopback exchange: an HTTP server, WebSocket connections with a queue each and
// everything that can go wrong with them, and what requests are checked with (signatures, time windows, rate limits).
// It knows no venue.
//
// # Connections
//
// A Hub accepts WebSocket connections. Each has two goroutines: the handler's, which reads and calls Handler.Message,
// and one that writes what is queued, in order. Send never waits: a connection whose queue of QueueSize messages is
// full is closed, because its client does not read. Hub.Advance does what time does to connections: pings, connections
// without a pong, the end after a day. A closed Conn ignores what is sent to it.
//
// # Memory and goroutines
//
// A message belongs to the Hub from Send on, because several connections may have it queued: nobody changes it
// afterwards. Methods of Hub, Conn, Limiter and Server are safe for concurrent use. Server.Close ends all connections
// and waits for all goroutines.
package wire
