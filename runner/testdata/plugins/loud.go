package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// loud trades as join does, writes all the time, and sends orders that the host refuses.
type loud struct{ join }

func serveLoud() {
	pluginapi.Serve(pluginapi.Plugin[joinParams]{Name: "loud", Version: "0.9.0", Doc: "joins the best prices, loudly",
		New: func(p joinParams) (pluginapi.Strategy, error) { return loud{join{p}}, nil }})
}

func (l loud) Run(ctx context.Context, bot hft.Bot) error {
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			slog.Debug("chatter", "i", i, "more", strings.Repeat("x", 200))
			time.Sleep(20 * time.Microsecond)
		}
	}()
	return l.join.Run(ctx, &refusedToo{Bot: bot})
}

// refusedToo sends an order beside each look at the market that the venue refuses: nobody has that much money.
type refusedToo struct {
	hft.Bot
	id uint64
}

func (b *refusedToo) Elapse(d time.Duration) (hft.ElapseResult, error) {
	if book := b.Depth(0); book.BestBidTick() != hft.InvalidMin {
		b.id++
		if _, err := b.SubmitBuyOrder(0, 1<<40+b.id, book.BestBid(), 900, hft.GTC, hft.Limit, false); err != nil {
			return 0, fmt.Errorf("too large: %w", err)
		}
	}
	return b.Bot.Elapse(d)
}
