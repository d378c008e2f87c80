package protocol

// Cause is what a venue's refusal means for the request, across venues.
type Cause uint8

// Causes.
const (
	// Unknown: whether the request was executed is not known; the order has to be asked about.
	Unknown Cause = iota
	// Refused: the request was not executed and would not be a second time: filters, funds, permissions of the symbol.
	Refused
	// WouldTake: a post-only order that would have taken. It is over, and no error.
	WouldTake
	// Unfilled: a fill-or-kill or immediate-or-cancel order found nothing. It is over, and no error.
	Unfilled
	// DuplicateID: an order of this client id is there; it is not touched.
	DuplicateID
	// Gone: there is no such open order; it may be filled, canceled or not have arrived yet.
	Gone
	// NotFound: a question about an order that the venue does not know.
	NotFound
	// NoChange: an amendment that changes nothing or is not possible; the order stays as it is.
	NoChange
	// OrderRate: too many orders; submissions pause until RetryAt.
	OrderRate
	// Weight: too many requests; everything pauses until RetryAt.
	Weight
	// Banned: the venue does not talk to this address until RetryAt.
	Banned
	// ClockOff: the request's time was outside of the window; it was not executed. The clock has to be synchronised.
	ClockOff
	// Key: key, signature, permission or address are not accepted; trading has to stop.
	Key
	// Overloaded: not executed because the venue is busy; cancels are tried again.
	Overloaded
	// Unreached: not executed because there was no connection to the venue; cancels are tried again.
	Unreached
)

// String returns the cause in words.
func (c Cause) String() string {
	names := [...]string{"outcome unknown", "refused", "would take", "not filled", "duplicate client order id", "no such open order",
		"no such order", "nothing changed", "too many orders", "too many requests", "banned", "clock off", "key not accepted", "overloaded",
		"the venue was not reached"}
	if int(c) < len(names) {
		return names[c]
	}
	return "unknown cause"
}
