// Command gridtrading is a strategy plugin: a grid of limit orders on both sides of the market that leans against its
// own inventory. It is the first example to read; the algorithm is the grid of hftbacktest's examples.
//
// It trades one instrument. Ten times a second it works out which orders it wants, cancels what it has and does not
// want, and submits what it wants and does not have. Nothing is remembered between two rounds: orders and position come
// from the bot, which gets them back after any restart, so the strategy has no state to save.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// Params are what the params block of a strategy may set. The tags are the schema that `runner validate` checks against
// and `runner plugins` prints.
type Params struct {
	RelativeHalfSpread   float64 `hcl:"relative_half_spread" default:"0.0005" min:"0" doc:"distance of the first order from the mid price, as a share of it"`
	RelativeGridInterval float64 `hcl:"relative_grid_interval" default:"0.0005" min:"0" doc:"distance between two orders, as a share of the mid price"`
	GridNum              int     `hcl:"grid_num" default:"10" min:"1" max:"1000" doc:"orders on each side"`
	MinGridStep          float64 `hcl:"min_grid_step" default:"0" min:"0" doc:"the distance between two orders is a multiple of this price; 0 is the tick size"`
	Skew                 float64 `hcl:"skew" default:"0.00005" min:"0" doc:"how far the grid moves against the position, as a share of the price for each order_qty held"`
	OrderQty             float64 `hcl:"order_qty" min:"0" doc:"quantity of each order"`
	MaxPosition          float64 `hcl:"max_position" min:"0" doc:"no further buying above this position, no further selling below its negative"`
}

// asset is the number of the one instrument: instruments count from 0 in the order of the configuration.
const asset = 0

// interval is how often the grid is looked at. It is the bot's time: the wall clock live, the data's in a backtest.
const interval = 100 * time.Millisecond

// sellIDs is added to the price tick to make the order id of a sell order. An id made from the price finds the order
// that is already at a price without any bookkeeping; ids have to be unique, so the two sides are kept apart.
const sellIDs = uint64(1) << 40

type grid struct{ p Params }

func newGrid(p Params) (pluginapi.Strategy, error) {
	// Bounds in the tags are inclusive; what they cannot say is checked here, before anything is started.
	if p.OrderQty == 0 {
		return nil, errors.New("order_qty is 0: must be the quantity of an order")
	}
	return &grid{p}, nil
}

// Run is the whole life of the strategy. The same code runs in backtest, on paper and live.
func (g *grid) Run(_ context.Context, bot hft.Bot) error {
	for {
		// Elapse is where everything happens: market data, order updates and fills are applied to the bot in it. An
		// error ends Run. That the strategy is to stop, or that recorded data has ended, is one, too, and no failure.
		if _, err := bot.Elapse(interval); err != nil {
			return err
		}
		// Filled and cancelled orders stay visible until they are cleared; here nobody looks at them.
		bot.ClearInactiveOrders(asset)
		if err := g.trade(bot); err != nil {
			return err
		}
	}
}

// trade brings the orders at the exchange in line with the wanted ones.
func (g *grid) trade(bot hft.Bot) error {
	book := bot.Depth(asset)
	wanted := g.quotes(book, bot.Position(asset))
	for order := range bot.Orders(asset).All() {
		// An order with a request in flight is left alone until the answer is there.
		if order.Cancellable() && !wanted.has(order.OrderID) {
			if _, err := bot.Cancel(asset, order.OrderID, false); err != nil {
				return skipFull(fmt.Errorf("cancel order %d: %w", order.OrderID, err))
			}
		}
	}
	// GTX is post only: when the market has moved meanwhile the order expires instead of paying the taker's fee. The
	// next round submits it anew.
	for tick := range wanted.ticks(wanted.bidTick, -wanted.intervalTicks, wanted.bids) {
		id := uint64(tick)
		if bot.Orders(asset).Get(id) != nil {
			continue
		}
		if _, err := bot.SubmitBuyOrder(asset, id, hft.TickPrice(tick, book.TickSize()), g.p.OrderQty, hft.GTX,
			hft.Limit, false); err != nil {
			return skipFull(fmt.Errorf("buy at tick %d: %w", tick, err))
		}
	}
	for tick := range wanted.ticks(wanted.askTick, wanted.intervalTicks, wanted.asks) {
		id := uint64(tick) + sellIDs
		if bot.Orders(asset).Get(id) != nil {
			continue
		}
		if _, err := bot.SubmitSellOrder(asset, id, hft.TickPrice(tick, book.TickSize()), g.p.OrderQty, hft.GTX,
			hft.Limit, false); err != nil {
			return skipFull(fmt.Errorf("sell at tick %d: %w", tick, err))
		}
	}
	return nil
}

// skipFull ends this round without a failure when the host is behind with earlier requests: the next round makes up for
// it.
func skipFull(err error) error {
	if errors.Is(err, hft.ErrRequestQueueFull) {
		return nil
	}
	return err
}

func main() {
	pluginapi.Serve(plugin())
}

// plugin describes the strategy to the host.
func plugin() pluginapi.Plugin[Params] {
	return pluginapi.Plugin[Params]{Name: "gridtrading", Version: "1.0.0",
		Doc: "quotes a grid on both sides of one instrument and leans against its inventory", New: newGrid}
}

// quotes is the set of orders that the strategy wants: bids from bidTick down, asks from askTick up.
type quotes struct {
	bidTick, askTick, intervalTicks int64
	bids, asks                      int
}

// quotes works out the wanted orders. Without a complete book there are none.
func (g *grid) quotes(book hft.MarketDepth, position float64) quotes {
	bid, ask, tickSize := book.BestBid(), book.BestAsk(), book.TickSize()
	// A book that is not in sync has no best prices. They are NaN then, which no comparison likes, so ask for it.
	if math.IsNaN(bid) || math.IsNaN(ask) {
		return quotes{}
	}
	mid := (bid + ask) / 2
	// A long position moves the whole grid down: selling becomes likelier than buying.
	lean := g.p.Skew * position / g.p.OrderQty
	bidPrice := math.Min(mid*(1-g.p.RelativeHalfSpread-lean), bid)
	askPrice := math.Max(mid*(1+g.p.RelativeHalfSpread-lean), ask)

	step := max(g.p.MinGridStep, tickSize)
	interval := max(math.Round(mid*g.p.RelativeGridInterval/step)*step, step)
	// Prices are aligned to the grid, so that a small move of the market leaves every order where it is and in its
	// place in the queue.
	q := quotes{
		bidTick:       hft.PriceTick(math.Floor(bidPrice/interval)*interval, tickSize),
		askTick:       hft.PriceTick(math.Ceil(askPrice/interval)*interval, tickSize),
		intervalTicks: max(hft.PriceTick(interval, tickSize), 1),
	}
	// Compared in whole lots: a sum of fills is rarely the exact number in binary fractions.
	held, most := hft.QtyLots(position, book.LotSize()), hft.QtyLots(g.p.MaxPosition, book.LotSize())
	if held < most {
		q.bids = g.p.GridNum
	}
	if held > -most {
		q.asks = g.p.GridNum
	}
	return q
}

// ticks ranges over n prices from first on. Prices below one tick do not exist.
func (q quotes) ticks(first, step int64, n int) func(yield func(int64) bool) {
	return func(yield func(int64) bool) {
		for tick := first; n > 0 && tick > 0 && yield(tick); tick += step {
			n--
		}
	}
}

// has reports whether the order of that id is wanted.
func (q quotes) has(orderID uint64) bool {
	below, n := q.bidTick-int64(orderID), q.bids
	if orderID >= sellIDs {
		below, n = int64(orderID-sellIDs)-q.askTick, q.asks
	}
	return n > 0 && below >= 0 && below%q.intervalTicks == 0 && below/q.intervalTicks < int64(n)
}
