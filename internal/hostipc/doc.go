// Package hostipc is the host's end of the data plane; package ipc is the bot's.
//
// A Feed is a connector's broadcast ring: one writer, any number of bots that read it, each at its own pace. A Port is
// the pair of private queues between the host and one bot for one connector. A Control is a bot's page for wake-ups and
// heartbeats. A Clock is the time that the host and its bots share. ServeAttach answers processes that attach
// themselves.
//
// # Memory
//
// The host creates every segment as a sealed anonymous file and strategy processes inherit it or receive it: nothing is
// left behind after a crash, a bot cannot shrink memory under the host's feet, and it can map a feed only for reading.
// What a bot writes is checked field by field; garbage is an error for that bot and nothing else.
//
// # Goroutines
//
// A Feed and the sending half of its Ports belong to whoever holds the connector's publishing lock; the receiving half
// of a Port to the one goroutine that serves the bot. Nothing here waits for a bot.
//
// # When something is full
//
// A feed is never full: it overwrites. A full private queue is continued in the host's memory up to MaxBacklog records;
// then the Port is Stalled and the host restarts the bot.
package hostipc
