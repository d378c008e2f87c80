// Package ticktoorder measures the way from a venue's message to an order request, all of it real but the sockets: the
// message is decoded, goes through the fused book and the shared memory to a strategy in a process of its own, and
// that strategy's order comes back through the host's request path to the connector.
//
// The strategy is this program again: MaybePlugin has to be called first thing in main. Measure starts a host of its
// own in a temporary directory, owns everything it makes, and leaves nothing behind; it may be called by one goroutine
// at a time. When the strategy process dies, Measure returns why.
package ticktoorder
