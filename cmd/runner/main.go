// Command runner hosts trading strategies: it reads a configuration, connects the markets in it, runs each strategy in
// a process of its own, and talks to a runner that is already there.
package main

import (
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/runner"
)

func main() { runner.Main(binance.Futures(), binance.Spot(), bybit.Kind()) }
