// Command printsearly is a plugin that prints to standard output before the handshake.
package main

import (
	"context"
	"fmt"

	"hftrunner/hft"
	"hftrunner/pluginapi"
)

type strategy struct{}

// Run is never reached.
func (strategy) Run(context.Context, hft.Bot) error { return nil }

func main() {
	fmt.Println("printsearly: loading my model")
	pluginapi.Serve(pluginapi.Plugin[struct{}]{
		Name: "printsearly", Version: "1.0.0", Doc: "Prints before the handshake.",
		New: func(struct{}) (pluginapi.Strategy, error) { return strategy{}, nil },
	})
}
