// Package protocol says what the package of a live venue implements: Protocol, and the smaller interfaces of what some
// venues can and others cannot. It is data and interfaces only. Package connector/venue makes a connector of a
// Protocol: it keeps connections, books and orders, and asks and tells the venue by these.
//
// An Order goes to the venue, Reports about orders come back, as the answer to a request, by the private stream or as
// the answer to a question. A request that the venue refuses, or does not answer, is a *Failure, whose Cause says what
// that means for the order. A Stream describes a WebSocket connection: where it goes, what is said first, and after
// which silence it is dead.
//
// # Memory and goroutines
//
// Which methods are called by whom is said at each interface. Everything here is plain data otherwise: whoever has it
// may read it, and nothing has to be closed.
package protocol
