package main

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// churnParams are the parameters of a plugin that writes down what it begins with, and trades at random when it is
// told to.
type churnParams struct {
	Name string  `hcl:"name" doc:"of its files"`
	Qty  float64 `hcl:"qty" doc:"quantity of an order"`
	Seed int     `hcl:"seed" doc:"of what it does"`
	Buys bool    `hcl:"buys" default:"false" doc:"never sell"`
}

// begins holds what a strategy has before its first event.
type begins struct {
	State  hft.StateValues
	Orders []hft.Order
}

type churn struct{ p churnParams }

// Run writes NAME.json and trades when the file "go" is there.
func (c churn) Run(_ context.Context, bot hft.Bot) error {
	var all []begins
	last := uint64(0)
	for asset := range bot.NumAssets() {
		b := begins{State: bot.StateValues(asset)}
		for o := range bot.Orders(asset).All() {
			b.Orders = append(b.Orders, *o)
			last = max(last, o.OrderID)
		}
		all = append(all, b)
	}
	text, err := json.Marshal(all)
	if err == nil {
		err = os.WriteFile(c.p.Name+".new", text, 0o600)
	}
	if err := errors.Join(err, os.Rename(c.p.Name+".new", c.p.Name+".json")); err != nil {
		return err
	}
	for {
		if _, err := os.Stat("go"); err == nil {
			break
		}
		if _, err := bot.Elapse(5 * time.Millisecond); err != nil {
			return err
		}
	}
	random := rand.New(rand.NewPCG(uint64(c.p.Seed), uint64(bot.CurrentTimestampNs())))
	for id := last + 1; ; id++ {
		if _, err := bot.Elapse(time.Duration(1+random.IntN(15)) * time.Millisecond); err != nil {
			return err
		}
		asset := random.IntN(bot.NumAssets())
		if err := c.step(bot, random, asset, id); err != nil {
			return err
		}
	}
}

// step sends one request.
func (c churn) step(bot hft.Bot, random *rand.Rand, asset int, id uint64) error {
	bot.ClearInactiveOrders(asset)
	book := bot.Depth(asset)
	if book.BestBidTick() == hft.InvalidMin || book.BestAskTick() == hft.InvalidMax {
		return nil
	}
	var open []uint64
	for o := range bot.Orders(asset).All() {
		if o.Cancellable() {
			open = append(open, o.OrderID)
		}
	}
	slices.Sort(open)
	price := func(side hft.Side) float64 {
		tick := book.BestBidTick() + random.Int64N(3) - 1
		if side == hft.Sell {
			tick = book.BestAskTick() - random.Int64N(3) + 1
		}
		if random.IntN(4) == 0 {
			tick += int64(side) * 30 // takes
		}
		return hft.TickPrice(tick, book.TickSize())
	}
	side := hft.Buy
	if random.IntN(2) == 0 && !c.p.Buys {
		side = hft.Sell
	}
	qty := c.p.Qty * float64(1+random.IntN(4))
	var err error
	switch what := random.IntN(6); {
	case len(open) > 0 && (what == 0 || len(open) > 6):
		_, err = bot.Cancel(asset, open[random.IntN(len(open))], false)
	case len(open) > 0 && what == 1:
		of := open[random.IntN(len(open))]
		_, err = bot.Modify(asset, of, price(bot.Orders(asset).Get(of).Side), qty, false)
	default:
		_, err = bot.SubmitOrder(asset, hft.OrderRequest{OrderID: id, Price: price(side), Qty: qty, Side: side,
			TimeInForce: hft.GTC, OrdType: hft.Limit}, false)
	}
	if hft.Ended(err) {
		return err
	}
	return nil
}

func serveChurn() {
	pluginapi.Serve(pluginapi.Plugin[churnParams]{Name: "churn", Version: "1.0.0", Doc: "trades at random",
		New: func(p churnParams) (pluginapi.Strategy, error) { return churn{p}, nil }})
}
