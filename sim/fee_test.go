package sim_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// 2 executed for a value of 300.
func TestFees(t *testing.T) {
	for _, c := range []struct {
		model                                    sim.FeeModel
		makerBuy, makerSell, takerBuy, takerSell float64
	}{
		{sim.TradingValueFee{Maker: -0.5, Taker: 2}, -150, -150, 600, 600},
		{sim.DirectionalTradingValueFee{Maker: -0.5, Taker: 2, Buyer: 1, Seller: 3}, 150, 750, 900, 1500},
		{sim.TradingQtyFee{Maker: -0.5, Taker: 2}, -1, -1, 4, 4},
		{sim.DirectionalTradingQtyFee{Maker: -0.5, Taker: 2, Buyer: 1, Seller: 3}, 299, 899, 304, 904},
		{sim.FlatPerTradeFee{Maker: -0.5, Taker: 2}, -0.5, -0.5, 2, 2},
	} {
		fee := func(side hft.Side, maker bool) float64 {
			return c.model.Fee(&hft.Order{Side: side, Maker: maker, ExecQty: 2, Qty: 9}, 300)
		}
		got := [4]float64{fee(hft.Buy, true), fee(hft.Sell, true), fee(hft.Buy, false), fee(hft.Sell, false)}
		if want := [4]float64{c.makerBuy, c.makerSell, c.takerBuy, c.takerSell}; got != want {
			t.Errorf("%T: %v, want %v", c.model, got, want)
		}
	}
}
