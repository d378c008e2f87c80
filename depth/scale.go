package depth

import (
	"math"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/sole"
)

// Both sides of a book run through the same code on keys: a bid's key is its tick, an ask's the bitwise complement
// of its tick. Complementing reverses the order, maps hft.InvalidMax to hft.InvalidMin and is its own inverse, so on
// either side the best level has the greatest key, noKey means none, and tick^flip converts both ways.
const (
	noKey   int64 = math.MinInt64
	noLow   int64 = math.MaxInt64
	bidFlip int64 = 0
	askFlip int64 = -1
	// maxTick is the greatest tick a float64 holds exactly; it also keeps key arithmetic from overflowing.
	maxTick int64 = 1 << 53
	// maxFloatBits are the bits of the greatest finite float64.
	maxFloatBits uint64 = 0x7fefffffffffffff
	// maxQuickTick bounds the ticks for which multiplying by the inverse of the tick size is known to be accurate.
	maxQuickTick uint64 = 1 << 40
)

func flipOf(side hft.Side) int64 {
	if side == hft.Buy {
		return bidFlip
	}
	return askFlip
}

func sideFlag(flip int64) uint64 {
	if flip == bidFlip {
		return hft.BuyEvent
	}
	return hft.SellEvent
}

// scale converts prices and quantities of one instrument.
type scale struct {
	tickSize, lotSize float64
	perTick           float64 // 1/tickSize
	minQty            float64 // the least quantity that rounds to at least one lot
	minQtyBits        uint64
	mode              Mode
	user              *sole.Mark // of the bot that keeps the book, nil for none
}

// Watch gives the book the mark of the bot that keeps it (sole.Watch): whoever reads the book while the bot is within a
// call, on another goroutine that is, panics.
func (s *scale) Watch(m *sole.Mark) { s.user = m }

// look is called by what reads the book, which nobody may do beside a call of the bot that keeps it.
func (s *scale) look(what string) {
	if s.user != nil {
		s.user.Check(what)
	}
}

func newScale(tickSize, lotSize float64, mode Mode) scale {
	s := scale{tickSize: tickSize, lotSize: lotSize, perTick: 1 / tickSize, minQty: 0.5 * lotSize, mode: mode}
	// The quotient is rounded, so the bound may be some steps off half a lot.
	for range 8 {
		if below := math.Nextafter(s.minQty, 0); below/lotSize >= 0.5 {
			s.minQty = below
		} else if s.minQty/lotSize < 0.5 {
			s.minQty = math.Nextafter(s.minQty, math.Inf(1))
		}
	}
	s.minQtyBits = math.Float64bits(s.minQty)
	return s
}

// TickSize returns the price of one tick.
func (s *scale) TickSize() float64 { return s.tickSize }

// LotSize returns the quantity of one lot.
func (s *scale) LotSize() float64 { return s.lotSize }

// roundUp is added to a float64 of less than 2^51 to round it to a whole number, which the lowest bits are then.
const roundUp = 0x1.8p52

// quickTick is hft.PriceTick without its division for positive prices that are not half way between two ticks; ok is
// false for the others.
func (s *scale) quickTick(price float64) (tick int64, ok bool) {
	x := float64(price * s.perTick) // the conversion forbids fusing it with the addition below
	sum := x + roundUp
	tick = int64(math.Float64bits(sum) - math.Float64bits(roundUp)) // of more than 2^51 it is more than maxQuickTick
	return tick, math.Abs(x-(sum-roundUp)) < 0.49 && uint64(tick) < maxQuickTick
}

// priceTick returns the tick of a price; ok is false when the price is to be ignored.
func (s *scale) priceTick(price float64) (tick int64, ok bool) {
	if tick, ok = s.quickTick(price); ok {
		return tick, true
	}
	if s.mode == Fixed && !finite(price) {
		return 0, false
	}
	tick = hft.PriceTick(price, s.tickSize)
	return tick, tick >= -maxTick && tick <= maxTick
}

// plainQty returns the bits of a quantity and whether it is one of the plain ones: 0, or finite and at least one lot
// when rounded. Positive floats are ordered as their bits are, so this takes one branch where comparing takes three,
// one of which nobody can predict.
func (s *scale) plainQty(qty float64) (qtyBits uint64, ok bool) {
	qtyBits, least := math.Float64bits(qty), s.minQtyBits
	atLeast := qtyBits
	if atLeast == 0 {
		atLeast = least
	}
	return qtyBits, atLeast-least <= maxFloatBits-least
}

// badQty reports whether a quantity is to be ignored.
func (s *scale) badQty(qty float64) bool {
	return s.mode == Fixed && !(qty >= 0 && qty <= math.MaxFloat64)
}

// zeroLots reports whether qty rounds to no lot at all, NaN included.
func (s *scale) zeroLots(qty float64) bool { return !(qty >= s.minQty || qty <= -s.minQty) }

// bestPrice returns the price of a side's best key, NaN when there is none.
func (s *scale) bestPrice(best, flip int64) float64 {
	if best == noKey {
		return math.NaN()
	}
	return hft.TickPrice(best^flip, s.tickSize)
}

// row returns a snapshot row of one level.
func (s *scale) row(key, flip int64, qty float64) hft.Event {
	return hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | sideFlag(flip) | hft.DepthSnapshotEvent,
		Px: hft.TickPrice(key^flip, s.tickSize), Qty: qty}
}

// snapshotLevel returns key and side of a snapshot's row; ok is false when the row is to be skipped.
func (s *scale) snapshotLevel(row *hft.Event) (key, flip int64, ok bool) {
	side := row.Side()
	if side == hft.SideNone {
		return 0, 0, false
	}
	// A level without quantity must not become the best.
	if s.mode == Fixed && (s.badQty(row.Qty) || row.Qty < s.minQty) {
		return 0, 0, false
	}
	tick, ok := s.priceTick(row.Px)
	flip = flipOf(side)
	return tick ^ flip, flip, ok
}

func finite(x float64) bool { return x-x == 0 }

// reject makes u the result of an update that changed nothing.
func (u *L2Update) reject(tick, best, flip int64, qty float64) {
	u.PriceTick, u.PrevBestTick, u.BestTick = tick, best^flip, best^flip
	u.PrevQty, u.NewQty = qty, qty
}

// clearKey returns the key of a clear's finite price, kept within the ticks a book can hold.
func (s *scale) clearKey(price float64, flip int64) int64 {
	return min(max(hft.PriceTick(price, s.tickSize), -maxTick-1), maxTick+1) ^ flip
}
