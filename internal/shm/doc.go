// Package shm is the shared memory between the host and its strategy processes: segments, a broadcast ring for feeds,
// a single-producer single-consumer queue for everything private, and a futex to sleep on.
//
// Memory. [Create] makes a segment, its file descriptor is inherited by the peer, [Open] maps it there. Both sides own
// their mapping and release it with [Segment.Close]; on Linux the memory has no name in any file system, so it is gone
// when the last process that holds it is, however it died. After Close, rings and words of the segment find zeros;
// nobody who still reads is pulled the memory from under. What leaves a ring is always a copy.
//
// Goroutines. A [BroadcastWriter], a [BroadcastReader], a [Producer] and a [Consumer] are each used by one goroutine
// at a time, and a ring has one writer. Tails, heads and words may be looked at by anyone.
//
// Full, closed, dead. The broadcast writer never waits: a reader that is more than the capacity behind gets the result
// [ReadLapped] (overrun) and never gets a torn record. A full queue refuses ([PutFull]). Nothing here notices that the
// peer is dead: rings simply stay as they are, complete up to the last record that was published, and a record half
// written by a killed process is never visible. Heartbeats are the caller's.
//
// The peer is not trusted. Offsets and capacities come from the caller, never from the segment; each side keeps its own
// counters in private memory; every word of the peer is read once and nothing in it can lead out of bounds or to a
// panic. A segment that a peer maps is sealed against shrinking, so no peer can make an access here fault.
//
// Ordering. Each store that publishes and each load that observes is marked SYNC POINT with a name that both share.
package shm
