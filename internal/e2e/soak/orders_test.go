package soak

import (
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// TestLifeOfAnOrder: what becomes of orders without any fault, and with ids above what a float64 holds.
func TestLifeOfAnOrder(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for name, change := range map[string]func(*testexchange.Config){"plain": nil,
			"ids above 2^53":   func(c *testexchange.Config) { c.LargeIDs = true },
			"deflate":          func(c *testexchange.Config) { c.Compress = true },
			"fills told early": func(c *testexchange.Config) { c.TradeLite = true },
		} {
			t.Run(name, func(t *testing.T) {
				sc := open(t, s, settings{}, change)
				liveOrders(sc)
				sc.agrees()
			})
		}
	})
}

// TestOrdersByWebSocket: the same over the venue's other way of orders.
func TestOrdersByWebSocket(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{options: options{entry: "ws"}}, nil)
		liveOrders(sc)
		sc.agrees()
	})
}

// liveOrders lets one order rest, be modified and canceled, one execute, and one be refused for it would take.
func liveOrders(sc *scene) {
	sc.Helper()
	o := sc.submit(sc.resting())
	for began := time.Now(); time.Since(began) < patience && sc.becomes(o, hft.StatusNew,
		hft.StatusExpired).Status != hft.StatusNew; { // the connection for orders may come after the books
		o = sc.submit(sc.resting())
	}
	sc.becomes(o, hft.StatusNew)
	o.PriceTick -= 10
	sc.modify(o)
	sc.wait("the order has its new price", func() bool {
		u, _ := sc.last(o)
		return u.PriceTick == o.PriceTick && u.Req == hft.StatusNone
	})
	sc.cancelOrder(o)
	sc.becomes(o, hft.StatusCanceled)
	sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
	sc.becomes(sc.submit(sc.order(hft.Buy, -100, hft.GTX)), hft.StatusExpired)
	if n := sc.said(hft.OrderError, "would take"); n != 0 {
		sc.Errorf("a post-only order that would take gave %d errors", n)
	}
}

// faultyTrading trades while a fault is armed: three orders that rest, are modified and canceled, three that execute.
// What is refused is refused; every order comes to an end.
func faultyTrading(sc *scene) {
	sc.Helper()
	for range 3 {
		o := sc.submit(sc.resting())
		if u := sc.becomes(o, hft.StatusNew, hft.StatusExpired); u.Status == hft.StatusNew {
			o.PriceTick -= 10
			sc.modify(o)
			sc.becomes(o, hft.StatusNew, hft.StatusExpired, hft.StatusCanceled)
			sc.ended(o)
		}
		sc.becomes(sc.submit(sc.taking()), hft.StatusFilled, hft.StatusExpired)
	}
}

// ended cancels an order until it is over.
func (sc *scene) ended(o connector.Order) {
	sc.Helper()
	sc.wait("the order ends", func() bool {
		u, known := sc.last(o)
		if known && u.Final() && u.Req != hft.StatusRejected {
			return true
		}
		if u.Req == hft.StatusNone || u.Req == hft.StatusRejected {
			sc.cancelOrder(o)
		}
		time.Sleep(10 * time.Millisecond)
		return false
	})
}

// takesOrders waits until an order goes through.
func (sc *scene) takesOrders() {
	sc.Helper()
	sc.wait("orders go through", func() bool {
		time.Sleep(20 * time.Millisecond)
		return sc.becomes(sc.submit(sc.taking()), hft.StatusFilled, hft.StatusExpired).Status == hft.StatusFilled
	})
}

// rests waits until an order is open: connections may be replaced meanwhile, and orders are refused then.
func (sc *scene) rests() connector.Order {
	sc.Helper()
	for {
		sc.takesOrders()
		if o := sc.submit(sc.resting()); sc.becomes(o, hft.StatusNew, hft.StatusExpired).Status == hft.StatusNew {
			return o
		}
	}
}

// TestOrdersUnderFaults: whatever goes wrong with events and answers, orders, executions and positions are the
// exchange's in the end, each execution was reported once, and no order was sent twice.
func TestOrdersUnderFaults(t *testing.T) {
	// $place and the like are the requests in the venue's words.
	faults := map[string]string{
		"events dropped":              "drop-user-event=p:0.4",
		"events doubled":              "duplicate-user-event",
		"events out of order":         "reorder-user-event=p:0.5,for:50ms",
		"answers after the events":    "ack-delay=for:150ms",
		"answers lost, order live":    "ack-lost=count:2,only:$place",
		"answer to cancel lost":       "ack-lost=count:2,only:$cancel",
		"answer to modification lost": "ack-lost=count:1,only:$amend",
		"503 and carried out":         "http-503-unknown=count:2,value:1,only:$place",
		"503 and not carried out":     "http-503-unknown=count:1,value:2,only:$place",
		"-1007 and carried out":       "code-1007=count:2,value:1,only:$place",
		"-1007 and not carried out":   "code-1007=count:1,value:2,only:$place",
		"503 and refused":             "http-503-failed=count:2,only:$place",
		"-1008":                       "code-1008=count:3",
		"Filled twice":                "repeat-filled",
		"unknown fields":              "unknown-field",
		"unknown statuses":            "unknown-status",
		"unknown events":              "unknown-event",
		"fee asset null":              "null-fee-asset",
		"quantity left empty":         "empty-leaves",
		"frames in pieces":            "fragment=value:4",
		"slow answers":                "reply-delay=count:4,for:200ms",
	}
	each(t, nil, func(t *testing.T, s subject) {
		for name, text := range faults {
			text = strings.NewReplacer("$place", s.place, "$cancel", s.cancel, "$amend", s.amend).Replace(text)
			f, err := fault.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if !s.has(f.Name) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				sc := open(t, s, settings{pace: quickAudit()}, nil)
				sc.arm(text)
				faultyTrading(sc)
				sc.happened(f.Name)
				if err := sc.exchange.Disarm(s.name, ""); err != nil {
					t.Fatal(err)
				}
				sc.agrees()
			})
		}
	})
}

// TestLostAnswerIsAskedFor: an order whose answer and events are lost is found by its client id and goes on.
func TestLostAnswerIsAskedFor(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		sc.arm("ack-lost=count:1,only:"+s.place, "drop-user-event")
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew)
		sc.happened(fault.AckLost)
		if sc.said(hft.OrderError, "outcome unknown") != 1 {
			t.Errorf("the bot was not told that the outcome is unknown: %v", sc.Errors())
		}
		sc.arm("drop-user-event=p:1,after:1000000") // from now on they come
		sc.cancelOrder(o)
		sc.becomes(o, hft.StatusCanceled)
		sc.agrees()
	})
}

// TestOverloadRetriesCancels: a cancel that the venue is too busy for is tried again until it is done.
func TestOverloadRetriesCancels(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		o := sc.submit(sc.resting())
		sc.becomes(o, hft.StatusNew)
		sc.arm("code-1008=count:3,only:" + s.cancel)
		sc.cancelOrder(o)
		sc.becomes(o, hft.StatusCanceled)
		if sc.hits(fault.Overload) != 3 {
			t.Errorf("%d of 3 refusals: the cancel was not tried again", sc.hits(fault.Overload))
		}
		sc.agrees()
	})
}

// TestCancelRacesSubmit: a cancel that follows its submission at once cancels the order, and does not get lost because
// the order is not there yet.
func TestCancelRacesSubmit(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		sc.arm("reply-delay=count:1,for:200ms,only:" + s.place)
		o := sc.submit(sc.resting())
		sc.cancelOrder(o)
		sc.becomes(o, hft.StatusCanceled)
		sc.agrees()
	})
}

// TestExecutionsOfOthers: an order that rests executes part by part as others trade, each part told once and as
// maker's.
func TestExecutionsOfOthers(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		o := sc.submit(sc.order(hft.Buy, 0.5, hft.GTC)) // better than the market
		sc.becomes(o, hft.StatusNew)
		sc.arm("duplicate-user-event")
		price := hft.TickPrice(o.PriceTick, o.TickSize)
		for range 2 {
			if err := sc.exchange.TradeOfOthers(s.name, sc.instruments[0].Symbol, hft.Sell, price,
				o.Qty/2); err != nil {
				t.Fatal(err)
			}
		}
		sc.becomes(o, hft.StatusFilled)
		fills := 0
		for _, u := range sc.AllUpdates() {
			if u.Fill {
				if fills++; !u.Maker {
					t.Errorf("execution %+v is not the maker's", u)
				}
			}
		}
		if fills != 2 {
			t.Errorf("%d executions, want 2", fills)
		}
		sc.agrees()
	})
}
