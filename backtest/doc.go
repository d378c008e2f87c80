// Package backtest runs a strategy over recorded rows: hft.Bot over a simulated exchange made of the models of package
// sim, with order and feed latency, in the time of the data. It is the engine of hftbacktest in Go.
//
// A Builder takes an AssetBuilder for each instrument and builds a Backtest, which is the hft.Bot that a strategy runs
// with. FromSpec makes the Builder of a description in plain data, which is what `runner backtest` sends to the
// strategy's process. An Observer sees every order, execution and sample; Recorder keeps samples where a strategy takes
// them itself. Finish sums up. Packages beside it convert recordings (convert), look at data before it is used (check),
// read and write files (npy), compute statistics (stats) and draw (report).
//
// # Two modes
//
// In the default mode, sim.Fixed, a strategy meets the same return codes and order states as live
// (docs/bot-contract.md, package local). In mode sim.Hftbacktest the engine gives the reference's results byte for
// byte, quirks included; only rows out of order are refused in both, unless they are allowed.
//
// # Time
//
// Each asset has rows for the bot and for the exchange, by their flags LOCAL and EXCH, requests under way and responses
// under way. What comes first in time happens first; at one time and for each asset in turn a row reaches the bot, then
// a response does, then a row reaches the exchange, then a request does. Nothing is random and no clock is read: the
// same data, models and calls give the same results, however an elapse is cut into pieces.
//
// # Memory and goroutines
//
// Data is read in the background, one goroutine an asset, in blocks of 1 MiB: memory is bounded by how far the rows of
// the bot lag behind those of the exchange, not by the length of the data. Rows in memory are used where they are. One
// goroutine uses a Backtest; Interrupt and Progress may be called from any. Rows and orders allocate nothing once the
// books and pools have grown. What an Observer is handed is valid during the call.
//
// # When something is wrong
//
// Data that cannot be read is an error of the call that needed it, hft.ErrData with file and row; everything before it
// has happened. After the end of the data every waiting call returns hft.ErrEndOfData, after Interrupt
// hft.ErrInterrupted, after Close hft.ErrInterrupted too. Close stops the reading and has to be called.
package backtest
