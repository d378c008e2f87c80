package market

import "github.com/hftrunner/hftrunner/hft"

// EventKind is the kind of an Event.
type EventKind uint8

// Kinds of events.
const (
	// LevelChanged: a level of a book has a new quantity.
	LevelChanged EventKind = iota + 1
	// Traded: a trade was made, by whomever.
	Traded
	// OrderChanged: an order of an account has a new state.
	OrderChanged
	// AccountChanged: a balance or a position of an account has changed.
	AccountChanged
	// Called: the margin of an account is nearly used up.
	Called
	// LeverageChanged: an account has another leverage.
	LeverageChanged
)

// Change is a change of an order.
type Change uint8

// Changes of an order.
const (
	Accepted Change = iota + 1
	Executed
	Canceled
	Expired
	Amended
)

// Event is one thing that happened. The fields of other kinds are zero.
type Event struct {
	Kind   EventKind
	TimeNs int64
	Symbol *Symbol

	// LevelChanged: the new total of a level and the id of the change. Traded: price, quantity, and the taker's side.
	UpdateID            int64
	Side                hft.Side
	PriceTicks, QtyLots int64
	// Traded: the trade's id, and the orders' ids, 0 for background orders.
	TradeID                    int64
	MakerOrderID, TakerOrderID int64

	// OrderChanged: the order after the change, and its execution when Change is Executed.
	Change    Change
	Order     Order
	Execution Execution

	// AccountChanged: whose, what has changed, and why: by an order when Why is empty. Execution is the funding that
	// was settled, Delta what a deposit or withdrawal came to.
	Account   string
	Why       Why
	Delta     Amount
	Balances  []Balance
	Positions []Position
	// LeverageChanged: the new one.
	Leverage int64
}

// Level is the quantity at a price.
type Level struct {
	PriceTicks, QtyLots int64
}
