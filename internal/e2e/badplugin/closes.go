package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

type closesParams struct {
	AfterEvents int  `hcl:"after_events" default:"5" min:"0" doc:"feed events before it returns or, with goroutine, is closed; 0 for never"`
	Goroutine   bool `hcl:"goroutine" default:"false" doc:"close from a goroutine of its own, while Run waits"`
}

// closes closes its bot when it returns, as a program that has made its bot does.
func closes(p closesParams) (run, error) {
	return func(_ context.Context, bot hft.Bot) (err error) {
		defer func() { err = errors.Join(err, bot.Close(), uselessAfterwards(bot)) }()
		for n := 1; ; n++ {
			if _, err := bot.WaitNextFeed(true, time.Minute); err != nil && !errors.Is(err, hft.ErrEndOfData) {
				return err
			} else if err != nil {
				return nil // else nobody would hear of what is joined to it
			}
			if n != p.AfterEvents {
				continue
			}
			if !p.Goroutine {
				return nil
			}
			go func() { _ = bot.Close() }()
		}
	}, nil
}

// uselessAfterwards returns what is wrong with a closed bot.
func uselessAfterwards(bot hft.Bot) error {
	if _, err := bot.Elapse(time.Second); !errors.Is(err, hft.ErrInterrupted) {
		return fmt.Errorf("closes: Elapse of a closed bot returns %w", err)
	}
	if _, err := bot.SubmitBuyOrder(0, 1, 100, 1, hft.GTC, hft.Limit, false); !errors.Is(err, hft.ErrInterrupted) {
		return fmt.Errorf("closes: SubmitBuyOrder of a closed bot returns %w", err)
	}
	bot.Position(0)
	bot.Depth(0).BestBid()
	return nil
}
