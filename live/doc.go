// Package live is hft.Bot over an ipc.Channel: what a strategy trades through on paper and at a venue.
//
// A LiveBotBuilder registers instruments and builds a LiveBot, which keeps for each of them a book, the last trades,
// the bot's orders and its state, from the events of the channel. The meaning is hftbacktest's LiveBot with its gaps
// closed: orders can be modified, waits take a timeout and end after the last event of a message, state values follow
// every fill, a stop and the end of data are different things, and nothing that goes wrong is dropped in silence.
//
// A strategy that is a program of its own attaches itself to a running host: Dial makes the channel that Build takes,
// Connect does both.
//
// # Waiting
//
// Events are only processed inside of waiting calls: Elapse, WaitNextFeed, WaitOrderResponse, and requests with wait.
// Build takes what it needs for a bot that is complete; hook and handler are told of that in the first waiting call. A
// wait that is over comes back when the message of the venue that ended it has been processed to its last event, so
// that a strategy never sees half of a depth update. Each response of an order ends one WaitOrderResponse: one that
// came in another waiting call ends the next one at once, and one for an order that is over never waits.
//
// # Memory and goroutines
//
// A LiveBot is used by one goroutine and notices another, whose call panics; Interrupt, Close and CurrentTimestampNs
// are for any. It owns the books it was built with and the channel, which it closes. What it returns by reference
// (book, orders, last trades) is valid until the next call on it. The error handler and the order hook run inside of
// waiting calls, in that goroutine; they may read the bot but must not call its waiting methods. Once all instruments
// have seen their usual number of orders, nothing here allocates but error events and logs.
//
// # When something is full, closed or gone
//
// A request that the host has no room for returns hft.ErrRequestQueueFull and changes nothing. The last trades are a
// ring: the newest overwrite the oldest. Waiting calls return hft.ErrInterrupted once the strategy is to stop,
// hft.ErrEndOfData when recorded data has ended, and hft.ErrPeerGone when the host is gone. After Close, which any
// goroutine may call at any time, every call that can return an error returns hft.ErrInterrupted.
package live
