// Package budget keeps a runner within a venue's rate limits: requests are counted before they are sent, the venue's
// own count is taken over from its answers, and what may not be sent is refused at once, with the time at which it may.
//
// Nothing waits here: an order that is sent late is another order, so a bot is told no and decides itself. A share of
// each limit is kept for cancels and questions about orders, which are let through when submits no longer are, and half
// of that for cancels alone.
//
// # How it counts
//
// A limit that the venue counts in windows of its clock (Binance: weight per minute, orders per 10 s and per minute) is
// counted in the same windows, and a request that is under way at the end of a window, or within Skew of it, counts in
// both. A limit whose windows begin at an unknown time (Bybit: requests per second and operation) is counted over the
// last window up to now, and a request counts from when it is sent until a window after its answer. Either way no
// window of the venue ever holds more than the limit, whatever the delays are, as long as nobody else uses the same
// address or key; if somebody does, the venue's answers say so and win. A token bucket (golang.org/x/time/rate) would
// not do: it lets its burst and its refill through in one window, which is up to twice the limit, or wastes half of it.
// Connection attempts are limited by one, in package stream, where half is plenty.
//
// # Bans
//
// A pause ends at a time; a ban (Ban) ends when the venue has answered. The time that it has said is believed. After
// it, and with a guessed time before it, too, one request at a time finds out, before it a cancel only.
//
// # Memory and goroutines
//
// A Budget may be used from any goroutine; a mutex guards it. It has no clock: every call is given the venue's time as
// it is known locally. Times that go back a little are taken for the latest known. Allow and Answered allocate nothing.
// What a Budget holds is bounded by the number of its limits. There is nothing to close.
package budget
