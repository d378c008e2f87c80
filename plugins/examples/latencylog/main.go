// Command latencylog is a strategy plugin that measures instead of trading: it logs how old market data is when it
// arrives and how long orders take. It shows the order hook, the error handler and the logger.
//
// To have orders to measure it keeps sending one far below the market and cancels it when it is there. The order is
// post only and is meant never to fill; it needs the margin of one order all the same. With a journal what is measured
// live becomes the latency model of a backtest.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// Params are what the params block of a strategy may set.
type Params struct {
	Interval time.Duration `hcl:"interval" default:"1s" min:"10ms" doc:"time between two measurements"`
	Distance float64       `hcl:"distance" default:"0.01" min:"0.001" max:"0.5" doc:"how far below the best bid the order is placed, as a share of the price"`
	OrderQty float64       `hcl:"order_qty" min:"0" doc:"quantity of the order"`
	Journal  string        `hcl:"journal" default:"" doc:"file to append a line of JSON to for each answered request, for runner convert latency; none when empty"`
}

// responseTimeout is how long an answer is waited for. What comes later is still logged by the hook.
const responseTimeout = 5 * time.Second

type latencyLog struct {
	p       Params
	log     *slog.Logger
	journal *journal // nil for none
	// nextID is the id of the next order. It begins with the time of the start, so that a restarted process does not
	// meet the ids of the one before.
	nextID uint64
	// last are the latencies that were logged last, by instrument, so that nothing is logged twice.
	last map[int][3]int64
}

// The optional methods of a strategy are found by their signature alone. These lines make a misspelled one an error of
// the compiler.
var (
	_ pluginapi.OrderHook    = (*latencyLog)(nil)
	_ pluginapi.ErrorHandler = (*latencyLog)(nil)
)

func newLatencyLog(p Params, log *slog.Logger) (*latencyLog, error) {
	if p.OrderQty == 0 {
		return nil, errors.New("order_qty is 0: must be the quantity of an order that the venue accepts")
	}
	return &latencyLog{p: p, log: log, last: map[int][3]int64{}}, nil
}

// Run measures each instrument in turn.
func (l *latencyLog) Run(_ context.Context, bot hft.Bot) (err error) {
	if l.journal, err = openJournal(l.p.Journal); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.journal.close()) }()
	l.nextID = uint64(bot.CurrentTimestampNs())
	for {
		if _, err := bot.Elapse(l.p.Interval); err != nil {
			return err
		}
		for asset := range bot.NumAssets() {
			l.logFeed(bot, asset)
			if err := l.probe(bot, asset); err != nil {
				return err
			}
		}
		bot.ClearInactiveOrders(hft.AllAssets)
	}
}

// logFeed logs how old the newest market event was when it was received. Clocks of two machines never agree exactly, so
// a negative value is no bug of this program but a difference of the clocks.
func (l *latencyLog) logFeed(bot hft.Bot, asset int) {
	exchTimestampNs, localTimestampNs, ok := bot.FeedLatency(asset)
	if !ok {
		return // nothing received yet
	}
	l.log.Info("feed", "asset", asset, "latency", text(localTimestampNs-exchTimestampNs))
}

// probe sends an order, waits for the answer, cancels the order and waits again.
func (l *latencyLog) probe(bot hft.Bot, asset int) error {
	book := bot.Depth(asset)
	bid := book.BestBid()
	if math.IsNaN(bid) {
		return nil // no book, no price
	}
	tick := hft.PriceTick(bid*(1-l.p.Distance), book.TickSize())
	if tick <= 0 {
		return nil
	}
	id := l.nextID
	l.nextID++
	if _, err := bot.SubmitBuyOrder(asset, id, hft.TickPrice(tick, book.TickSize()), l.p.OrderQty, hft.GTX, hft.Limit,
		false); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if err := l.await(bot, asset, id, "new"); err != nil {
		return err
	}
	// The order may be gone already, for example because it was refused.
	if order := bot.Orders(asset).Get(id); order == nil || !order.Cancellable() {
		return nil
	}
	if _, err := bot.Cancel(asset, id, false); err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	return l.await(bot, asset, id, "cancel")
}

// await waits for the answer to a request that was just sent, and logs the way of the request to the exchange and of
// its answer back.
func (l *latencyLog) await(bot hft.Bot, asset int, orderID uint64, request string) error {
	sentNs := bot.CurrentTimestampNs()
	result, err := bot.WaitOrderResponse(asset, orderID, responseTimeout)
	if err != nil || result != hft.ElapseOrderResponse {
		return err
	}
	req, exch, resp, ok := bot.OrderLatency(asset)
	if latest := [3]int64{req, exch, resp}; ok && l.last[asset] != latest {
		l.last[asset] = latest
		l.log.Info("order", "asset", asset, "request", request,
			"entry", text(exch-req), "response", text(resp-exch), "round_trip", text(resp-req))
	} else {
		// Nothing new is known of the exchange, so the request has not come that far.
		req, exch, resp = sentNs, 0, bot.CurrentTimestampNs()
		l.log.Info("refused", "asset", asset, "request", request, "round_trip", text(resp-req))
	}
	return l.journal.add(journalLine{req, exch, resp, asset, request})
}

// text writes a duration for people. Log entries travel to the host as JSON, where a duration would become a number.
func text(ns int64) string { return time.Duration(ns).String() }

// OnOrder is the order hook: it sees every report before the bot applies it. prev is nil for an order that this process
// does not know, such as one of the process before.
func (l *latencyLog) OnOrder(prev, next *hft.Order) error {
	from := hft.StatusNone
	if prev != nil {
		from = prev.Status
	}
	l.log.Debug("report", "order", next.OrderID, "from", from.String(), "to", next.Status.String(), "leaves",
		next.LeavesQty)
	if next.Status == hft.StatusFilled || next.Status == hft.StatusPartiallyFilled {
		l.log.Warn("an order that was not meant to fill was filled", "order", next.OrderID, "qty", next.ExecQty,
			"price", next.ExecPrice())
	}
	return nil
}

// OnError is the error handler. Returning the error would end the waiting call, and with it Run; a measurement goes on.
func (l *latencyLog) OnError(e hft.LiveError) error {
	if e.Kind == hft.CustomKind && e.Code == hft.CodeFeedLost {
		l.log.Warn("too slow: feed events were lost, the books are being rebuilt", "error", e.Error())
		return nil
	}
	l.log.Warn("error event", "error", e.Error())
	return nil
}

func main() {
	pluginapi.Serve(plugin())
}

// plugin describes the strategy to the host.
func plugin() pluginapi.Plugin[Params] {
	return pluginapi.Plugin[Params]{Name: "latencylog", Version: "1.0.0",
		Doc: "logs the latencies of market data and orders without meaning to trade",
		New: func(p Params) (pluginapi.Strategy, error) { return newLatencyLog(p, pluginapi.Logger()) }}
}
