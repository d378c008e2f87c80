package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// book is a book of best prices only.
type book struct {
	hft.MarketDepth
	bidTick, askTick int64
}

func (b book) BestBid() float64  { return hft.TickPrice(b.bidTick, b.TickSize()) }
func (b book) BestAsk() float64  { return hft.TickPrice(b.askTick, b.TickSize()) }
func (b book) TickSize() float64 { return 0.5 }
func (b book) LotSize() float64  { return 0.1 }

// bot is a bot whose exchange accepts everything at once.
type bot struct {
	hft.Bot
	book     book
	position float64
	orders   hft.OrderMap
	rounds   int
	onElapse func(round int)
	end      error
	full     bool
	requests int
}

func (b *bot) Depth(int) hft.MarketDepth { return b.book }
func (b *bot) Position(int) float64      { return b.position }
func (b *bot) Orders(int) hft.Orders     { return b.orders.View() }
func (b *bot) ClearInactiveOrders(int) {
	b.orders.DeleteFunc(func(o *hft.Order) bool { return o.Final() })
}

func (b *bot) Elapse(time.Duration) (hft.ElapseResult, error) {
	b.rounds--
	if b.rounds < 0 {
		if b.end == nil {
			return hft.ElapseEndOfData, hft.ErrEndOfData
		}
		return hft.ElapseOk, b.end
	}
	if b.onElapse != nil {
		b.onElapse(b.rounds)
	}
	return hft.ElapseOk, nil
}

func (b *bot) submit(id uint64, price, qty float64, side hft.Side) (hft.ElapseResult, error) {
	b.requests++
	if b.full {
		return hft.ElapseOk, hft.ErrRequestQueueFull
	}
	if b.orders.Get(id) != nil {
		return hft.ElapseOk, hft.ErrOrderIDExist
	}
	o := hft.NewOrder(id, hft.PriceTick(price, 0.5), 0.5, qty, side, hft.Limit, hft.GTX)
	o.Status = hft.StatusNew
	b.orders.Put(&o)
	return hft.ElapseOk, nil
}

func (b *bot) SubmitBuyOrder(_ int, id uint64, price, qty float64, _ hft.TimeInForce, _ hft.OrdType,
	_ bool) (hft.ElapseResult, error) {
	return b.submit(id, price, qty, hft.Buy)
}

func (b *bot) SubmitSellOrder(_ int, id uint64, price, qty float64, _ hft.TimeInForce, _ hft.OrdType,
	_ bool) (hft.ElapseResult, error) {
	return b.submit(id, price, qty, hft.Sell)
}

func (b *bot) Cancel(_ int, id uint64, _ bool) (hft.ElapseResult, error) {
	b.requests++
	if b.full {
		return hft.ElapseOk, hft.ErrRequestQueueFull
	}
	b.orders.Get(id).Status = hft.StatusCanceled
	return hft.ElapseOk, nil
}

// open returns the price ticks of the open orders of a side, ascending.
func (b *bot) open(side hft.Side) []int64 {
	var ticks []int64
	for o := range b.orders.View().All() {
		if o.Side == side && o.Active() {
			ticks = append(ticks, o.PriceTick)
		}
	}
	slices.Sort(ticks)
	return ticks
}

func testGrid(t *testing.T, change func(*Params)) *grid {
	t.Helper()
	p := Params{RelativeHalfSpread: 0.001, RelativeGridInterval: 0.001, GridNum: 3, Skew: 0.0005, OrderQty: 1,
		MaxPosition: 5}
	if change != nil {
		change(&p)
	}
	s, err := newGrid(p)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*grid)
}

func TestGrid(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(*Params)
		position   float64
		book       book
		bids, asks []int64
	}{
		// mid 1000 is tick 2000: half spread and interval are 1, which is 2 ticks.
		{"flat", nil, 0, book{bidTick: 1999, askTick: 2001}, []int64{1994, 1996, 1998}, []int64{2002, 2004, 2006}},
		{"long leans down", nil, 2, book{bidTick: 1999, askTick: 2001}, []int64{1992, 1994, 1996},
			[]int64{2002, 2004, 2006}},
		{"short leans up", nil, -2, book{bidTick: 1999, askTick: 2001}, []int64{1994, 1996, 1998},
			[]int64{2004, 2006, 2008}},
		{"too long to buy", nil, 5, book{bidTick: 1999, askTick: 2001}, nil, []int64{2002, 2004, 2006}},
		{"too short to sell", nil, -5, book{bidTick: 1999, askTick: 2001}, []int64{1994, 1996, 1998}, nil},
		{"coarse grid", func(p *Params) { p.MinGridStep = 5 }, 0, book{bidTick: 1999, askTick: 2001},
			[]int64{1970, 1980, 1990}, []int64{2010, 2020, 2030}},
		{"no price below a tick", func(p *Params) { p.MinGridStep = 0.5 }, 0, book{bidTick: 2, askTick: 4},
			[]int64{1, 2}, []int64{4, 5, 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bot{book: c.book, position: c.position, rounds: 3}
			if err := testGrid(t, c.change).Run(context.Background(), b); !hft.Ended(err) {
				t.Fatal(err)
			}
			if bids, asks := b.open(hft.Buy), b.open(hft.Sell); !slices.Equal(bids, c.bids) ||
				!slices.Equal(asks, c.asks) {
				t.Errorf("bids %v, asks %v; want %v, %v", bids, asks, c.bids, c.asks)
			}
			if want := len(c.bids) + len(c.asks); b.requests != want {
				t.Errorf("%d requests, want %d: later rounds have nothing to do", b.requests, want)
			}
		})
	}
}

func TestGridFollowsTheMarket(t *testing.T) {
	b := &bot{book: book{bidTick: 1999, askTick: 2001}, rounds: 3}
	b.onElapse = func(round int) {
		if round == 1 {
			b.book = book{bidTick: 2003, askTick: 2005}
		}
	}
	if err := testGrid(t, nil).Run(context.Background(), b); !hft.Ended(err) {
		t.Fatal(err)
	}
	if bids, asks := b.open(hft.Buy), b.open(hft.Sell); !slices.Equal(bids, []int64{1996, 1998, 2000}) ||
		!slices.Equal(asks, []int64{2008, 2010, 2012}) {
		t.Errorf("bids %v, asks %v", bids, asks)
	}
}

func TestPendingOrdersAreLeftAlone(t *testing.T) {
	b := &bot{book: book{bidTick: 1999, askTick: 2001}, rounds: 2}
	far := hft.NewOrder(7, 7, 0.5, 1, hft.Buy, hft.Limit, hft.GTX)
	far.Status, far.Req = hft.StatusNew, hft.StatusCanceled
	b.orders.Put(&far)
	if err := testGrid(t, nil).Run(context.Background(), b); !hft.Ended(err) {
		t.Fatal(err)
	}
	if o := b.orders.Get(7); o == nil || o.Status != hft.StatusNew {
		t.Errorf("the order was touched: %+v", o)
	}
}

func TestEnds(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct{ end, want error }{{nil, hft.ErrEndOfData}, {hft.ErrInterrupted, hft.ErrInterrupted},
		{broken, broken}} {
		if err := testGrid(t, nil).Run(context.Background(),
			&bot{book: book{bidTick: 1999, askTick: 2001}, end: c.end, rounds: 1}); !errors.Is(err, c.want) {
			t.Errorf("end %v: got %v, want %v", c.end, err, c.want)
		}
	}
}

func TestFullQueueIsNoFailure(t *testing.T) {
	b := &bot{book: book{bidTick: 1999, askTick: 2001}, rounds: 4, full: true}
	if err := testGrid(t, nil).Run(context.Background(), b); !hft.Ended(err) || b.requests != 4 {
		t.Errorf("%d requests, error %v; want one try a round", b.requests, err)
	}
}

func TestParams(t *testing.T) {
	d, err := pluginapi.Describe(plugin())
	if err != nil || len(d.Params) != 7 {
		t.Fatalf("got %+v, %v", d, err)
	}
	if _, err := pluginapi.Params[Params](json.RawMessage(`{"grid_num": 3}`)); err == nil {
		t.Error("order_qty and max_position may be left out")
	}
	if _, err := newGrid(Params{}); err == nil {
		t.Error("order_qty may be 0")
	}
}

func Example() {
	g := &grid{Params{RelativeHalfSpread: 0.001, RelativeGridInterval: 0.001, GridNum: 2, OrderQty: 1, MaxPosition: 5}}
	q := g.quotes(book{bidTick: 1999, askTick: 2001}, 0)
	for tick := range q.ticks(q.bidTick, -q.intervalTicks, q.bids) {
		fmt.Println("buy at", hft.TickPrice(tick, 0.5))
	}
	for tick := range q.ticks(q.askTick, q.intervalTicks, q.asks) {
		fmt.Println("sell at", hft.TickPrice(tick, 0.5))
	}
	// Output:
	// buy at 999
	// buy at 998
	// sell at 1001
	// sell at 1002
}

// A round that changes nothing allocates nothing.
func TestSteadyRoundAllocatesNothing(t *testing.T) {
	b := &bot{book: book{bidTick: 1999, askTick: 2001}}
	g := testGrid(t, nil)
	round := func() {
		if err := g.trade(b); err != nil {
			t.Fatal(err)
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n > 1 { // the fake's book is boxed
		t.Errorf("%v allocations a round", n)
	}
}

func BenchmarkSteadyRound(b *testing.B) {
	market := &bot{book: book{bidTick: 1999, askTick: 2001}}
	g := &grid{Params{RelativeHalfSpread: 0.001, RelativeGridInterval: 0.001, GridNum: 10, OrderQty: 1, MaxPosition: 5}}
	for b.Loop() {
		if err := g.trade(market); err != nil {
			b.Fatal(err)
		}
	}
}
