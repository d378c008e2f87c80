package soak

import (
	"context"
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// TestFeesInAnotherAsset: an account pays its fees in BNB, and they are counted in the quote asset at BNB's price.
func TestFeesInAnotherAsset(t *testing.T) {
	each(t, isBinance, func(t *testing.T, s subject) {
		sc := &scene{T: t, subject: s, sent: map[uint64]connector.Order{}}
		sc.exchange = still(t, s, func(c *testexchange.Config) {
			c.Accounts = []testexchange.Account{{APIKey: testexchange.DefaultAPIKey, Secret: testexchange.DefaultSecret,
				FeeAsset: "BNB"}}
			for _, asset := range []string{"BTC", "ETH", "BNB"} {
				c.Symbols = append(c.Symbols, market.SymbolConfig{Name: asset + "USDT", BaseAsset: asset,
					QuoteAsset: "USDT", TickSize: "0.10", LotSize: "0.001", MinPrice: "0.10", MaxPrice: "1000000.00",
					MinQty: "0.001", MaxQty: "1000.000", MaxMarketQty: "100.000", MinNotional: "5", BandShare: 0.5,
					MakerFeePPM: 200, TakerFeePPM: 500})
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
		if _, err := p.(protocol.FeePayer).AssetPrice(context.Background(), "XYZ",
			"USDT"); protocol.CauseOf(err) != protocol.Refused {
			t.Errorf("the price of what is not traded: %v", err)
		}
		sc.agrees()
	})
}

// TestFeesInCredits: an account in credits trading mode pays with what is worth one of the quote asset.
func TestFeesInCredits(t *testing.T) {
	each(t, func(s subject) bool { return s.rule == connector.RuleFutures }, func(t *testing.T, s subject) {
		sc := payingIn(t, s, market.Credits)
		u := sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
		x := sc.state().Executions[0]
		if x.FeeAsset != market.Credits || u.FillFee != number(t, x.Fee) || u.FillFee == 0 || u.FeePaid != u.FillFee ||
			u.FeeAsset != market.Credits || sc.said(hft.CustomKind, "fees") != 0 {
			t.Errorf("the exchange took %s %s, the fee is %v, paid %v %s", x.Fee, x.FeeAsset, u.FillFee, u.FeePaid,
				u.FeeAsset)
		}
		sc.agrees()
	})
}

// TestFeesInAnAssetNobodyExpects: its price is asked for when a fee was paid in it, which is said once and counts as 0.
// Those that come when the price is known are counted.
func TestFeesInAnAssetNobodyExpects(t *testing.T) {
	each(t, isBinance, func(t *testing.T, s subject) {
		sc := payingIn(t, s, "ETH")
		sc.level("ETHUSDT", hft.Buy, 2999, 1)
		sc.level("ETHUSDT", hft.Sell, 3001, 1)
		u := sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
		if u.FillFee != 0 || u.FeeAsset != "ETH" || u.FeePaid == 0 {
			t.Errorf("the fee is %v, paid %v %s", u.FillFee, u.FeePaid, u.FeeAsset)
		}
		sc.wait("fees are valued", func() bool {
			u := sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
			return u.FillFee > 0 && math.Abs(u.FillFee-u.FeePaid*3000) < 1e-9
		})
		if n := sc.said(hft.CustomKind, "fees in ETH are not counted"); n != 1 {
			t.Errorf("said %d times", n)
		}
		sc.agrees()
	})
}

// payingIn is a scene of an account that pays its fees in an asset.
func payingIn(t *testing.T, s subject, feeAsset string) *scene {
	sc := &scene{T: t, subject: s, sent: map[uint64]connector.Order{}}
	sc.exchange = still(t, s, func(c *testexchange.Config) {
		c.Accounts = []testexchange.Account{{APIKey: testexchange.DefaultAPIKey, Secret: testexchange.DefaultSecret,
			FeeAsset: feeAsset,
			Balances: map[string]string{"USDT": "100000", "BTC": "10", "ETH": "10", market.Credits: "1000"}}}
	})
	sc.stop = sc.moveMarket()
	t.Cleanup(sc.stop)
	sc.enter(settings{symbols: []string{"BTCUSDT"}})
	sc.wait("the book is ready", sc.ready)
	return sc
}

// TestFeesInTheBaseAsset: spot takes the fee of a buy from what was bought. Executions less their FeeQty are the
// balance, to the last digit, and no fee is taken twice.
func TestFeesInTheBaseAsset(t *testing.T) {
	each(t, func(s subject) bool { return s.rule == connector.RuleSpot }, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		before := sc.balance("BTC")
		sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
		sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
		sc.becomes(sc.submit(sc.order(hft.Sell, -100, hft.IOC)), hft.StatusFilled)
		sc.agrees()
		position, fees := 0.0, 0.0
		for _, u := range sc.AllUpdates() {
			if u.Fill {
				position += float64(u.Side)*u.ExecQty - u.FeeQty
				fees += u.FeeQty
				if want := u.FeeQty * u.ExecPrice(); u.Side == hft.Buy && math.Abs(u.FillFee-want) > 1e-9 ||
					u.FillFee <= 0 {
					t.Errorf("the fee is %v, want %v", u.FillFee, want)
				}
			}
		}
		if got := sc.balance("BTC") - before; fees == 0 || math.Abs(got-position) > 1e-9 {
			t.Errorf("the balance has changed by %v, the executions come to %v with fees of %v", got, position, fees)
		}
		no := sc.instruments[0].No
		sc.wait("the account's position is the balance",
			func() bool { return sc.LastPosition(no) == sc.balance("BTC") })
		sc.becomes(sc.submit(sc.order(hft.Sell, 100, hft.GTC)), hft.StatusNew)
		for _, h := range []venue.Happening{{Amount: "2.5"}, {Amount: "-1.75"}} {
			h.Kind, h.Asset = "deposit", "BTC"
			sc.happen(h)
			sc.wait("free and locked count", func() bool { return sc.LastPosition(no) == sc.balance("BTC") })
		}
		sc.arm("refuse-connect=count:6")
		sc.cut()
		sc.happen(venue.Happening{Kind: "deposit", Asset: "BTC", Amount: "0.5"})
		sc.wait("it is asked for after an outage", func() bool { return sc.LastPosition(no) == sc.balance("BTC") })
	})
}

// balance returns what the exchange has of an asset.
func (sc *scene) balance(asset string) float64 {
	sc.Helper()
	for _, b := range sc.state().Balances {
		if b.Asset == asset {
			return number(sc.T, b.Total)
		}
	}
	return 0
}
