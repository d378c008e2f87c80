package soak

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// TestRoutesThatAreSilent: a connection that takes the subscription and brings nothing is seen and replaced, and the
// reason says what to look at.
func TestRoutesThatAreSilent(t *testing.T) {
	each(t, isFutures, func(t *testing.T, s subject) {
		for name, base := range map[string]func(class, url string) string{
			"unrouted": func(class, url string) string {
				if class == "public" {
					return strings.TrimSuffix(url, "/public") + "/market" // books are not on the market route
				}
				return url
			},
			"wrong class": func(class, url string) string { return strings.Replace(url, "/public", "/private", 1) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				sc := stage(t, s, settings{options: options{base: base, quiet: 400 * time.Millisecond}}, nil)
				sc.wait("two connections are given up", func() bool {
					return sc.said(hft.ConnectionInterrupted, "check topics and URL") >= 2
				})
				if sc.IsReady(0) {
					t.Error("a book is ready that nothing came for")
				}
			})
		}
	})
}

// TestLegacyRoutesBringNoTrades: the addresses of before 2026 take everything and bring books only.
func TestLegacyRoutesBringNoTrades(t *testing.T) {
	each(t, isFutures, func(t *testing.T, s subject) {
		legacy := func(class, url string) string {
			if class == "market" {
				return strings.TrimSuffix(url, "/market")
			}
			return url
		}
		sc := open(t, s, settings{options: options{base: legacy, quiet: time.Second,
			quietMarket: 400 * time.Millisecond}}, nil)
		sc.wait("the connection is given up",
			func() bool { return sc.said(hft.ConnectionInterrupted, "check topics and URL") >= 1 })
		sc.wait("the book is ready again", sc.ready)
	})
}

// TestSubscriptionRefused: it is tried again, and given up when the venue insists.
func TestSubscriptionRefused(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		t.Run("for a time", func(t *testing.T) {
			t.Parallel()
			sc := stage(t, s, settings{}, armed("subscribe-error=count:2"))
			sc.wait("the books are ready", sc.ready)
			sc.happened(fault.ResubscribeError)
			sc.agrees()
		})
		t.Run("later on", func(t *testing.T) {
			t.Parallel()
			sc := open(t, s, settings{pace: venue.Pace{RefusedPause: 50 * time.Millisecond}}, nil)
			o := sc.submit(sc.resting())
			sc.becomes(o, hft.StatusNew)
			sc.arm("subscribe-error")
			sc.cut()
			sc.wait("the bots are told",
				func() bool { return sc.said(hft.CriticalConnectionError, "subscription rejected") > 0 })
			if err := sc.exchange.Disarm(s.name, fault.ResubscribeError); err != nil {
				t.Fatal(err)
			}
			sc.cancelOrder(o)
			sc.becomes(o, hft.StatusCanceled)
			sc.wait("the books are ready again", sc.ready)
			sc.agrees()
		})
		t.Run("for good", func(t *testing.T) {
			t.Parallel()
			e := still(t, s, armed("subscribe-error"))
			r := connect(t, s, e, settings{})
			err := r.connector.Run(context.Background(), r, r.clock)
			if err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("Run returned %v, want what the venue refused", err)
			}
			for _, inst := range r.instruments {
				if r.IsReady(inst.No) {
					t.Errorf("%s is ready", inst.Symbol)
				}
			}
		})
	})
}

// TestSymbolsRegisteredLater: they come without a gap in those that are there, and all of them come back after a
// connection was lost.
func TestSymbolsRegisteredLater(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		later, _ := instruments(t, s.protocol(t, sc.exchange), "ETHUSDT")
		later[0].No = 1
		stales := sc.Stales()
		sc.run.instruments = append(sc.run.instruments, later[0])
		sc.connector.Register(later[0])
		sc.wait("the new book is ready", func() bool { return sc.IsReady(1) })
		if sc.Stales() != stales {
			t.Error("the book of the first symbol was lost")
		}
		o := sc.order(hft.Buy, 0, hft.GTC)
		o.InstrumentNo, o.TickSize, o.PriceTick, o.Qty = 1, later[0].TickSize, hft.PriceTick(2400, later[0].TickSize), 1
		sc.becomes(sc.submit(o), hft.StatusNew)
		sc.cut()
		sc.wait("all books are ready again", sc.ready)
		sc.cancelOrder(o)
		sc.becomes(o, hft.StatusCanceled)
		sc.agrees()
	})
}

// TestSymbolsThatCannotBe: one that the venue does not have, and one with steps that are not the venue's, get an error
// and no book, and disturb nobody.
func TestSymbolsThatCannotBe(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		stales := sc.Stales()
		tick, lot := sc.instruments[0].TickSize, sc.instruments[0].LotSize
		for no, c := range []struct {
			inst connector.Instrument
			want string
		}{
			{connector.Instrument{Symbol: "NONEUSDT", TickSize: tick, LotSize: lot}, "NONEUSDT cannot be traded"},
			{connector.Instrument{Symbol: "ETHUSDT", TickSize: 1000, LotSize: lot},
				"tick_size of ETHUSDT is 1000 and the venue's is"},
			{connector.Instrument{Symbol: "ETHUSDT", TickSize: 0.01, LotSize: 1000},
				"lot_size of ETHUSDT is 1000 and the venue's is"},
		} {
			c.inst.No = no + 1
			sc.connector.Register(c.inst)
			sc.wait(c.want, func() bool { return sc.said(hft.CriticalConnectionError, c.want) == 1 })
		}
		if !sc.IsReady(0) || sc.Stales() != stales+3 {
			t.Errorf("the first book is ready: %t, %d books were lost", sc.IsReady(0), sc.Stales()-stales)
		}
		sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
		sc.agrees()
	})
}

// cut closes all connections and waits until the connector has seen it.
func (sc *scene) cut() {
	sc.Helper()
	before, stales := sc.Counter(connector.Reconnects), sc.Stales()
	sc.arm("cut-connections")
	sc.wait("the connections are lost", func() bool {
		return sc.Counter(connector.Reconnects) >= before+2 && sc.Stales() > stales
	})
}
