// Command panics is a plugin that panics after some feed events.
package main

import (
	"context"
	"time"

	"hftrunner/hft"
	"hftrunner/pluginapi"
)

type params struct {
	AfterEvents int  `hcl:"after_events" default:"5" min:"0" doc:"feed events before the panic"`
	Goroutine   bool `hcl:"goroutine" default:"false" doc:"panic in another goroutine, which ends the process"`
}

type strategy struct{ p params }

// Run panics.
func (s strategy) Run(_ context.Context, bot hft.Bot) error {
	for range s.p.AfterEvents {
		result, err := bot.WaitNextFeed(false, time.Minute)
		if err != nil || result == hft.ElapseEndOfData {
			return err
		}
	}
	if s.p.Goroutine {
		go panic("panics: in a goroutine, as configured")
		select {}
	}
	panic("panics: as configured")
}

func main() {
	pluginapi.Serve(pluginapi.Plugin[params]{
		Name: "panics", Version: "1.0.0", Doc: "Panics after some feed events.",
		New: func(p params) (pluginapi.Strategy, error) { return strategy{p}, nil },
	})
}
