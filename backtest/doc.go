// Package backtest runs a strategy over recorded data: hft.Bot over the simulated exchange of package sim.
package backtest
