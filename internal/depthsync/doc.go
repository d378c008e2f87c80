// Package depthsync keeps a book's feed in step with its venue: it holds back the differences of a stream until a
// snapshot has come that they continue, joins both by the venue's rule, and notices when a difference is missing. A snapshot that
// contains everything that has come is the book at once; the first difference behind it has to continue it or the stream.
//
// Where the stream itself brings snapshots (RuleStreamed) it replaces the book by them, and holds back only what comes over
// a second connection while one takes over from another.
//
// A Synchronizer sees each depth message and snapshot of one instrument and answers with what to publish: that the
// book is lost, the rows that make it whole, that it is complete. It knows neither sockets nor files; live venues
// and replay use it alike.
//
// # Memory and goroutines
//
// A Synchronizer copies what it holds back. The rows it returns are those of the message it was given, or its own
// memory, valid until the next call. While the book is in step nothing is copied or allocated. One goroutine uses a
// Synchronizer. There is nothing to close.
//
// # Limits
//
// What is held back is bounded by Config. When the bound is reached the older half is dropped (Output.Overflow): a snapshot
// has then to be newer than that. A lost message makes the state Syncing until a later snapshot fits.
package depthsync
