package binance

import (
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// Milliseconds returns the venue's unit of time.
func Milliseconds(ns int64) int64 { return ns / int64(time.Millisecond) }

// Encode writes a message of the venue's own making.
func Encode(value any) []byte {
	body, err := Marshal(value)
	if err != nil {
		return []byte("{}")
	}
	return body
}

// Status returns an order's status.
func Status(o *market.Order) string {
	if o.Status == hft.StatusExpired && o.Reason == market.ReasonSelfTrade {
		return "EXPIRED_IN_MATCH"
	}
	switch o.Status {
	case hft.StatusPartiallyFilled:
		return "PARTIALLY_FILLED"
	case hft.StatusFilled:
		return "FILLED"
	case hft.StatusCanceled:
		return "CANCELED"
	case hft.StatusExpired:
		return "EXPIRED"
	}
	return "NEW"
}

// Side returns BUY or SELL.
func Side(s hft.Side) string {
	if s == hft.Sell {
		return "SELL"
	}
	return "BUY"
}

// ReadSide reads BUY or SELL.
func ReadSide(text string) (hft.Side, bool) {
	switch text {
	case "BUY":
		return hft.Buy, true
	case "SELL":
		return hft.Sell, true
	}
	return hft.SideNone, false
}

// SelfTrade returns the mode of self-trade prevention.
func SelfTrade(s market.SelfTrade) string {
	return [...]string{"EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "NONE"}[s]
}

// ReadSelfTrade reads a mode; none given is EXPIRE_MAKER.
func ReadSelfTrade(text string) (market.SelfTrade, bool) {
	switch text {
	case "", "EXPIRE_MAKER":
		return market.ExpireMaker, true
	case "EXPIRE_TAKER":
		return market.ExpireTaker, true
	case "EXPIRE_BOTH":
		return market.ExpireBoth, true
	case "NONE":
		return market.SelfTradeAllowed, true
	}
	return 0, false
}

// TrimZeros shortens a decimal number: "100.00000000" is "100".
func TrimZeros(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
