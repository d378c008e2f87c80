package exchange_test

import (
	"fmt"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// discard takes reports and forgets them.
type discard struct{ reports int }

func (d *discard) Respond(int64, *exchange.Report) { d.reports++ }

// trading is a market that goes around in circles, and the requests of a market maker in it.
type trading struct {
	exchange *exchange.L2
	taken    *discard
	events   []hft.Event
	nowNs    int64
	nextID   uint64
}

func newTrading(tb testing.TB, partial bool, resting int, changes ...func(*exchange.Config)) *trading {
	tb.Helper()
	book, err := depth.New("window", 0.1, 0.001, 0, 0)
	if err != nil {
		tb.Fatal(err)
	}
	d := &trading{taken: &discard{}}
	cfg := exchange.Config{Book: book, Queue: sim.ProbabilityQueue(sim.PowerProbability3(3)), Asset: sim.LinearAsset(1),
		Fee: sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}, Responder: d.taken}
	for _, change := range changes {
		change(&cfg)
	}
	d.exchange, err = exchange.NewNoPartialFill(cfg)
	if partial {
		d.exchange, err = exchange.NewPartialFill(cfg)
	}
	if err != nil {
		tb.Fatal(err)
	}
	add := func(ev uint64, px, qty float64) {
		d.events = append(d.events, hft.Event{Ev: ev, Px: px, Qty: qty})
	}
	for i := range 50 {
		add(hft.BuyEvent|hft.DepthEvent, 60000-0.1*float64(i), 1)
		add(hft.SellEvent|hft.DepthEvent, 60000.1+0.1*float64(i), 1)
	}
	for i := range 400 {
		qty := float64(i%7) + 0.5
		add(hft.BuyEvent|hft.DepthEvent, 60000-0.1*float64(i%40), qty)
		add(hft.SellEvent|hft.DepthEvent, 60000.1+0.1*float64(i%40), qty)
		if i%10 == 0 {
			add(hft.SellEvent|hft.TradeEvent, 60000, 0.01)
			add(hft.BuyEvent|hft.TradeEvent, 60000.1, 0.01)
		}
	}
	for range resting / 2 {
		d.submit(hft.Buy, 600000-int64(d.nextID%40)-1, hft.GTC)
		d.submit(hft.Sell, 600001+int64(d.nextID%40)+1, hft.GTC)
	}
	d.feed()
	return d
}

func (d *trading) feed() {
	for i := range d.events {
		d.nowNs++
		d.exchange.OnEvent(d.nowNs, &d.events[i])
	}
}

func (d *trading) submit(side hft.Side, tick int64, tif hft.TimeInForce) {
	d.nextID++
	d.nowNs++
	r := exchange.Request{Owner: 1, Order: hft.NewOrder(d.nextID, tick, 0.1, 0.01, side, hft.Limit, tif)}
	r.Order.Req = hft.StatusNew
	d.exchange.OnRequest(d.nowNs, &r)
}

// turnover lets two orders come and go: one is modified and canceled, the other takes.
func (d *trading) turnover() {
	d.submit(hft.Buy, 599990, hft.GTX)
	r := exchange.Request{Owner: 1, Order: hft.Order{OrderID: d.nextID, PriceTick: 599980, Qty: 0.02,
		Req: hft.StatusReplaced}}
	d.exchange.OnRequest(d.nowNs, &r)
	r.Order.Req = hft.StatusCanceled
	d.exchange.OnRequest(d.nowNs, &r)
	d.submit(hft.Sell, 599998, hft.IOC)
}

// sweep rests orders on both sides, takes from the book, and sends a trade through all of it.
func (d *trading) sweep() {
	for i := range int64(10) {
		d.submit(hft.Buy, 599999-i/2, hft.GTC)
		d.submit(hft.Sell, 600002+i/2, hft.GTC)
	}
	d.submit(hft.Buy, 600003, hft.IOC)
	d.submit(hft.Sell, 599998, hft.FOK)
	d.exchange.OnEvent(d.nowNs, &hft.Event{Ev: hft.SellEvent | hft.TradeEvent, Px: 60000, Qty: 1000})
	d.exchange.OnEvent(d.nowNs, &hft.Event{Ev: hft.BuyEvent | hft.TradeEvent, Px: 60000.3, Qty: 1000})
	d.exchange.OnEvent(d.nowNs, &hft.Event{Ev: hft.SellEvent | hft.TradeEvent, Px: 59990, Qty: 1})
	d.exchange.OnEvent(d.nowNs, &hft.Event{Ev: hft.BuyEvent | hft.TradeEvent, Px: 60010, Qty: 1})
}

func TestNoAllocations(t *testing.T) {
	for name, change := range map[string]func(*exchange.Config){
		"fixed":   func(*exchange.Config) {},
		"compat":  func(c *exchange.Config) { c.Compat = sim.Hftbacktest },
		"options": func(c *exchange.Config) { c.ConsumeDepth, c.SweepFills = true, true },
	} {
		for _, partial := range []bool{false, true} {
			if name == "options" && !partial {
				continue
			}
			d := newTrading(t, partial, 100, change)
			before := d.taken.reports
			if n := testing.AllocsPerRun(20, func() { d.feed(); d.turnover(); d.sweep() }); n != 0 {
				t.Errorf("%s, partial %v: %v allocations in a round of events and orders", name, partial, n)
			}
			if d.taken.reports-before < 20*21 || d.exchange.NumOrders() != 0 {
				t.Errorf("%s, partial %v: %d reports, %d orders rest: the test does not test", name, partial,
					d.taken.reports-before, d.exchange.NumOrders())
			}
		}
	}
	latency, err := sim.NewConstantLatency(3, 2)
	if err != nil {
		t.Fatal(err)
	}
	var link *exchange.Link
	var request exchange.Request
	link = exchange.NewLink(latency, sim.PerRequestLatency{New: latency, Modify: latency, Cancel: latency})
	var report exchange.Report
	if n := testing.AllocsPerRun(1000, func() {
		link.Send(1, &request)
		link.ToExchange.Receive(exchange.NeverNs, &request)
		link.Respond(1, &report)
		link.ToLocal.Receive(exchange.NeverNs, &report)
	}); n != 0 {
		t.Errorf("%v allocations per request on a link", n)
	}
}

func BenchmarkEvent(b *testing.B) {
	for _, partial := range []bool{false, true} {
		for _, resting := range []int{0, 10, 100} {
			b.Run(fmt.Sprintf("partial=%v/resting=%d", partial, resting), func(b *testing.B) {
				d := newTrading(b, partial, resting)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i == len(d.events) {
						i = 0
					}
					d.nowNs++
					d.exchange.OnEvent(d.nowNs, &d.events[i])
				}
			})
		}
	}
}

// BenchmarkFills is a round of 20 resting orders that two trades fill.
func BenchmarkFills(b *testing.B) {
	for name, compat := range map[string]sim.Compat{"fixed": sim.Fixed, "hftbacktest": sim.Hftbacktest} {
		b.Run(name, func(b *testing.B) {
			d := newTrading(b, true, 0, func(c *exchange.Config) { c.Compat = compat })
			b.ReportAllocs()
			for b.Loop() {
				d.sweep()
			}
		})
	}
}

// BenchmarkRequest is one of: submit, modify, cancel, submit that takes.
func BenchmarkRequest(b *testing.B) {
	for _, resting := range []int{0, 100, 10000} {
		b.Run(fmt.Sprintf("resting=%d", resting), func(b *testing.B) {
			d := newTrading(b, true, resting)
			b.ReportAllocs()
			for b.Loop() {
				d.turnover()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4, "ns/request")
		})
	}
}
