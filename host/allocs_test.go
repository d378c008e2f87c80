package host

import (
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/ipc"
)

// sinkhole is a connector that takes everything and does nothing.
type sinkhole struct{ connector.Connector }

func (sinkhole) Register(connector.Instrument) {}
func (sinkhole) Submit(connector.Order)        {}
func (sinkhole) Cancel(connector.Order)        {}
func (sinkhole) Modify(connector.Order)        {}

// newPath makes a host with one strategy whose session is active, without a process.
func newPath(tb testing.TB) (*publisher, *session) {
	tb.Helper()
	p, ses := newPathOf(tb, 0.1, 0.001)
	if err := ses.strategy.host.openJournal(); err != nil {
		tb.Fatal(err)
	}
	w := p.record.w()
	tb.Cleanup(func() {
		p.record.writer.Store(w)
		p.record.close("")
	})
	return p, ses
}

// newPathOf is newPath with the steps of its instrument, without a journal, whose goroutine now and then allocates.
func newPathOf(tb testing.TB, tickSize, lotSize float64) (*publisher, *session) {
	tb.Helper()
	h, err := New(Config{StateDir: tb.TempDir(), Connectors: []ConnectorConfig{{Name: "venue", Connector: sinkhole{}}},
		Strategies: []StrategyConfig{{Name: "grid", OnExit: KeepOrders, Position: StrategyPosition,
			Instruments: []InstrumentConfig{{Connector: "venue", Symbol: "BTCUSDT", TickSize: tickSize, LotSize: lotSize}}}}}, hclog.NewNullLogger())
	if err != nil {
		tb.Fatal(err)
	}
	ses, err := newSession(h.strategies[0], h.strategies[0].holdings, 1)
	if err != nil {
		tb.Fatal(err)
	}
	ses.activate()
	tb.Cleanup(func() {
		ses.deactivate()
		ses.Close()
		h.closeFeeds()
	})
	return h.publishers[0], ses
}

// TestFeedAndOrderPathAllocateNothing measures what the host does for every message, request and report.
func TestFeedAndOrderPathAllocateNothing(t *testing.T) {
	p, ses := newPath(t)
	if racing { // then a record is copied on the heap
		p.record.writer.Store(nil)
	}
	events := make([]hft.Event, 20)
	n := int64(0)
	feed := func() {
		n++
		for i := range events {
			side, px := hft.BuyEvent, 60_000-0.1*float64(i)
			if i%2 == 1 {
				side, px = hft.SellEvent, 60_001+0.1*float64(i)
			}
			events[i] = hft.Event{Ev: hft.LocalEvent | side | hft.DepthEvent, ExchTimestampNs: n, LocalTimestampNs: n + 1, Px: px, Qty: float64(n%7 + 1)}
		}
		p.Feed(0, events)
	}
	for range 100 {
		feed()
	}
	if a := testing.AllocsPerRun(500, feed); a != 0 {
		t.Errorf("a message of %d levels allocates %v times", len(events), a)
	}

	id := uint64(0)
	answer := connector.Answer{Origin: "hr-1", ClientID: "hr-1", VenueID: "8389765521", Outcome: connector.AnswerAccepted}
	cycle := func() {
		id++
		anOrdersLife(p, ses, id)
		p.Answered(&answer)
	}
	for range 100 {
		cycle()
	}
	if a := testing.AllocsPerRun(500, cycle); a != 0 {
		t.Errorf("an order's life allocates %v times", a)
	}
	if st := ses.strategy.status(); st.Orders != id || st.Fills != id || st.Instruments[0].OpenOrders != 0 {
		t.Errorf("after %d orders: %+v", id, st)
	}
}

// anOrdersLife sends an order, which is accepted and then filled.
func anOrdersLife(p *publisher, ses *session, id uint64) {
	var req hostipc.Request
	req.Kind = ipc.RequestOrder
	req.Order = hft.NewOrder(id, 600_000, 0.1, 0.01, hft.Buy, hft.Limit, hft.GTX)
	req.Order.Req = hft.StatusNew
	ses.handle(ses.links[0], &req)
	u := connector.OrderUpdate{Order: connector.Order{Owner: connector.Owner{Bot: ses.strategy.botID, Incarnation: 1}, Order: req.Order},
		Names: connector.Names{Origin: "hr-1", ClientID: "hr-1", VenueID: "8389765521"}}
	u.Req, u.Status, u.ExchTimestampNs = hft.StatusNone, hft.StatusNew, 1
	p.Order(&u)
	u.Status, u.Fill, u.ExecQty, u.ExecPriceTick, u.FillValue, u.FillFee = hft.StatusFilled, true, 0.01, 600_000, 600, 0.1
	u.Names.ExecID, u.FeeAsset = "5551212", "USDT"
	p.Order(&u)
}

// BenchmarkOrdersLife is a request and two reports of the host, with the journal and without.
func BenchmarkOrdersLife(b *testing.B) {
	for _, name := range []string{"journal", "none"} {
		b.Run(name, func(b *testing.B) {
			p, ses := newPath(b)
			w := p.record.w()
			if name == "none" {
				p.record.writer.Store(nil)
			}
			ses.holdings[0].port = nil // nobody reads what it has
			b.ReportAllocs()
			for id := uint64(1); b.Loop(); id++ {
				if id%4096 == 0 { // the disk is not what is measured
					b.StopTimer()
					if err := w.Sync(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				anOrdersLife(p, ses, id)
			}
			p.record.writer.Store(w)
		})
	}
}

// TestWithoutAJournal: what cannot be recorded is not sent, and leaves nothing behind; a cancel goes. Unless it may continue.
func TestWithoutAJournal(t *testing.T) {
	p, ses := newPath(t)
	h := ses.holdings[0]
	anOrder := func(id uint64, req hft.Status) *hostipc.Request {
		r := &hostipc.Request{}
		r.Kind = ipc.RequestOrder
		r.Order = hft.NewOrder(id, 600_000, 0.1, 0.01, hft.Buy, hft.Limit, hft.GTX)
		r.Order.Req = req
		return r
	}
	ses.handle(ses.links[0], anOrder(1, hft.StatusNew))
	if err := p.record.w().Close(); err != nil {
		t.Fatal(err)
	}
	ses.handle(ses.links[0], anOrder(2, hft.StatusNew))
	ses.handle(ses.links[0], anOrder(1, hft.StatusReplaced))
	if o := h.orders.Get(1); h.orders.Get(2) != nil || h.numOrders != 1 || o.Req != hft.StatusNone || ses.stats.refused.Load() != 2 {
		t.Errorf("%d orders, %d refused, the first %+v", h.numOrders, ses.stats.refused.Load(), o)
	}
	ses.handle(ses.links[0], anOrder(1, hft.StatusCanceled))
	if ses.stats.refused.Load() != 2 || h.orders.Get(1).Req != hft.StatusCanceled {
		t.Error("a cancel was refused")
	}
	p.record.cfg.ContinueOnError = true
	if ses.handle(ses.links[0], anOrder(2, hft.StatusNew)); h.orders.Get(2) == nil {
		t.Error("an order was refused although on_journal_error is continue")
	}
}

// TestProfit follows a position through growing, shrinking and turning round.
func TestProfit(t *testing.T) {
	var p profit
	for i, f := range []struct{ qty, price, realised, entry float64 }{
		{2, 100, 0, 100}, {2, 110, 0, 105}, {-1, 120, 15, 105}, {-5, 100, 0, 100}, {1, 90, 10, 100}, {1, 90, 20, 100},
	} {
		if p.fill(f.qty, f.price, 1, 1); p.realised != f.realised || p.entryPrice != f.entry {
			t.Errorf("fill %d: realised %v at an entry of %v, want %v at %v", i, p.realised, p.entryPrice, f.realised, f.entry)
		}
	}
	if p.position != 0 || p.open(50) != 0 {
		t.Errorf("position %v, open %v", p.position, p.open(50))
	}
	p.fill(-2, 100, 1, 1)
	if p.open(90) != 20 {
		t.Errorf("short 2 from 100 at 90: open %v", p.open(90))
	}
}

// TestAccountPositionIsNotTheBots: in account mode the bot sees what the venue says, and its profit is its own all the same.
func TestAccountPositionIsNotTheBots(t *testing.T) {
	p, ses := newPath(t)
	h := ses.holdings[0]
	h.mode = AccountPosition
	p.Position(0, 7, 1)
	u := connector.OrderUpdate{Order: connector.Order{Owner: connector.Owner{Bot: ses.strategy.botID, Incarnation: 1},
		Order: hft.NewOrder(1, 1000, 0.1, 2, hft.Buy, hft.Limit, hft.GTC)}, Fill: true, FillValue: 200}
	u.Status, u.ExecQty, u.ExecPriceTick, u.ExchTimestampNs = hft.StatusFilled, 2, 1000, 1
	p.Order(&u)
	if h.state.Position != 7 || h.profit.position != 2 || h.profit.entryPrice != 100 || h.profit.open(110) != 20 {
		t.Errorf("position %v, profit %+v", h.state.Position, h.profit)
	}
}

// TestLatencyPercentiles mixes negative and positive latencies.
func TestLatencyPercentiles(t *testing.T) {
	l := newLatencyHistogram()
	for i := int64(-50); i < 50; i++ {
		l.record(i * 1000)
	}
	p := l.percentiles()
	near := func(got, want int64) bool { return got >= want-1100 && got <= want+1100 }
	if !near(p.P50, -1000) || !near(p.P99, 48_000) || !near(p.Max, 49_000) || !near(l.at(1), -50_000) {
		t.Errorf("%+v, 1 %%: %d", p, l.at(1))
	}
	if empty := newLatencyHistogram(); empty.percentiles() != (Percentiles{}) {
		t.Errorf("%+v", empty.percentiles())
	}
}

func BenchmarkFeed(b *testing.B) {
	p, _ := newPath(b)
	events := make([]hft.Event, 70)
	n := int64(0)
	for b.Loop() {
		n++
		for i := range events {
			side, px := hft.BuyEvent, 60_000-0.1*float64(i)
			if i >= 35 {
				side, px = hft.SellEvent, 60_001+0.1*float64(i)
			}
			events[i] = hft.Event{Ev: hft.LocalEvent | side | hft.DepthEvent, ExchTimestampNs: n, LocalTimestampNs: n, Px: px, Qty: float64(n%7 + 1)}
		}
		p.Feed(0, events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(events)), "ns/level")
}
