// Package local is what a bot keeps of its orders on one instrument, and the rules by which requests and reports change
// it. The live bot and the backtest share it, so that both give a strategy the same return codes and order states
// (docs/bot-contract.md).
//
// An Asset belongs to its bot and is used by the bot's goroutine only. It copies every order it is given; what it hands
// out stays its own and is valid until the next call. Its memory is reused: a steady flow of orders allocates nothing.
// It has no limit of its own, waits for nothing and cannot fail but by the errors of hft that a Bot returns.
package local
