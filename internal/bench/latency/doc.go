// Package latency measures what a record costs from one process to another and back through shared memory, on the
// machine at hand: a feed record there through the broadcast ring, a reply back through the private queue.
//
// A virtual machine's cores are sometimes near and sometimes far from each other, so [RoundTrip] also measures the raw
// level, one cache line there and back between the same two processes, right before and right after, and states its
// result as a multiple of it.
//
// The peer is the running executable started again: a program that calls [RoundTrip] calls [MaybeChild] first in main.
// The measuring process owns all memory, and the child ends when it does. One goroutine per call; calls at the same
// time disturb each other's numbers, nothing else. If the child dies, RoundTrip returns an error that says how.
package latency
