// Package npy reads and writes arrays of fixed-size rows in NumPy's file format, as hftbacktest keeps its data: one
// array in a .npy file, or as a member of a .npz archive. It works in bounded memory whatever the file's size.
//
// # Rows
//
// The row type is a Go struct of uint64, int64 and float64 fields in the order of the file's fields (a Dtype), such as
// hft.Event for EventDtype(). The file holds the bytes such a struct has in memory on a little-endian machine, so rows
// are cast and not decoded; on another machine every call fails with ErrFormat.
//
// # Memory and goroutines
//
// Rows are read into slices of the caller and written from them; nothing of the caller's is kept. A Reader holds one
// open file and a buffer of 64 KiB, with deflate 384 KiB more; a Writer 256 KiB, with deflate about 1.5 MiB. Readers
// and writers have no lock: one goroutine at a time uses one. Any number of readers may read the same file.
//
// # Full, closed, broken
//
// No file panics: what is wrong with it is an error that names file, row where there is one, what is wrong and what to
// do, and that is ErrFormat (not such an array), ErrTruncated (rows are missing) or ErrCorrupt (the archive's checks
// fail). Errors of a Reader or Writer stay: later calls return the same. A writer works under a temporary name and
// takes the final one when it is closed with all of its rows, so a file of that name is complete; a full disk is an
// error that leaves an older file of that name as it was. A closed reader or writer returns os.ErrClosed.
package npy
