package binancefutures

import (
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// causeOf is the venue's table of error codes. Codes that are not in it, nor in the one that the Binance venues share,
// are told by the HTTP status: what is the caller's fault was not executed.
func causeOf(code int, _ string) (cause protocol.Cause, ok bool) {
	switch code {
	case -5022: // post only and it would take
		return protocol.WouldTake, true
	case -5021, -2020: // fill or kill that cannot be filled, unable to fill
		return protocol.Unfilled, true
	case -4116:
		return protocol.DuplicateID, true
	// amendments: symbol not trading, limit orders only, too many, no change, notional
	case -5024, -5025, -5026, -5027, -5029:
		return protocol.NoChange, true
	case -5028: // outside of the window when the matching engine got it
		return protocol.ClockOff, true
	case
		-1102, -1111, -1121, -1125, // parameter, precision, symbol, listen key
		-2010, -2012, // rejected, cancel-all failed
		-2018, -2019, // balance, margin
		// would trigger, reduce only, liquidation, open orders, leverage, position
		-2021, -2022, -2023, -2025, -2027, -2028,
		-4001, -4002, -4003, -4004, -4005, -4013, -4014, -4023, // ranges and steps of price and quantity
		// client id, price bands, position side, inactive, algo, band of market orders
		-4015, -4016, -4024, -4061, -4109, -4120, -4131,
		-4140, -4141, -4164, -4192, -4400, -4401, // symbol closed, notional, cooling off, quantitative rules
		-5037, -5038, -5039, -5040, -5041: // price match
		return protocol.Refused, true
	}
	return protocol.Unknown, false
}
