package blotter_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// own returns a client id of the runner's previous run.
func (s *script) own(orderID uint64) string {
	s.t.Helper()
	id, err := s.codec.Encode(connector.Owner{Bot: 7, Incarnation: 1}, orderID)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func TestReconciliation(t *testing.T) {
	const second = 1000 * ms
	t.Run("orders of the last run are adopted, those of others are not", func(t *testing.T) {
		s := newScript(t)
		s.id = s.own(1)
		mine := s.report(protocol.ChannelQuery, hft.StatusPartiallyFilled, 4, 5)
		foreign := *mine
		foreign.ClientID, foreign.VenueID = "web_1", "9"
		s.b.Listed(symbol, []protocol.Report{foreign, *mine}, s.nowNs, s.nowNs)
		s.expect("", "PartiallyFilled 6@1000; ")
		if c := s.b.Counts(); c.Adopted != 1 || c.Foreign != 1 || s.b.Open() != 1 {
			t.Errorf("%+v", c)
		}
		s.b.Report(&foreign, s.nowNs)
		s.execution("old", 4, 5) // part of what was adopted
		s.expect("", "")
		s.trade("new", 1, hft.StatusPartiallyFilled, 5, 6)
		s.expect("", "fill 0.001@1000 PartiallyFilled 5@1000; ")
		s.cancel(1)
		s.stream(hft.StatusCanceled, 5, 7)
		s.expect("cancel", "Canceled; ")
	})
	t.Run("an execution is the first thing seen of an order", func(t *testing.T) {
		s := newScript(t)
		s.id = s.own(1)
		s.trade("a", 3, hft.StatusFilled, 10, 5)
		s.trade("a", 3, hft.StatusFilled, 10, 5)
		s.stream(hft.StatusFilled, 10, 5)
		s.expect("", "fill 0.003@1000 Filled; ")
	})
	t.Run("the bot has a newer order of the id", func(t *testing.T) {
		s := newScript(t)
		s.live()
		id := s.id
		s.id = s.own(1)
		r := s.report(protocol.ChannelStream, hft.StatusNew, 0, 5)
		r.VenueID = "2"
		s.b.Report(r, s.nowNs)
		if a := s.actions[0]; a.ClientID != s.id || a.VenueID != "2" {
			t.Errorf("cancels %+v", a)
		}
		s.expect("cancel", "error; ")
		s.id = id
		s.stream(hft.StatusCanceled, 0, 6)
		s.expect("", "Canceled; ")
	})
	t.Run("missing orders are asked about", func(t *testing.T) {
		s := newScript(t)
		s.live()
		s.submit(s.order(2, 1000, lot, hft.Buy)) // not answered yet, cannot be listed
		s.b.Listed("ETHUSDT", nil, s.nowNs, s.nowNs)
		s.b.Listed(symbol, nil, s.nowNs, s.nowNs)
		s.after(0)
		if len(s.actions) != 2 || s.actions[1].OrderID != 1 {
			t.Errorf("asks %+v", s.actions)
		}
		s.actions = s.actions[:0]
		s.trade("a", 2, hft.StatusPartiallyFilled, 2, 3)
		s.answer(blotter.QueryOrder, hft.StatusCanceled, 2, 4)
		s.expect("", "fill 0.002@1000 PartiallyFilled 8@1000; Canceled; ")
	})
	t.Run("an order that the venue has forgotten", func(t *testing.T) {
		s := newScript(t)
		s.live()
		s.b.Listed(symbol, nil, s.nowNs, s.nowNs)
		for range 3 {
			s.after(5 * second)
			s.failed(blotter.QueryOrder, protocol.NotFound)
		}
		s.expect("query, query", "Expired; error; ")
	})
	t.Run("executions that were missed", func(t *testing.T) {
		s := newScript(t)
		s.live()
		s.trade("a", 2, hft.StatusPartiallyFilled, 2, 3)
		if ns := s.b.SinceNs(symbol); ns > startNs+3*ms || ns < startNs-2*second || s.b.SinceNs("ETHUSDT") != 0 {
			t.Errorf("since %d", ns-startNs)
		}
		var list []protocol.Report
		for i, lots := range []float64{2, 3, 5} {
			r := s.report(protocol.ChannelQuery, hft.StatusNone, 0, int64(3+i))
			r.HasCum, r.TradeID, r.LastQty, r.LastPrice = false, string(rune('a'+i)), lots*lot, 100
			list = append(list, *r)
		}
		unknown := list[0]
		unknown.ClientID, unknown.VenueID, unknown.TradeID = s.own(5), "8", "z"
		s.b.Executions(append(list, unknown), s.nowNs)
		s.b.Executions(list, s.nowNs)
		s.expect("", "fill 0.002@1000 PartiallyFilled 8@1000; fill 0.003@1000 PartiallyFilled 5@1000; fill 0.005@1000 Filled; ")
	})
}

// TestExecutionsNeverReported: they are asked for, assumed at the average price, and not counted when they come after
// all.
func TestExecutionsNeverReported(t *testing.T) {
	s := newScript(t)
	s.live()
	s.trade("a", 2, hft.StatusPartiallyFilled, 2, 3)
	r := s.report(protocol.ChannelStream, hft.StatusFilled, 10, 5)
	r.AvgPrice = 99.2 // 2 at 100, so 8 at 99
	s.b.Report(r, s.nowNs)
	s.expect("", "fill 0.002@1000 PartiallyFilled 8@1000; ")
	s.after(500 * ms)
	s.expect("query, executions", "")
	s.after(1500 * ms)
	s.expect("executions", "") // nothing is assumed on the word of one message
	r.Channel = protocol.ChannelQuery
	s.b.Answered(s.id, blotter.QueryOrder, r, s.nowNs)
	s.after(1000 * ms)
	s.expect("query", "") // nor of one answer
	s.b.Answered(s.id, blotter.QueryOrder, r, s.nowNs)
	s.after(2000 * ms)
	if len(s.updates) != 1 || math.Abs(s.updates[0].FillValue-8*lot*99) > 1e-9 || s.updates[0].FillFee != 0 {
		t.Fatalf("assumed %+v", s.updates)
	}
	if len(s.errors) != 1 || s.errors[0].Kind != hft.CustomKind || s.errors[0].Code != blotter.CodeFillAssumed {
		t.Errorf("it was not said: %+v", s.errors)
	}
	s.expect("", "fill 0.008@990 Filled; error; ")
	s.execution("b", 5, 4)
	s.trade("c", 3, hft.StatusFilled, 10, 5)
	s.expect("", "")
	if c := s.b.Counts(); c.Assumed != 1 || c.Fills != 2 {
		t.Errorf("%+v", c)
	}
}

// TestMarketOrderWithoutPrice: an execution without any price is not made up, the order is asked about.
func TestMarketOrderWithoutPrice(t *testing.T) {
	s := newScript(t)
	o := s.order(1, 0, 10*lot, hft.Buy)
	o.OrdType = hft.Market
	s.submit(o)
	s.expect("submit", "")
	filled := s.report(protocol.ChannelAck, hft.StatusFilled, 10, 5)
	filled.Price = 0
	s.b.Answered(s.id, blotter.Place, filled, s.nowNs)
	s.expect("", "New 10@0; ")
	s.after(500 * ms)
	s.expect("query, executions", "")
	s.b.Failed(s.id, blotter.QueryOrder, blotter.Failure{Cause: protocol.Overloaded}, s.nowNs)
	for range 8 {
		s.after(60_000 * ms)
		s.b.Failed(s.id, blotter.QueryOrder, blotter.Failure{Cause: protocol.Overloaded}, s.nowNs)
	}
	if news := s.news(); news != "" || s.b.Open() != 1 {
		t.Errorf("made up %q", news)
	}
	s.actions = s.actions[:0]
	filled.Channel, filled.AvgPrice = protocol.ChannelQuery, 101
	s.b.Answered(s.id, blotter.QueryOrder, filled, s.nowNs)
	s.after(1000 * ms)
	s.b.Answered(s.id, blotter.QueryOrder, filled, s.nowNs)
	s.after(60_000 * ms)
	if got := s.news(); got != "fill 0.01@1010 Filled; error; " {
		t.Errorf("news %q", got)
	}
}

// TestLateExecutionOfAReusedID: it is counted, and does not end the bot's new order of the same id.
func TestLateExecutionOfAReusedID(t *testing.T) {
	s := newScript(t)
	s.live()
	s.cancel(1)
	r := s.report(protocol.ChannelStream, hft.StatusCanceled, 0, 8)
	r.HasCum = false
	s.b.Report(r, s.nowNs)
	s.expect("cancel", "Canceled; ")
	first := s.id
	s.submit(s.order(1, 1005, 5*lot, hft.Sell))
	s.expect("submit", "")
	r = s.report(protocol.ChannelStream, hft.StatusNew, 0, 9)
	r.VenueID, r.Side, r.Price, r.Qty = "2", hft.Sell, 100.5, 5*lot
	s.b.Report(r, s.nowNs)
	s.expect("", "New 5@1005; ")
	s.id = first
	s.execution("a", 4, 7)
	s.expect("", "fill 0.004@1000 New 5@1005; New 5@1005; ")
	if o := s.open[1]; o.Side != hft.Sell || lots(s.position) != 4 {
		t.Errorf("order %+v, position %v", o, s.position)
	}
}

func TestFees(t *testing.T) {
	s := newScript(t)
	s.live()
	s.b.SetPrice("XYZ", "BTC", 3)    // another quote
	s.b.SetPrice("ABC", "USDT", 600) // never used
	for i, fee := range []struct {
		asset            string
		paid, price, fee float64
	}{{"USDT", -0.005, 0, -0.005}, {"BTC", 1e-5, 0, 0.001}, {"", 0.0025, 0, 0.0025}, {"XYZ", 7, 0, 0}, {"XYZ", 7, 0, 0},
		{"BNB", 1e-6, 600, 0.0006}, {"BNB", 1e-6, 700, 0.0007}, {"BNB", 1e-6, math.NaN(), 0.0007}, {"BNB", 1e-6, -1, 0.0007},
		{"BNB", 1e-5, 1e300, 0}} {
		if fee.price != 0 {
			s.b.SetPrice(fee.asset, "USDT", fee.price)
		}
		r := s.report(protocol.ChannelStream, hft.StatusNone, 0, 3)
		r.HasCum, r.TradeID, r.LastQty, r.LastPrice, r.Fee, r.FeeAsset = false, string(rune('a'+i)), lot, 100, fee.paid, fee.asset
		r.Maker = i == 1
		s.b.Report(r, s.nowNs)
		if u := s.updates[len(s.updates)-1]; math.Abs(u.FillFee-fee.fee) > 1e-12 || u.Maker != r.Maker {
			t.Errorf("%v %s became %v", fee.paid, fee.asset, u.FillFee)
		} else if u.FeePaid != fee.paid || u.FeeAsset != fee.asset || u.Names != (connector.Names{Origin: r.ClientID, ClientID: r.ClientID, VenueID: r.VenueID, ExecID: r.TradeID}) {
			t.Errorf("%v %s is told as %v %s of %+v", fee.paid, fee.asset, u.FeePaid, u.FeeAsset, u.Names)
		}
	}
	if len(s.errors) != 2 || s.errors[0].Code != blotter.CodeFeeUnknown || s.errors[1].Code != blotter.CodeFeeUnknown {
		t.Errorf("%+v", s.errors)
	}
}

// TestForgetting: an order that is over is remembered for five minutes, then its memory is used again.
func TestForgetting(t *testing.T) {
	s := newScript(t)
	s.live()
	s.trade("a", 10, hft.StatusFilled, 10, 5)
	s.expect("", "fill 0.01@1000 Filled; ")
	s.after(300_000*ms - 1)
	s.trade("a", 10, hft.StatusFilled, 10, 5)
	if c := s.b.Counts(); c.Forgotten != 0 || c.Repeated != 1 || s.b.NextDueNs() == math.MaxInt64 {
		t.Errorf("%+v", c)
	}
	s.after(1)
	s.stream(hft.StatusFilled, 10, 5)
	if c := s.b.Counts(); c.Forgotten != 1 || s.b.NextDueNs() != math.MaxInt64 {
		t.Errorf("%+v", c)
	}
	s.answer(blotter.Place, hft.StatusNew, 0, 1)
	s.failed(blotter.Cancel, protocol.Gone)
	s.expect("", "")
	s.live()
}

func TestConfig(t *testing.T) {
	if _, err := blotter.New(blotter.Config{}); err == nil {
		t.Error("nothing given, no error")
	}
	d := newDesk(t)
	for _, inst := range []blotter.Instrument{{No: 3, Symbol: "X", TickSize: 1, LotSize: 1}, {No: 4, Symbol: symbol, TickSize: 1, LotSize: 1},
		{No: 5, Symbol: "Y", TickSize: 0, LotSize: 1}, {No: 5, Symbol: "Y", TickSize: 1, LotSize: math.NaN()}, {No: 5, TickSize: 1, LotSize: 1}} {
		if err := d.b.Register(inst); err == nil || !strings.Contains(err.Error(), "blotter") {
			t.Errorf("%+v: %v", inst, err)
		}
	}
}

// TestNames: every cause and request has a name of its own.
func TestNames(t *testing.T) {
	seen := make(map[string]bool)
	for i := range 20 {
		seen[protocol.Cause(i).String()] = true
		seen[blotter.Request(i).String()] = true
	}
	if len(seen) != 15+1+5+1 {
		t.Error(fmt.Sprint(len(seen), " names: ", seen))
	}
}
