// Package market is the matching engine of the loopback exchange: books of several symbols, accounts with balances and
// positions, and the life of an order, as the venues have them in common. It speaks no protocol.
//
// # The book
//
// A level holds the quantity of others and a queue of the accounts' own orders. The quantity of others is set by
// batches of market data, recorded or synthetic; orders of accounts are matched against it and against each other by
// price and then time. An own order remembers how much of others stands before it: their trades at its price reach it
// when that is used up, and at worse prices at once. When others quote through an own order, it is filled at its price.
//
// Prices are counted in ticks, quantities in lots, amounts of money in units of 1e-8, all as int64: nothing is rounded
// but fees. The steps of a symbol convert from and to text.
//
// # What comes out
//
// Each change is an Event: a level, a trade, an order with its execution, an account. Drain hands them out in the order
// in which they happened. Update ids of a book ascend with each change of a level, with gaps as at the venues.
//
// # Memory and goroutines
//
// One goroutine uses a Market, or several under one lock. Everything returned is a copy, except the slice of Drain,
// which is valid until the next Drain. Time is what the caller says; the same calls give the same events. Finished
// orders and executions are kept up to Config.HistorySize of each and then forgotten, the oldest first.
package market
