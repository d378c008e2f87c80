// Package collector writes raw messages of venues to files as hftbacktest's collector does, for package
// internal/recording to read: one gzip file for each symbol and UTC day, {symbol lowercase}_{YYYYMMDD}.gz, in it a line
// "<local time in ns> <message>" for each message, in the order of arrival.
//
// # What survives
//
// What Record takes is in the file, readable, after FlushInterval at the latest, whatever becomes of the process: each
// flush ends with a gzip block that can be read without what would follow. A file that is there is appended to with a
// gzip member of its own; where the last member was cut off, by a kill or a full disk, its readable part is completed
// first.
//
// # Memory and goroutines
//
// Record may be called from any goroutine. It copies the message and returns; one goroutine of the Writer compresses
// and writes. While that cannot keep up with more than MaxPending bytes, Record waits: nothing is dropped.
//
// # When something fails
//
// The first error of the disk ends the writing: Failed is closed, Err returns the reason, and Record does nothing from
// then on. Close writes what is there, ends the files, and returns the error.
package collector
