package hft

// MarketDepth is the book of one instrument as a strategy reads it.
type MarketDepth interface {
	// BestBid returns the best bid price, NaN when there is none.
	BestBid() float64
	// BestAsk returns the best ask price, NaN when there is none.
	BestAsk() float64
	// BestBidTick returns the best bid in ticks, InvalidMin when there is none.
	BestBidTick() int64
	// BestAskTick returns the best ask in ticks, InvalidMax when there is none.
	BestAskTick() int64
	// BestBidQty returns the quantity at the best bid, 0 when there is none.
	BestBidQty() float64
	// BestAskQty returns the quantity at the best ask, 0 when there is none.
	BestAskQty() float64
	// TickSize returns the price of one tick.
	TickSize() float64
	// LotSize returns the quantity of one lot.
	LotSize() float64
	// BidQtyAtTick returns the bid quantity at a tick, 0 when there is none.
	BidQtyAtTick(priceTick int64) float64
	// AskQtyAtTick returns the ask quantity at a tick, 0 when there is none.
	AskQtyAtTick(priceTick int64) float64
}
