// Package check looks over a day of market data before a backtest uses it. Check reads the event rows once, front to
// back, and reports what the engine would take as it comes: rows out of order, negative feed latency, gaps, clock steps,
// a book that stays crossed, prices and quantities that cannot be. A Report says for each how often, where first and
// what to do about it.
//
// # Memory and goroutines
//
// Check owns a buffer of 4096 rows and a book of package depth, about 700 KiB together, and nothing that grows with the
// rows; only data by order (L3) keeps its resting orders. It allocates nothing per row. It runs on the caller's goroutine
// and calls read there. A Report is a plain value of the caller.
//
// # Full, closed, broken
//
// Any rows are accepted and none panics. Each finding counts all cases and keeps the first few as examples. An error of
// read ends the check with that error and the report so far; so does a cancelled context, looked at between buffers.
package check
