package paper

import (
	"context"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// silent is a sink that only counts.
type silent struct{ events, updates, errors int }

func (s *silent) Feed(_ int, events []hft.Event)      { s.events += len(events) }
func (s *silent) Order(*connector.OrderUpdate)        { s.updates++ }
func (s *silent) Position(int, float64, int64)        {}
func (s *silent) Error(*connector.Error)              { s.errors++ }
func (s *silent) Ready(int)                           {}
func (s *silent) Account(*connector.AccountEvent)     {}
func (s *silent) Stale(int, string)                   {}
func (s *silent) Count(_ connector.Counter, _ uint64) {}

// instantClock is always where the connector wants it to be.
type instantClock struct{ nowNs int64 }

func (c *instantClock) NowNs() int64 { return c.nowNs }
func (c *instantClock) WaitUntil(_ context.Context, timestampNs int64, _ <-chan struct{}) (int64, error) {
	c.nowNs = timestampNs
	return timestampNs, nil
}

// load is a session with a synthetic market and a bot that sends orders, driven without its loop.
type load struct {
	tb      testing.TB
	session *session
	paper   *simulated
	sink    *silent
	orderID uint64
}

func newLoad(tb testing.TB, speed float64) *load {
	tb.Helper()
	source, err := NewSynthetic(SyntheticConfig{Seed: 3})
	if err != nil {
		tb.Fatal(err)
	}
	p, err := New(Config{Source: source, Speed: speed, Exchange: Exchange{PartialFill: true, Queue: "power_prob3",
		OrderLatency: 5 * time.Millisecond, ResponseLatency: 5 * time.Millisecond}})
	if err != nil {
		tb.Fatal(err)
	}
	paper, ok := p.(*simulated)
	if !ok {
		tb.Fatalf("%T is another connector", p)
	}
	l := &load{tb: tb, paper: paper, sink: &silent{}}
	p.Register(connector.Instrument{No: 0, Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001})
	p.Register(connector.Instrument{No: 1, Symbol: "ETHUSDT", TickSize: 0.01, LotSize: 0.001})
	l.session = newSession(paper, l.sink, &instantClock{})
	l.session.take(0)
	if l.sink.errors != 0 || l.session.listed != 2 {
		tb.Fatalf("%d errors, %d instruments", l.sink.errors, l.session.listed)
	}
	l.events(2) // the books
	return l
}

// events lets the next n things happen.
func (l *load) events(n int) {
	for range n {
		if err := l.session.fetch(); err != nil {
			l.tb.Fatal(err)
		}
		l.session.step(l.session.nextNs())
	}
}

// requests sends one order that rests, one that takes, a change of the first and its cancel.
func (l *load) requests() {
	book := l.session.exchanges[0].Depth()
	l.orderID += 2
	o := connector.Order{Owner: connector.Owner{Bot: 1},
		Order: hft.NewOrder(l.orderID, book.BestBidTick()-100, 0.1, 0.01, hft.Buy, hft.Limit, hft.GTX)}
	l.paper.Submit(o)
	taking := o
	taking.OrderID++
	taking.PriceTick, taking.TimeInForce = book.BestAskTick()+100, hft.IOC
	l.paper.Submit(taking)
	o.PriceTick -= 10
	l.paper.Modify(o)
	l.paper.Cancel(o)
	l.session.take(l.session.nowNs)
}

// From the source through the exchange to the sink and back nothing is allocated, also when time is stepped.
func TestNoAllocations(t *testing.T) {
	for _, speed := range []float64{0, 1} {
		l := newLoad(t, speed)
		round := func() { l.requests(); l.events(100) }
		for range 200 { // books and queues reach their size
			round()
		}
		before := *l.sink
		if n := testing.AllocsPerRun(100, round); n != 0 {
			t.Errorf("speed %v: %v allocations in a round of 4 requests and 100 events", speed, n)
		}
		if l.sink.updates < before.updates+400 || l.sink.events < before.events+9000 || l.sink.errors != before.errors {
			t.Errorf("speed %v: %+v before, %+v after: not much happened", speed, before, *l.sink)
		}
	}
}

// BenchmarkEvent is one message from the synthetic source to sink and exchange.
func BenchmarkEvent(b *testing.B) {
	l := newLoad(b, 1)
	l.events(1000)
	b.ReportAllocs()
	for b.Loop() {
		l.events(1)
	}
}

// BenchmarkRequest is four requests from the caller to the exchange and their answers to the sink.
func BenchmarkRequest(b *testing.B) {
	l := newLoad(b, 1)
	l.events(1000)
	l.session.haveBatch, l.session.listed = false, 0 // no market meanwhile
	b.ReportAllocs()
	for b.Loop() {
		l.requests()
		for l.session.link.ToExchange.Len()+l.session.link.ToLocal.Len() > 0 {
			l.session.step(l.session.nextNs())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4, "ns/request")
}

func BenchmarkSynthetic(b *testing.B) {
	source, err := NewSynthetic(SyntheticConfig{Seed: 3})
	if err != nil {
		b.Fatal(err)
	}
	if err := source.Register(connector.Instrument{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}); err != nil {
		b.Fatal(err)
	}
	var batch Batch
	b.ReportAllocs()
	for b.Loop() {
		if err := source.Next(&batch); err != nil {
			b.Fatal(err)
		}
	}
}
