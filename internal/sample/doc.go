// Package sample makes recordings to try things with: a few minutes of a synthetic day at each venue, in the venue's
// own messages. The loopback exchange (internal/testexchange) makes the market, on a clock that is moved as fast as the
// machine can, and the writer of real recordings (internal/collector) the files; so whatever reads a recording reads
// these.
//
// The files are laid out as the directory of recordings that HFTRUNNER_DATA names: {venue}/{symbol}_{day}.gz. The same
// Config gives the same bytes, on every machine.
//
// # Goroutines and errors
//
// Write works on a goroutine for each venue, and all have ended when it returns. The directory is there when
// everything in it is whole, and not otherwise.
package sample
