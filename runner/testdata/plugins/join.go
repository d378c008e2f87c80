package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// joinParams are the parameters of the plugin that the scripts use.
type joinParams struct {
	OrderQty float64       `hcl:"order_qty" min:"0" doc:"quantity of each order"`
	Interval time.Duration `hcl:"interval" default:"50ms" min:"1ms" doc:"time between two looks at the market"`
	Refuse   bool          `hcl:"refuse" default:"false" doc:"refuse to start"`
	Note     string        `hcl:"note" default:"" doc:"something of no effect"`
}

// panicParams say how the other plugin of the scripts ends.
type panicParams struct {
	Goroutine bool `hcl:"goroutine" default:"false" doc:"panic in another goroutine, which ends the process"`
}

type panics struct{ p panicParams }

func (s panics) Run(_ context.Context, bot hft.Bot) error {
	if _, err := bot.Elapse(time.Second); err != nil {
		return err
	}
	if s.p.Goroutine {
		go panic("panics: in a goroutine")
		select {}
	}
	panic("panics: as configured")
}

func servePanics() {
	pluginapi.Serve(pluginapi.Plugin[panicParams]{Name: "panics", Version: "1.0.0", Doc: "panics after a second",
		New: func(p panicParams) (pluginapi.Strategy, error) { return panics{p}, nil }})
}

// join buys and sells one order at the best prices, again and again.
type join struct{ p joinParams }

func (j join) Run(_ context.Context, bot hft.Bot) error {
	id := uint64(1)
	for o := range bot.Orders(0).All() { // of the process before
		id = max(id, o.OrderID+1)
	}
	for ; ; id += 2 {
		if _, err := bot.Elapse(j.p.Interval); err != nil {
			return err
		}
		for o := range bot.Orders(0).All() {
			if o.Cancellable() {
				if _, err := bot.Cancel(0, o.OrderID, false); err != nil {
					return fmt.Errorf("cancel: %w", err)
				}
			}
		}
		bot.ClearInactiveOrders(0)
		book := bot.Depth(0)
		if book.BestBidTick() == hft.InvalidMin || book.BestAskTick() == hft.InvalidMax {
			continue
		}
		if _, err := bot.SubmitBuyOrder(0, id, book.BestBid(), j.p.OrderQty, hft.GTC, hft.Limit, false); err != nil {
			return fmt.Errorf("buy: %w", err)
		}
		if _, err := bot.SubmitSellOrder(0, id+1, book.BestAsk(), j.p.OrderQty, hft.GTC, hft.Limit, false); err != nil {
			return fmt.Errorf("sell: %w", err)
		}
	}
}

func serveJoin() {
	pluginapi.Serve(pluginapi.Plugin[joinParams]{Name: "join", Version: "0.9.0", Doc: "joins the best prices",
		New: func(p joinParams) (pluginapi.Strategy, error) {
			if p.Refuse {
				return nil, errors.New("told to refuse")
			}
			return join{p}, nil
		}})
}
