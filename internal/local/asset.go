package local

import "github.com/hftrunner/hftrunner/hft"

// Asset is a bot's own side of one instrument. NewAsset makes one.
type Asset struct {
	// Orders are the bot's orders, final ones included until they are cleared.
	Orders hft.OrderMap
	// State is the sum of the bot's fills; its owner keeps it.
	State hft.StateValues
	// FeedLatency and OrderLatency are the newest.
	FeedLatency  FeedLatency
	OrderLatency OrderLatency

	tickSize, lotSize float64
	notes             orderNotes
	trades            tradeRing
	offBook           bool
}

// FeedLatency holds the times of the newest feed event.
type FeedLatency struct {
	ExchTimestampNs, LocalTimestampNs int64
	// Known is false before the first event.
	Known bool
}

// OrderLatency holds the times of the newest request that was answered: sent, handled by the exchange, answer received.
type OrderLatency struct {
	ReqTimestampNs, ExchTimestampNs, RespTimestampNs int64
	// Known is false before the first answer.
	Known bool
}

// NewAsset returns an asset without orders. lastTrades is how many of the last trades it keeps, 0 for none.
func NewAsset(tickSize, lotSize float64, lastTrades int) Asset {
	return Asset{tickSize: tickSize, lotSize: lotSize, trades: newTradeRing(lastTrades)}
}

// TickSize returns the instrument's tick size.
func (a *Asset) TickSize() float64 { return a.tickSize }

// KeepOffBookTrades makes KeepsTrade take trades of kind hft.OffBookTrade, too.
func (a *Asset) KeepOffBookTrades() { a.offBook = true }

// KeepsTrade reports whether events of a kind are for AddTrade.
func (a *Asset) KeepsTrade(kind uint64) bool {
	return kind == hft.TradeEvent || kind == hft.OffBookTrade && a.offBook
}

// AddTrade keeps a copy of a trade; the oldest goes when there is no room.
func (a *Asset) AddTrade(e *hft.Event) { a.trades.add(e) }

// LastTrades returns the trades that are kept, oldest first; valid until the next AddTrade.
func (a *Asset) LastTrades() []hft.Event { return a.trades.all() }

// ClearLastTrades forgets the trades.
func (a *Asset) ClearLastTrades() { a.trades.clear() }

// ClearInactiveOrders forgets the orders that are over: Filled, Canceled, Expired or Rejected.
func (a *Asset) ClearInactiveOrders() {
	a.Orders.DeleteFunc(func(o *hft.Order) bool {
		if o.Final() {
			a.notes.drop(o.OrderID)
			return true
		}
		return false
	})
}
