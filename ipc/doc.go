// Package ipc is the data plane between the host and the strategy processes: market feeds one way, orders, state and
// errors back and forth, all through shared memory. docs/format/ring.md describes the memory byte by byte.
//
// # What it is made of
//
// A Feed is a connector's broadcast ring: one writer, any number of bots that read it, each at its own pace. A Port is
// the pair of private queues between the host and one bot for one connector. A Control is a bot's page for wake-ups and
// heartbeats. A Clock is the time that the host and its bots share. The bot's end of all of them is a Channel, made by
// Attach; it merges the feed and the private queue of a connector in exactly the order in which the host published.
//
// A process that the host did not start attaches itself by a unix socket: Dial is its end, ServeAttach the host's. The
// descriptors travel over the socket, which then stays open and says that both ends live.
//
// # Memory
//
// The host creates every segment as a sealed anonymous file and strategy processes inherit it or receive it: nothing is left behind
// after a crash, a bot cannot shrink memory under the host's feet, and it can map a feed only for reading. Records are
// copied out of shared memory before anything looks at them. Nobody keeps a pointer into a ring.
//
// # Goroutines
//
// A Feed and the sending half of its Ports belong to whoever holds the connector's publishing lock; the receiving half
// of a Port to the one goroutine that serves the bot. A Channel belongs to the goroutine that runs the strategy, and notices
// another; its Interrupt, Resume, Close, NowNs and Instruments may be called from any, at any time. Nothing here ever waits but RecvTimeout, and Dial for the host's answer.
//
// # When something is full, closed or gone
//
// A feed is never full: it overwrites. A bot that was lapped notices, reports hft.CodeFeedLost with the number of
// events it missed, and asks for its books again; it never sees a torn record, nor a book that was asked for before the last lap. A full request queue makes Send return
// hft.ErrRequestQueueFull. A full private queue is continued in the host's memory up to MaxBacklog records; then the
// Port is Stalled and the host restarts the bot. When the host is gone or has closed a feed, waiting returns
// hft.ErrPeerGone; a process that attached itself learns it at once, with the reason if the host gave one. After Close every call
// returns hft.ErrInterrupted. What a bot writes is checked field by field; garbage is an error for that bot and nothing else.
// So are the numbers that a host writes into segments and attachments: what cannot be is an error of Attach and Dial.
package ipc
