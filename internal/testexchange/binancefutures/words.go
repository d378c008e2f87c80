package binancefutures

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

func orderType(o *market.Order) string {
	if o.Kind == market.Liquidation || o.Kind == market.ADL {
		return "LIQUIDATION"
	}
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

// expiryReason is the field er, empty when there is none.
func expiryReason(o *market.Order) string {
	switch o.Reason {
	case market.ReasonSelfTrade:
		return "1"
	case market.ReasonIOC:
		return "2"
	case market.ReasonReduceOnly:
		return "4"
	case market.ReasonLiquidation:
		return "5"
	case market.ReasonMarket:
		return "9"
	case market.ReasonFOK:
		return "10"
	case market.ReasonPostOnly:
		return "11"
	}
	return ""
}
