package exchange

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// State adds up executions (State of hftbacktest). The zero value has no asset and no fee model: use NewState.
type State struct {
	// Values are the sums so far.
	Values hft.StateValues
	asset  sim.AssetType
	fee    sim.FeeModel
}

// NewState returns an empty state.
func NewState(asset sim.AssetType, fee sim.FeeModel) State { return State{asset: asset, fee: fee} }

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
