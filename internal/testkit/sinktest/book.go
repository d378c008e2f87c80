package sinktest

import (
	"maps"
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// book is an instrument as the sink saw it.
type book struct {
	bids, asks     levels
	events, trades int
	fedSinceStale  bool
	ready          bool
}

// levels are those of one side, by near.
type levels map[int64]level

type level struct{ px, qty float64 }

// near names a level by its price: the same whether that was read or calculated of its tick.
func near(px float64) int64 { return int64(math.Round(px * 1e8)) }

// byPrice returns the quantities by price.
func (l levels) byPrice() map[float64]float64 {
	out := make(map[float64]float64, len(l))
	for _, level := range l {
		out[level.px] = level.qty
	}
	return out
}

// best returns the best bid and ask, NaN when there is none.
func (b *book) best() (bid, ask float64) {
	bid, ask = math.NaN(), math.NaN()
	for _, l := range b.bids {
		bid = hft.MaxFloat(bid, l.px)
	}
	for _, l := range b.asks {
		ask = hft.MinFloat(ask, l.px)
	}
	return bid, ask
}

// clear removes levels from the best price to the event's, all where that is no number, of both sides where it has
// none.
func (b *book) clear(e *hft.Event) {
	all := math.IsNaN(e.Px) || math.IsInf(e.Px, 0) || e.Side() == hft.SideNone
	if e.Side() != hft.Sell {
		maps.DeleteFunc(b.bids, func(at int64, _ level) bool { return all || at >= near(e.Px) })
	}
	if e.Side() != hft.Buy {
		maps.DeleteFunc(b.asks, func(at int64, _ level) bool { return all || at <= near(e.Px) })
	}
}
