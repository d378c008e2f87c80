package journal

import "github.com/hftrunner/hftrunner/hft"

// The bodies of records. They have no pointers and no gaps, and are in memory, ring and files as they are here; what is added
// later goes to the end, and a body of before is read with zeros there.

// Instrument is an instrument that records name by number.
type Instrument struct {
	TickSize, LotSize float64
}

// Run is the beginning or end of a run of the host.
type Run struct {
	// PID is the host's process; MonotonicNs is the machine's monotonic time, 0 where it is not known.
	PID, MonotonicNs int64
}

// Process is a process of a strategy.
type Process struct {
	// SHA256 is that of its binary.
	SHA256 [32]byte
	// PID is its process, OldPID that of the one it takes the place of; Restarts is how often the strategy was started again.
	PID, OldPID, Restarts int64
}

// Reasons why a strategy is held.
const (
	// HeldStopped: an operator has stopped it.
	HeldStopped = "stopped"
	// HeldGivenUp: it has failed too often.
	HeldGivenUp = "given_up"
)

// SavedState is a state that a strategy has saved, which is in a file.
type SavedState struct {
	SHA256 [32]byte
	Bytes  int64
}

// Request is a request as the bot made it.
type Request struct {
	Order hft.Order
	// SawNs is the exchange's time of the newest event in the host's book when the request came, ReactedNs how long it took from
	// the publication of the newest event that the bot had received, -1 where that is not known.
	SawNs, ReactedNs int64
}

// Refusal is a request that was not sent.
type Refusal struct {
	Order hft.Order
	// Limit and Value are those of the rule, where it has some.
	Limit, Value float64
	// Count is the number of requests that this record stands for.
	Count int64
	By    Refuser
	_     [7]byte
}

// Refuser says who refused a request.
type Refuser uint8

// Refusers.
const (
	ByHost    Refuser = 1
	ByGate    Refuser = 2
	ByJournal Refuser = 3
	ByVenue   Refuser = 4
)

// Sent is a request to the venue. Order.Req says which.
type Sent struct {
	Order hft.Order
	// Number is that of the newest client id in the record.
	Number uint64
}

// Answer is the venue's answer to a request. Order.Req says to which.
type Answer struct {
	Order   hft.Order
	VenueNs int64
	Code    int64
	Outcome Outcome
	_       [7]byte
}

// Outcome is the outcome of a request.
type Outcome uint8

// Outcomes.
const (
	Accepted Outcome = 1
	Refused  Outcome = 2
	// Unknown: there was no answer, the venue is asked.
	Unknown Outcome = 3
)

// Holding is the ledger of a strategy on an instrument, without orders: its sums after the record.
type Holding struct {
	State hft.StateValues
	// OwnPosition is the sum of its own executions, EntryPrice the average price of that, UnitValue the value of a
	// unit at price 1; Realised is without fees.
	OwnPosition, EntryPrice, UnitValue, Realised float64
	NumOrders, NumFills, NumRejects              uint64
}

// OrderState is an order after a report.
type OrderState struct {
	Order   hft.Order
	Holding Holding
}

// Execution is one execution, and the order after it.
type Execution struct {
	Order   hft.Order
	Holding Holding
	// Value and Fee are in quote currency, FeePaid in the asset it was paid in.
	Value, Fee, FeePaid float64
	Kind                ExecutionKind
	_                   [7]byte
	// FeeQty is the part of FeePaid that was taken from what is traded, as on spot: it has lowered the position.
	FeeQty float64
}

// ExecutionKind is the origin of an execution.
type ExecutionKind uint8

// Kinds of executions.
const (
	Trade       ExecutionKind = 0
	Liquidation ExecutionKind = 1
	ADL         ExecutionKind = 2
	Settlement  ExecutionKind = 3
	Delivery    ExecutionKind = 4
	Transfer    ExecutionKind = 5
)

// VenuePosition is the account's position.
type VenuePosition struct {
	Qty, EntryPrice float64
	VenueNs         int64
}

// Unattributed is the part of the account's position that belongs to no strategy. Venue is the account's position.
type Unattributed struct {
	Qty, Venue float64
}

// Mismatch is the account's position, the sum of what the strategies have, and what belongs to no strategy. Where the
// position is the sum of both, they agree again.
type Mismatch struct {
	Venue, Strategies, Unattributed float64
}

// Balance is an asset of the account.
type Balance struct {
	Total, Free, Locked float64
	VenueNs             int64
}

// Funding is a funding payment, and the ledger after it; a positive amount was received.
type Funding struct {
	Amount, Rate, Price, Position float64
	VenueNs                       int64
	Holding                       Holding
}

// ExecutionsRead is the venue's time up to which its executions were read, EventsNs that of account events, 0 where it does
// not list them.
type ExecutionsRead struct {
	UntilNs, EventsNs int64
}

// Mark is the value of a strategy's holding.
type Mark struct {
	Holding Holding
	// Mid is the price it is valued at, Equity cash, position and fees together.
	Mid, Equity float64
	DayEnd      uint8
	_           [7]byte
}

// TradingState is the trading state: 0 active, 1 reducing, 2 halted.
type TradingState struct {
	From, To uint8
	_        [6]byte
}

// ClockStep is a jump of the machine's time.
type ClockStep struct {
	ByNs      int64
	Confirmed uint8
	_         [7]byte
}

// Lost counts records that could not be appended, from the time of the first to that of the last.
type Lost struct {
	Count        uint64
	FromNs, ToNs int64
}

// Body is the body of a record.
type Body interface {
	Instrument | Run | Process | SavedState | Request | Refusal | Sent | Answer | OrderState | Execution | VenuePosition | Unattributed |
		Mismatch | Balance | Funding |
		ExecutionsRead | Holding | Mark | TradingState | ClockStep | Lost | None
}

// None is the body of a record that has only texts.
type None struct{}
