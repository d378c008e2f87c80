// Package risk has the limits that an order must pass before it is sent, live, on paper and in backtests. They stand at four
// levels: an instrument of a strategy, a strategy, a connector (the account), and the runner (all together). Those of one order
// and of a position hold for every single instrument within their level, those of open orders and rates for the level as a
// whole. The strictest wins.
package risk
