// Package replay is a market made of recordings: it reads files of raw venue messages, decodes them and hands them out
// in the order of their receipt, as the source of the paper connector.
//
// Package recording says what a file looks like. An instrument has one or more files, read one after the other, and
// the lines of all instruments are merged by local time; of equal times the instrument registered first comes first.
//
// # The book
//
// With SyncExchange a book is published only when a recorded snapshot and the differences around it fit together by
// the venue's rule, and it is stale from a missing difference until the next snapshot that fits; best bids and asks
// are held back while it is. With SyncNatural every row is published as it comes, as hftbacktest's connectors do:
// snapshots are rows like others, nothing is cleared, a missing difference is only counted.
//
// # Time
//
// The clock of each file is corrected as in a conversion for backtests: where messages were received before they happened, all
// local times of the file are raised by so much, and by Config.BaseLatency. Open reads the files for that. With SyncNatural times
// stay as recorded. In a file without local times, as in the archives of venues, each message comes Config.BaseLatency after the venue's
// time, whatever Sync is.
//
// With Config.ExchangeTime rows come to the exchange at their exchange time and to the bots at their local time, in the order that
// a conversion writes them in for a backtest. The source reads ahead for that, as far as rows were received later than they
// happened; it knows how far because Open has looked through the files. What is read ahead is bounded by 4 million rows (256 MiB);
// rows that are still later come to the exchange late, which is a Problem.
//
// # What is wrong with a recording
//
// Each thing that is wrong is a Problem with file and line: it is reported and counted, and passed over or made the
// error that Next returns, as configured. Time never runs backwards: a line whose time does keeps its message and gets
// the time of the line before it.
//
// # Memory and goroutines
//
// One recording.Reader per instrument reads ahead with a goroutine of its own. One goroutine uses a Source; Close may
// be called from any, stops the reading ahead and waits for it, and Next returns an error from then on. A Batch's
// events belong to the Source and are valid until the next Next.
package replay
