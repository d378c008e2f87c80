package market_test

import (
	"fmt"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

func Example() {
	m, err := market.New(market.Config{
		Symbols: []market.SymbolConfig{{Name: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT", TickSize: "0.10",
			LotSize: "0.001"}},
		Accounts: []market.AccountConfig{{Name: "me", Balances: map[string]market.Amount{"USDT": 1000 * 1e8}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Others ask 2 at 100.0, and a market order of 3 finds only that.
	ask := hft.Event{Ev: hft.DepthEvent | hft.SellEvent, Px: 100, Qty: 2}
	if err := m.ApplyBatch(1, "BTCUSDT", []hft.Event{ask}); err != nil {
		fmt.Println(err)
		return
	}
	o, err := m.Place(2, "me", market.Request{Symbol: "BTCUSDT", Side: hft.Buy, Type: hft.Market, QtyLots: 3000})
	fmt.Println(o.Status, o.Reason, o.FilledLots, o.FilledValue, err)
	// Output: Expired market 2000 200.00000000 <nil>
}
