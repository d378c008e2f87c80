package hft

import "math"

// PriceTick returns price in ticks: the quotient rounded half away from zero, NaN as 0, values outside of int64 as
// its bounds.
func PriceTick(price, tickSize float64) int64 { return toInt64(math.Round(price / tickSize)) }

// QtyLots returns qty in lots, rounded and bounded as PriceTick does.
func QtyLots(qty, lotSize float64) int64 { return toInt64(math.Round(qty / lotSize)) }

// TickPrice returns the price of a tick.
func TickPrice(tick int64, tickSize float64) float64 { return float64(tick) * tickSize }

// MinFloat returns the smaller operand and ignores one that is NaN.
func MinFloat(a, b float64) float64 {
	if math.IsNaN(a) || b < a {
		return b
	}
	return a
}

// MaxFloat returns the larger operand and ignores one that is NaN.
func MaxFloat(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}

// lotTolerance is how far, in lots, a whole number of lots may be off by rounding of sums.
const lotTolerance = 1e-6

// WholeLots returns the nearest whole number of lots as a quantity, and whether qty is that but for the rounding of
// sums.
func WholeLots(qty, lotSize float64) (whole float64, ok bool) {
	whole = math.Round(qty/lotSize) * lotSize
	return whole, math.Abs(qty-whole) < lotSize*lotTolerance
}

// LotsWithin returns the whole lots that a quantity has, as a quantity: what of a position an order may close. The
// rest, which fees in the traded asset leave on spot, is less than a lot.
func LotsWithin(qty, lotSize float64) float64 {
	if whole, ok := WholeLots(qty, lotSize); ok {
		return whole
	}
	return math.Trunc(qty/lotSize) * lotSize
}

// toInt64 converts as Rust's `as i64` does: Go leaves the conversion of values out of range open.
func toInt64(x float64) int64 {
	switch {
	case x >= -9223372036854775808.0 && x < 9223372036854775808.0:
		return int64(x)
	case x != x:
		return 0
	case x > 0:
		return math.MaxInt64
	}
	return math.MinInt64
}
