package sim

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// AssetType says what quantities of an instrument are worth.
type AssetType interface {
	// Amount returns the value of qty at price, in the currency that balance and fee are kept in.
	Amount(price, qty float64) float64
	// Equity returns what balance and position are worth at price, after fee.
	Equity(price, balance, position, fee float64) float64
}

// LinearAsset is quoted and settled in the quote currency; its value is the size of one contract (LinearAsset).
type LinearAsset float64

// Amount returns contract size x price x quantity.
func (c LinearAsset) Amount(price, qty float64) float64 {
	return float64(float64(c)*price) * qty
}

// Equity returns balance plus the position's value, minus fee.
func (c LinearAsset) Equity(price, balance, position, fee float64) float64 {
	return (balance + float64(float64(float64(c)*position)*price)) - fee
}

// InverseAsset is quoted in one currency and settled in the other, as coin-margined contracts are; its value is the
// size of one contract (InverseAsset).
type InverseAsset float64

// Amount returns contract size x quantity / price.
func (c InverseAsset) Amount(price, qty float64) float64 {
	return float64(float64(c)*qty) / price
}

// Equity returns the negated balance minus the position's value, minus fee.
func (c InverseAsset) Equity(price, balance, position, fee float64) float64 {
	return (-balance - float64(float64(c)*position)/price) - fee
}

// State adds up executions (State of hftbacktest). The zero value has no asset and no fee model: use NewState.
type State struct {
	// Values are the sums so far.
	Values hft.StateValues
	asset  AssetType
	fee    FeeModel
}

// NewState returns an empty state.
func NewState(asset AssetType, fee FeeModel) State { return State{asset: asset, fee: fee} }

// ApplyFill adds the last execution of o and returns its value and the fee paid for it, negative for a rebate.
func (s *State) ApplyFill(o *hft.Order) (value, fee float64) {
	value = s.asset.Amount(o.ExecPrice(), o.ExecQty)
	fee = s.fee.Fee(o, value)
	sign := float64(o.Side)
	s.Values.Position += float64(o.ExecQty * sign)
	s.Values.Balance -= float64(value * sign)
	s.Values.Fee += fee
	s.Values.NumTrades++
	s.Values.TradingVolume += o.ExecQty
	s.Values.TradingValue += value
	return value, fee
}

// Equity returns what the state is worth at price.
func (s *State) Equity(price float64) float64 {
	return s.asset.Equity(price, s.Values.Balance, s.Values.Position, s.Values.Fee)
}

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// checkStep returns an error unless x can be a tick or lot size.
func checkStep(what string, x float64) error {
	if !(x > 0) || !finite(x) {
		return fmt.Errorf("sim: %s is %v: must be the instrument's, a positive number", what, x)
	}
	return nil
}
