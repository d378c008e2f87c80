// Command slowstop is a plugin that trades as others do but does not return when it is told to stop.
package main

import (
	"context"
	"time"

	"hftrunner/hft"
	"hftrunner/pluginapi"
)

type params struct {
	Hold time.Duration `hcl:"hold" default:"1h" min:"0s" doc:"how long it stays after it was told to stop"`
}

type strategy struct{ p params }

// Run ignores ctx, and the interruption for as long as configured.
func (s strategy) Run(_ context.Context, bot hft.Bot) error {
	pluginapi.Logger().Info("running from now on")
	for {
		result, err := bot.WaitNextFeed(true, time.Minute)
		if err == nil && result != hft.ElapseEndOfData {
			continue
		}
		time.Sleep(s.p.Hold)
		return err
	}
}

func main() {
	pluginapi.Serve(pluginapi.Plugin[params]{
		Name: "slowstop", Version: "1.0.0", Doc: "Does not return when it is told to stop.",
		New: func(p params) (pluginapi.Strategy, error) { return strategy{p}, nil },
	})
}
