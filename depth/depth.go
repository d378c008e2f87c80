package depth

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// Mode chooses between hftbacktest's defects and their repair. Constructors take it as an option; without it a book is
// Fixed.
type Mode uint8

// Modes.
const (
	// Fixed repairs the defects; live bots and the host use it.
	Fixed Mode = 0
	// Compat repeats the defects, so that results equal those of hftbacktest bit by bit.
	Compat Mode = 1
)

// L2Update is what an update of one level did. Ticks of the best are those of the updated side, hft.InvalidMin or
// hft.InvalidMax when there is none.
type L2Update struct {
	PriceTick int64
	// PrevBestTick and BestTick are the side's best before and after.
	PrevBestTick, BestTick int64
	// PrevQty is the level's quantity before, 0 when there was none; NewQty is the event's quantity as given, or
	// PrevQty when the update was rejected.
	PrevQty, NewQty float64
	// TimestampNs is the caller's.
	TimestampNs int64
}

// L2MarketDepth is a book by price level (L2MarketDepth). Updates return by value and allocate nothing once the book
// has seen its levels; only NewBTreeMarketDepth's may allocate at any time.
type L2MarketDepth interface {
	hft.MarketDepth
	// UpdateBidDepth sets the total quantity at a bid price; less than half a lot removes the level.
	UpdateBidDepth(price, qty float64, timestampNs int64) L2Update
	// UpdateAskDepth sets the total quantity at an ask price; less than half a lot removes the level.
	UpdateAskDepth(price, qty float64, timestampNs int64) L2Update
	// ClearDepth removes the levels of a side from its best price to price inclusive, all of it when price is not
	// finite; hft.SideNone clears both sides whatever the price.
	ClearDepth(side hft.Side, price float64)
	// ApplySnapshot empties the book and fills it from rows, of which only side, price and quantity count.
	ApplySnapshot(rows []hft.Event)
	// Snapshot appends the book to dst as hft.DepthSnapshotEvent rows for both processors with times 0: bids from the
	// best downwards, then asks from the best upwards. Levels the other side has crossed are left out.
	Snapshot(dst []hft.Event) []hft.Event
}

// L3Order is one resting order of a book by order (L3Order).
type L3Order struct {
	OrderID   uint64
	Side      hft.Side
	PriceTick int64
	Qty       float64
	// TimestampNs is when it was added or last changed its price.
	TimestampNs int64
}

// L3MarketDepth is a book by order (L3MarketDepth); its levels are sums of orders. Use a book either by level or by
// order, not both. Errors: hft.ErrOrderIDExist, hft.ErrOrderNotFound, and in mode Fixed hft.ErrInvalidOrderRequest
// for a price or quantity that is not acceptable. After an error the book is as it was.
type L3MarketDepth interface {
	hft.MarketDepth
	// AddBuyOrder adds a bid and returns the best bid before and after.
	AddBuyOrder(orderID uint64, price, qty float64, timestampNs int64) (prevBestTick, bestTick int64, err error)
	// AddSellOrder adds an ask and returns the best ask before and after.
	AddSellOrder(orderID uint64, price, qty float64, timestampNs int64) (prevBestTick, bestTick int64, err error)
	// DeleteOrder removes an order and returns its side and that side's best before and after.
	DeleteOrder(orderID uint64, timestampNs int64) (side hft.Side, prevBestTick, bestTick int64, err error)
	// ModifyOrder changes price and quantity of an order and returns its side and that side's best before and after.
	ModifyOrder(orderID uint64, price, qty float64, timestampNs int64) (side hft.Side, prevBestTick, bestTick int64,
		err error)
	// ClearOrders forgets the orders and levels of a side, of both with hft.SideNone.
	ClearOrders(side hft.Side)
	// Order returns a resting order.
	Order(orderID uint64) (L3Order, bool)
	// NumOrders returns the number of resting orders.
	NumOrders() int
}

// Book is a book that can be driven by level or by order, as all but FusedMarketDepth can.
type Book interface {
	L2MarketDepth
	L3MarketDepth
}

// modeOf returns the mode among a constructor's options.
func modeOf(option []Mode) Mode {
	if len(option) == 0 {
		return Fixed
	}
	return option[len(option)-1]
}

// New returns an empty book by the name of its kind, "window", "hashmap", "btree" or "roi", or an error for steps that
// cannot be: tickSize and lotSize have to be finite and above 0. roiLow and roiHigh are the price range of "roi" and
// not used by the others.
func New(kind string, tickSize, lotSize, roiLow, roiHigh float64, mode ...Mode) (Book, error) {
	if !(tickSize > 0) || math.IsInf(tickSize, 0) {
		return nil, fmt.Errorf("depth: tick size %v: must be the instrument's, a finite number above 0", tickSize)
	}
	if !(lotSize > 0) || math.IsInf(lotSize, 0) {
		return nil, fmt.Errorf("depth: lot size %v: must be the instrument's, a finite number above 0", lotSize)
	}
	switch kind {
	case "window":
		return NewWindowMarketDepth(tickSize, lotSize, mode...), nil
	case "hashmap":
		return NewHashMapMarketDepth(tickSize, lotSize, mode...), nil
	case "btree":
		return NewBTreeMarketDepth(tickSize, lotSize, mode...), nil
	case "roi":
		return NewROIVectorMarketDepth(tickSize, lotSize, roiLow, roiHigh, mode...)
	}
	return nil, fmt.Errorf("depth: book %q: must be window, hashmap, btree or roi", kind)
}

// Apply applies one feed event to a book as a local processor does and reports whether it was a depth event: a level
// (hft.DepthEvent, hft.DepthSnapshotEvent) with a side, or hft.DepthClearEvent, which without a side clears both.
// Everything else leaves the book alone. hft.DepthBBOEvent is for FusedMarketDepth only.
func Apply(book L2MarketDepth, ev *hft.Event) bool {
	side := ev.Side()
	if b, ok := book.(*windowBook); ok && isLevel(ev) {
		b.set(side, ev.Px, ev.Qty)
		return true
	}
	switch ev.Kind() {
	case hft.DepthEvent, hft.DepthSnapshotEvent:
		switch side {
		case hft.Buy:
			book.UpdateBidDepth(ev.Px, ev.Qty, ev.LocalTimestampNs)
		case hft.Sell:
			book.UpdateAskDepth(ev.Px, ev.Qty, ev.LocalTimestampNs)
		default:
			return false
		}
	case hft.DepthClearEvent:
		book.ClearDepth(side, ev.Px)
	default:
		return false
	}
	return true
}

// ApplyLevels applies the first of rows as Apply does, as far as they are levels, and returns how many: the rows of a
// message go into a window book without asking for each what book it is.
func ApplyLevels(book L2MarketDepth, rows []hft.Event) (n int) {
	if b, ok := book.(*windowBook); ok {
		return b.applyLevels(rows)
	}
	for ; n < len(rows) && isLevel(&rows[n]); n++ {
		Apply(book, &rows[n])
	}
	return n
}

// isLevel reports whether a row sets the quantity of a level.
func isLevel(row *hft.Event) bool {
	kind := row.Kind()
	return (kind == hft.DepthEvent || kind == hft.DepthSnapshotEvent) && row.Side() != hft.SideNone
}
