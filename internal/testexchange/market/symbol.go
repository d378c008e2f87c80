package market

import (
	"fmt"
	"math"
	"math/bits"
)

// SymbolConfig describes a symbol. Steps and limits are decimal text as the venue writes it.
type SymbolConfig struct {
	Name, BaseAsset, QuoteAsset string
	// TickSize and LotSize are the steps of price and quantity.
	TickSize, LotSize string
	// MinPrice and MaxPrice bound the price of an order; MinQty, MaxQty and MaxMarketQty its quantity. Empty: one step
	// for a minimum, no bound for a maximum.
	MinPrice, MaxPrice, MinQty, MaxQty, MaxMarketQty string
	// MinNotional is the smallest price times quantity of an order in quote currency, empty for none.
	MinNotional string
	// MaxOrders bounds the open orders of an account, 0 for 200.
	MaxOrders int
	// BandShare is the maximum distance of a limit price from the mid price, as a share of it, 0 for no bound.
	BandShare float64
	// MakerFeePPM and TakerFeePPM are fees in millionths of the value; a negative one is a rebate.
	MakerFeePPM, TakerFeePPM int64
}

// Symbol is a symbol with everything read.
type Symbol struct {
	Name, BaseAsset, QuoteAsset                                            string
	Tick, Lot                                                              Step
	MinPriceTicks, MaxPriceTicks, MinQtyLots, MaxQtyLots, MaxMarketQtyLots int64
	MinNotional                                                            Amount
	MaxOrders                                                              int
	BandShare                                                              float64
	MakerFeePPM, TakerFeePPM                                               int64
}

const maxSteps = int64(1) << 50

// NewSymbol reads a configuration.
func NewSymbol(c SymbolConfig) (*Symbol, error) {
	s := &Symbol{Name: c.Name, BaseAsset: c.BaseAsset, QuoteAsset: c.QuoteAsset, MaxOrders: c.MaxOrders,
		BandShare: c.BandShare, MakerFeePPM: c.MakerFeePPM, TakerFeePPM: c.TakerFeePPM}
	if c.Name == "" || c.BaseAsset == "" || c.QuoteAsset == "" {
		return nil, fmt.Errorf("market: symbol %q of %q and %q: name and both assets are required", c.Name, c.BaseAsset,
			c.QuoteAsset)
	}
	if s.MaxOrders == 0 {
		s.MaxOrders = 200
	}
	var err error
	if s.Tick, err = ParseStep(c.TickSize); err != nil {
		return nil, fmt.Errorf("market: %s: tick size: %w", c.Name, err)
	}
	if s.Lot, err = ParseStep(c.LotSize); err != nil {
		return nil, fmt.Errorf("market: %s: lot size: %w", c.Name, err)
	}
	for _, f := range []struct {
		what, text string
		step       Step
		to         *int64
		otherwise  int64
	}{
		{"lowest price", c.MinPrice, s.Tick, &s.MinPriceTicks, 1},
		{"highest price", c.MaxPrice, s.Tick, &s.MaxPriceTicks, maxSteps},
		{"smallest quantity", c.MinQty, s.Lot, &s.MinQtyLots, 1},
		{"largest quantity", c.MaxQty, s.Lot, &s.MaxQtyLots, maxSteps},
		{"largest quantity of a market order", c.MaxMarketQty, s.Lot, &s.MaxMarketQtyLots, maxSteps},
	} {
		*f.to = f.otherwise
		if f.text == "" {
			continue
		}
		if *f.to, err = f.step.Parse(f.text); err != nil || *f.to <= 0 || *f.to > maxSteps {
			return nil, fmt.Errorf("market: %s: %s %q: must be a positive multiple of %v (%v)", c.Name, f.what, f.text,
				f.step, err)
		}
	}
	if c.MinNotional != "" {
		if s.MinNotional, err = ParseAmount(c.MinNotional); err != nil {
			return nil, fmt.Errorf("market: %s: smallest notional: %w", c.Name, err)
		}
	}
	return s, nil
}

// Value returns price times quantity, rounded down to a whole Amount and bounded by its range.
func (s *Symbol) Value(tick, lots int64) Amount {
	negative := (tick < 0) != (lots < 0)
	hi, lo := bits.Mul64(magnitude(tick), magnitude(lots))
	factor, divisor := uint64(s.Tick.units), uint64(1)
	factor *= uint64(s.Lot.units)
	if shift := amountScale - s.Tick.scale - s.Lot.scale; shift >= 0 {
		factor *= uint64(pow10(shift))
	} else {
		divisor = uint64(pow10(-shift))
	}
	over, low := bits.Mul64(lo, factor)
	over2, high := bits.Mul64(hi, factor)
	high, carry := bits.Add64(high, over, 0)
	if over2 != 0 || carry != 0 || high >= divisor {
		return saturated(negative)
	}
	quotient, _ := bits.Div64(high, low, divisor)
	if quotient > math.MaxInt64 {
		return saturated(negative)
	}
	if negative {
		return -Amount(quotient)
	}
	return Amount(quotient)
}

// Average returns the price of a value in so many lots as text with the decimals of an average: those of the tick and
// three more. "0" without lots.
func (s *Symbol) Average(value Amount, lots int64) string {
	if lots == 0 {
		return "0"
	}
	price := value.Float() / (float64(lots) * s.Lot.Float())
	return fmt.Sprintf("%.*f", s.Tick.decimals+3, price)
}

// Fee returns the fee of a value.
func (s *Symbol) Fee(value Amount, maker bool) Amount {
	ppm := s.TakerFeePPM
	if maker {
		ppm = s.MakerFeePPM
	}
	return scaled(value, ppm, 1e6)
}

// scaled returns a*num/den without overflow on the way.
func scaled(a Amount, num, den int64) Amount {
	negative := (a < 0) != (num < 0)
	hi, lo := bits.Mul64(magnitude(int64(a)), magnitude(num))
	if hi >= uint64(den) {
		return saturated(negative)
	}
	q, _ := bits.Div64(hi, lo, uint64(den))
	if q > math.MaxInt64 {
		return saturated(negative)
	}
	if negative {
		return -Amount(q)
	}
	return Amount(q)
}

func saturated(negative bool) Amount {
	if negative {
		return math.MinInt64
	}
	return math.MaxInt64
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
