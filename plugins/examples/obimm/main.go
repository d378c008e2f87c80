// Command obimm is a strategy plugin: a market maker that quotes one order on each side of any number of instruments
// and leans towards where the order book is heavier. It shows how one strategy trades several instruments.
//
// The idea is that of hftbacktest's tutorial on order book imbalance: when more is bid than offered near the market,
// the price is likelier to rise than to fall, so the fair price is taken to lie above the mid price.
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

// Params are what the params block of a strategy may set. Sizes are in quote currency, because the quantity of one
// order means something else for each instrument.
type Params struct {
	HalfSpread   float64       `hcl:"half_spread" default:"0.0002" min:"0" doc:"distance of the quotes from the fair price, as a share of it"`
	LookingDepth float64       `hcl:"looking_depth" default:"0.0005" min:"0" max:"0.1" doc:"how far from the mid price the book is looked at, as a share of it"`
	Alpha        float64       `hcl:"alpha" default:"0.0002" doc:"how far a book with one side only moves the fair price, as a share of it"`
	Skew         float64       `hcl:"skew" default:"0.00005" min:"0" doc:"how far each order held moves the quotes against the position, as a share of the price"`
	OrderValue   float64       `hcl:"order_value" min:"0" doc:"value of each order in quote currency"`
	MaxOrders    float64       `hcl:"max_orders" default:"10" min:"1" doc:"largest position, in orders"`
	Interval     time.Duration `hcl:"interval" default:"100ms" min:"1ms" doc:"time between two looks at the market"`
}

// The order id says all about an order: instrument, side and price tick. Ids are unique within the bot, over all of its
// instruments.
const (
	sellIDs  = uint64(1) << 40
	assetIDs = uint64(1) << 48
)

type maker struct{ p Params }

func newMaker(p Params) (pluginapi.Strategy, error) {
	if p.OrderValue == 0 {
		return nil, errors.New("order_value is 0: must be the value of an order in quote currency")
	}
	return &maker{p}, nil
}

// Run quotes all instruments once each interval.
func (m *maker) Run(_ context.Context, bot hft.Bot) error {
	for {
		if _, err := bot.Elapse(m.p.Interval); err != nil {
			return err
		}
		bot.ClearInactiveOrders(hft.AllAssets)
		for asset := range bot.NumAssets() {
			if err := m.trade(bot, asset); err != nil {
				return fmt.Errorf("asset %d: %w", asset, err)
			}
		}
	}
}

// quote is one wanted order; a tick of 0 is none.
type quote struct {
	side hft.Side
	tick int64
	qty  float64
}

func (q quote) id(asset int) uint64 {
	id := uint64(asset)*assetIDs + uint64(q.tick)
	if q.side == hft.Sell {
		id += sellIDs
	}
	return id
}

// trade brings the two orders of an instrument in line with the wanted quotes.
func (m *maker) trade(bot hft.Bot, asset int) error {
	book := bot.Depth(asset)
	quotes := m.quotes(book, bot.Position(asset))
	for order := range bot.Orders(asset).All() {
		if order.OrderID == quotes[0].id(asset) || order.OrderID == quotes[1].id(asset) || !order.Cancellable() {
			continue
		}
		if _, err := bot.Cancel(asset, order.OrderID, false); err != nil {
			return skipFull(fmt.Errorf("cancel order %d: %w", order.OrderID, err))
		}
	}
	for _, q := range quotes {
		if q.tick <= 0 || bot.Orders(asset).Get(q.id(asset)) != nil {
			continue
		}
		_, err := bot.SubmitOrder(asset, hft.OrderRequest{OrderID: q.id(asset),
			Price: hft.TickPrice(q.tick, book.TickSize()), Qty: q.qty, Side: q.side, TimeInForce: hft.GTX,
			OrdType: hft.Limit}, false)
		if err != nil {
			return skipFull(fmt.Errorf("quote %v at tick %d: %w", q.side, q.tick, err))
		}
	}
	return nil
}

// quotes returns the wanted bid and ask. Without a complete book, or at the largest position, one or both are none.
func (m *maker) quotes(book hft.MarketDepth, position float64) [2]quote {
	bid, ask := book.BestBid(), book.BestAsk()
	quotes := [2]quote{{side: hft.Buy}, {side: hft.Sell}}
	if math.IsNaN(bid) || math.IsNaN(ask) {
		return quotes
	}
	mid := (bid + ask) / 2
	// At least one lot: a small order_value on an expensive instrument must not become a quantity of 0.
	lots := max(hft.QtyLots(m.p.OrderValue/mid, book.LotSize()), 1)
	qty := float64(lots) * book.LotSize()
	// Positions are compared in whole lots: three times 0.1 is not 0.3 in binary fractions.
	held := float64(hft.QtyLots(position, book.LotSize())) / float64(lots)
	fair := mid * (1 + m.p.Alpha*imbalance(book, mid, m.p.LookingDepth) - m.p.Skew*held)
	// Never better than the best price of the own side: to join it is enough, and post only orders beyond the other
	// side would just expire.
	if held < m.p.MaxOrders {
		quotes[0].tick = hft.PriceTick(math.Floor(math.Min(fair*(1-m.p.HalfSpread), bid)/book.TickSize()+roundingSlack),
			1)
		quotes[0].qty = qty
	}
	if held > -m.p.MaxOrders {
		quotes[1].tick = hft.PriceTick(math.Ceil(math.Max(fair*(1+m.p.HalfSpread), ask)/book.TickSize()-roundingSlack),
			1)
		quotes[1].qty = qty
	}
	return quotes
}

// roundingSlack keeps a price that is a whole number of ticks from being rounded to its neighbour: 60000.1/0.1 is just
// below 600001 in binary fractions.
const roundingSlack = 1e-6

// imbalance compares what is bid and offered within a share of the mid price: 1 with bids only, -1 with asks only.
func imbalance(book hft.MarketDepth, mid, share float64) float64 {
	bids, asks := book.BestBidQty(), book.BestAskQty()
	lowest := hft.PriceTick(mid*(1-share), book.TickSize())
	for tick := book.BestBidTick() - 1; tick >= lowest; tick-- {
		bids += book.BidQtyAtTick(tick)
	}
	highest := hft.PriceTick(mid*(1+share), book.TickSize())
	for tick := book.BestAskTick() + 1; tick <= highest; tick++ {
		asks += book.AskQtyAtTick(tick)
	}
	if bids+asks == 0 {
		return 0
	}
	return (bids - asks) / (bids + asks)
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
	return pluginapi.Plugin[Params]{Name: "obimm", Version: "1.0.0",
		Doc: "makes a market in its instruments and leans towards the heavier side of each book", New: newMaker}
}
