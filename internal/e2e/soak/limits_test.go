package soak

import (
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// TestTooManyRequests: after 429 with a long Retry-After orders are refused at once with the reason, nothing is sent,
// and an order that is there already stays followed.
func TestTooManyRequests(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew)
		sc.arm("http-429=count:1,value:600,only:" + s.place)
		if u := sc.becomes(sc.submit(sc.taking()), hft.StatusExpired); u.Req != hft.StatusRejected {
			t.Errorf("the order was answered by %+v, want a refusal", u)
		}
		before := sc.state().Requests[s.place]
		second := sc.submit(sc.taking())
		if u, known := sc.last(second); !known || u.Status != hft.StatusExpired || u.Req != hft.StatusRejected {
			t.Errorf("an order within the pause was answered at once by %+v, want a refusal", u)
		}
		if sc.said(hft.OrderError, "too many") != 2 {
			t.Errorf("the bot was told %v, want two refusals with their reason", sc.Errors())
		}
		if n := sc.state().Requests[s.place]; n != before {
			t.Errorf("%d orders were sent within the pause", n-before)
		}
		if !isBinance(s) { // limits are for each kind of request
			sc.cancelOrder(o)
			sc.becomes(o, hft.StatusCanceled)
			return
		}
		price := hft.TickPrice(o.PriceTick, o.TickSize)
		sc.level("BTCUSDT", hft.Buy, mids()["BTCUSDT"]-spread, 0)
		if err := sc.exchange.TradeOfOthers(s.name, "BTCUSDT", hft.Sell, price, o.Qty); err != nil {
			t.Fatal(err)
		}
		sc.becomes(o, hft.StatusFilled)
	})
}

// TestTooManyOrders: the venue's limit of orders pauses submissions and never cancels.
func TestTooManyOrders(t *testing.T) {
	each(t, isFutures, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, func(c *testexchange.Config) { c.OrdersPerMinute = 3 })
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew)
		sc.wait("an order is refused", func() bool {
			return sc.becomes(sc.submit(sc.resting()), hft.StatusNew, hft.StatusExpired).Status == hft.StatusExpired
		})
		before := sc.state().Requests[s.place]
		if u, known := sc.last(sc.submit(sc.resting())); !known || u.Req != hft.StatusRejected {
			t.Errorf("an order within the pause was answered at once by %+v, want a refusal", u)
		}
		if n := sc.state().Requests[s.place]; n != before {
			t.Errorf("%d orders were sent within the pause", n-before)
		}
		sc.cancelOrder(o)
		sc.becomes(o, hft.StatusCanceled)
		if sc.said(hft.OrderError, "too many orders") == 0 {
			t.Errorf("the bot was told %v", sc.Errors())
		}
	})
}

// TestRefusedByTheDoor: an address that is banned, and one that is forbidden in HTML, is critical; nothing of it is
// treated as an answer about the order, and orders go through again when the ban is over. That of 403 takes minutes,
// as all of Bybit's do.
func TestRefusedByTheDoor(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for _, text := range []string{"http-418=count:1,value:1,only:" + s.place, "http-403=count:1,only:" + s.place} {
			f, err := fault.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(string(f.Name), func(t *testing.T) {
				t.Parallel()
				sc := open(t, s, settings{}, nil)
				sc.arm(text)
				sc.becomes(sc.submit(sc.taking()), hft.StatusExpired)
				sc.happened(f.Name)
				sc.wait("somebody is told to look",
					func() bool { return sc.said(hft.CriticalConnectionError, "banned") > 0 })
				if f.Name == fault.Forbidden || !isBinance(s) {
					if u, known := sc.last(sc.submit(sc.taking())); !known || u.Req != hft.StatusRejected {
						t.Errorf("an order within the ban was answered at once by %+v, want a refusal", u)
					}
					return
				}
				sc.takesOrders()
				sc.agrees()
			})
		}
	})
}
