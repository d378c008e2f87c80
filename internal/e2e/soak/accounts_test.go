package soak

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// TestAdoption: a connector that comes after another one that ended without cancelling finds its orders, tells them to
// the bots that they belong to, and can cancel them. The position is known too.
func TestAdoption(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
		orders := []connector.Order{sc.resting(), sc.order(hft.Sell, 100, hft.GTC)}
		orders[1].Owner = connector.Owner{Bot: 2, Incarnation: 7}
		for _, o := range orders {
			sc.becomes(sc.submit(o), hft.StatusNew)
		}
		first := sc.run
		first.end(t)
		sc.enter(settings{symbols: []string{"BTCUSDT"}})
		sc.wait("the books are ready", sc.ready)
		for _, o := range orders {
			u := sc.becomes(o, hft.StatusNew)
			if u.Owner != o.Owner || u.PriceTick != o.PriceTick || u.Side != o.Side || u.LeavesQty != o.Qty {
				t.Errorf("order %+v is adopted as %+v", o, u)
			}
			sc.cancelOrder(o)
			sc.becomes(o, hft.StatusCanceled)
		}
		if s.positions {
			agree(t, "the position", func() error { return positionsAgree(t, s, sc.exchange, sc.run) })
		}
	})
}

// TestOrdersOfOthers: the account's orders that are not this runner's are never told nor touched.
func TestOrdersOfOthers(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		p := s.protocol(t, sc.exchange)
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
		ids := []string{"x-of-another-runner", "web_1234567890"}
		for _, id := range ids {
			if _, err := p.Place(context.Background(), &protocol.Order{Symbol: "BTCUSDT", ClientID: id, Side: hft.Buy,
				OrdType: hft.Limit, TimeInForce: hft.GTC, Price: "59000.0", Qty: "0.010"}); err != nil {
				t.Fatal(err)
			}
		}
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew)
		sc.cut()
		sc.wait("the books are ready again", sc.ready)
		sc.ended(o)
		sc.end(t)
		sc.enter(settings{symbols: []string{"BTCUSDT"}})
		sc.wait("another connector is ready", sc.ready)
		if updates := sc.AllUpdates(); len(updates) != 0 {
			t.Errorf("it tells of %+v", updates)
		}
		left := 0
		for _, order := range sc.state().Orders {
			if strings.HasPrefix(order.ClientID, "x-") || strings.HasPrefix(order.ClientID, "web") {
				if left++; plain(order.Status) != "new" {
					t.Errorf("order %s of others is %s", order.ClientID, order.Status)
				}
			}
		}
		if left != len(ids) {
			t.Errorf("%d of %d orders of others are there", left, len(ids))
		}
	})
}

// TestHeartbeat: the dead-man's switch is refreshed within a third of its window while there are orders, so that it
// never goes off, and disarmed at the end, so that orders that are kept stay.
func TestHeartbeat(t *testing.T) {
	const window = 1500 * time.Millisecond
	each(t, func(s subject) bool { return s.deadMan > 0 }, func(t *testing.T, s subject) {
		sc := open(t, s, settings{deadMan: window}, nil)
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew)
		const beats = 6
		sc.wait("several heartbeats", func() bool { return len(sc.state().Heartbeats) > beats })
		sc.end(t)
		list := sc.state().Heartbeats
		shortest := int64(window)
		for i, h := range list[:len(list)-1] {
			if h.CountdownMs != window.Milliseconds() {
				t.Errorf("heartbeat %d arms %d ms, want %d", i, h.CountdownMs, window.Milliseconds())
			}
			if i > 0 {
				shortest = min(shortest, h.AtNs-list[i-1].AtNs)
			}
		}
		// A machine that is busy makes some late, but none early.
		if shortest > int64(window)/3 {
			t.Errorf("heartbeats come %v apart at best, want a third of %v", time.Duration(shortest), window)
		}
		if last := list[len(list)-1]; last.CountdownMs != 0 {
			t.Errorf("the switch is left armed: %+v", last)
		}
		ended := sc.state().NowNs
		sc.wait("the window has passed", func() bool { return sc.state().NowNs-ended > int64(window) })
		if order := sc.state().Orders[0]; plain(order.Status) != "new" {
			t.Errorf("the order that was kept is %s", order.Status)
		}
	})
}

// TestDeadMan: when the runner is gone without a word the venue cancels its orders.
func TestDeadMan(t *testing.T) {
	each(t, func(s subject) bool { return s.deadMan > 0 }, func(t *testing.T, s subject) {
		sc := open(t, s, settings{deadMan: time.Second}, nil)
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew)
		sc.wait("the switch is armed", func() bool { return len(sc.state().Heartbeats) > 0 })
		sc.arm("http-503-failed=only:countdownCancelAll") // as good as gone
		sc.becomes(o, hft.StatusCanceled, hft.StatusExpired)
		sc.agrees()
	})
}

// TestExchangeStartsAnew: the exchange goes away and comes back at the same place without any memory; orders that it
// no longer knows are closed, the books come back, and orders are accepted.
func TestExchangeStartsAnew(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{pace: quickAudit()}, func(c *testexchange.Config) { c.FirstPort = freePort(t) })
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew)
		sc.restart()
		sc.wait("the book is lost", func() bool { return sc.Stales() > 0 })
		sc.wait("the book is ready again", sc.ready)
		if u := sc.becomes(o, hft.StatusExpired); u.Final() == false {
			t.Errorf("the order is %+v", u)
		}
		sc.takesOrders()
		booksAgree(t, s, sc.exchange, sc.run, sc.halted.Store)
	})
}
