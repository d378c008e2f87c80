package sim

// Compat chooses between the reference's behaviour and ours, where they differ.
type Compat uint8

const (
	// Fixed reports every execution by itself; the remainder of a modified order is its new quantity; an order that is
	// Filled always leaves the exchange; a market order that finds no other side expires; an answer carries the time
	// of the request it answers. This is the default.
	Fixed Compat = iota
	// Hftbacktest answers a request with one report, which carries only the last of its executions (Q29); a modified
	// order that lost its place keeps the bot's remainder (Q23); a market order on an empty side fills at no price
	// (Q25); answers to cancels carry the time of the submission (Q20); sells walk one tick further than buys (Q27,
	// Q28). The orders of one event fill in the order in which the reference visits them, where it takes any (its hash
	// maps) in ascending order id (Q24). A Filled order leaves the exchange (Q30).
	Hftbacktest
	// Stock is Hftbacktest with the reference's defect Q30: a PartialFill order that a trade fills exactly stays at the
	// exchange as Filled, and its next execution ends the run (Err). It serves to compare with the reference as
	// published, and for nothing else.
	Stock
)
