package sim

// Reject is the reason of a refusal.
type Reject uint8

// Reasons of a refusal.
const (
	// NotRejected: the report is no refusal.
	NotRejected Reject = iota
	// RejectUnknownOrder: the order to cancel or modify does not rest here; usually it has just been filled.
	RejectUnknownOrder
	// RejectDuplicate: the owner has an order of this id resting here.
	RejectDuplicate
	// RejectInvalid: side, type, time in force, price or quantity cannot be.
	RejectInvalid
	// RejectTooManyOrders: the exchange holds as many orders as it may.
	RejectTooManyOrders
	// RejectLost: the latency model lost the request; no exchange has seen it.
	RejectLost
	// RejectLimit: a limit of package risk forbids the request; no exchange has seen it.
	RejectLimit
)

// String returns the reason in words that follow "order rejected: ".
func (r Reject) String() string {
	switch r {
	case NotRejected:
		return "not refused"
	case RejectUnknownOrder:
		return "no such open order"
	case RejectDuplicate:
		return "an order of this id is open already, use another id or modify it"
	case RejectInvalid:
		return "side, type, time in force, price or quantity is not valid, or less than one lot"
	case RejectTooManyOrders:
		return "too many open orders, cancel some first"
	case RejectLost:
		return "the request was lost on the way"
	case RejectLimit:
		return "a limit forbids it"
	}
	return "unknown reason"
}
