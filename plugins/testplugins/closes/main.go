// Command closes is a plugin that closes its bot itself, as a program that has made its bot does.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hftrunner/hft"
	"hftrunner/pluginapi"
)

type params struct {
	AfterEvents int  `hcl:"after_events" default:"5" min:"0" doc:"feed events before it returns or, with goroutine, is closed; 0 for never"`
	Goroutine   bool `hcl:"goroutine" default:"false" doc:"close from a goroutine of its own, while Run waits"`
}

type strategy struct{ p params }

// Run closes the bot when it returns.
func (s strategy) Run(_ context.Context, bot hft.Bot) (err error) {
	defer func() {
		err = errors.Join(err, bot.Close(), uselessAfterwards(bot))
	}()
	for n := 1; ; n++ {
		result, err := bot.WaitNextFeed(true, time.Minute)
		if err != nil || result == hft.ElapseEndOfData {
			return err
		}
		if n != s.p.AfterEvents {
			continue
		}
		if !s.p.Goroutine {
			return nil
		}
		go func() { _ = bot.Close() }()
	}
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

func main() {
	pluginapi.Serve(pluginapi.Plugin[params]{
		Name: "closes", Version: "1.0.0", Doc: "Closes its bot itself.",
		New: func(p params) (pluginapi.Strategy, error) { return strategy{p}, nil },
	})
}
