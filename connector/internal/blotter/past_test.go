package blotter_test

import (
	"fmt"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// earlier is order 1 of an earlier process, to buy 10 lots at 1000, of which so many are executed.
func (s *script) earlier(executed int64) connector.PastOrder {
	s.t.Helper()
	owner := connector.Owner{Bot: 7, Incarnation: 1}
	id, err := s.codec.Encode(owner, 1)
	if err != nil {
		s.t.Fatal(err)
	}
	s.id = id
	o := hft.NewOrder(1, 1000, tick, 10*lot, hft.Buy, hft.Limit, hft.GTC)
	o.Req, o.LocalTimestampNs = hft.StatusNew, startNs-1000*ms
	p := connector.PastOrder{Order: connector.Order{InstrumentNo: 3, Owner: owner, Order: o}, RequestedNs: startNs - 1000*ms, Origin: id,
		ClientIDs: []string{id}, Terms: []connector.PastTerms{{PriceTick: 1000, Qty: 10 * lot}}}
	if executed >= 0 {
		p.Req, p.Status, p.LeavesQty = hft.StatusNone, hft.StatusPartiallyFilled, float64(10-executed)*lot
		p.Legs = []connector.PastLeg{{ClientID: id, VenueID: "1", Executed: float64(executed) * lot, Value: float64(executed) * lot * 100}}
	}
	s.open[1] = p.Order.Order
	return p
}

// recover hands over order 1 and the execution "old" of 2 lots, which is booked.
func (s *script) recover(p connector.PastOrder) {
	s.t.Helper()
	s.b.Recover(&connector.Past{InstrumentNo: 3, Orders: []connector.PastOrder{p}, ReadNs: startNs - 500*ms,
		Booked: []connector.PastExecution{{ID: "old", Side: hft.Buy, Qty: 2 * lot, PriceTick: 1000, VenueNs: startNs - 400*ms}}}, s.nowNs)
	s.expect("", "")
	if n := s.b.Recovering(symbol); n != 1 {
		s.t.Errorf("%d orders to recover", n)
	}
}

// executed are executions as the venue lists them, by its own id of the order.
func executed(lots ...int64) (list []protocol.Report) {
	ids := []string{"old", "x", "y"}
	for i, n := range lots {
		list = append(list, protocol.Report{Channel: protocol.ChannelQuery, Symbol: symbol, VenueID: "1", Side: hft.Buy, TradeID: ids[i],
			LastQty: float64(n) * lot, LastPrice: 100, TimestampNs: startNs + int64(i-1)*100*ms})
	}
	return list
}

// TestRecovery: what has become of an order of an earlier run, and what was executed of it meanwhile, is told once.
func TestRecovery(t *testing.T) {
	for _, test := range []struct {
		name string
		play func(s *script)
	}{
		{"it rests as it did", func(s *script) {
			s.recover(s.earlier(2))
			s.b.Executions(executed(2), s.nowNs)
			s.listed(s.report(protocol.ChannelQuery, hft.StatusPartiallyFilled, 2, 1))
			s.expect("", "")
		}},
		{"it was executed further", func(s *script) {
			s.recover(s.earlier(2))
			s.b.Executions(executed(2, 3), s.nowNs)
			s.expect("", "fill 0.003@1000 PartiallyFilled 5@1000; ")
			s.listed(s.report(protocol.ChannelQuery, hft.StatusPartiallyFilled, 5, 1))
			s.expect("", "")
		}},
		{"it was filled", func(s *script) {
			s.recover(s.earlier(2))
			s.b.Executions(executed(2, 3, 5), s.nowNs)
			s.listed()
			s.expect("", "fill 0.003@1000 PartiallyFilled 5@1000; fill 0.005@1000 Filled; ")
		}},
		{"it was canceled, and its executions come late", func(s *script) {
			s.recover(s.earlier(2))
			s.listed()
			s.after(0)
			s.expect("query", "")
			s.answer(blotter.QueryOrder, hft.StatusCanceled, 5, 1)
			s.expect("", "")
			s.b.Executions(executed(2, 3), s.nowNs)
			s.expect("", "fill 0.003@1000 Canceled; ")
		}},
		{"its submission arrived and it was filled", func(s *script) {
			p := s.earlier(-1)
			s.b.Recover(&connector.Past{InstrumentNo: 3, Orders: []connector.PastOrder{p}, ReadNs: startNs - 500*ms}, s.nowNs)
			s.listed()
			s.after(0)
			s.expect("query", "")
			s.answer(blotter.QueryOrder, hft.StatusFilled, 10, 1)
			s.b.Executions(executed(4, 6), s.nowNs)
			s.expect("", "New 10@1000; fill 0.004@1000 PartiallyFilled 6@1000; fill 0.006@1000 Filled; ")
		}},
		{"its submission never arrived", func(s *script) {
			p := s.earlier(-1)
			s.b.Recover(&connector.Past{InstrumentNo: 3, Orders: []connector.PastOrder{p}}, s.nowNs)
			s.listed()
			s.after(0)
			s.expect("query", "")
			s.failed(blotter.QueryOrder, protocol.NotFound)
			s.after(1000 * ms)
			s.failed(blotter.QueryOrder, protocol.NotFound)
			s.after(5000 * ms)
			s.failed(blotter.QueryOrder, protocol.NotFound)
			s.expect("query, query", "Unknown/New; Expired; ")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScript(t)
			test.play(s)
			if n := s.b.Recovering(symbol); n != 0 {
				t.Errorf("%d orders are not settled", n)
			}
			if c := s.b.Counts(); c.Adopted+c.Assumed+c.Unreadable != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// listed is the list of open orders.
func (s *script) listed(open ...*protocol.Report) {
	s.t.Helper()
	var list []protocol.Report
	for _, r := range open {
		list = append(list, *r)
	}
	if err := s.b.Listed(symbol, list, s.nowNs, s.nowNs); err != nil {
		s.t.Error(err)
	}
}

// TestMissed: executions of an order that is over for this runner are booked once, and not those that are booked.
func TestMissed(t *testing.T) {
	s := newScript(t)
	s.earlier(-1)
	s.b.Recover(&connector.Past{InstrumentNo: 3, ReadNs: startNs - 500*ms,
		Booked: []connector.PastExecution{{ID: "old", Side: hft.Buy, Qty: 2 * lot, PriceTick: 1000, VenueNs: startNs - 100*ms}}}, s.nowNs)
	unknown := s.b.Unknown(symbol, executed(2, 3, 5))
	if len(unknown) != 2 || unknown[0].TradeID != "x" {
		t.Fatalf("%+v", unknown)
	}
	order := s.report(protocol.ChannelQuery, hft.StatusFilled, 10, 1)
	if !s.b.Missed(order, unknown, s.nowNs) {
		t.Error("it is not ours")
	}
	s.expect("", "fill 0.003@1000 PartiallyFilled 5@1000; fill 0.005@1000 Filled; ")
	if again := s.b.Unknown(symbol, executed(2, 3, 5)); len(again) > 0 || s.numFills != 2 {
		t.Errorf("%+v, %d fills", again, s.numFills)
	}
	foreign := executed(1)[0]
	foreign.VenueID, foreign.TradeID, foreign.TimestampNs = "7", "z", startNs
	order.ClientID, order.VenueID = "web_1", "7"
	if len(s.b.Unknown(symbol, []protocol.Report{foreign})) != 1 || s.b.Missed(order, []protocol.Report{foreign}, s.nowNs) ||
		len(s.b.Unknown(symbol, []protocol.Report{foreign})) != 0 {
		t.Error("an external order is taken, or queried again")
	}
}

// TestMissedThatWasAssumed: an execution that was assumed is not booked again when the venue lists it after the order was
// forgotten, by this run or an earlier one; what comes on top of it is.
func TestMissedThatWasAssumed(t *testing.T) {
	assumed := func(s *script, lots float64) *connector.Past {
		s.earlier(-1)
		return &connector.Past{InstrumentNo: 3, ReadNs: startNs - 500*ms, Booked: []connector.PastExecution{
			{ClientID: s.id, Side: hft.Buy, Qty: lots * lot, PriceTick: 1000, VenueNs: startNs - 100*ms}}}
	}
	claim := func(s *script, list []protocol.Report) {
		if unknown := s.b.Unknown(symbol, list); len(unknown) > 0 && !s.b.Missed(s.report(protocol.ChannelQuery, hft.StatusFilled, 10, 1), unknown, s.nowNs) {
			s.t.Error("it is not ours")
		}
	}
	for _, test := range []struct {
		name string
		play func(s *script)
	}{
		{"all, by an earlier run", func(s *script) {
			s.b.Recover(assumed(s, 10), s.nowNs)
			claim(s, executed(10))
			s.expect("", "")
		}},
		{"all, and it is listed bit by bit", func(s *script) {
			s.b.Recover(assumed(s, 10), s.nowNs)
			claim(s, executed(4))
			s.b.Executions(executed(4, 6), s.nowNs)
			claim(s, executed(4, 6))
			s.expect("", "")
		}},
		{"the rest, by an earlier run", func(s *script) {
			p := assumed(s, 7)
			p.Booked = append(p.Booked, connector.PastExecution{ID: "old", Side: hft.Buy, Qty: 3 * lot, PriceTick: 1000, VenueNs: startNs - 100*ms})
			s.b.Recover(p, s.nowNs)
			claim(s, executed(3, 7))
			s.expect("", "")
		}},
		{"a part, and the rest is news", func(s *script) {
			s.b.Recover(assumed(s, 4), s.nowNs)
			claim(s, executed(4, 6))
			s.expect("", "fill 0.006@1000 Filled; ")
		}},
		{"all, by this run", func(s *script) {
			s.live()
			s.stream(hft.StatusFilled, 10, 5)
			for range 3 {
				s.after(2000 * ms)
				s.answer(blotter.QueryOrder, hft.StatusFilled, 10, 5)
			}
			s.after(2000 * ms)
			s.sent()
			s.expect("", "fill 0.01@1000 Filled; error; ")
			s.after(400_000 * ms)
			if s.b.Knows(s.id) {
				s.t.Error("it is not forgotten")
			}
			claim(s, executed(4))
			s.after(400_000 * ms)
			s.answer(blotter.QueryOrder, hft.StatusFilled, 10, 5)
			s.after(400_000 * ms) // forgotten again
			claim(s, executed(4, 6))
			s.expect("", "")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScript(t)
			test.play(s)
			if c := s.b.Counts(); c.Unreadable != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestExternalOrdersAreForgottenOneByOne: of more than are remembered the oldest is asked for again, and no other.
func TestExternalOrdersAreForgottenOneByOne(t *testing.T) {
	s := newScript(t)
	var list []protocol.Report
	for i := range 4097 {
		r := executed(1)[0]
		r.VenueID, r.TradeID, r.TimestampNs = fmt.Sprint("v", i), fmt.Sprint("t", i), startNs
		list = append(list, r)
		s.b.Foreign(symbol, r.VenueID)
	}
	if unknown := s.b.Unknown(symbol, list); len(unknown) != 1 || unknown[0].VenueID != "v0" {
		t.Errorf("%d orders are asked for again", len(unknown))
	}
}
