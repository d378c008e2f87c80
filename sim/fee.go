package sim

import "github.com/hftrunner/hftrunner/hft"

// FeeModel says what an execution costs.
type FeeModel interface {
	// Fee returns the fee of the last execution of o, whose value is given; negative for a rebate.
	Fee(o *hft.Order, value float64) float64
}

// TradingValueFee is a share of the traded value for makers and one for takers (TradingValueFeeModel, common fees).
type TradingValueFee struct {
	// Maker and Taker are shares of the value, not per cent; negative is a rebate.
	Maker, Taker float64
}

// Fee returns the maker's or taker's share of value.
func (f TradingValueFee) Fee(o *hft.Order, value float64) float64 {
	return float64(pick(o.Maker, f.Maker, f.Taker) * value)
}

// DirectionalTradingValueFee is a TradingValueFee with another share of the value for buyers and for sellers on top,
// such as a stamp duty (TradingValueFeeModel, directional fees).
type DirectionalTradingValueFee struct {
	// All are shares of the value, not per cent; negative is a rebate.
	Maker, Taker, Buyer, Seller float64
}

// Fee returns the sum of the shares that apply, of value.
func (f DirectionalTradingValueFee) Fee(o *hft.Order, value float64) float64 {
	rate := pick(o.Maker, f.Maker, f.Taker) + pick(o.Side == hft.Buy, f.Buyer, f.Seller)
	return float64(rate * value)
}

// TradingQtyFee is an amount per unit of executed quantity, such as a contract (TradingQtyFeeModel, common fees).
type TradingQtyFee struct {
	// Maker and Taker are in the currency of the fee; negative is a rebate.
	Maker, Taker float64
}

// Fee returns the maker's or taker's amount for the executed quantity; the value does not matter.
func (f TradingQtyFee) Fee(o *hft.Order, _ float64) float64 {
	return float64(pick(o.Maker, f.Maker, f.Taker) * o.ExecQty)
}

// DirectionalTradingQtyFee is a TradingQtyFee with a share of the value for buyers and for sellers on top
// (TradingQtyFeeModel, directional fees).
type DirectionalTradingQtyFee struct {
	// Maker and Taker are per unit of quantity, in the currency of the fee; negative is a rebate.
	Maker, Taker float64
	// Buyer and Seller are shares of the value, as in the reference.
	Buyer, Seller float64
}

// Fee returns the amount for the executed quantity and the buyer's or seller's share of value.
func (f DirectionalTradingQtyFee) Fee(o *hft.Order, value float64) float64 {
	return float64(pick(o.Maker, f.Maker, f.Taker)*o.ExecQty) + float64(pick(o.Side == hft.Buy, f.Buyer,
		f.Seller)*value)
}

// FlatPerTradeFee is an amount per execution (FlatPerTradeFeeModel).
type FlatPerTradeFee struct {
	// Maker and Taker are in the currency of the fee; negative is a rebate.
	Maker, Taker float64
}

// Fee returns the maker's or taker's amount.
func (f FlatPerTradeFee) Fee(o *hft.Order, _ float64) float64 { return pick(o.Maker, f.Maker, f.Taker) }

func pick(first bool, a, b float64) float64 {
	if first {
		return a
	}
	return b
}
