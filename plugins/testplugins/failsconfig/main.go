// Command failsconfig is a plugin whose New refuses every configuration.
package main

import (
	"errors"

	"hftrunner/pluginapi"
)

type params struct {
	Qty float64 `hcl:"qty" default:"1" min:"0" doc:"any is refused"`
}

func main() {
	pluginapi.Serve(pluginapi.Plugin[params]{
		Name: "failsconfig", Version: "1.0.0", Doc: "Refuses every configuration.",
		New: func(params) (pluginapi.Strategy, error) {
			return nil, errors.New("failsconfig: nothing is good enough")
		},
	})
}
