package binancefutures

import (
	"strings"

	"hftrunner/hft"
	"hftrunner/internal/testexchange/market"
)

func status(o *market.Order) string {
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

func side(s hft.Side) string {
	if s == hft.Sell {
		return "SELL"
	}
	return "BUY"
}

func readSide(text string) (hft.Side, bool) {
	switch text {
	case "BUY":
		return hft.Buy, true
	case "SELL":
		return hft.Sell, true
	}
	return hft.SideNone, false
}

func orderType(o *market.Order) string {
	if o.Type == hft.Market {
		return "MARKET"
	}
	return "LIMIT"
}

func tif(o *market.Order) string {
	if o.Type == hft.Market {
		return "GTC" // as the venue says of market orders
	}
	return o.TIF.String()
}

func price(s *market.Symbol, o *market.Order) string {
	if o.Type == hft.Market {
		return "0"
	}
	return s.Tick.Format(o.PriceTicks)
}

func positionSide(p market.PositionSide) string { return [...]string{"BOTH", "LONG", "SHORT"}[p] }

func readPositionSide(text string) (market.PositionSide, bool) {
	switch text {
	case "", "BOTH":
		return market.Both, true
	case "LONG":
		return market.Long, true
	case "SHORT":
		return market.Short, true
	}
	return 0, false
}

func selfTrade(s market.SelfTrade) string {
	return [...]string{"EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "NONE"}[s]
}

func readSelfTrade(text string) (market.SelfTrade, bool) {
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

// expiryReason is the field er, empty when there is none.
func expiryReason(o *market.Order) string {
	switch o.Reason {
	case market.ReasonSelfTrade:
		return "1"
	case market.ReasonIOC:
		return "2"
	case market.ReasonReduceOnly:
		return "4"
	case market.ReasonMarket:
		return "9"
	case market.ReasonFOK:
		return "10"
	case market.ReasonPostOnly:
		return "11"
	}
	return ""
}

// trimZeros shortens a decimal number as the venue writes amounts: "100.00000000" is "100".
func trimZeros(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
