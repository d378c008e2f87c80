// Package record writes what a venue sends to files: a venue's connector without an account, whose messages go to
// package collector, and nobody else.
//
// # Memory and goroutines
//
// Run works in goroutines that have ended when it returns, and then the files are whole. Progress may be called from any
// goroutine; what it returns belongs to the caller. A Meter is used by one goroutine.
//
// # When something fails
//
// A connection that is lost comes back by itself, and the book's snapshot is recorded again. So it is at the
// beginning of each UTC day: each file is complete by itself. When the disk fails, or the venue refuses what is subscribed, Run ends with the error; what had been flushed is in the files.
package record
