package market

import "github.com/hftrunner/hftrunner/hft"

// Reason is the reason why an order closed or changed other than by a fill.
type Reason string

// Reasons.
const (
	ReasonNone Reason = ""
	// ReasonUser: its owner canceled it; ReasonCountdown: the owner's countdown did.
	ReasonUser      Reason = "user"
	ReasonCountdown Reason = "countdown"
	// ReasonIOC, ReasonFOK, ReasonMarket: nothing was left to take for an order of that kind.
	ReasonIOC    Reason = "ioc"
	ReasonFOK    Reason = "fok"
	ReasonMarket Reason = "market"
	// ReasonPostOnly: it would have taken.
	ReasonPostOnly Reason = "post_only"
	// ReasonSelfTrade: it would have traded with an order of the same account.
	ReasonSelfTrade Reason = "self_trade"
	// ReasonReduced: it was amended to what is filled already.
	ReasonReduced Reason = "reduced"
	// ReasonReduceOnly: there was no position left to reduce.
	ReasonReduceOnly Reason = "reduce_only"
	// ReasonLiquidation: the account's position is about to be liquidated.
	ReasonLiquidation Reason = "liquidation"
)

// PositionSide is the position that an order changes.
type PositionSide uint8

// Position sides: one position in both directions, or one for each (hedge mode).
const (
	Both PositionSide = iota
	Long
	Short
)

// SelfTrade says which order expires when two of one account meet.
type SelfTrade uint8

// Ways to prevent a trade with oneself. With SelfTradeAllowed they trade.
const (
	ExpireMaker SelfTrade = iota
	ExpireTaker
	ExpireBoth
	SelfTradeAllowed
)

// Request is a new order.
type Request struct {
	// ClientID is the owner's id; empty for one that the market gives.
	ClientID string
	Symbol   string
	Side     hft.Side
	Type     hft.OrdType
	TIF      hft.TimeInForce
	// PriceTicks is not used by a market order.
	PriceTicks, QtyLots int64
	ReduceOnly          bool
	Position            PositionSide
	SelfTrade           SelfTrade
	// RecordRefused makes an order that is post-only and would take, or fill-or-kill and cannot be filled, one that is
	// accepted and then expires. Otherwise the request fails and leaves no trace.
	RecordRefused bool
	// IDReusable allows a client id that only finished orders have; the venue may forbid that.
	IDReusable bool
}

// Order is an order as it stands.
type Order struct {
	ID                  int64
	ClientID            string
	Account             string
	Symbol              string
	Side                hft.Side
	Type                hft.OrdType
	TIF                 hft.TimeInForce
	PriceTicks, QtyLots int64
	ReduceOnly          bool
	Position            PositionSide
	SelfTrade           SelfTrade

	Status hft.Status
	Reason Reason
	// FilledLots is the cumulative quantity, FilledValue its value, Fee the fees paid for it.
	FilledLots       int64
	FilledValue, Fee Amount
	// CreatedNs is the time of acceptance, UpdatedNs that of the last change.
	CreatedNs, UpdatedNs int64
	Amendments           int
	// Kind is that of its executions; the venue has made all orders but those of kind Trade.
	Kind ExecutionKind
}

// LeavesLots is the unfilled quantity of an open order, 0 for a closed one.
func (o *Order) LeavesLots() int64 {
	if !o.Open() {
		return 0
	}
	return o.QtyLots - o.FilledLots
}

// Open reports whether the order is in the book.
func (o *Order) Open() bool {
	return o.Status == hft.StatusNew || o.Status == hft.StatusPartiallyFilled
}

// Ref names an order by the id of the market, or by the owner's when that is 0.
type Ref struct {
	Symbol   string
	ID       int64
	ClientID string
}

// Amendment changes an open order.
type Amendment struct {
	Ref
	// PriceTicks and QtyLots are the new values; QtyLots is the whole quantity, what is filled included.
	PriceTicks, QtyLots int64
	// CancelIfFilled cancels an order whose new quantity is no more than what is filled; otherwise that is refused.
	CancelIfFilled bool
	// ExpireIfTaking describes how a post-only order ends that would take at its new price: expired, otherwise
	// canceled.
	ExpireIfTaking bool
	// ClientID, when not empty, is the order's new id.
	NewClientID string
}

// Execution is one fill of one order, or a settlement of funding: then its quantity is the position, its fee what was
// paid.
type Execution struct {
	Kind ExecutionKind
	// ExecutionID is unique in the market; the two sides of a trade share TradeID.
	ExecutionID, TradeID int64
	OrderID              int64
	ClientID             string
	Account, Symbol      string
	Side                 hft.Side
	Position             PositionSide
	PriceTicks, QtyLots  int64
	Value, Fee           Amount
	FeeAsset             string
	RealizedPnL          Amount
	Maker                bool
	TimeNs               int64
}
