// Command quits is a plugin that ends its process from within Run, after some feed events.
package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"hftrunner/hft"
	"hftrunner/pluginapi"
)

type params struct {
	AfterEvents int `hcl:"after_events" default:"5" min:"0" doc:"feed events before it quits"`
	Code        int `hcl:"code" default:"3" min:"0" max:"125" doc:"what the process exits with"`
}

type strategy struct{ p params }

// Run never returns.
func (s strategy) Run(_ context.Context, bot hft.Bot) error {
	for range s.p.AfterEvents {
		result, err := bot.WaitNextFeed(false, time.Minute)
		if err != nil || result == hft.ElapseEndOfData {
			return err
		}
	}
	// Not through os.Stderr, which goes through the control plane and does not come through any more.
	_, _ = syscall.Write(2, []byte(fmt.Sprintf("quits: that is enough, with %d\n", s.p.Code)))
	os.Exit(s.p.Code)
	return nil
}

func main() {
	pluginapi.Serve(pluginapi.Plugin[params]{
		Name: "quits", Version: "1.0.0", Doc: "Ends its process after some feed events.",
		New: func(p params) (pluginapi.Strategy, error) { return strategy{p}, nil },
	})
}
