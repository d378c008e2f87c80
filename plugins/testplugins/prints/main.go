// Command prints is a plugin that prints to standard output while it runs, through os.Stdout and past it.
package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"hftrunner/hft"
	"hftrunner/pluginapi"
)

type strategy struct{}

// Run prints two lines with every feed event.
func (strategy) Run(_ context.Context, bot hft.Bot) error {
	for {
		result, err := bot.WaitNextFeed(false, time.Minute)
		if err != nil || result == hft.ElapseEndOfData {
			return err
		}
		fmt.Println("prints: best bid", bot.Depth(0).BestBid())
		if _, err := syscall.Write(1, []byte("prints: past os.Stdout\n")); err != nil {
			return fmt.Errorf("write to descriptor 1: %w", err)
		}
	}
}

func main() {
	pluginapi.Serve(pluginapi.Plugin[struct{}]{
		Name: "prints", Version: "1.0.0", Doc: "Prints while it runs.",
		New: func(struct{}) (pluginapi.Strategy, error) { return strategy{}, nil },
	})
}
