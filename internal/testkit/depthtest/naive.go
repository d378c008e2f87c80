package depthtest

import (
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

// Rules says which book a Naive imitates.
type Rules uint8

// Rules of the books.
const (
	// HashMapRules are those of depth.HashMapMarketDepth and depth.WindowMarketDepth.
	HashMapRules Rules = iota
	// BTreeRules are those of depth.BTreeMarketDepth.
	BTreeRules
	// ROIRules are those of depth.ROIVectorMarketDepth.
	ROIRules
)

// The range of the ROI books under test.
const (
	ROILow  = 0.0
	ROIHigh = 2000.0
)

// Naive is a book by level in its plainest form: two maps, every search looks at every level, bids and asks written
// out separately after the specification. It shares no code with the books it checks.
type Naive struct {
	rules             Rules
	mode              depth.Mode
	tickSize, lotSize float64
	bid, ask          map[int64]float64
	bestBid, bestAsk  int64
	lowBid, highAsk   int64
}

// NewNaive returns an empty book.
func NewNaive(rules Rules, tickSize, lotSize float64, mode depth.Mode) *Naive {
	n := &Naive{rules: rules, mode: mode, tickSize: tickSize, lotSize: lotSize}
	n.clearBid()
	n.clearAsk()
	return n
}

func (n *Naive) clearBid() {
	n.bid, n.bestBid, n.lowBid = map[int64]float64{}, hft.InvalidMin, math.MaxInt64
}

func (n *Naive) clearAsk() {
	n.ask, n.bestAsk, n.highAsk = map[int64]float64{}, hft.InvalidMax, math.MinInt64
}

func (n *Naive) roi() (low, high int64) {
	return hft.PriceTick(ROILow, n.tickSize), hft.PriceTick(ROIHigh, n.tickSize)
}

func (n *Naive) outside(tick int64) bool {
	low, high := n.roi()
	return n.rules == ROIRules && (tick < low || tick > high)
}

// scanBelow returns the highest bid in [end, start), scanAbove the lowest ask in (start, end].
func (n *Naive) scanBelow(start, end int64) int64 {
	found := hft.InvalidMin
	for tick, qty := range n.bid {
		if qty > 0 && tick < start && tick >= end && tick > found {
			found = tick
		}
	}
	return found
}

func (n *Naive) scanAbove(start, end int64) int64 {
	found := hft.InvalidMax
	for tick, qty := range n.ask {
		if qty > 0 && tick > start && tick <= end && tick < found {
			found = tick
		}
	}
	return found
}

func (n *Naive) highestBid() int64 {
	found := hft.InvalidMin
	for tick := range n.bid {
		found = max(found, tick)
	}
	return found
}

func (n *Naive) lowestAsk() int64 {
	found := hft.InvalidMax
	for tick := range n.ask {
		found = min(found, tick)
	}
	return found
}

// accept returns tick and lots, and whether price and quantity are acceptable.
func (n *Naive) accept(price, qty float64) (tick, lots int64, priceOK, qtyOK bool) {
	tick, lots = hft.PriceTick(price, n.tickSize), hft.QtyLots(qty, n.lotSize)
	priceOK, qtyOK = tick >= -1<<53 && tick <= 1<<53, true
	if n.mode == depth.Fixed {
		if math.IsNaN(price) || math.IsInf(price, 0) {
			return 0, lots, false, false
		}
		qtyOK = qty >= 0 && !math.IsInf(qty, 0)
	}
	return tick, lots, priceOK, qtyOK
}

// store writes a level of a side, or removes it.
func (n *Naive) store(levels map[int64]float64, tick, lots int64, qty float64) {
	keep := lots > 0
	switch {
	case n.rules == BTreeRules:
		keep = lots != 0
	case n.rules == ROIRules && n.mode == depth.Compat:
		keep = true
	case n.rules == ROIRules:
		keep = lots != 0
	}
	if keep {
		levels[tick] = qty
	} else {
		delete(levels, tick)
	}
}

// UpdateBid sets a bid level.
func (n *Naive) UpdateBid(price, qty float64, timestampNs int64) depth.L2Update {
	tick, lots, priceOK, qtyOK := n.accept(price, qty)
	u := depth.L2Update{PriceTick: tick, PrevBestTick: n.bestBid, BestTick: n.bestBid, TimestampNs: timestampNs}
	if priceOK {
		u.PrevQty = n.bid[tick]
	}
	u.NewQty = u.PrevQty
	if !priceOK || !qtyOK {
		return u
	}
	u.NewQty = qty
	if n.outside(tick) {
		return u
	}
	if n.rules == BTreeRules && n.mode == depth.Compat {
		u.PrevQty = n.bid[n.bestBid]
	}
	n.store(n.bid, tick, lots, qty)
	switch {
	case n.rules == BTreeRules:
		n.bestBid = n.highestBid()
	case lots == 0:
		if tick == n.bestBid {
			n.bestBid = n.scanBelow(n.bestBid, n.lowBid)
			if n.bestBid == hft.InvalidMin {
				n.lowBid = math.MaxInt64
			}
		}
	default:
		if tick > n.bestBid {
			n.bestBid = tick
			if n.bestBid >= n.bestAsk {
				n.bestAsk = n.scanAbove(n.bestBid, n.highAsk)
			}
		}
		n.lowBid = min(n.lowBid, tick)
	}
	u.BestTick = n.bestBid
	return u
}

// UpdateAsk sets an ask level.
func (n *Naive) UpdateAsk(price, qty float64, timestampNs int64) depth.L2Update {
	tick, lots, priceOK, qtyOK := n.accept(price, qty)
	u := depth.L2Update{PriceTick: tick, PrevBestTick: n.bestAsk, BestTick: n.bestAsk, TimestampNs: timestampNs}
	if priceOK {
		u.PrevQty = n.ask[tick]
	}
	u.NewQty = u.PrevQty
	if !priceOK || !qtyOK {
		return u
	}
	u.NewQty = qty
	if n.outside(tick) {
		return u
	}
	if n.rules == BTreeRules && n.mode == depth.Compat {
		u.PrevQty = n.ask[n.bestAsk]
	}
	n.store(n.ask, tick, lots, qty)
	switch {
	case n.rules == BTreeRules:
		n.bestAsk = n.lowestAsk()
	case lots == 0:
		if tick == n.bestAsk {
			n.bestAsk = n.scanAbove(n.bestAsk, n.highAsk)
			if n.bestAsk == hft.InvalidMax {
				n.highAsk = math.MinInt64
			}
		}
	default:
		if tick < n.bestAsk {
			n.bestAsk = tick
			if n.bestBid >= n.bestAsk {
				n.bestBid = n.scanBelow(n.bestAsk, n.lowBid)
			}
		}
		n.highAsk = max(n.highAsk, tick)
	}
	u.BestTick = n.bestAsk
	return u
}

// Clear clears as depth.L2MarketDepth.ClearDepth does.
func (n *Naive) Clear(side hft.Side, price float64) {
	whole := math.IsNaN(price) || math.IsInf(price, 0)
	tick := min(max(hft.PriceTick(price, n.tickSize), -1<<54), 1<<54) // room to step beyond it
	switch {
	case side == hft.SideNone:
		n.clearBid()
		n.clearAsk()
	case side == hft.Buy && whole:
		n.clearBid()
	case side == hft.Sell && whole:
		n.clearAsk()
	case side == hft.Buy:
		n.clearBidTo(tick)
	case side == hft.Sell:
		n.clearAskTo(tick)
	}
}

func (n *Naive) clearBidTo(tick int64) {
	for t := range n.bid {
		if n.bestBid != hft.InvalidMin && t >= tick && t <= n.bestBid {
			delete(n.bid, t)
		}
	}
	start, end := tick-1, n.lowBid
	switch low, high := n.roi(); n.rules {
	case BTreeRules:
		n.bestBid = n.highestBid()
		return
	case ROIRules:
		start = min(max(start, low), high)
		if end == math.MaxInt64 {
			end = low
		}
	}
	n.bestBid = n.scanBelow(start, end)
	if n.bestBid == hft.InvalidMin {
		n.lowBid = math.MaxInt64
	}
}

func (n *Naive) clearAskTo(tick int64) {
	for t := range n.ask {
		skipped := n.rules == ROIRules && n.mode == depth.Compat
		if !skipped && n.bestAsk != hft.InvalidMax && t <= tick && t >= n.bestAsk {
			delete(n.ask, t)
		}
	}
	start, end := tick+1, n.highAsk
	switch low, high := n.roi(); n.rules {
	case BTreeRules:
		n.bestAsk = n.lowestAsk()
		return
	case ROIRules:
		start = min(max(start, low), high)
		if end == math.MinInt64 {
			end = high
		}
	}
	n.bestAsk = n.scanAbove(start, end)
	if n.bestAsk == hft.InvalidMax {
		n.highAsk = math.MinInt64
	}
}

// ApplySnapshot fills the emptied book.
func (n *Naive) ApplySnapshot(rows []hft.Event) {
	n.clearBid()
	n.clearAsk()
	for _, row := range rows {
		tick, lots, priceOK, qtyOK := n.accept(row.Px, row.Qty)
		if !priceOK || !qtyOK || n.outside(tick) || n.mode == depth.Fixed && lots <= 0 {
			continue
		}
		switch row.Side() {
		case hft.Buy:
			n.bid[tick] = row.Qty
			n.bestBid, n.lowBid = max(n.bestBid, tick), min(n.lowBid, tick)
		case hft.Sell:
			n.ask[tick] = row.Qty
			n.bestAsk, n.highAsk = min(n.bestAsk, tick), max(n.highAsk, tick)
		}
	}
}

// Snapshot returns bids from the best down, then asks from the best up.
func (n *Naive) Snapshot() []hft.Event {
	var rows []hft.Event
	add := func(levels map[int64]float64, flag uint64, ticks []int64) {
		for _, tick := range ticks {
			if n.rules != ROIRules || levels[tick] > 0 {
				rows = append(rows, hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | flag | hft.DepthSnapshotEvent,
					Px: float64(tick) * n.tickSize, Qty: levels[tick]})
			}
		}
	}
	var bids, asks []int64
	for tick := range n.bid {
		if tick <= n.bestBid {
			bids = append(bids, tick)
		}
	}
	for tick := range n.ask {
		if tick >= n.bestAsk {
			asks = append(asks, tick)
		}
	}
	slices.Sort(bids)
	slices.Reverse(bids)
	slices.Sort(asks)
	add(n.bid, hft.BuyEvent, bids)
	add(n.ask, hft.SellEvent, asks)
	return rows
}

// quantities returns what a book reports at a tick.
func (n *Naive) quantities(tick int64) (bid, ask float64) {
	if n.mode == depth.Compat && n.outside(tick) {
		return math.NaN(), math.NaN()
	}
	return n.bid[tick], n.ask[tick]
}
