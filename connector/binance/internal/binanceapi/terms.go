package binanceapi

import "github.com/hftrunner/hftrunner/hft"

// Status returns what a venue's status of an order is; what is not known is StatusUnsupported.
func Status(text []byte) hft.Status {
	switch string(text) {
	case "NEW":
		return hft.StatusNew
	case "PARTIALLY_FILLED":
		return hft.StatusPartiallyFilled
	case "FILLED":
		return hft.StatusFilled
	case "CANCELED":
		return hft.StatusCanceled
	case "EXPIRED", "EXPIRED_IN_MATCH":
		return hft.StatusExpired
	case "REJECTED":
		return hft.StatusRejected
	}
	return hft.StatusUnsupported
}

// Side returns a side; SideNone when the text is empty, SideUnsupported when it is neither.
func Side(text []byte) hft.Side {
	switch string(text) {
	case "":
		return hft.SideNone
	case "BUY":
		return hft.Buy
	case "SELL":
		return hft.Sell
	}
	return hft.SideUnsupported
}

// SideText is the venue's word for a side of an order.
func SideText(s hft.Side) string {
	if s == hft.Sell {
		return "SELL"
	}
	return "BUY"
}

// TimeInForce returns a time in force; GTC when the text is empty, as of a market order.
func TimeInForce(text []byte) hft.TimeInForce {
	switch string(text) {
	case "", "GTC":
		return hft.GTC
	case "GTX":
		return hft.GTX
	case "FOK":
		return hft.FOK
	case "IOC":
		return hft.IOC
	}
	return hft.TimeInForceUnsupported
}

// OrdType returns an order's type; LIMIT_MAKER, which is a limit order of GTX, is Limit.
func OrdType(text []byte) hft.OrdType {
	switch string(text) {
	case "LIMIT", "LIMIT_MAKER":
		return hft.Limit
	case "MARKET":
		return hft.Market
	}
	return hft.OrdTypeUnsupported
}
