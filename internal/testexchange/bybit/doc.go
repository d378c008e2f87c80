// Package bybit is the loopback exchange's Bybit v5 for linear contracts: REST, the public, the private and the trade
// connection.
//
// Messages have the fields of the venue. Where its documentation leaves the behaviour open it does the stricter thing:
// an acknowledgement says that a request was accepted and nothing else, an order that has ended is not among the open
// ones even when it is asked for by its id, a list has a cursor on its last page, too.
//
// # The book
//
// Each depth of a book is a feed of its own with ids of its own, which count its messages. A new subscriber gets a
// snapshot first; then all get the same differences at the depth's interval. The best levels (depth 1) are snapshots
// only, and are sent again with the same id after 3 s in which they did not change. Sequence numbers (seq) count what
// happens at the whole venue.
//
// # Memory and goroutines
//
// New builds a Venue, Core serves it; what the Venue keeps (feeds, log-ons, windows of cancel-on-disconnect) is used
// under the lock of the core only. Requests of a trade connection are begun in their order; each has a goroutine while
// it is answered, which the connection's end waits for. Closing is up to the core.
package bybit
