package main

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// ladderParams are the parameters of a plugin that leaves orders lying.
type ladderParams struct {
	Orders   int     `hcl:"orders" min:"0" doc:"orders to place, far below the market"`
	OrderQty float64 `hcl:"order_qty" min:"0" default:"0.01" doc:"quantity of each order"`
	Hang     bool    `hcl:"hang" default:"false" doc:"do not return when told to, and have a child with a session and an environment of its own"`
	Child    bool    `hcl:"child" default:"false" doc:"have such a child"`
	PanicAt  string  `hcl:"panic_at" default:"" doc:"panic after this time"`
}

// ladder places orders far below the market and leaves them there.
type ladder struct {
	p    ladderParams
	last uint64 // order id
}

func (l *ladder) Run(_ context.Context, bot hft.Bot) error {
	ended := func(_ hft.ElapseResult, err error) bool { return hft.Ended(err) }
	if l.p.Hang || l.p.Child {
		child := exec.Command("sleep", "1000")
		child.SysProcAttr, child.Env = &syscall.SysProcAttr{Setsid: true}, []string{}
		if err := child.Start(); err != nil {
			return err
		}
	}
	panicAt := int64(1<<63 - 1)
	if d, err := time.ParseDuration(l.p.PanicAt); err == nil {
		panicAt = bot.CurrentTimestampNs() + int64(d)
	}
	for {
		result, err := bot.Elapse(20 * time.Millisecond)
		switch {
		case bot.CurrentTimestampNs() >= panicAt:
			panic("ladder: as configured")
		case ended(result, err) && l.p.Hang:
			select {}
		case ended(result, err):
			return nil
		case err != nil:
			return err
		}
		if err := l.fill(bot); err != nil {
			return err
		}
	}
}

// fill places what is missing of the orders.
func (l *ladder) fill(bot hft.Bot) error {
	bot.ClearInactiveOrders(0)
	book := bot.Depth(0)
	if book.BestBidTick() == hft.InvalidMin || book.BestAskTick() == hft.InvalidMax {
		return nil
	}
	open, unanswered := bot.Orders(0).Len(), 0
	for o := range bot.Orders(0).All() {
		if l.last = max(l.last, o.OrderID); o.Req == hft.StatusNew {
			unanswered++
		}
	}
	for ; open < l.p.Orders && unanswered < 1000; open, unanswered = open+1, unanswered+1 { // more at once may be refused
		price := hft.TickPrice(book.BestBidTick()*97/100-int64(open%1000), book.TickSize())
		_, err := bot.SubmitBuyOrder(0, l.last+1, price, l.p.OrderQty, hft.GTC, hft.Limit, false)
		if errors.Is(err, hft.ErrRequestQueueFull) {
			break
		}
		if err != nil {
			return err
		}
		l.last++
	}
	return nil
}

func serveLadder() {
	pluginapi.Serve(pluginapi.Plugin[ladderParams]{Name: "ladder", Version: "1.0.0", Doc: "leaves orders lying",
		New: func(p ladderParams) (pluginapi.Strategy, error) { return &ladder{p: p}, nil }})
}
