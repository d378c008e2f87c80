package backtest

import (
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/internal/local"
	"github.com/hftrunner/hftrunner/internal/risk"
	"github.com/hftrunner/hftrunner/sim"
)

// asset is one instrument: its data, the bot's side and the exchange's side of it, and what is between them.
type asset struct {
	connector, symbol string
	contractSize      float64

	tape     *tape
	link     *exchange.Link
	measure  *measure
	exchange exchange.Exchange
	l2       *exchange.L2 // the exchange, when it is one by level

	localRows, exchRows cursor

	// The bot's side. book is by level and by order the same object; byOrder is nil for data by level.
	local   local.Asset
	book    depth.L2MarketDepth
	byOrder depth.L3MarketDepth
	state   exchange.State
	limits  *risk.Holding // nil without limits

	// Mode sim.Hftbacktest.
	keepTrades    bool
	trades        []hft.Event // without limit
	countPartials bool
}

// onLocalRow applies a row to the bot's side.
func (a *asset) onLocalRow(e *hft.Event, compat sim.Compat) {
	kind := e.Kind()
	switch {
	case a.local.KeepsTrade(kind):
		switch {
		case compat == sim.Fixed:
			a.local.AddTrade(e)
		case a.keepTrades:
			a.trades = append(a.trades, *e)
		}
	case a.byOrder != nil:
		a.applyOrderRow(e)
	default:
		depth.Apply(a.book, e)
	}
	ns, known := e.FeedLatency()
	if !known {
		return
	}
	l := &a.local.FeedLatency
	if l.LocalTimestampNs != e.LocalTimestampNs || !l.Known {
		a.measure.feed.record(ns)
	}
	if kind != hft.DepthClearEvent || compat != sim.Fixed {
		*l = local.FeedLatency{ExchTimestampNs: e.ExchTimestampNs, LocalTimestampNs: e.LocalTimestampNs, Known: true}
	}
}

// applyOrderRow applies a row by order to the bot's book. A row that does not fit the book is passed over: the
// exchange's side, which sees the same rows, counts it or ends the run.
func (a *asset) applyOrderRow(e *hft.Event) {
	switch e.Kind() {
	case hft.AddOrderEvent:
		switch e.Side() {
		case hft.Buy:
			_, _, _ = a.byOrder.AddBuyOrder(e.OrderID, e.Px, e.Qty, e.LocalTimestampNs)
		case hft.Sell:
			_, _, _ = a.byOrder.AddSellOrder(e.OrderID, e.Px, e.Qty, e.LocalTimestampNs)
		}
	case hft.ModifyOrderEvent:
		_, _, _, _ = a.byOrder.ModifyOrder(e.OrderID, e.Px, e.Qty, e.LocalTimestampNs)
	case hft.CancelOrderEvent:
		_, _, _, _ = a.byOrder.DeleteOrder(e.OrderID, e.LocalTimestampNs)
	case hft.DepthClearEvent:
		a.byOrder.ClearOrders(e.Side())
	}
}

// buildL3 makes the exchange over a book by order.
func (a *AssetBuilder) buildL3(made *asset, localBook, exchBook depth.Book, cfg exchange.Config) error {
	byOrder, err := exchange.NewL3(exchange.L3Config{AssetNo: cfg.AssetNo, Book: exchBook, Asset: cfg.Asset,
		Fee: cfg.Fee, Responder: cfg.Responder, Compat: cfg.Compat})
	if err != nil {
		return err
	}
	made.byOrder, made.exchange = localBook, byOrder
	return nil
}
