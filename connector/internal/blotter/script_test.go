package blotter_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// script plays what may go wrong, step by step; each step says what goes out for it.
type script struct {
	*desk
	t *testing.T
	// id is the client id of the last submission, newID that of the replacement that the last modification asked for.
	id, newID string
}

func newScript(t *testing.T) *script { return &script{desk: newDesk(t), t: t} }

// expect compares the requests sent and the updates published since the last call.
func (s *script) expect(sent, news string) {
	s.t.Helper()
	for _, a := range s.actions {
		switch a.Request {
		case blotter.Place:
			s.id = a.ClientID
		case blotter.Amend:
			s.newID = a.NewClientID
		}
	}
	if got := s.sent(); got != sent {
		s.t.Errorf("sent %q, want %q", got, sent)
	}
	if got := s.news(); got != news {
		s.t.Errorf("news %q, want %q", got, news)
	}
}

// place submits order 1, to buy 10 lots at 1000.
func (s *script) place() {
	s.t.Helper()
	s.submit(s.order(1, 1000, 10*lot, hft.Buy))
	s.expect("submit", "")
}

// live places order 1 and has it acknowledged.
func (s *script) live() {
	s.t.Helper()
	s.place()
	s.stream(hft.StatusNew, 0, 1)
	s.answer(blotter.Place, hft.StatusNew, 0, 1)
	s.expect("", "New 10@1000; ")
}

// unsure cancels order 1, and whether that was done is not known.
func (s *script) unsure() {
	s.t.Helper()
	s.live()
	s.cancel(1)
	s.failed(blotter.Cancel, protocol.Unknown)
	s.after(0)
	s.expect("cancel, query", "error; ")
}

// canceled has the venue take the cancel of order 1, and say so by the stream.
func (s *script) canceled() {
	s.t.Helper()
	s.accepted(blotter.Cancel)
	s.stream(hft.StatusCanceled, 0, 9)
	s.expect("", "Canceled; ")
}

func (s *script) report(c protocol.Channel, status hft.Status, cum, atMs int64) *protocol.Report {
	return &protocol.Report{Channel: c, Symbol: symbol, ClientID: s.id, VenueID: "1", Status: status, Side: hft.Buy, Price: 100, Qty: 10 * lot,
		CumQty: float64(cum) * lot, HasCum: true, TimestampNs: startNs + atMs*ms}
}

func (s *script) stream(status hft.Status, cum, atMs int64) {
	s.b.Report(s.report(protocol.ChannelStream, status, cum, atMs), s.nowNs)
}

// trade is a report of an execution with the order's state after it.
func (s *script) trade(id string, last int64, status hft.Status, cum, atMs int64) {
	r := s.report(protocol.ChannelStream, status, cum, atMs)
	r.TradeID, r.LastQty, r.LastPrice = id, float64(last)*lot, 100
	s.b.Report(r, s.nowNs)
}

// execution is a report of an execution alone.
func (s *script) execution(id string, last, atMs int64) {
	r := s.report(protocol.ChannelStream, hft.StatusNone, 0, atMs)
	r.HasCum, r.TradeID, r.LastQty, r.LastPrice = false, id, float64(last)*lot, 100
	s.b.Report(r, s.nowNs)
}

func (s *script) answer(request blotter.Request, status hft.Status, cum, atMs int64) {
	c := protocol.ChannelAck
	if request == blotter.QueryOrder {
		c = protocol.ChannelQuery
	}
	s.b.Answered(s.id, request, s.report(c, status, cum, atMs), s.nowNs)
}

// accepted is an answer that tells nothing.
func (s *script) accepted(request blotter.Request) {
	s.b.Answered(s.id, request, &protocol.Report{Channel: protocol.ChannelAck, Symbol: symbol, ClientID: s.id, VenueID: "1"}, s.nowNs)
}

func (s *script) failed(request blotter.Request, c protocol.Cause) {
	s.b.Failed(s.id, request, blotter.Failure{Cause: c, Code: -2011, Msg: "no"}, s.nowNs)
}

// TestPitfalls are the situations that section 6 and 7 of the protocol reference warn of.
func TestPitfalls(t *testing.T) {
	const second = 1000 * ms
	for _, test := range []struct {
		name string
		play func(s *script)
	}{
		{"acknowledgement after the fill", func(s *script) {
			s.place()
			s.trade("a", 10, hft.StatusFilled, 10, 5)
			s.expect("", "fill 0.01@1000 Filled; ")
			s.answer(blotter.Place, hft.StatusNew, 0, 5)
			s.stream(hft.StatusNew, 0, 5)
			s.expect("", "")
		}},
		{"acknowledgement tells the fill first", func(s *script) {
			s.place()
			s.answer(blotter.Place, hft.StatusFilled, 10, 5)
			s.expect("", "New 10@1000; ") // answered; the execution is still to come
			s.trade("a", 10, hft.StatusFilled, 10, 5)
			s.trade("a", 10, hft.StatusFilled, 10, 5)
			s.expect("", "fill 0.01@1000 Filled; ")
		}},
		{"executions out of order and twice", func(s *script) {
			s.live()
			s.trade("b", 2, hft.StatusPartiallyFilled, 5, 7)
			s.trade("a", 3, hft.StatusPartiallyFilled, 3, 7)
			s.trade("b", 2, hft.StatusPartiallyFilled, 5, 7)
			s.expect("", "fill 0.002@1000 PartiallyFilled 8@1000; fill 0.003@1000 PartiallyFilled 5@1000; ")
		}},
		{"stale partial fill after the cancellation", func(s *script) {
			s.live()
			s.trade("a", 3, hft.StatusPartiallyFilled, 3, 7)
			s.cancel(1)
			s.stream(hft.StatusCanceled, 3, 7)
			s.expect("cancel", "fill 0.003@1000 PartiallyFilled 7@1000; Canceled; ")
			s.trade("a", 3, hft.StatusPartiallyFilled, 3, 7)
			s.stream(hft.StatusPartiallyFilled, 3, 9)
			s.answer(blotter.Cancel, hft.StatusCanceled, 3, 7)
			s.expect("", "")
		}},
		{"cancellation overtakes the last execution", func(s *script) {
			s.live()
			s.cancel(1)
			s.answer(blotter.Cancel, hft.StatusCanceled, 4, 8)
			s.expect("cancel", "")
			s.trade("a", 4, hft.StatusPartiallyFilled, 4, 8)
			s.expect("", "fill 0.004@1000 Canceled; ")
		}},
		{"execution after an end that did not tell it", func(s *script) {
			s.live()
			s.cancel(1)
			r := s.report(protocol.ChannelStream, hft.StatusCanceled, 0, 8)
			r.HasCum = false
			s.b.Report(r, s.nowNs)
			s.expect("cancel", "Canceled; ")
			s.execution("a", 4, 7)
			s.execution("a", 4, 7)
			s.expect("", "fill 0.004@1000 Canceled; ")
		}},
		{"two Filled, the second with an error text", func(s *script) {
			s.live()
			s.trade("a", 10, hft.StatusFilled, 10, 8)
			r := s.report(protocol.ChannelStream, hft.StatusFilled, 10, 9)
			r.Reason = "EC_OrigClOrdIDDoesNotExist"
			s.b.Report(r, s.nowNs)
			s.expect("", "fill 0.01@1000 Filled; ")
		}},
		{"executions alone fill the order", func(s *script) {
			s.place()
			s.accepted(blotter.Place)
			s.expect("", "")
			s.execution("a", 4, 5)
			s.execution("b", 6, 5)
			s.expect("", "fill 0.004@1000 PartiallyFilled 6@1000; fill 0.006@1000 Filled; ")
			s.stream(hft.StatusNew, 0, 4)
			s.stream(hft.StatusFilled, 10, 5)
			s.expect("", "")
		}},
		{"cancel racing the submission", func(s *script) {
			s.place()
			s.cancel(1)
			s.expect("", "")
			s.stream(hft.StatusNew, 0, 1)
			s.expect("cancel", "New/Canceled 10@1000; ")
			s.answer(blotter.Place, hft.StatusNew, 0, 1)
			s.cancel(1)
			s.expect("", "") // it is in flight
			s.stream(hft.StatusCanceled, 0, 2)
			s.expect("", "Canceled; ")
		}},
		{"cancel racing a submission that is refused", func(s *script) {
			s.place()
			s.cancel(1)
			s.failed(blotter.Place, protocol.Refused)
			s.expect("", "Expired; error; ")
		}},
		{"modify racing the submission", func(s *script) {
			s.place()
			s.modify(1, 1001, 5*lot)
			s.expect("", "")
			s.accepted(blotter.Place)
			s.expect("modify", "")
			s.stream(hft.StatusNew, 0, 1)
			s.expect("", "New/Replaced 10@1000; ")
		}},
		{"cancel finds nothing: the fill is on its way", func(s *script) {
			s.live()
			s.cancel(1)
			s.failed(blotter.Cancel, protocol.Gone)
			s.after(0)
			s.expect("cancel, query", "New/Rejected 10@1000; ")
			s.cancel(1)
			s.expect("", "") // until the question is answered
			s.trade("a", 10, hft.StatusFilled, 10, 8)
			s.answer(blotter.QueryOrder, hft.StatusFilled, 10, 8)
			s.expect("", "fill 0.01@1000 Filled; ")
		}},
		{"cancel finds nothing and the order is open", func(s *script) {
			s.live()
			s.cancel(1)
			s.failed(blotter.Cancel, protocol.Gone)
			s.after(0)
			s.expect("cancel, query", "New/Rejected 10@1000; ")
			s.answer(blotter.QueryOrder, hft.StatusNew, 0, 1)
			s.expect("cancel", "")
		}},
		{"busy venue: cancels are tried again, later and later", func(s *script) {
			s.live()
			s.cancel(1)
			s.failed(blotter.Cancel, protocol.Overloaded)
			s.expect("cancel", "error; ")
			s.after(99 * ms)
			s.expect("", "")
			s.after(ms)
			s.expect("cancel", "")
			s.failed(blotter.Cancel, protocol.OrderRate)
			s.after(199 * ms)
			s.expect("", "")
			s.after(ms)
			s.expect("cancel", "")
			s.b.Failed(s.id, blotter.Cancel, blotter.Failure{Cause: protocol.Weight, RetryAtNs: s.nowNs + 3*second}, s.nowNs)
			s.after(3*second - ms)
			s.expect("", "")
			s.after(ms)
			s.expect("cancel", "")
		}},
		{"a cancel in a long pause, which may be of one way of several", func(s *script) {
			s.live()
			s.cancel(1)
			s.b.Failed(s.id, blotter.Cancel, blotter.Failure{Cause: protocol.Weight, RetryAtNs: s.nowNs + 120*second}, s.nowNs)
			s.expect("cancel", "error; ")
			s.after(5 * second)
			s.expect("cancel", "")
		}},
		{"cancel is refused", func(s *script) {
			s.live()
			s.cancel(1)
			s.failed(blotter.Cancel, protocol.Key)
			s.expect("cancel", "New/Rejected 10@1000; error; ")
			s.cancel(1)
			s.expect("cancel", "")
		}},
		{"outcome of a cancel unknown", func(s *script) {
			s.unsure()
			s.answer(blotter.QueryOrder, hft.StatusNew, 0, 1)
			s.expect("cancel", "")
		}},
		{"outcome of a cancel unknown, and no answer to questions", func(s *script) {
			s.unsure()
			s.failed(blotter.QueryOrder, protocol.Unknown)
			s.after(second)
			s.expect("cancel, query", "")
			s.canceled()
		}},
		{"a cancel in a ban, which may be of one way of several", func(s *script) {
			s.live()
			s.cancel(1)
			banned := blotter.Failure{Cause: protocol.Banned, Msg: "no", RetryAtNs: s.nowNs + 600*second}
			s.b.Failed(s.id, blotter.Cancel, banned, s.nowNs)
			s.expect("cancel", "error; ")
			s.after(second)
			s.expect("cancel", "")
			for range 20 {
				s.b.Failed(s.id, blotter.Cancel, banned, s.nowNs)
				s.after(5 * second)
				s.expect("cancel", "")
			}
			s.canceled()
		}},
		{"gone when canceled, before the stream tells that the venue has it", func(s *script) {
			s.place()
			s.accepted(blotter.Place)
			s.cancel(1)
			s.failed(blotter.Cancel, protocol.Gone)
			s.stream(hft.StatusNew, 0, 1)
			s.sent()
			s.news()
			s.after(second)
			s.expect("query", "")
			s.answer(blotter.QueryOrder, hft.StatusNew, 0, 2)
			s.expect("cancel", "")
		}},
		{"gone when canceled, while an amendment takes effect", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.accepted(blotter.Amend)
			s.cancel(1)
			s.failed(blotter.Cancel, protocol.Gone)
			s.b.Report(s.amended(protocol.ChannelStream, hft.StatusNew, 100.1, 3, 0, 2), s.nowNs)
			s.sent()
			s.news()
			s.after(second)
			s.expect("query", "")
			s.b.Answered(s.id, blotter.QueryOrder, s.amended(protocol.ChannelQuery, hft.StatusNew, 100.1, 3, 0, 3), s.nowNs)
			s.expect("cancel", "")
		}},
		{"accepted cancel that the stream does not tell of", func(s *script) {
			s.live()
			s.cancel(1)
			s.accepted(blotter.Cancel)
			s.after(2 * second)
			s.expect("cancel, query", "")
			s.answer(blotter.QueryOrder, hft.StatusCanceled, 0, 9)
			s.expect("", "Canceled; ")
		}},
		{"an end with less executed than was reported", func(s *script) {
			s.live()
			s.trade("a", 4, hft.StatusPartiallyFilled, 4, 8)
			s.stream(hft.StatusCanceled, 0, 9)
			s.after(0)
			s.expect("query", "fill 0.004@1000 PartiallyFilled 6@1000; ")
			s.answer(blotter.QueryOrder, hft.StatusCanceled, 0, 9)
			s.after(second)
			s.answer(blotter.QueryOrder, hft.StatusCanceled, 0, 9)
			s.after(3 * second)
			s.expect("query", "")
			s.after(second)
			s.answer(blotter.QueryOrder, hft.StatusCanceled, 0, 9)
			s.expect("query", "Canceled; error; ")
		}},
		{"a venue that was reset gives its ids again", func(s *script) {
			s.live()
			s.trade("a", 10, hft.StatusFilled, 10, 8)
			s.submit(s.order(2, 1000, 10*lot, hft.Buy))
			s.expect("submit", "fill 0.01@1000 Filled; ")
			s.stream(hft.StatusNew, 0, 3)
			s.expect("", "New 10@1000; ")
			e := s.report(protocol.ChannelQuery, hft.StatusNone, 0, 5) // an execution by the venue's id alone
			e.ClientID, e.HasCum, e.TradeID, e.LastQty, e.LastPrice = "", false, "b", 4*lot, 100
			s.b.Executions([]protocol.Report{*e}, s.nowNs)
			s.stream(hft.StatusCanceled, 4, 6)
			s.expect("", "fill 0.004@1000 PartiallyFilled 6@1000; Canceled; ")
		}},
		{"venue cancels", func(s *script) {
			s.live()
			r := s.report(protocol.ChannelStream, hft.StatusCanceled, 0, 9)
			r.Reason = "CancelByAdmin"
			s.b.Report(r, s.nowNs)
			s.expect("", "Canceled; error; ")
		}},
	} {
		t.Run(test.name, func(t *testing.T) { test.play(newScript(t)) })
	}
}

// TestSubmissions are the outcomes of a submission.
func TestSubmissions(t *testing.T) {
	const second = 1000 * ms
	for cause, news := range map[protocol.Cause]string{
		protocol.Refused: "Expired/Rejected; error; ", protocol.ClockOff: "Expired/Rejected; error; ", protocol.Key: "Expired/Rejected; error; ",
		protocol.Overloaded: "Expired/Rejected; error; ", protocol.OrderRate: "Expired/Rejected; error; ", protocol.Gone: "Expired/Rejected; error; ",
		protocol.WouldTake: "Expired; ", protocol.Unfilled: "Expired; ",
		protocol.Unknown: "Unknown/New; error; ", protocol.DuplicateID: "Unknown/New; error; ",
	} {
		s := newScript(t)
		s.place()
		s.failed(blotter.Place, cause)
		t.Log(cause)
		s.expect("", news)
	}
	t.Run("unknown and found", func(t *testing.T) {
		s := newScript(t)
		s.place()
		s.failed(blotter.Place, protocol.Unknown)
		s.after(0)
		s.expect("query", "Unknown/New; error; ")
		s.cancel(1)
		s.answer(blotter.QueryOrder, hft.StatusNew, 0, 3)
		s.expect("cancel", "New/Canceled 10@1000; ")
	})
	t.Run("unknown and never there", func(t *testing.T) {
		s := newScript(t)
		s.place()
		s.failed(blotter.Place, protocol.Unknown)
		s.after(0)
		s.failed(blotter.QueryOrder, protocol.NotFound)
		s.after(second)
		s.failed(blotter.QueryOrder, protocol.NotFound)
		s.after(second)
		s.expect("query, query", "Unknown/New; error; ")
		s.after(3 * second)
		s.expect("query", "")
		s.failed(blotter.QueryOrder, protocol.Overloaded) // no answer to the question
		s.after(second)
		s.expect("query", "")
		s.failed(blotter.QueryOrder, protocol.NotFound)
		s.expect("", "Expired; ")
	})
	t.Run("unknown, to be canceled, and no answer to questions", func(t *testing.T) {
		s := newScript(t)
		s.place()
		s.failed(blotter.Place, protocol.Unknown)
		s.after(0)
		s.cancel(1)
		s.expect("query", "Unknown/New; error; ")
		s.failed(blotter.QueryOrder, protocol.Unknown)
		s.expect("cancel", "")
		s.failed(blotter.Cancel, protocol.Gone) // it may still arrive
		s.after(second)
		s.expect("cancel, query", "")
		if n := len(s.b.Left()); n != 1 {
			t.Errorf("%d orders are left, want 1", n)
		}
		s.stream(hft.StatusNew, 0, 3) // it was not there for the cancel that is under way
		s.failed(blotter.Cancel, protocol.Gone)
		s.failed(blotter.QueryOrder, protocol.Unknown)
		s.after(second)
		s.expect("cancel, query", "New/Canceled 10@1000; ")
		s.canceled()
	})
	t.Run("unknown, and a cancel of all before it arrives", func(t *testing.T) {
		s := newScript(t)
		s.place()
		s.failed(blotter.Place, protocol.Unknown)
		s.after(0)
		s.failed(blotter.QueryOrder, protocol.Overloaded)
		s.cancel(1)
		s.expect("query, cancel", "Unknown/New; error; ")
		s.accepted(blotter.Cancel)
		s.stream(hft.StatusNew, 0, 3)
		s.after(2 * second)
		s.expect("query", "New/Canceled 10@1000; ")
		s.failed(blotter.QueryOrder, protocol.Overloaded)
		s.after(second)
		s.expect("cancel, query", "")
	})
	t.Run("unknown, to be canceled, and never there", func(t *testing.T) {
		s := newScript(t)
		s.place()
		s.failed(blotter.Place, protocol.Unknown)
		s.after(0)
		s.failed(blotter.QueryOrder, protocol.Unknown)
		s.cancel(1)
		s.failed(blotter.Cancel, protocol.Gone)
		s.after(second)
		s.failed(blotter.Cancel, protocol.Gone)
		s.failed(blotter.QueryOrder, protocol.NotFound)
		s.expect("query, cancel, cancel, query", "Unknown/New; error; ")
		for range 5 {
			s.after(second)
		}
		s.expect("query", "") // which has answers again: they tell what cancels cannot
		s.failed(blotter.QueryOrder, protocol.NotFound)
		s.expect("", "Expired; ")
	})
	t.Run("taken for over and there", func(t *testing.T) {
		s := newScript(t)
		s.place()
		s.failed(blotter.Place, protocol.Overloaded)
		s.expect("", "Expired/Rejected; error; ")
		s.stream(hft.StatusNew, 0, 3)
		s.expect("cancel", "error; ")
		s.failed(blotter.Cancel, protocol.Overloaded)
		s.after(100 * ms)
		s.expect("cancel", "error; ")
		s.trade("a", 10, hft.StatusFilled, 10, 5)
		s.failed(blotter.Cancel, protocol.Gone)
		s.expect("", "fill 0.01@1000 Expired; ")
	})
	for _, end := range []struct {
		name string
		told func(s *script)
	}{
		{"the stream tells its end", func(s *script) { s.stream(hft.StatusCanceled, 0, 9) }},
		{"the venue has it no more", func(s *script) {
			s.after(second)
			s.after(second)
			s.expect("query", "")
			s.failed(blotter.QueryOrder, protocol.NotFound)
			s.after(5 * second)
			s.expect("query", "")
			s.failed(blotter.QueryOrder, protocol.NotFound)
		}},
		{"it is open all the same", func(s *script) {
			s.after(2 * second)
			s.expect("query", "")
			s.answer(blotter.QueryOrder, hft.StatusNew, 0, 9)
			s.after(second)
			s.expect("cancel", "")
			s.answer(blotter.Cancel, hft.StatusCanceled, 0, 10)
		}},
	} {
		t.Run("taken for over and there, its cancel accepted: "+end.name, func(t *testing.T) {
			s := newScript(t)
			s.place()
			s.failed(blotter.Place, protocol.Overloaded)
			s.stream(hft.StatusNew, 0, 3)
			s.accepted(blotter.Cancel) // which says nothing of the outcome
			s.expect("cancel", "Expired/Rejected; error; error; ")
			if left := s.b.Left(); len(left) != 1 || s.b.Unended(symbol) != 1 {
				t.Fatalf("left: %+v", left)
			}
			end.told(s)
			if left := s.b.Left(); len(left) != 0 || s.b.Unended(symbol) != 0 {
				t.Errorf("left: %+v", left)
			}
			s.after(60 * second)
			s.sent()
		})
	}
	t.Run("a cancel for the process before", func(t *testing.T) {
		s := newScript(t)
		o := s.order(1, 1000, 10*lot, hft.Buy)
		earlier := o
		o.Owner.Incarnation = 2
		s.submit(o)
		s.expect("submit", "")
		s.stream(hft.StatusNew, 0, 1)
		s.sent()
		s.news()
		earlier.Req = hft.StatusCanceled
		s.b.Cancel(&earlier, s.nowNs)
		s.expect("", "")
	})
	t.Run("not before the venue takes orders again", func(t *testing.T) {
		s := newScript(t)
		s.live()
		s.b.Failed("", blotter.Place, blotter.Failure{Cause: protocol.OrderRate, RetryAtNs: s.nowNs + second}, s.nowNs)
		s.submit(s.order(2, 1000, lot, hft.Buy))
		s.expect("", "Expired/Rejected; error; ")
		s.modify(1, 1001, lot)
		s.expect("", "New/Rejected 10@1000; error; ")
		s.cancel(1)
		s.expect("cancel", "")
		s.nowNs += second
		s.submit(s.order(2, 1000, lot, hft.Buy))
		s.expect("submit", "")
	})
	t.Run("not possible", func(t *testing.T) {
		s := newScript(t)
		o := s.order(1, 1000, lot, hft.Buy)
		o.Owner.Incarnation = clientid.MaxIncarnation + 1
		s.submit(o)
		s.expect("", "Expired/Rejected; error; ")
		s.live()
		again := s.order(1, 1000, lot, hft.Buy)
		s.b.Submit(&again, s.nowNs)
		s.expect("", "error; ")
		s.b.Cancel(&connector.Order{InstrumentNo: 3, Owner: connector.Owner{Bot: 7}, Order: hft.Order{OrderID: 9}}, s.nowNs)
		s.b.Modify(&connector.Order{InstrumentNo: 3, Owner: connector.Owner{Bot: 7}, Order: hft.Order{OrderID: 9}}, s.nowNs)
		s.expect("", "None/Rejected; None/Rejected; ")
	})
}
