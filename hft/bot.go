package hft

import (
	"math"
	"time"
)

// AllAssets stands for every asset in ClearLastTrades, ClearInactiveOrders and KeepOffBookTrades.
const AllAssets = -1

// UntilEndOfData is the longest duration: wait until the data ends (UNTIL_END_OF_DATA).
const UntilEndOfData = time.Duration(math.MaxInt64)

// ElapseResult says why a waiting call came back.
type ElapseResult uint8

// Results of a waiting call.
const (
	// ElapseOk: the time is over, nothing that was waited for happened.
	ElapseOk ElapseResult = 0
	// ElapseEndOfData comes with ErrEndOfData: the data ended; everything up to the end has been processed.
	ElapseEndOfData ElapseResult = 1
	// ElapseMarketFeed: a market feed event was processed.
	ElapseMarketFeed ElapseResult = 2
	// ElapseOrderResponse: the awaited order response was processed.
	ElapseOrderResponse ElapseResult = 3
)

// String returns the result's name.
func (r ElapseResult) String() string {
	names := [...]string{"Ok", "EndOfData", "MarketFeed", "OrderResponse"}
	if int(r) < len(names) {
		return names[r]
	}
	return "Unknown"
}

// WaitOrderResponse says which order response ends a wait (WaitOrderResponse). The zero value is None.
type WaitOrderResponse struct {
	// Any order's response ends the wait.
	Any bool
	// Specified says that AssetNo and OrderID name the one order whose response ends the wait.
	Specified bool
	AssetNo   int
	OrderID   uint64
}

// Matches reports whether a response for that order ends the wait.
func (w WaitOrderResponse) Matches(assetNo int, orderID uint64) bool {
	return w.Any || w.Specified && w.AssetNo == assetNo && w.OrderID == orderID
}

// Instrument is what an asset of a bot is.
type Instrument struct {
	// Connector is the name of the connector, Symbol the venue's name of the instrument.
	Connector, Symbol string
	// TickSize and LotSize are the steps of price and quantity.
	TickSize, LotSize float64
	// ContractSize is the size of one contract. Live and on paper it is 1, as the instruments of all connectors have
	// it. In a backtest it is that of the asset's sim.LinearAsset or sim.InverseAsset, 0 for another type.
	ContractSize float64
}

// Bot is what a strategy acts through, the same in backtest, on paper and live (hftbacktest's Bot trait). One
// goroutine uses it: a call beside another panics. Close may be called from any. assetNo counts the strategy's
// instruments from 0 in the order of its configuration; a wrong one is ErrInstrumentNotFound where an error can be
// returned, and a panic of the strategy elsewhere.
//
// Waiting calls (Elapse, WaitNextFeed, WaitOrderResponse, and requests with wait) process everything that arrives
// meanwhile. They return ErrInterrupted at once when the strategy is to stop, and ErrEndOfData, with ElapseEndOfData,
// when recorded data ends. So one test ends a loop, and Ended tells these two from what went wrong:
//
//	for {
//		if _, err := bot.Elapse(interval); err != nil {
//			return err
//		}
//		...
//	}
//
// Its 22 methods are the ceiling: it is wide because a strategy has to run in two worlds through it.
type Bot interface {
	// CurrentTimestampNs returns the bot's time: wall clock live, the data's time in backtest and replay.
	CurrentTimestampNs() int64
	// NumAssets returns the number of instruments.
	NumAssets() int
	// Instrument returns what the asset is. It never changes.
	Instrument(assetNo int) Instrument
	// Position returns the position: the sum of the bot's own fills, or the account's where configured so.
	Position(assetNo int) float64
	// StateValues returns position, balance, fee and trade counts.
	StateValues(assetNo int) StateValues
	// Depth returns the book; it stays current and belongs to the Bot.
	Depth(assetNo int) MarketDepth
	// LastTrades returns the trades received since they were last cleared, oldest first, at most the configured
	// number; valid until the next call.
	LastTrades(assetNo int) []Event
	// ClearLastTrades forgets the last trades of one asset or of AllAssets.
	ClearLastTrades(assetNo int)
	// Orders returns the bot's orders, final ones included until ClearInactiveOrders.
	Orders(assetNo int) Orders

	// SubmitBuyOrder sends a buy order. ErrOrderIDExist when the id is in Orders. With wait it returns when the
	// response has been processed, otherwise at once with ElapseOk.
	SubmitBuyOrder(assetNo int, orderID uint64, price, qty float64, tif TimeInForce, ordType OrdType,
		wait bool) (ElapseResult, error)
	// SubmitSellOrder sends a sell order; see SubmitBuyOrder.
	SubmitSellOrder(assetNo int, orderID uint64, price, qty float64, tif TimeInForce, ordType OrdType,
		wait bool) (ElapseResult, error)
	// SubmitOrder sends an order; see SubmitBuyOrder.
	SubmitOrder(assetNo int, order OrderRequest, wait bool) (ElapseResult, error)
	// Modify asks for a new price and quantity of an open order. ErrOrderNotFound, ErrOrderRequestInProcess or
	// ErrInvalidOrderStatus when that cannot be.
	Modify(assetNo int, orderID uint64, price, qty float64, wait bool) (ElapseResult, error)
	// Cancel asks to cancel an open order; errors as Modify.
	Cancel(assetNo int, orderID uint64, wait bool) (ElapseResult, error)
	// ClearInactiveOrders forgets the final orders of one asset or of AllAssets.
	ClearInactiveOrders(assetNo int)

	// WaitOrderResponse waits for the response of one order: ElapseOrderResponse, or ElapseOk after timeout.
	WaitOrderResponse(assetNo int, orderID uint64, timeout time.Duration) (ElapseResult, error)
	// WaitNextFeed waits for the next market feed event, or with includeOrderResp also for any order response.
	WaitNextFeed(includeOrderResp bool, timeout time.Duration) (ElapseResult, error)
	// Elapse lets that much time pass.
	Elapse(duration time.Duration) (ElapseResult, error)
	// ElapseBT lets time pass in backtest only, to account for computation; live it returns at once (elapse_bt).
	ElapseBT(duration time.Duration) (ElapseResult, error)

	// FeedLatency returns exchange and local time of the newest feed event that the exchange has told the time of; ok is
	// false before the first.
	FeedLatency(assetNo int) (exchTimestampNs, localTimestampNs int64, ok bool)
	// OrderLatency returns request, exchange and response time of the last order response; ok is false before.
	OrderLatency(assetNo int) (reqTimestampNs, exchTimestampNs, respTimestampNs int64, ok bool)
	// Close ends the use of the bot and releases what it holds: every call then returns ErrInterrupted. Any goroutine
	// may call it at any time, and more than once.
	Close() error
}

// OffBookKeeper is a Bot whose last trades can have those outside of the book among them. The bots of live, paper and
// backtest are.
type OffBookKeeper interface {
	// KeepOffBookTrades lets LastTrades of one asset or of AllAssets keep from now on trades of kind OffBookTrade as
	// well, in the order in which they come, told apart by Event.Kind.
	KeepOffBookTrades(assetNo int)
}

// Recorder keeps a bot's state over time (Recorder).
type Recorder interface {
	// Record takes one sample of every asset of bot.
	Record(bot Bot) error
}
