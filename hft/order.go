package hft

// Side of an order or a trade.
type Side int8

// Sides.
const (
	SideNone        Side = 0
	Buy             Side = 1
	Sell            Side = -1
	SideUnsupported Side = 127
)

// String returns the side's name.
func (s Side) String() string {
	switch s {
	case SideNone:
		return "None"
	case Buy:
		return "Buy"
	case Sell:
		return "Sell"
	}
	return "Unsupported"
}

// Status of an order; as Order.Req, the request in flight.
type Status uint8

// Statuses.
const (
	StatusNone            Status = 0
	StatusNew             Status = 1
	StatusExpired         Status = 2
	StatusFilled          Status = 3
	StatusCanceled        Status = 4
	StatusPartiallyFilled Status = 5
	StatusRejected        Status = 6
	StatusReplaced        Status = 7
	// StatusUnknown is ours: the outcome of the submission is not known (its request timed out) and the venue is
	// being asked. It is neither active nor final.
	StatusUnknown     Status = 8
	StatusUnsupported Status = 255
)

// String returns the status's name.
func (s Status) String() string {
	names := [...]string{"None", "New", "Expired", "Filled", "Canceled", "PartiallyFilled", "Rejected", "Replaced",
		"Unknown"}
	if int(s) < len(names) {
		return names[s]
	}
	return "Unsupported"
}

// TimeInForce says how long an order stays.
type TimeInForce uint8

// Times in force.
const (
	// GTC is good till canceled.
	GTC TimeInForce = 0
	// GTX is post only: it expires rather than take.
	GTX TimeInForce = 1
	// FOK is fill or kill.
	FOK TimeInForce = 2
	// IOC is immediate or cancel.
	IOC                    TimeInForce = 3
	TimeInForceUnsupported TimeInForce = 255
)

// String returns the time in force's name.
func (t TimeInForce) String() string {
	names := [...]string{"GTC", "GTX", "FOK", "IOC"}
	if int(t) < len(names) {
		return names[t]
	}
	return "Unsupported"
}

// OrdType is the type of an order (OrdType).
type OrdType uint8

// Order types.
const (
	Limit              OrdType = 0
	Market             OrdType = 1
	OrdTypeUnsupported OrdType = 255
)

// String returns the order type's name.
func (t OrdType) String() string {
	switch t {
	case Limit:
		return "Limit"
	case Market:
		return "Market"
	}
	return "Unsupported"
}

// Order is one order of a bot: 80 bytes without pointers, copied as it is through shared memory.
type Order struct {
	// OrderID is chosen by the bot and unique within it.
	OrderID uint64
	// PriceTick is the limit price in ticks.
	PriceTick int64
	// TickSize is the instrument's tick size.
	TickSize float64
	// Qty is the order's quantity, LeavesQty what is still open.
	Qty, LeavesQty float64
	// ExecQty and ExecPriceTick describe the last execution, not the sum of all.
	ExecQty       float64
	ExecPriceTick int64
	// ExchTimestampNs is when the exchange last changed the order, 0 before it did.
	ExchTimestampNs int64
	// LocalTimestampNs is when the bot sent its last request for the order.
	LocalTimestampNs int64
	Side             Side
	OrdType          OrdType
	TimeInForce      TimeInForce
	Status           Status
	// Req is the request in flight: StatusNew, StatusCanceled or StatusReplaced; StatusRejected in the answer to
	// a refused request; StatusNone when nothing is in flight.
	Req Status
	// Maker says that the last execution was a maker's.
	Maker bool
	_     [2]byte
}

// NewOrder returns an order that has not been sent yet (Order::new).
func NewOrder(orderID uint64, priceTick int64, tickSize, qty float64, side Side, ordType OrdType,
	tif TimeInForce) Order {
	return Order{OrderID: orderID, PriceTick: priceTick, TickSize: tickSize, Qty: qty, LeavesQty: qty,
		Side: side, OrdType: ordType, TimeInForce: tif}
}

// Price returns the limit price.
func (o *Order) Price() float64 { return TickPrice(o.PriceTick, o.TickSize) }

// ExecPrice returns the price of the last execution.
func (o *Order) ExecPrice() float64 { return TickPrice(o.ExecPriceTick, o.TickSize) }

// Cancellable reports whether a cancel or modify may be sent: the order is active and nothing is in flight.
func (o *Order) Cancellable() bool { return o.Active() && o.Req == StatusNone }

// Active reports whether the order rests at the exchange: New or PartiallyFilled.
func (o *Order) Active() bool { return o.Status == StatusNew || o.Status == StatusPartiallyFilled }

// Pending reports whether a request is in flight.
func (o *Order) Pending() bool { return o.Req != StatusNone }

// Final reports whether the order is over and never changes again: Filled, Canceled, Expired or Rejected.
func (o *Order) Final() bool {
	switch o.Status {
	case StatusFilled, StatusCanceled, StatusExpired, StatusRejected:
		return true
	}
	return false
}

// Update copies what an exchange's report says of the order (Order::update): everything but LocalTimestampNs, and
// ExchTimestampNs only when the report has one.
func (o *Order) Update(report *Order) {
	exchTimestampNs, localTimestampNs := o.ExchTimestampNs, o.LocalTimestampNs
	*o = *report
	o.LocalTimestampNs = localTimestampNs
	if report.ExchTimestampNs <= 0 {
		o.ExchTimestampNs = exchTimestampNs
	}
}

// OrderRequest is a submission as a strategy states it (OrderRequest).
type OrderRequest struct {
	OrderID     uint64
	Price       float64
	Qty         float64
	Side        Side
	TimeInForce TimeInForce
	OrdType     OrdType
}

// StateValues is what a bot's own fills on one instrument add up to, on a live venue over all runs.
type StateValues struct {
	// Position is the net quantity, negative when short.
	Position float64 `json:"position"`
	// Balance is the cash flow of the fills in quote currency: sales minus purchases, fees not included.
	Balance float64 `json:"balance"`
	// Fee is what was paid; a rebate is negative.
	Fee float64 `json:"fee"`
	// NumTrades counts the executions.
	NumTrades int64 `json:"num_trades"`
	// TradingVolume is the executed quantity, TradingValue its value in quote currency.
	TradingVolume float64 `json:"trading_volume"`
	TradingValue  float64 `json:"trading_value"`
	// Funding is the funding received from the venue; funding paid is negative. It is not part of Balance.
	Funding float64 `json:"funding"`
}
