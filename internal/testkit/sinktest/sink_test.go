package sinktest_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// TestSinkClears: the recorded book loses what a clear row takes away, as the host's does.
func TestSinkClears(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		flags uint64
		px    float64
		want  string
	}{
		{0, nan, "map[] map[]"},
		{0, 0, "map[] map[]"},
		{hft.BuyEvent, nan, "map[] map[101:1 102:1]"},
		{hft.SellEvent, math.Inf(1), "map[98:1 99:1] map[]"},
		{hft.BuyEvent, 99, "map[98:1] map[101:1 102:1]"},
		{hft.SellEvent, 101, "map[98:1 99:1] map[102:1]"},
	} {
		s := sinktest.NewSink()
		var events []hft.Event
		for _, px := range []float64{98, 99, 101, 102} {
			side := hft.BuyEvent
			if px > 100 {
				side = hft.SellEvent
			}
			events = append(events, hft.Event{Ev: hft.LocalEvent | hft.DepthEvent | side, Px: px, Qty: 1})
		}
		s.Feed(0, append(events, hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent | c.flags, Px: c.px}))
		bids, asks := s.Book(0)
		if got := fmt.Sprint(bids, " ", asks); got != c.want {
			t.Errorf("clear %x to %v leaves %s, want %s", c.flags, c.px, got, c.want)
		}
		if err := s.Faults(); err != nil {
			t.Error(err)
		}
	}
}

// TestSinkTrades: a trade has side, price and quantity, also one outside of the book, which changes no level and is
// none of the market.
func TestSinkTrades(t *testing.T) {
	good := hft.Event{Ev: hft.LocalEvent | hft.BuyEvent, Px: 105, Qty: 2}
	sideless, priceless, empty, unknown := good, good, good, good
	sideless.Ev, priceless.Px, empty.Qty, unknown.Qty = hft.LocalEvent, math.NaN(), 0, math.NaN()
	for _, kind := range []uint64{hft.TradeEvent, hft.OffBookTrade} {
		for _, c := range []struct {
			trade hft.Event
			ok    bool
		}{{good, true}, {sideless, false}, {priceless, false}, {empty, false}, {unknown, false}} {
			s := sinktest.NewSink()
			c.trade.SetKind(kind)
			s.Feed(0, []hft.Event{{Ev: hft.LocalEvent | hft.DepthEvent | hft.BuyEvent, Px: 100, Qty: 1},
				{Ev: hft.LocalEvent | hft.DepthEvent | hft.SellEvent, Px: 101, Qty: 1}, c.trade})
			if err := s.Faults(); (err == nil) != c.ok {
				t.Errorf("%+v: %v", c.trade, err)
			}
			if bids, asks := s.Book(0); fmt.Sprint(bids, asks) != "map[100:1] map[101:1]" {
				t.Errorf("%+v leaves %v and %v", c.trade, bids, asks)
			}
			if events, trades := s.Events(0); events != 3 || (trades == 1) != (kind == hft.TradeEvent) {
				t.Errorf("%+v: %d events, %d trades", c.trade, events, trades)
			}
		}
	}
}

// TestSinkContinuity: an execution continues the order as it was said to be, unless it is the first sign of a
// modification.
func TestSinkContinuity(t *testing.T) {
	for name, modified := range map[string]bool{"modified": true, "not modified": false} {
		s := sinktest.NewSink()
		o := connector.Order{Owner: connector.Owner{Bot: 1},
			Order: hft.NewOrder(1, 100, 1, 2, hft.Buy, hft.Limit, hft.GTC)}
		o.Req, o.LocalTimestampNs = hft.StatusNew, 10
		s.Sent(&o)
		o.Req, o.Status = hft.StatusNone, hft.StatusNew
		s.Order(&connector.OrderUpdate{Order: o})
		if modified {
			changed := o
			changed.Req, changed.Qty, changed.LocalTimestampNs = hft.StatusReplaced, 5, 20
			s.Sent(&changed)
			o.LocalTimestampNs = 20
		}
		o.Status, o.Qty, o.ExecQty, o.LeavesQty, o.ExecPriceTick = hft.StatusPartiallyFilled, 5, 1, 4, 100
		s.Order(&connector.OrderUpdate{Order: o, Fill: true, FillValue: 100})
		if err := s.Faults(); (err == nil) != modified {
			t.Errorf("%s: %v", name, err)
		}
		o.ExecQty, o.LeavesQty = 1, 2 // one is missing
		s.Order(&connector.OrderUpdate{Order: o, Fill: true, FillValue: 100})
		if s.Faults() == nil {
			t.Errorf("%s: a missing execution is not found", name)
		}
	}
}
