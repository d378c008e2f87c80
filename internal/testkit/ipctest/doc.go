// Package ipctest is what tests of the data plane stand on: a host and its bots in plain Go memory (Hub), and the
// conformance suite (Run) that every implementation of ipc.Channel passes, that one and the shared memory alike.
//
// # Memory and goroutines
//
// A Hub owns everything it holds and copies what it is given, except the Value of an error, which is immutable. The
// host side of a Hub may be used by any goroutine. Each Channel it hands out is used by one goroutine, as ipc.Channel
// says. On a ManualClock nothing ever waits: a RecvTimeout with nothing to receive moves the clock, running on the way
// what was scheduled on it, so that a test of one goroutine is the same at every run.
//
// # When something is full, closed or gone
//
// A full request queue makes Send return hft.ErrRequestQueueFull. A bot that leaves MaxQueuedEvents unread has failed
// permanently: its channel returns hft.ErrPeerGone. The same is returned when the Hub is closed; the closing of a
// channel frees its bot id.
package ipctest
