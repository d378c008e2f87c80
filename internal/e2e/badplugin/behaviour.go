package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

type failsConfigParams struct {
	Qty float64 `hcl:"qty" default:"1" min:"0" doc:"any is refused"`
}

// failsConfig refuses every configuration.
func failsConfig(failsConfigParams) (run, error) {
	return nil, errors.New("failsconfig: nothing is good enough")
}

// prints prints two lines with every feed event, through os.Stdout and past it.
func prints(struct{}) (run, error) {
	return func(_ context.Context, bot hft.Bot) error {
		for {
			if more, err := skip(bot, 1); !more {
				return err
			}
			fmt.Println("prints: best bid", bot.Depth(0).BestBid())
			if _, err := syscall.Write(1, []byte("prints: past os.Stdout\n")); err != nil {
				return fmt.Errorf("write to descriptor 1: %w", err)
			}
		}
	}, nil
}

type panicsParams struct {
	AfterEvents int  `hcl:"after_events" default:"5" min:"0" doc:"feed events before the panic"`
	Goroutine   bool `hcl:"goroutine" default:"false" doc:"panic in another goroutine, which ends the process"`
}

func panics(p panicsParams) (run, error) {
	return func(_ context.Context, bot hft.Bot) error {
		if more, err := skip(bot, p.AfterEvents); !more {
			return err
		}
		if p.Goroutine {
			go panic("panics: in a goroutine, as configured")
			select {}
		}
		panic("panics: as configured")
	}, nil
}

type quitsParams struct {
	AfterEvents int `hcl:"after_events" default:"5" min:"0" doc:"feed events before it quits"`
	Code        int `hcl:"code" default:"3" min:"0" max:"125" doc:"what the process exits with"`
}

func quits(p quitsParams) (run, error) {
	return func(_ context.Context, bot hft.Bot) error {
		if more, err := skip(bot, p.AfterEvents); !more {
			return err
		}
		// Not through os.Stderr, which goes through the control plane and does not come through any more.
		_, _ = syscall.Write(2, fmt.Appendf(nil, "quits: that is enough, with %d\n", p.Code))
		os.Exit(p.Code)
		return nil
	}, nil
}

type hangsParams struct {
	AfterEvents int `hcl:"after_events" default:"5" min:"0" doc:"feed events before it hangs"`
}

// hangs does not return once it hangs, whatever it receives.
func hangs(p hangsParams) (run, error) {
	return func(_ context.Context, bot hft.Bot) error {
		if more, err := skip(bot, p.AfterEvents); !more {
			return err
		}
		pluginapi.Logger().Info("hanging from now on")
		select {}
	}, nil
}

type slowStopParams struct {
	Hold time.Duration `hcl:"hold" default:"1h" min:"0s" doc:"how long it stays after it was told to stop"`
}

// slowStop ignores ctx, and the interruption for as long as configured.
func slowStop(p slowStopParams) (run, error) {
	return func(_ context.Context, bot hft.Bot) error {
		pluginapi.Logger().Info("running from now on")
		for {
			if _, err := bot.WaitNextFeed(true, time.Minute); err != nil {
				time.Sleep(p.Hold)
				return err
			}
		}
	}, nil
}
