// Package scan reads the JSON of Binance's market data without allocating. It exists because the two Binance
// venues, futures and spot, speak the same JSON and may not import each other; it knows the syntax and the names of
// the fields, and leaves it to the venues what a message means.
//
// A Payload reads one message in one pass: it checks the whole text as JSON, unwraps the combined stream's envelope
// and notes where each field of interest stands. Values are converted when a venue asks for them, so a field that a
// message type uses otherwise is no error. The rows of a book, which are nearly all of the traffic, are converted
// during the pass where the fields come in their usual order. Any order of fields, white space, escapes, numbers with
// or without quotes and exponents give the same result more slowly.
//
// Quotes are most of the messages that a venue sends. Those of the usual form are read and converted in one pass
// without a Payload's notes (FuturesQuote, SpotQuote), and so are trades and the differences of books, and Bybit's
// messages about books (Usual). What these do not take a Payload does.
//
// # Memory and goroutines
//
// A Payload refers to the message it has read and to memory of its own; what it returns is valid until its next Scan.
// Nothing is allocated once the caller's rows have grown, save for decimals of more than 19 digits and for errors.
// One goroutine uses a Payload. There is nothing to close.
//
// # Limits
//
// Nesting deeper than 512 is an error. Prices and quantities are finite and not negative, else an error. An Error
// says at which byte the message is wrong; no input makes the package panic.
package scan
