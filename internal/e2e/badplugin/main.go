// Command badplugin is a strategy plugin that misbehaves, for the tests of the host and of the control plane. How it
// does is the name it is started under, so that each is a plugin of its own to a host:
//
//   - exits ends before the handshake
//   - printsearly prints to standard output before the handshake
//   - failsconfig refuses every configuration
//   - prints prints to standard output while it runs
//   - panics panics after some feed events, in Run or in a goroutine of its own
//   - quits ends its process after some feed events
//   - hangs stops calling its bot after some feed events
//   - slowstop does not return when it is told to stop
//   - closes closes its bot itself, which it may
//   - garbage overwrites the shared memory it can write to
//
// All but exits, printsearly and garbage misbehave in a backtest as they do live.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "exits":
		fmt.Fprintln(os.Stderr, "exits: I never wanted to be a plugin")
		os.Exit(3)
	case "printsearly":
		fmt.Println("printsearly: loading my model")
		serve(name, prints)
	case "failsconfig":
		serve(name, failsConfig)
	case "prints":
		serve(name, prints)
	case "panics":
		serve(name, panics)
	case "quits":
		serve(name, quits)
	case "hangs":
		serve(name, hangs)
	case "slowstop":
		serve(name, slowStop)
	case "closes":
		serve(name, closes)
	case "garbage":
		serve(name, garbage)
	default:
		fmt.Fprintf(os.Stderr, "badplugin: %q is not a known behaviour: see the command's documentation\n", name)
		os.Exit(2)
	}
}

// serve hosts the strategy named like the program.
func serve[P any](name string, newRun func(P) (run, error)) {
	pluginapi.Serve(pluginapi.Plugin[P]{
		Name: name, Version: "1.0.0", Doc: "Misbehaves: " + name + ".",
		New: func(p P) (pluginapi.Strategy, error) { return newRun(p) },
	})
}

// run is a strategy that is no more than its Run.
type run func(context.Context, hft.Bot) error

// Run calls r.
func (r run) Run(ctx context.Context, bot hft.Bot) error { return r(ctx, bot) }

// skip lets n feed events pass. It returns false when there are no more of them.
func skip(bot hft.Bot, n int) (bool, error) {
	for range n {
		if _, err := bot.WaitNextFeed(false, time.Minute); err != nil {
			return false, err
		}
	}
	return true, nil
}
