// Package clocksync measures how far a venue's clock is from the local one, so that signed requests carry a time that
// the venue takes.
//
// A venue's time is asked for several times. Each answer was stamped between the moments at which the question was sent
// and the answer read, which puts the offset into an interval as wide as the round trip, and a millisecond more since
// venues cut their time to it. The interval that most of the answers agree on, cut to what they have in common, is the
// measurement: its middle is the offset, half its width how wrong that can be. Answers that do not agree, such as one
// during which a clock was set, are dropped. Measurements in a row give the drift; one that contradicts the one before
// by more than clocks drift is a clock that was set, and begins anew. One during which the machine's time jumped, as
// whoever gives the local clock notices, counts for nothing, and after each jump there is another at once.
//
// # Memory and goroutines
//
// Combine and Track are values without a clock: the times are given. A Sync's Run asks, now and then; Resync, Estimate
// and NowMs may be called from any goroutine and never wait or allocate, Remeasure from any. When the venue does not
// answer, the last estimate stays and its error bound grows; before the first one the offset is 0 and not Known.
package clocksync
