package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// rememberer counts its processes: its state is the number of those that have saved one. The file "crash" makes it
// fail, "refuse" makes it refuse a state. It writes what it has begun with to the file "began".
type rememberer struct{ state string }

func (r *rememberer) RestoreState(b []byte) error {
	if _, err := os.Stat("refuse"); err == nil {
		return errors.New("a state from another world")
	}
	r.state = string(b)
	return nil
}

func (r *rememberer) SaveState() ([]byte, error) { return []byte(r.state + "+"), nil }

func (r *rememberer) Run(_ context.Context, bot hft.Bot) error {
	if _, err := os.Stat("crash"); err == nil {
		return errors.New("it cannot go on")
	}
	text := fmt.Sprintf("[%s] of process %d", r.state, os.Getpid())
	if err := errors.Join(os.WriteFile("began.new", []byte(text), 0o600), os.Rename("began.new", "began")); err != nil {
		return err
	}
	for {
		if _, err := bot.Elapse(5 * time.Millisecond); err != nil {
			return err
		}
	}
}

func serveRememberer() {
	pluginapi.Serve(pluginapi.Plugin[struct{}]{Name: "rememberer", Version: "1.0.0", Doc: "counts its processes",
		New: func(struct{}) (pluginapi.Strategy, error) { return &rememberer{}, nil }})
}
