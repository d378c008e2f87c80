// Package ipc is the bot's end of the data plane between the host and the strategy processes: market feeds one way,
// orders, state and errors back and forth, all through shared memory. docs/format/ring.md describes the memory byte by
// byte.
//
// # What it is made of
//
// A Channel reads the feed of each of its connectors, a broadcast ring that all bots share, and a private queue, and
// merges the two in exactly the order in which the host published. Requests go by a queue the other way. Attach makes
// one of what the host gave to a process that it started. A process that the host did not start attaches itself by a
// unix socket: Dial. The descriptors travel over the socket, which then stays open and says that both ends live.
//
// # Memory
//
// Memory is the host's; a bot maps a feed only for reading. Records are copied out of shared memory before anything
// looks at them. Nobody keeps a pointer into a ring.
//
// # Goroutines
//
// A Channel belongs to the goroutine that runs the strategy, and notices another; its Interrupt, Resume, Close, NowNs
// and Instruments may be called from any, at any time. Nothing here ever waits but RecvTimeout, and Dial for the host's
// answer.
//
// # When something is full, closed or gone
//
// A bot that was lapped by a feed notices, reports hft.CodeFeedLost with the number of events it missed, and asks for
// its books again; it never sees a torn record, nor a book that was asked for before the last lap. A full request queue
// makes Send return hft.ErrRequestQueueFull. When the host is gone or has closed a feed, waiting returns
// hft.ErrPeerGone; a process that attached itself learns it at once, with the reason if the host gave one. After Close
// every call returns hft.ErrInterrupted. Numbers that a host writes into segments and attachments and that cannot be
// are an error of Attach and Dial.
package ipc
