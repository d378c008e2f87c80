package hft

import "math"

// Flags of Event.Ev. Bits 8..26 and 32..63 carry nothing and are ignored by every reader.
const (
	// ExchEvent marks a row that the exchange side processes at ExchTimestampNs (EXCH_EVENT).
	ExchEvent uint64 = 1 << 31
	// LocalEvent marks a row that the local side processes at LocalTimestampNs (LOCAL_EVENT).
	LocalEvent uint64 = 1 << 30
	// BuyEvent is the bid side of a depth event, or an aggressor that bought (BUY_EVENT).
	BuyEvent uint64 = 1 << 29
	// SellEvent is the ask side of a depth event, or an aggressor that sold (SELL_EVENT).
	SellEvent uint64 = 1 << 28
	// EstimatedTime marks a row whose ExchTimestampNs is an estimate, because the venue does not tell it: it says nothing
	// about latency. hftbacktest does not have this flag and ignores it.
	EstimatedTime uint64 = 1 << 27

	kindMask uint64 = 0xff
)

// Kinds of Event.Ev: its low 8 bits are a number, not a mask. Values from 100 are free for custom feeds.
const (
	// DepthEvent says that the total quantity at a price changed; Qty 0 removes the level (DEPTH_EVENT).
	DepthEvent uint64 = 1
	// TradeEvent is a trade; BuyEvent or SellEvent is the side of the aggressor (TRADE_EVENT).
	TradeEvent uint64 = 2
	// DepthClearEvent removes levels from the best price to Px inclusive; a Px that is not finite clears the
	// whole side, no side flag clears both (DEPTH_CLEAR_EVENT).
	DepthClearEvent uint64 = 3
	// DepthSnapshotEvent is one level of a snapshot, applied like DepthEvent (DEPTH_SNAPSHOT_EVENT).
	DepthSnapshotEvent uint64 = 4
	// DepthBBOEvent is a best bid or best ask as the venue's quote stream has it (DEPTH_BBO_EVENT).
	DepthBBOEvent uint64 = 5
	// AddOrderEvent adds one order to an L3 book (ADD_ORDER_EVENT).
	AddOrderEvent uint64 = 10
	// CancelOrderEvent removes one order from an L3 book (CANCEL_ORDER_EVENT).
	CancelOrderEvent uint64 = 11
	// ModifyOrderEvent changes price or quantity of one order of an L3 book (MODIFY_ORDER_EVENT).
	ModifyOrderEvent uint64 = 12
	// FillEvent is the fill of one resting order of an L3 book; its side is that of the resting order (FILL_EVENT).
	FillEvent uint64 = 13
	// OffBookTrade is a trade that no order of the public book took part in: a block trade, one with a retail order, a
	// liquidation that the insurance fund took over. It has a side, and is for strategies only: books and exchange
	// models pass over it, last trades as well unless they are asked for it (OffBookKeeper).
	OffBookTrade uint64 = 120
)

// Event is one row of a market feed: 64 bytes, no padding, the layout of hftbacktest's Event and of its
// recorded files (little endian).
type Event struct {
	// Ev is the event's flags and kind.
	Ev uint64
	// ExchTimestampNs is when it happened at the exchange (exch_ts).
	ExchTimestampNs int64
	// LocalTimestampNs is when it was received (local_ts).
	LocalTimestampNs int64
	// Px is the price.
	Px float64
	// Qty is the quantity: a level's new total for depth, the traded quantity for a trade.
	Qty float64
	// OrderID identifies the order of an L3 event.
	OrderID uint64
	// Ival and Fval are free for custom feeds; the live feed ring does not carry them.
	Ival int64
	Fval float64
}

// Is reports whether the event matches pattern: every bit of pattern is set and, when pattern names a kind, the
// kinds are equal. A pattern without a kind tests flags only.
func (e *Event) Is(pattern uint64) bool {
	if e.Ev&pattern != pattern {
		return false
	}
	kind := pattern & kindMask
	return kind == 0 || e.Ev&kindMask == kind
}

// Kind returns the low 8 bits of Ev.
func (e *Event) Kind() uint64 { return e.Ev & kindMask }

// SetKind changes the kind of the event, and leaves its flags as they are.
func (e *Event) SetKind(kind uint64) { e.Ev = e.Ev&^kindMask | kind }

// FeedLatency returns the nanoseconds from the event at the exchange to its receipt, below 0 where clocks disagree. It is not known
// where the exchange's time is an estimate.
func (e *Event) FeedLatency() (ns int64, known bool) {
	return e.LocalTimestampNs - e.ExchTimestampNs, e.Ev&EstimatedTime == 0
}

// Side returns Buy, Sell or SideNone by the event's side flags; Buy wins when both are set.
func (e *Event) Side() Side {
	switch {
	case e.Ev&BuyEvent != 0:
		return Buy
	case e.Ev&SellEvent != 0:
		return Sell
	}
	return SideNone
}

// InvalidMin is the best bid tick when there is no bid (INVALID_MIN).
const InvalidMin int64 = math.MinInt64

// InvalidMax is the best ask tick when there is no ask (INVALID_MAX).
const InvalidMax int64 = math.MaxInt64
