// Package journal is the record of all that a host decides or learns about orders, money and strategies: one append-only
// sequence of records in <state_dir>/journal, from which recovery, queries and comparisons are read. Nothing keeps a second
// history. docs/format/journal.md describes it byte by byte.
//
// Append puts a record into a ring in shared memory that outlives the process, and returns: no request waits for a disk. A
// goroutine writes what is in the ring into segments and syncs them every ten milliseconds. So a killed process loses
// nothing, the next Open writes what the ring still has; a power cut loses what was not synced yet.
//
// The order of records is their sequence; their time is a hint. State is the sum of the records up to a sequence. It
// does not depend on how records of different goroutines follow each other. Each segment begins with the State before
// its first record, so that a reader can begin at any of them, and old ones can go.
//
// A Writer is used by any goroutine, a Reader by one. Any number of processes can read while one writes.
package journal
