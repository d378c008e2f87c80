package blotter_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// TestFalseReports: nothing of a report that cannot be true counts, and the order is asked about.
func TestFalseReports(t *testing.T) {
	for name, change := range map[string]func(r *protocol.Report){
		"cumulative above the quantity":      func(r *protocol.Report) { r.CumQty = 10 },
		"and the quantity with it":           func(r *protocol.Report) { r.CumQty, r.LastQty, r.Qty = 10, 10, 10 },
		"cumulative below zero":              func(r *protocol.Report) { r.CumQty = -4 * lot },
		"cumulative is no number":            func(r *protocol.Report) { r.CumQty = math.NaN() },
		"cumulative without end":             func(r *protocol.Report) { r.CumQty = math.Inf(1) },
		"cumulative beyond all":              func(r *protocol.Report) { r.CumQty = 1e308 },
		"a part of a lot":                    func(r *protocol.Report) { r.CumQty = 4.5 * lot },
		"all executed and open":              func(r *protocol.Report) { r.CumQty = 10 * lot },
		"partially filled with nothing":      func(r *protocol.Report) { r.CumQty, r.TradeID = 0, "" },
		"filled with nothing":                func(r *protocol.Report) { r.Status, r.CumQty, r.TradeID = hft.StatusFilled, 0, "" },
		"filled with a part":                 func(r *protocol.Report) { r.Status = hft.StatusFilled },
		"filled, both changed":               func(r *protocol.Report) { r.Status, r.Qty = hft.StatusFilled, 4*lot },
		"filled without quantities":          func(r *protocol.Report) { r.Status, r.Qty, r.CumQty, r.TradeID = hft.StatusFilled, 0, 0, "" },
		"canceled with all executed":         func(r *protocol.Report) { r.Status, r.CumQty = hft.StatusCanceled, 10*lot },
		"last above cumulative":              func(r *protocol.Report) { r.LastQty = 5 * lot },
		"last of nothing":                    func(r *protocol.Report) { r.LastQty = 0 },
		"last below zero":                    func(r *protocol.Report) { r.LastQty = -4 * lot },
		"quantity and cumulative swapped":    func(r *protocol.Report) { r.Qty, r.CumQty = r.CumQty, r.Qty },
		"quantity that was not requested":    func(r *protocol.Report) { r.Qty = 9 * lot },
		"price that was not asked for":       func(r *protocol.Report) { r.Price = 1000 },
		"execution beyond the limit":         func(r *protocol.Report) { r.LastPrice, r.AvgPrice = 1000, 0 },
		"execution without price":            func(r *protocol.Report) { r.LastPrice = 0 },
		"execution at a price that is none":  func(r *protocol.Report) { r.LastPrice = math.Inf(1) },
		"execution and average do not agree": func(r *protocol.Report) { r.LastPrice, r.AvgPrice = 10, 100 },
		"fee above the value":                func(r *protocol.Report) { r.Fee = 5 },
		"fee that is no number":              func(r *protocol.Report) { r.Fee = math.NaN() },
		"time in another year":               func(r *protocol.Report) { r.TimestampNs += 400 * 24 * 3600 * 1000 * ms },
		"time below zero":                    func(r *protocol.Report) { r.TimestampNs = -1 },
		"the other side":                     func(r *protocol.Report) { r.Side = hft.Sell },
		"another order of the venue":         func(r *protocol.Report) { r.VenueID = "2" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.live()
			r := s.report(protocol.ChannelStream, hft.StatusPartiallyFilled, 4, 2)
			r.TradeID, r.LastQty, r.LastPrice = "a", 4*lot, 100
			change(r)
			if err := s.b.Report(r, s.nowNs); err != nil {
				t.Error(err)
			}
			s.after(0)
			s.expect("query", "")
			if c := s.b.Counts(); c.Unreadable != 1 || c.Fills != 0 {
				t.Errorf("%+v", c)
			}
			s.answer(blotter.QueryOrder, hft.StatusNew, 0, 1)
			s.expect("", "")
			// Alone, and the truth is taken as ever.
			s.trade("a", 4, hft.StatusPartiallyFilled, 4, 2)
			s.expect("", "fill 0.004@1000 PartiallyFilled 6@1000; ")
		})
	}
}

// TestStop: a venue that stays with what cannot be true gets no new orders on the instrument, cancels it does, and it
// goes on when the answer can be true.
func TestStop(t *testing.T) {
	const second = 1000 * ms
	s := newScript(t)
	s.live()
	s.stream(hft.StatusPartiallyFilled, 9990, 2)
	for range 3 {
		s.after(second)
		s.expect("query", "")
		s.answer(blotter.QueryOrder, hft.StatusFilled, 10_000, 2)
	}
	s.expect("", "error; ")
	for _, part := range []string{symbol, s.id, "cumulative quantity", "10", "Check the order"} {
		if !strings.Contains(s.stopped, part) {
			t.Errorf("%q is not in %q", part, s.stopped)
		}
	}
	s.submit(s.order(2, 1000, lot, hft.Buy))
	s.expect("", "Expired/Rejected; error; ")
	s.modify(1, 1001, lot)
	s.expect("", "New/Rejected 10@1000; error; ")
	s.cancel(1)
	s.expect("cancel", "")
	s.answer(blotter.Cancel, hft.StatusCanceled, 3, 4)
	for range 3 {
		s.after(5 * second)
		s.answer(blotter.QueryOrder, hft.StatusFilled, 10_000, 2)
	}
	if news := s.news(); news != "" || s.b.Open() != 1 {
		t.Errorf("news %q, %d open", news, s.b.Open())
	}
	s.after(5 * second)
	s.answer(blotter.QueryOrder, hft.StatusCanceled, 3, 4)
	if s.stopped != "" {
		t.Errorf("it goes on not: %s", s.stopped)
	}
	s.execution("a", 3, 3)
	if news := s.news(); news != "error; fill 0.003@1000 Canceled; " && news != "fill 0.003@1000 Canceled; error; " {
		t.Errorf("news %q", news)
	}
	s.actions = s.actions[:0]
	s.submit(s.order(2, 1000, lot, hft.Buy))
	s.expect("submit", "")
}

// TestOneMessageIsNotEnough: an executed quantity that one message tells and no answer does is dropped; one that an
// execution was published of stops the instrument for good.
func TestOneMessageIsNotEnough(t *testing.T) {
	const second = 1000 * ms
	deny := func(s *script) {
		for range 8 {
			s.after(second)
			for _, a := range s.actions {
				if a.Request == blotter.QueryOrder {
					s.answer(blotter.QueryOrder, hft.StatusPartiallyFilled, 3, 2)
				}
			}
			s.actions = s.actions[:0]
		}
	}
	t.Run("cumulative", func(t *testing.T) {
		s := newScript(t)
		s.live()
		s.trade("a", 3, hft.StatusPartiallyFilled, 5, 2)
		s.expect("", "fill 0.003@1000 PartiallyFilled 7@1000; ")
		deny(s)
		if c := s.b.Counts(); s.stopped != "" || c.Assumed != 0 || c.Withdrawn != 1 {
			t.Errorf("%+v, stopped %q", c, s.stopped)
		}
		s.trade("b", 1, hft.StatusPartiallyFilled, 4, 5)
		s.expect("", "fill 0.001@1000 PartiallyFilled 6@1000; ")
	})
	t.Run("execution", func(t *testing.T) {
		s := newScript(t)
		s.live()
		s.trade("a", 5, hft.StatusPartiallyFilled, 5, 2)
		s.expect("", "fill 0.005@1000 PartiallyFilled 5@1000; ")
		s.b.Listed(symbol, []protocol.Report{*s.report(protocol.ChannelQuery, hft.StatusPartiallyFilled, 3, 2)}, s.nowNs, s.nowNs)
		deny(s)
		if !strings.Contains(s.stopped, "restart the runner") {
			t.Errorf("stopped %q", s.stopped)
		}
		s.submit(s.order(2, 1000, lot, hft.Buy))
		s.answer(blotter.QueryOrder, hft.StatusPartiallyFilled, 5, 9)
		s.submit(s.order(3, 1000, lot, hft.Buy))
		s.expect("", "Expired/Rejected; Expired/Rejected; error; error; error; ")
	})
}

// TestFalseRecovery: orders of an earlier run are not adopted as they cannot be.
func TestFalseRecovery(t *testing.T) {
	for name, change := range map[string]func(r *protocol.Report){
		"more executed than ordered": func(r *protocol.Report) { r.CumQty = 10 },
		"quantity below zero":        func(r *protocol.Report) { r.Qty = -9e12 },
		"quantity beyond all":        func(r *protocol.Report) { r.Qty, r.CumQty = 1e308, 0 },
		"a price that is none":       func(r *protocol.Report) { r.Price = math.NaN() },
		"filled with nothing":        func(r *protocol.Report) { r.Status, r.CumQty = hft.StatusFilled, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.id = s.own(1)
			r := s.report(protocol.ChannelQuery, hft.StatusPartiallyFilled, 4, 5)
			change(r)
			if err := s.b.Listed(symbol, []protocol.Report{*r}, s.nowNs, s.nowNs); err == nil || s.b.Open() != 0 {
				t.Errorf("%v, %d open", err, s.b.Open())
			}
			if err := s.b.Report(r, s.nowNs); err == nil || s.b.Open() != 0 {
				t.Errorf("%v, %d open", err, s.b.Open())
			}
			s.expect("", "")
		})
	}
	t.Run("less was executed than the list said", func(t *testing.T) {
		s := newScript(t)
		s.id = s.own(1)
		if err := s.b.Listed(symbol, []protocol.Report{*s.report(protocol.ChannelQuery, hft.StatusPartiallyFilled, 6, 5)}, s.nowNs, s.nowNs); err != nil {
			t.Error(err)
		}
		s.expect("", "PartiallyFilled 4@1000; ")
		for range 8 {
			_ = s.b.Listed(symbol, []protocol.Report{*s.report(protocol.ChannelQuery, hft.StatusPartiallyFilled, 4, 5)}, s.nowNs, s.nowNs)
			s.after(1000 * ms)
			if len(s.actions) > 0 {
				s.answer(blotter.QueryOrder, hft.StatusPartiallyFilled, 4, 5)
			}
			s.actions = s.actions[:0]
		}
		s.trade("new", 1, hft.StatusPartiallyFilled, 5, 6)
		s.expect("", "PartiallyFilled 6@1000; fill 0.001@1000 PartiallyFilled 5@1000; ")
	})
}

// distort changes reports on their way, some of them: one number each, an id, or two that are swapped.
func (v *randomVenue) distort(list ...protocol.Report) []protocol.Report {
	for i := range list {
		if v.lies > 0 && v.random.Float64() < v.lies {
			v.lie(&list[i])
		}
	}
	return list
}

func (v *randomVenue) lie(r *protocol.Report) {
	numbers := []*float64{&r.Qty, &r.CumQty, &r.LastQty, &r.Price, &r.LastPrice, &r.AvgPrice, &r.Fee}
	x, y := numbers[v.random.IntN(len(numbers))], numbers[v.random.IntN(len(numbers))]
	kinds := 15
	if v.lies > 0.1 {
		kinds = 12 // so often wrong, ids agree by chance now and then
	}
	switch v.random.IntN(kinds) {
	case 0:
		*x, *y = *y, *x
	case 1:
		*x *= 10
	case 2:
		*x *= 1000
	case 3:
		*x /= 10
	case 4:
		*x = -*x
	case 5:
		*x = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e308, -9e12, 5e-324}[v.random.IntN(6)]
	case 6:
		*x = 0
	case 7, 8:
		*x += lot * float64(v.random.IntN(7)-3)
	case 9:
		*x += lot / 3
	case 10:
		r.HasCum = !r.HasCum
	case 11:
		r.TimestampNs += (v.random.Int64N(4) - 2) * int64(math.Pow10(v.random.IntN(18)))
	case 12:
		if r.VenueID != "" {
			r.VenueID = fmt.Sprint("x", v.random.IntN(3))
		}
	case 13:
		if r.TradeID != "" {
			r.TradeID = fmt.Sprint("t", v.random.IntN(12))
		}
	case 14:
		r.Side = -r.Side
	}
}

// TestLies: whatever of what the venue says is changed on its way, in the end the bots know what is true, or the
// instrument takes no new orders. No execution is made up.
func TestLies(t *testing.T) {
	seeds := uint64(6000)
	if os.Getenv("HFTRUNNER_LONG") != "" {
		seeds = 60_000
	}
	stops, unreadable, withdrawn := 0, uint64(0), uint64(0)
	for seed := range seeds {
		v, numOrders := trade(t, seed, []float64{0.02, 0.1, 0.3}[seed%3])
		c := v.d.b.Counts()
		unreadable, withdrawn = unreadable+c.Unreadable, withdrawn+c.Withdrawn
		if v.d.stopped != "" {
			stops++
			continue
		}
		checkLies(t, seed, v, numOrders)
		if t.Failed() {
			t.Fatalf("seed %d, style %d", seed, v.style)
		}
	}
	t.Logf("%d of %d runs stopped, %d reports could not be true, %d quantities were withdrawn", stops, seeds, unreadable, withdrawn)
	if unreadable == 0 || withdrawn == 0 || stops == 0 || stops > int(seeds/3) {
		t.Error("the lies prove nothing")
	}
}

// checkLies compares what was executed, and what is open, with the exchange.
func checkLies(t *testing.T, seed uint64, v *randomVenue, numOrders uint64) {
	t.Helper()
	var position, volume int64
	open := 0
	for _, o := range v.orders {
		position += o.cum * int64(o.side)
		volume += o.cum
		if o.open() {
			open++
		}
	}
	if lots(v.d.position) != position || lots(v.d.volume) != volume {
		t.Errorf("seed %d: position %d and volume %d lots, not %d and %d", seed, lots(v.d.position), lots(v.d.volume), position, volume)
	}
	if v.d.b.Open() != open {
		t.Errorf("seed %d: %d orders are open, at the venue %d", seed, v.d.b.Open(), open)
	}
}
