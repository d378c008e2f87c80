package binancespot

import (
	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/hft"
)

// The venue's order types that are ours.
const (
	limit      = "LIMIT"
	limitMaker = "LIMIT_MAKER"
	market     = "MARKET"
)

// kind returns type and time in force of the venue's texts. A post-only order is a type of its own at this venue, and
// the time in force that is shown with it means nothing.
func kind(ordType, timeInForce []byte) (hft.OrdType, hft.TimeInForce) {
	if string(ordType) == limitMaker {
		return hft.Limit, hft.GTX
	}
	t := binanceapi.OrdType(ordType)
	if t == hft.Market {
		return t, hft.GTC
	}
	return t, binanceapi.TimeInForce(timeInForce)
}

// final reports whether a status is an order's last.
func final(s hft.Status) bool {
	o := hft.Order{Status: s}
	return o.Final()
}
