package protocol

import "github.com/hftrunner/hftrunner/hft"

// Channel is where a report comes from.
type Channel uint8

// Channels.
const (
	// Stream is the venue's private stream.
	ChannelStream Channel = iota
	// Ack is the answer to a request.
	ChannelAck
	// Query is the answer to a question about an order, or a list of open ones.
	ChannelQuery
)

// Report is what a venue says about one order, in any of its channels, in the venue's terms: quantities are cumulative
// and prices are numbers, not ticks. What a channel does not say is zero.
type Report struct {
	Channel Channel
	Symbol  string
	// ClientID is the client order id of the order, not of a request about it; VenueID the venue's own. One of them may
	// be missing, not both.
	ClientID, VenueID string
	// Status is New, PartiallyFilled, Filled, Canceled, Expired or Rejected; Unsupported for a text that is not known,
	// None when the report is about an execution only.
	Status hft.Status
	// Side, OrdType and TimeInForce are for orders that are not known here; SideNone when the channel does not say.
	Side        hft.Side
	OrdType     hft.OrdType
	TimeInForce hft.TimeInForce
	// Price and Qty are the order's, 0 when the channel does not say.
	Price, Qty float64
	// CumQty is the executed quantity so far; HasCum says that the channel tells it. AvgPrice is the average price of
	// it, 0 when the channel does not say.
	CumQty, AvgPrice float64
	HasCum           bool
	// LeavesQty is what is open of an open order; HasLeaves says that the channel tells it.
	LeavesQty float64
	HasLeaves bool
	// Execution: TradeID is unique in the symbol, empty when the report is about no execution. LastValue is the product
	// of quantity and price, 0 when the channel does not say.
	TradeID                       string
	LastQty, LastPrice, LastValue float64
	Maker                         bool
	// Fee is what was paid, negative for a rebate, in FeeAsset.
	Fee      float64
	FeeAsset string
	// TimestampNs is the venue's time of the transition, 0 when the channel does not say.
	TimestampNs int64
	// Reason is the venue's text about an end that nobody asked for.
	Reason string
}
