// Command runner is hftrunner with one venue more, which is in this module.
package main

import (
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/runner"
)

func main() { runner.Main(binance.Spot(), loopback()) }
