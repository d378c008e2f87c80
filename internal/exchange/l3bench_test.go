package exchange_test

import (
	"fmt"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// l3Trading goes through the reference's feed again and again, with a market maker's requests in between.
type l3Trading struct {
	exchange *exchange.L3
	taken    *discard
	rows     []hft.Event
	row      int
	nowNs    int64
	nextID   uint64
	resting  int
}

func newL3Trading(tb testing.TB, resting int) *l3Trading {
	tb.Helper()
	d := &l3Trading{taken: &discard{}, rows: l3Events(tb), resting: resting}
	var err error
	d.exchange, err = exchange.NewL3(exchange.L3Config{Book: depth.NewWindowMarketDepth(l3TickSize, l3LotSize),
		Asset: sim.LinearAsset(1), Fee: sim.TradingValueFee{Maker: -0.00005, Taker: 0.0007}, Responder: d.taken})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func (d *l3Trading) request(req hft.Status, id uint64, side hft.Side, tick int64) {
	r := exchange.Request{Owner: 1, Order: hft.NewOrder(id, tick, l3TickSize, 1, side, hft.Limit, hft.GTX)}
	r.Order.Req = req
	d.exchange.OnRequest(d.nowNs, &r)
}

// feed takes the next row; before the first it clears the book and lets orders rest far from the market.
func (d *l3Trading) feed() {
	if d.row == len(d.rows) {
		d.row = 0
	}
	d.nowNs++
	if d.row == 0 {
		d.exchange.OnEvent(d.nowNs, &hft.Event{Ev: hft.DepthClearEvent})
		for i := range d.resting {
			d.nextID++
			side := hft.Buy - hft.Side(2*(i%2))
			d.request(hft.StatusNew, d.nextID, side, 10000-int64(side)*(2000+int64(i)))
		}
	}
	d.exchange.OnEvent(d.nowNs, &d.rows[d.row])
	d.row++
}

// quote lets two orders join the best prices, moves one of them and cancels both.
func (d *l3Trading) quote() {
	book := d.exchange.Depth()
	if book.BestBidTick() == hft.InvalidMin || book.BestAskTick() == hft.InvalidMax {
		return
	}
	d.nextID += 2
	d.request(hft.StatusNew, d.nextID, hft.Buy, book.BestBidTick())
	d.request(hft.StatusNew, d.nextID+1, hft.Sell, book.BestAskTick())
	d.request(hft.StatusReplaced, d.nextID, hft.Buy, book.BestBidTick()-1)
	d.request(hft.StatusCanceled, d.nextID-8, hft.Buy, 0)
	d.request(hft.StatusCanceled, d.nextID-7, hft.Sell, 0)
	d.nextID++
}

func TestL3DoesNotAllocate(t *testing.T) {
	d := newL3Trading(t, 20)
	day := func() {
		for range d.rows {
			d.feed()
			if d.row%50 == 0 {
				d.quote()
			}
		}
	}
	day()
	day()
	before, trades := d.taken.reports, d.exchange.State().NumTrades
	if n := testing.AllocsPerRun(3, day); n != 0 {
		t.Errorf("%v allocations in %d events", n, len(d.rows))
	}
	if d.taken.reports < before+1000 || d.exchange.State().NumTrades < trades+100 {
		t.Errorf("%d reports and %d executions: the test does not test", d.taken.reports-before,
			d.exchange.State().NumTrades-trades)
	}
	if d.exchange.FeedErrors() != (exchange.L3FeedErrors{}) {
		t.Errorf("feed errors %+v", d.exchange.FeedErrors())
	}
}

func BenchmarkL3Event(b *testing.B) {
	for _, resting := range []int{0, 10, 1000} {
		b.Run(fmt.Sprintf("resting=%d", resting), func(b *testing.B) {
			d := newL3Trading(b, resting)
			b.ReportAllocs()
			for b.Loop() {
				d.feed()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
