package venue_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
)

// TestUnreadRowsOfOneSymbol: a row of the open orders on a symbol that cannot be read hides no other: what an earlier
// run has left is adopted and can be ended. Those of others are told once; while one is or may be this runner's, the
// symbol takes no new orders and is not accounted for, and no other symbol waits for it.
func TestUnreadRowsOfOneSymbol(t *testing.T) {
	t.Parallel()
	broken := errors.New("price is no number")
	for name, test := range map[string]struct {
		row    protocol.UnreadRow
		theirs bool
	}{
		"of others": {row: protocol.UnreadRow{ClientID: "somebody's", Symbol: "BTC", Err: broken}, theirs: true},
		"its own":   {row: protocol.UnreadRow{ClientID: ownID(t, 80), Symbol: "BTC", Err: broken}},
		"anybody's": {row: protocol.UnreadRow{Nameless: true, Err: broken}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testUnreadRowOfOneSymbol(t, test.row, test.theirs)
		})
	}
}

func testUnreadRowOfOneSymbol(t *testing.T, row protocol.UnreadRow, theirs bool) {
	l := newLister(t, protocol.Report{Symbol: "BTC", ClientID: ownID(t, 77), VenueID: "2", Side: hft.Buy, Price: 20.5, Qty: 3})
	var healed atomic.Bool
	var asked atomic.Int64
	l.unreadOrders = func(symbol string) []protocol.UnreadRow {
		if symbol != "BTC" || healed.Load() {
			return nil
		}
		asked.Add(1)
		return []protocol.UnreadRow{row}
	}
	l.query = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		return protocol.Report{}, &protocol.Failure{Cause: protocol.NotFound}
	}
	log := &syncBuffer{}
	r := start(t, l, nil, func(c *venue.Config) { prefixed(c); c.Logger, c.AuditInterval = log.logger(), 10*time.Millisecond }, "BTC", "ETH")
	left := func() (open []connector.OpenOrder) {
		return slices.DeleteFunc(r.connector.OpenOrders(), func(o connector.OpenOrder) bool { return o.OrderID != 77 || o.InstrumentNo != 0 })
	}
	until(t, "the readable one is adopted", func() bool { return len(left()) == 1 })
	r.trade(1)
	until(t, "fetching the list again", func() bool { return asked.Load() > 3 })
	unaccounted, coming := r.connector.Unaccounted()
	if theirs {
		until(t, "all is accounted for", func() bool { open, _ := r.connector.Unaccounted(); return len(open) == 0 })
		r.trade(0)
	} else {
		if !slices.Equal(unaccounted, []int{0}) || !coming {
			t.Errorf("not accounted for: %v, %t", unaccounted, coming)
		}
		r.connector.Submit(r.order(0, 1))
		until(t, "an order is refused", func() bool { return r.refused("BTC accepts no new orders: ") == 1 })
	}
	if o := left()[0]; o.Side != hft.Buy || o.LeavesQty != 3 {
		t.Errorf("%+v", o)
	}
	r.connector.Cancel(left()[0].Order)
	until(t, "it is canceled at the venue", func() bool { return len(l.all()) == 0 })
	until(t, "it has ended", func() bool { return len(left()) == 0 })
	healed.Store(true)
	until(t, "all is accounted for", func() bool { open, _ := r.connector.Unaccounted(); return len(open) == 0 })
	r.trade(0)
	if n := bytes.Count(log.bytes(), []byte("rows in the list of open orders on BTC cannot be decoded")); n != 1 {
		t.Errorf("told %d times\n%s", n, log.bytes())
	}
}

// TestUnreadRowAndCancelAll: a row that cannot be read may be somebody's, so the orders on the symbol are not canceled
// all at once.
func TestUnreadRowAndCancelAll(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	var asked atomic.Int64
	c.unreadOrders = func(string) []protocol.UnreadRow {
		asked.Add(1)
		return []protocol.UnreadRow{{ClientID: "web_1", Symbol: "BTC", Err: errors.New("price is no number")}}
	}
	s := sweeps{c, make(chan struct{})}
	close(s.broom)
	r, orders := c.begin(t, s, 100)
	before := asked.Load()
	for _, o := range orders {
		r.connector.Cancel(o)
	}
	c.gate <- struct{}{} // one is answered, and what waits may go
	until(t, "the venue is asked", func() bool { return asked.Load() > before })
	close(c.gate)
	until(t, "all have ended", func() bool { return len(r.connector.OpenOrders()) == 0 })
	if said := c.asked(); slices.Contains(said, "all") {
		t.Error("the order of somebody else was canceled")
	}
}

// TestUnreadStray: an order on a symbol that is not registered is open while a row that cannot be read is or may be it.
func TestUnreadStray(t *testing.T) {
	t.Parallel()
	for name, nameless := range map[string]bool{"its row": false, "a row without a name": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := ownID(t, 77)
			l := newLister(t, protocol.Report{Symbol: "ETH", ClientID: id, VenueID: "2", Side: hft.Buy, Price: 20.5, Qty: 3})
			var healed atomic.Bool
			var asked atomic.Int64
			l.openOrders = func(context.Context, string) ([]protocol.Report, error) { return nil, nil }
			l.unreadOrders = func(symbol string) []protocol.UnreadRow {
				if symbol != "ETH" || healed.Load() {
					return nil
				}
				asked.Add(1)
				row := protocol.UnreadRow{Symbol: "ETH", Nameless: nameless, Err: errors.New("price is no number")}
				if !nameless {
					row.ClientID = id
				}
				return []protocol.UnreadRow{row}
			}
			r := start(t, l, nil, prefixed, "BTC")
			until(t, "it is found", func() bool { return len(elsewhere(r)) == 1 })
			o := elsewhere(r)[0]
			for n := int64(1); n <= 2; n++ {
				r.connector.Cancel(o.Order)
				until(t, "it may be canceled again", func() bool {
					open := elsewhere(r)
					return len(open) == 0 || asked.Load() == n && open[0].Req == hft.StatusNone
				})
				if len(elsewhere(r)) == 0 {
					t.Fatal("it is taken for ended")
				}
			}
			healed.Store(true)
			r.connector.Cancel(o.Order)
			until(t, "it has ended", func() bool { return len(elsewhere(r)) == 0 })
		})
	}
}
