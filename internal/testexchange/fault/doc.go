// Package fault holds what is to go wrong in the loopback exchange, as data: each Fault has a name, and says how often,
// how many times, after how many opportunities and for how long it happens. A name says what it does in Names.
//
// The code that can do wrong asks Set.Hit at each opportunity. Whether the nth opportunity of a fault is hit depends
// only on the seed, the fault's name and n, not on other faults or on goroutines.
//
// A Set is safe for concurrent use and holds no resources. With no fault armed Hit costs one lock.
package fault
