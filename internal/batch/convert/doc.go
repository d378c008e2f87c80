// Package convert turns recorded feeds into event files for a backtest, and measured times into order-latency files.
//
// Events decodes recordings of raw venue messages, makes the book of them with the feed.Book that live connectors and
// replay have, corrects the local times of each file in which some lie before exchange times, and writes the rows so
// that they are in order for both the exchange's and the local side of a backtest (specification 1.4). With
// Options.Natural rows are taken as they come, and the bytes are those of hftbacktest project's converter.
// A Feed makes an event file of each recording, whose book goes on from one to the next.
// FeedLatencies and JournalLatencies make files of order latencies, from an event file or from what a live run has
// measured.
//
// # Memory and disk
//
// Events needs memory for Options.MemoryRows rows however large the recordings are, and a few pages for each run of so
// many rows. Where there is more than one run, the rows wait in a temporary directory until the last is read, once in
// each of the two orders; the directory is removed at the end, however that comes. An output file has its name only
// when it is complete. FeedLatencies reads its input in small pieces and keeps a row per bucket; JournalLatencies
// keeps 32 bytes a row.
//
// # Goroutines
//
// Calls are independent of each other and may run at the same time for different outputs. Each reads ahead with one
// goroutine, which ends before the call does. Callbacks come on the caller's goroutine.
//
// # What is wrong with a file
//
// An unusable line is a recording.Problem: reported, counted, skipped. A file without a usable line, one that is
// missing or cannot be read at all, a full disk and a context that ends are errors.
package convert
