// Command hangs is a plugin that stops calling its bot after some feed events and never returns.
package main

import (
	"context"
	"time"

	"hftrunner/hft"
	"hftrunner/pluginapi"
)

type params struct {
	AfterEvents int `hcl:"after_events" default:"5" min:"0" doc:"feed events before it hangs"`
}

type strategy struct{ p params }

// Run does not return once it hangs, whatever it is told.
func (s strategy) Run(_ context.Context, bot hft.Bot) error {
	for range s.p.AfterEvents {
		result, err := bot.WaitNextFeed(false, time.Minute)
		if err != nil || result == hft.ElapseEndOfData {
			return err
		}
	}
	pluginapi.Logger().Info("hanging from now on")
	select {}
}

func main() {
	pluginapi.Serve(pluginapi.Plugin[params]{
		Name: "hangs", Version: "1.0.0", Doc: "Stops calling its bot after some feed events.",
		New: func(p params) (pluginapi.Strategy, error) { return strategy{p}, nil },
	})
}
