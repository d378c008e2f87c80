// Package hft is the vocabulary of hftrunner: market events, orders, the book a strategy reads, the
// Bot it acts through, and the errors it gets. It imports the standard library only, so a strategy, the
// simulated exchange, a connector and the host all speak the same language without depending on each other.
//
// # Names and values
//
// Names are hftbacktest's, spelled by Go's conventions; each doc comment gives the original where it differs.
// Numeric values of flags and enumerations are part of the wire and file format and never change.
//
// # Units
//
// Time is int64 nanoseconds since the Unix epoch of the bot's clock (fields end in TimestampNs); durations are
// time.Duration. Prices are float64 at the edge and integer ticks inside (fields end in Tick); quantities are
// float64 in the instrument's unit.
//
// # Memory and goroutines
//
// Event, Order and StateValues hold no pointers and are copied freely. What a Bot returns by reference (its
// depth, orders and last trades) belongs to the Bot and is valid until the next call on it. A Bot is used by one
// goroutine, the one that runs the strategy. There is nothing here to close, and nothing can be full.
package hft
