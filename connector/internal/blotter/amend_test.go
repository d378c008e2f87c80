package blotter_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// insist gives the same answer to the question of every second for five seconds; nothing follows from the first four.
func (s *script) insist(status hft.Status, atMs int64) {
	s.t.Helper()
	for range 5 {
		s.after(1000 * ms)
		s.expect("query", "")
		s.answer(blotter.QueryOrder, status, 0, atMs)
	}
}

// amended is a report about order 1 after a modification.
func (s *script) amended(c protocol.Channel, status hft.Status, price, qty, cum float64, atMs int64) *protocol.Report {
	r := s.report(c, status, 0, atMs)
	r.Price, r.Qty, r.CumQty = price, qty*lot, cum*lot
	return r
}

// TestModifications are the ways in which venues amend orders, and what goes wrong with them.
func TestModifications(t *testing.T) {
	const second = 1000 * ms
	for _, test := range []struct {
		name string
		play func(s *script)
	}{
		{"in place, the quantity is what stays open", func(s *script) {
			s.live()
			s.trade("a", 4, hft.StatusPartiallyFilled, 4, 2)
			s.modify(1, 1001, 3*lot)
			if a := s.actions[len(s.actions)-1]; lots(a.Qty) != 7 || lots(a.PrevQty) != 10 || lots(a.CumQty) != 4 || a.PriceTick != 1001 || a.PrevPriceTick != 1000 {
				s.t.Errorf("asks for %+v", a)
			}
			s.expect("modify", "fill 0.004@1000 PartiallyFilled 6@1000; ")
			s.b.Report(s.amended(protocol.ChannelStream, hft.StatusPartiallyFilled, 100.1, 7, 4, 2), s.nowNs) // in the same millisecond
			s.expect("", "New 3@1001; ")
			s.b.Answered(s.id, blotter.Amend, s.amended(protocol.ChannelAck, hft.StatusPartiallyFilled, 100.1, 7, 4, 2), s.nowNs)
			s.stream(hft.StatusNew, 0, 1)
			s.stream(hft.StatusPartiallyFilled, 4, 2) // what it was, late
			s.expect("", "")
			s.modify(1, 1002, 3*lot)
			s.expect("modify", "")
		}},
		{"accepted, told by the stream", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.accepted(blotter.Amend)
			s.expect("modify", "")
			s.b.Report(s.amended(protocol.ChannelStream, hft.StatusNew, 100.1, 3, 0, 9), s.nowNs)
			s.expect("", "New 3@1001; ")
		}},
		{"refused", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.failed(blotter.Amend, protocol.NoChange)
			s.expect("modify", "New/Rejected 10@1000; error; ")
			s.modify(1, 1001, 3*lot)
			s.failed(blotter.Amend, protocol.Gone)
			s.after(0)
			s.expect("modify, query", "New/Rejected 10@1000; ")
		}},
		{"cancels because that much is executed", func(s *script) {
			s.live()
			s.modify(1, 1001, 1*lot)
			s.trade("a", 4, hft.StatusPartiallyFilled, 4, 2)
			s.expect("modify", "fill 0.004@1000 PartiallyFilled/Replaced 6@1000; ")
			s.stream(hft.StatusCanceled, 4, 3)
			s.expect("", "") // it might be canceled to be replaced
			s.answer(blotter.Amend, hft.StatusCanceled, 4, 3)
			s.expect("", "Canceled; ")
		}},
		{"cancel waits for the modification", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.cancel(1)
			s.expect("modify", "")
			s.modify(1, 1002, 3*lot)
			s.expect("", "New/Rejected 10@1000; error; ") // it is being canceled
			s.failed(blotter.Amend, protocol.Refused)
			s.expect("cancel", "error; ")
		}},
		{"unknown, had its effect", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.failed(blotter.Amend, protocol.Unknown)
			s.after(0)
			s.expect("modify, query", "error; ")
			s.b.Answered(s.id, blotter.QueryOrder, s.amended(protocol.ChannelQuery, hft.StatusNew, 100.1, 3, 0, 9), s.nowNs)
			s.expect("", "New 3@1001; ")
		}},
		{"unknown, had no effect", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.failed(blotter.Amend, protocol.Unknown)
			s.expect("modify", "error; ")
			s.insist(hft.StatusNew, 1)
			s.expect("", "New/Rejected 10@1000; error; ")
		}},
		{"replaced by another order", func(s *script) {
			s.live()
			s.trade("a", 4, hft.StatusPartiallyFilled, 4, 2)
			s.modify(1, 1001, 3*lot)
			s.expect("modify", "fill 0.004@1000 PartiallyFilled 6@1000; ")
			s.stream(hft.StatusCanceled, 5, 3) // and one more was executed
			s.expect("", "")
			r := s.amended(protocol.ChannelAck, hft.StatusNew, 100.1, 3, 0, 3)
			r.ClientID, r.VenueID = s.newID, "2"
			s.b.Answered(s.id, blotter.Amend, r, s.nowNs)
			s.expect("", "New 4@1001; ") // until that execution is told
			s.execution("b", 1, 3)
			s.expect("", "fill 0.001@1000 PartiallyFilled 3@1001; ")
			s.cancel(1)
			if a := s.actions[0]; a.ClientID != s.newID || a.VenueID != "2" {
				s.t.Errorf("cancels %+v", a)
			}
			r.Channel, r.Status, r.TimestampNs = protocol.ChannelStream, hft.StatusCanceled, startNs+5*ms
			s.b.Report(r, s.nowNs)
			s.expect("cancel", "Canceled; ")
		}},
		{"replaced, and the new order is executed before anything is told", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.expect("modify", "")
			r := s.amended(protocol.ChannelStream, hft.StatusFilled, 100.1, 3, 3, 3)
			r.ClientID, r.VenueID, r.TradeID, r.LastQty, r.LastPrice = s.newID, "2", "b", 3*lot, 100.1
			s.b.Report(r, s.nowNs)
			s.expect("", "fill 0.003@1001 Filled; ")
			s.stream(hft.StatusCanceled, 0, 3)
			s.b.Answered(s.id, blotter.Amend, r, s.nowNs)
			s.expect("", "")
		}},
		{"canceled to be replaced, and the new order refused", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.b.Report(s.report(protocol.ChannelAck, hft.StatusCanceled, 0, 3), s.nowNs)
			s.expect("modify", "")
			s.failed(blotter.Amend, protocol.WouldTake)
			s.expect("", "Canceled; ")
		}},
		{"canceled, whether replaced is unknown", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.stream(hft.StatusCanceled, 0, 3)
			s.failed(blotter.Amend, protocol.Unknown)
			s.after(0)
			if a := s.actions[len(s.actions)-1]; a.ClientID == s.id || a.VenueID != "" {
				s.t.Errorf("asks about %+v", a)
			}
			s.expect("modify, query", "error; ")
			r := s.amended(protocol.ChannelQuery, hft.StatusNew, 100.1, 3, 0, 3)
			r.ClientID, r.VenueID = s.newID, "2"
			s.b.Answered(s.newID, blotter.QueryOrder, r, s.nowNs)
			s.expect("", "New 3@1001; ")
		}},
		{"in place under another id, and over before anything is told", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.failed(blotter.Amend, protocol.Unknown)
			s.after(0)
			s.expect("modify, query", "error; ")
			r := s.amended(protocol.ChannelQuery, hft.StatusCanceled, 100.1, 3, 0, 9)
			r.ClientID = s.newID
			s.b.Answered(s.id, blotter.QueryOrder, r, s.nowNs)
			s.expect("", "Canceled; ")
		}},
		{"canceled, and asked about the replacement the venue shows the canceled order", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.stream(hft.StatusCanceled, 0, 3)
			s.failed(blotter.Amend, protocol.Unknown)
			s.expect("modify", "error; ")
			s.insist(hft.StatusCanceled, 3)
			s.expect("", "Canceled; ")
		}},
		{"the end of the replaced order is lost", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.expect("modify", "")
			r := s.amended(protocol.ChannelAck, hft.StatusNew, 100.1, 3, 0, 3)
			r.ClientID, r.VenueID = s.newID, "2"
			s.b.Answered(s.id, blotter.Amend, r, s.nowNs)
			s.expect("", "New 3@1001; ")
			s.after(2 * second)
			if a := s.actions[0]; a.ClientID != s.id || a.VenueID != "1" {
				s.t.Errorf("asks about %+v", a)
			}
			s.answer(blotter.QueryOrder, hft.StatusCanceled, 4, 3)
			s.after(second / 2)
			s.expect("query, executions", "New 7@1001; ") // of which 4 are executed and not told
			q := s.report(protocol.ChannelQuery, hft.StatusNone, 0, 3)
			q.HasCum, q.TradeID, q.LastQty, q.LastPrice = false, "b", 4*lot, 100
			s.b.Executions([]protocol.Report{*q}, s.nowNs)
			s.expect("", "fill 0.004@1000 PartiallyFilled 3@1001; ")
		}},
		{"executions of the replaced order and of the new one are assumed", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.expect("modify", "")
			r := s.amended(protocol.ChannelAck, hft.StatusNew, 100.1, 3, 0, 3)
			r.ClientID, r.VenueID = s.newID, "2"
			s.b.Answered(s.id, blotter.Amend, r, s.nowNs)
			s.expect("", "New 3@1001; ")
			r.Channel, r.Status, r.CumQty, r.TimestampNs = protocol.ChannelQuery, hft.StatusPartiallyFilled, 1*lot, startNs+4*ms
			for range 6 {
				s.after(2 * second)
				s.answer(blotter.QueryOrder, hft.StatusCanceled, 4, 3)
				s.b.Answered(s.newID, blotter.QueryOrder, r, s.nowNs)
			}
			s.sent()
			names := map[string]float64{}
			for _, u := range s.updates {
				if u.Fill {
					names[u.Names.ClientID+" "+u.Names.VenueID] += u.ExecQty
				}
			}
			if len(names) != 2 || names[s.id+" 1"] != 4*lot || names[s.newID+" 2"] != 1*lot {
				s.t.Errorf("assumed %v", names)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) { test.play(newScript(t)) })
	}
}
