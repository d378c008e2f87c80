package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// book is a book with a tick size of 0.1 and a lot size of 0.001.
type book struct{ bids, asks map[int64]float64 }

func (b book) BestBidTick() int64 {
	best := hft.InvalidMin
	for tick := range b.bids {
		best = max(best, tick)
	}
	return best
}

func (b book) BestAskTick() int64 {
	best := hft.InvalidMax
	for tick := range b.asks {
		best = min(best, tick)
	}
	return best
}

func (b book) BestBid() float64 {
	if len(b.bids) == 0 {
		return math.NaN()
	}
	return hft.TickPrice(b.BestBidTick(), b.TickSize())
}

func (b book) BestAsk() float64 {
	if len(b.asks) == 0 {
		return math.NaN()
	}
	return hft.TickPrice(b.BestAskTick(), b.TickSize())
}
func (b book) BestBidQty() float64                   { return b.bids[b.BestBidTick()] }
func (b book) BestAskQty() float64                   { return b.asks[b.BestAskTick()] }
func (b book) TickSize() float64                     { return 0.1 }
func (b book) LotSize() float64                      { return 0.001 }
func (b book) BidQtyAtTick(tick int64) float64       { return b.bids[tick] }
func (b book) AskQtyAtTick(tick int64) float64       { return b.asks[tick] }
func even() book                                     { return book{map[int64]float64{10000: 1}, map[int64]float64{10001: 1}} }
func (m *bot) Depth(asset int) hft.MarketDepth       { return m.books[asset] }
func (m *bot) Position(asset int) float64            { return m.positions[asset] }
func (m *bot) Orders(asset int) hft.Orders           { return m.orders[asset].View() }
func (m *bot) NumAssets() int                        { return len(m.books) }
func (m *bot) ClearInactiveOrders(int)               { m.cleared++ }
func testMaker() *maker                              { return &maker{testParams()} }
func (m *bot) order(asset int, id uint64) *hft.Order { return m.orders[asset].Get(id) }

// bot is a bot of two instruments whose exchange accepts everything at once.
type bot struct {
	hft.Bot
	books     [2]book
	positions [2]float64
	orders    [2]hft.OrderMap
	rounds    int
	cleared   int
	end       error
	cancels   int
	onElapse  func(round int)
}

func (m *bot) Elapse(time.Duration) (hft.ElapseResult, error) {
	m.rounds--
	if m.rounds < 0 {
		if m.end == nil {
			return hft.ElapseEndOfData, hft.ErrEndOfData
		}
		return hft.ElapseOk, m.end
	}
	if m.onElapse != nil {
		m.onElapse(m.rounds)
	}
	return hft.ElapseOk, nil
}

func (m *bot) SubmitOrder(asset int, r hft.OrderRequest, _ bool) (hft.ElapseResult, error) {
	if m.orders[asset].Get(r.OrderID) != nil {
		return hft.ElapseOk, hft.ErrOrderIDExist
	}
	o := hft.NewOrder(r.OrderID, hft.PriceTick(r.Price, 0.1), 0.1, r.Qty, r.Side, r.OrdType, r.TimeInForce)
	o.Status = hft.StatusNew
	m.orders[asset].Put(&o)
	return hft.ElapseOk, nil
}

func (m *bot) Cancel(asset int, id uint64, _ bool) (hft.ElapseResult, error) {
	m.cancels++
	m.orders[asset].Delete(id)
	return hft.ElapseOk, nil
}

func testParams() Params {
	return Params{HalfSpread: 0.001, LookingDepth: 0.01, Alpha: 0.001, Skew: 0.0005, OrderValue: 100, MaxOrders: 3,
		Interval: time.Second}
}

func TestImbalance(t *testing.T) {
	for _, c := range []struct {
		name string
		book book
		want float64
	}{
		{"even", even(), 0},
		{"bids only in reach", book{map[int64]float64{10000: 2}, map[int64]float64{20000: 0}}, 1},
		{"three to one", book{map[int64]float64{10000: 1, 9999: 1, 9950: 1}, map[int64]float64{10001: 1}}, 0.5},
		{"beyond the looking depth", book{map[int64]float64{10000: 1, 9000: 50}, map[int64]float64{10001: 1}}, 0},
		{"empty levels", book{map[int64]float64{10000: 0}, map[int64]float64{10001: 0}}, 0},
	} {
		if got := imbalance(c.book, (c.book.BestBid()+c.book.BestAsk())/2, 0.01); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestQuotes(t *testing.T) {
	heavyBids := book{map[int64]float64{10000: 3}, map[int64]float64{10001: 1}}
	for _, c := range []struct {
		name     string
		book     book
		position float64
		bid, ask int64
	}{
		// mid 1000.05, half spread 1.00005, one order is 0.1
		{"even", even(), 0, 9990, 10011},
		{"heavy bids move both up", heavyBids, 0, 9995, 10016},
		{"long moves both down", even(), 0.2, 9980, 10001},
		{"as long as allowed", even(), 0.3, 0, 10001},
		{"as short as allowed", even(), -0.3, 10000, 0},
		{"no book", book{}, 0, 0, 0},
	} {
		q := testMaker().quotes(c.book, c.position)
		if q[0].tick != c.bid || q[1].tick != c.ask {
			t.Errorf("%s: bid %d, ask %d; want %d, %d", c.name, q[0].tick, q[1].tick, c.bid, c.ask)
		}
		if q[0].tick != 0 && math.Abs(q[0].qty-0.1) > 1e-12 {
			t.Errorf("%s: quantity %v, want 0.1", c.name, q[0].qty)
		}
	}
}

func TestSmallValueIsOneLot(t *testing.T) {
	m := testMaker()
	m.p.OrderValue = 0.01
	if q := m.quotes(even(), 0); q[0].qty != 0.001 || q[1].qty != 0.001 {
		t.Errorf("got %+v", q)
	}
}

func TestTwoInstruments(t *testing.T) {
	b := &bot{books: [2]book{even(), {map[int64]float64{500000: 1}, map[int64]float64{500010: 1}}}, rounds: 3}
	b.onElapse = func(round int) {
		if round == 0 {
			b.books[0] = book{} // out of sync: its quotes go, the other's stay
		}
	}
	if err := testMaker().Run(context.Background(), b); !hft.Ended(err) {
		t.Fatal(err)
	}
	if n := b.orders[0].View().Len(); n != 0 || b.cancels != 2 {
		t.Errorf("%d orders left of the first, %d cancels; want 0 and 2", n, b.cancels)
	}
	ids := map[uint64]bool{}
	for o := range b.orders[1].View().All() {
		ids[o.OrderID] = true
		if o.OrderID < assetIDs {
			t.Errorf("id %d may be the first instrument's", o.OrderID)
		}
	}
	if len(ids) != 2 || b.cleared != 3 {
		t.Errorf("%d orders of the second, cleared %d times; want 2 and 3", len(ids), b.cleared)
	}
	bid := quote{hft.Buy, 499504, 0}
	if b.order(1, bid.id(1)) == nil {
		t.Errorf("no bid at %d: %v", bid.tick, ids)
	}
}

func TestEnds(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct{ end, want error }{{nil, hft.ErrEndOfData}, {hft.ErrInterrupted, hft.ErrInterrupted},
		{broken, broken}} {
		if err := testMaker().Run(context.Background(), &bot{end: c.end, books: [2]book{even(), even()},
			rounds: 1}); !errors.Is(err, c.want) {
			t.Errorf("end %v: got %v, want %v", c.end, err, c.want)
		}
	}
	if err := skipFull(fmt.Errorf("x: %w", hft.ErrRequestQueueFull)); err != nil {
		t.Errorf("a full queue is a failure: %v", err)
	}
}

func TestParams(t *testing.T) {
	d, err := pluginapi.Describe(plugin())
	if err != nil || len(d.Params) != 7 {
		t.Fatalf("got %+v, %v", d, err)
	}
	if _, err := newMaker(Params{}); err == nil {
		t.Error("order_value may be 0")
	}
}

func Example() {
	m := &maker{Params{HalfSpread: 0.001, LookingDepth: 0.01, Alpha: 0.001, OrderValue: 100, MaxOrders: 3}}
	heavyBids := book{map[int64]float64{10000: 3}, map[int64]float64{10001: 1}}
	for _, q := range m.quotes(heavyBids, 0) {
		fmt.Printf("%v %.3f at %.1f\n", q.side, q.qty, hft.TickPrice(q.tick, 0.1))
	}
	// Output:
	// Buy 0.100 at 999.5
	// Sell 0.100 at 1001.6
}

func BenchmarkQuotes(b *testing.B) {
	m := testMaker()
	var market hft.MarketDepth = even()
	b.ReportAllocs()
	for b.Loop() {
		m.quotes(market, 0.1)
	}
}
