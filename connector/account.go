package connector

import (
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// SettledPosition is the account's position in an instrument as the venue has answered, while no message
// about the instrument came between question and answer and the outcome of each request was known.
type SettledPosition struct {
	InstrumentNo int
	Qty          float64
	// Asset names the asset of Qty on spot, empty elsewhere. Shared are the other instruments that trade it.
	Asset  string
	Shared []int
	// AskedNs is the venue's time of the question, KnownNs that up to which all executions and account events are
	// reported, 0 while nothing is known of them.
	AskedNs, KnownNs int64
}

// PositionWatcher is implemented by a Sink that compares the account's positions with what strategies have.
type PositionWatcher interface {
	// PositionSettled returns 0 when nothing is to be done, otherwise after which time the connector is to ask again, for executions
	// and account events, too.
	PositionSettled(p SettledPosition) (again time.Duration)
}

// AccountEventKind is the kind of an AccountEvent.
type AccountEventKind uint8

// Kinds of account events.
const (
	// Liquidation, ADL, Settlement, Delivery and Moved change a position: the venue has closed it, or part of it.
	Liquidation AccountEventKind = iota + 1
	ADL
	Settlement
	Delivery
	Moved
	// Funding was settled.
	Funding
	// MarginCall: a liquidation is near. ConfigChanged: leverage or modes were changed. BalanceChanged: a deposit, a
	// withdrawal or a transfer.
	MarginCall
	ConfigChanged
	BalanceChanged
	// HedgeMode: the account was switched to hedge mode while it was traded; it is about the whole account.
	HedgeMode
	// OtherRunner: an order has the client id of this runner's, which has not sent it; it is about the whole account.
	OtherRunner
)

// String returns the name of the kind.
func (k AccountEventKind) String() string {
	names := [...]string{"", "liquidation", "auto-deleveraging", "settlement", "delivery", "move", "funding",
		"margin call",
		"configuration change", "balance change",
		"hedge mode", "another runner"}
	if int(k) < len(names) {
		return names[k]
	}
	return "account event"
}

// Closes reports whether an event of the kind changes a position.
func (k AccountEventKind) Closes() bool { return k >= Liquidation && k <= Moved }

// AccountEvent reports a change of the account that no order of this runner has caused.
type AccountEvent struct {
	Kind AccountEventKind
	// InstrumentNo is the instrument it is about, -1 for the whole account and for symbols that are not registered.
	InstrumentNo int
	Symbol       string
	// ID is the venue's, unique in the instrument: of the execution or of the settlement. OrderID is that of the
	// venue's order, which may have several executions.
	ID, OrderID string
	// Side, Qty, Price and Value are those of an execution that changes a position, Value in quote currency. Fee is in
	// quote currency, FeePaid in FeeAsset.
	Side              hft.Side
	Qty, Price, Value float64
	Fee, FeePaid      float64
	FeeAsset          string
	// Amount is the funding received, or the change of a balance, in Asset; negative for what was paid. Rate is the
	// funding rate, 0 where it is not known.
	Amount, Rate float64
	Asset        string
	// Text describes what has no field.
	Text string
	// TimestampNs is the venue's time.
	TimestampNs int64
}
