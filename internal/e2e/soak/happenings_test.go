package soak

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// accountEvents lists the account events so far, each once, sorted.
func (sc *scene) accountEvents() []string {
	byID := make(map[string]string)
	for _, e := range sc.AccountEvents() {
		line := fmt.Sprintf("%v %s %v %v at %v", e.Kind, e.Symbol, e.Side, e.Qty, e.Price)
		if e.Amount != 0 {
			line = fmt.Sprintf("%v %s %.4f %s", e.Kind, e.Symbol, e.Amount, e.Asset)
		}
		byID[e.Kind.String()+e.ID] = line
	}
	return slices.Sorted(maps.Values(byID))
}

func (sc *scene) happen(h venue.Happening) {
	sc.Helper()
	h.Account, h.Symbol = testexchange.DefaultAPIKey, "BTCUSDT"
	if err := sc.exchange.Happen(sc.name, h); err != nil {
		sc.Fatal(err)
	}
}

// TestAccountEvents: events of the account are reported, also those of an outage.
func TestAccountEvents(t *testing.T) {
	each(t, func(s subject) bool { return s.positions }, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		o := sc.taking()
		o.Qty, o.LeavesQty = 0.04, 0.04
		sc.becomes(sc.submit(o), hft.StatusFilled)
		told := func(want ...string) {
			t.Helper()
			sc.wait(fmt.Sprint("the events are ", want), func() bool { return slices.Equal(sc.accountEvents(), want) })
		}
		sc.happen(venue.Happening{Kind: "funding", RatePPM: 100, Price: "60000"})
		sc.happen(venue.Happening{Kind: "adl", Qty: "0.01", Price: "60000"})
		told("auto-deleveraging BTCUSDT Sell 0.01 at 60000", "funding BTCUSDT -0.2400 USDT")

		sc.arm("refuse-connect=count:6")
		sc.cut()
		sc.happen(venue.Happening{Kind: "funding", RatePPM: -100, Price: "60000"})
		sc.happen(venue.Happening{Kind: "liquidation", Qty: "0.02", Price: "59000"})
		told("auto-deleveraging BTCUSDT Sell 0.01 at 60000", "funding BTCUSDT -0.2400 USDT",
			"funding BTCUSDT 0.1800 USDT",
			"liquidation BTCUSDT Sell 0.02 at 59000")
		sc.wait("the book is ready again", sc.ready)
		for _, e := range sc.AccountEvents() {
			if e.Kind.Closes() && (e.Fee <= 0 || e.Fee != e.FeePaid || e.InstrumentNo != sc.instruments[0].No) {
				t.Errorf("%+v", e)
			}
		}
	})
}
