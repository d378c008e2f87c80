package soak

import (
	"context"
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	connectorvenue "github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// TestFeesInAnotherAsset: an account pays its fees in BNB, and they are counted in the quote asset at BNB's price.
func TestFeesInAnotherAsset(t *testing.T) {
	each(t, isBinance, func(t *testing.T, s subject) {
		sc := &scene{T: t, subject: s, sent: map[uint64]connector.Order{}}
		sc.exchange = still(t, s, func(c *testexchange.Config) {
			c.Accounts = []testexchange.Account{{APIKey: testexchange.DefaultAPIKey, Secret: testexchange.DefaultSecret, FeeAsset: "BNB"}}
			for _, asset := range []string{"BTC", "ETH", "BNB"} {
				c.Symbols = append(c.Symbols, market.SymbolConfig{Name: asset + "USDT", BaseAsset: asset, QuoteAsset: "USDT", TickSize: "0.10",
					LotSize: "0.001", MinPrice: "0.10", MaxPrice: "1000000.00", MinQty: "0.001", MaxQty: "1000.000", MaxMarketQty: "100.000",
					MinNotional: "5", BandShare: 0.5, MakerFeePPM: 200, TakerFeePPM: 500})
			}
		})
		sc.level("BNBUSDT", hft.Buy, 599, 1)
		sc.level("BNBUSDT", hft.Sell, 601, 1)
		sc.stop = sc.moveMarket()
		t.Cleanup(sc.stop)
		sc.enter(settings{symbols: []string{"BTCUSDT"}})
		sc.wait("the book is ready", sc.ready)

		u := sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
		x := sc.state().Executions[0]
		if x.FeeAsset != "BNB" || math.Abs(number(t, x.Fee)-0.01*60001*0.0005/600) > 1e-8 {
			t.Fatalf("the exchange took %s %s", x.Fee, x.FeeAsset)
		}
		if want := number(t, x.Fee) * 600; math.Abs(u.FillFee-want) > 1e-9 || sc.said(hft.CustomKind, "fees") != 0 {
			t.Errorf("the fee is %v, want %v; %d errors", u.FillFee, want, sc.said(hft.CustomKind, "fees"))
		}
		p := s.protocol(t, sc.exchange)
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
		if _, err := p.(connectorvenue.FeePayer).AssetPrice(context.Background(), "XYZ", "USDT"); connectorvenue.CauseOf(err) != connectorvenue.Refused {
			t.Errorf("the price of what is not traded: %v", err)
		}
		sc.agrees()
	})
}
