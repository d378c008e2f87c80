package binancefutures

import (
	"errors"

	"github.com/hftrunner/hftrunner/internal/testexchange/binance"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// refusals are the venue's words for the market's refusals.
var refusals = []struct {
	err  error
	code int
	msg  string
}{
	{market.ErrSymbol, -1121, "Invalid symbol."},
	{market.ErrDuplicateID, -4116, "ClientOrderId is duplicated."},
	{market.ErrPriceLow, -4013, "Price less than min price."},
	{market.ErrPriceHigh, -4002, "Price greater than max price."},
	{market.ErrPriceBand, -4016, "Limit price can't be outside of the multiplier cap or floor of the mark price."},
	{market.ErrQtyLow, -4003, "Quantity less than or equal to zero."},
	{market.ErrQtyHigh, -4005, "Quantity greater than max quantity."},
	{market.ErrNotional, -4164, "Order's notional must be no smaller than "},
	{market.ErrFunds, -2019, "Margin is insufficient."},
	{market.ErrReduceOnly, -2022, "ReduceOnly Order is rejected."},
	{market.ErrPositionSide, -4061, "Order's position side does not match user's setting."},
	{market.ErrTooManyOrders, -2025, "Reach max open order limit."},
	{market.ErrWouldTake, -5022, "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history"},
	{market.ErrNotFillable, -5021, "Due to the order could not be filled immediately, the FOK order has been rejected. The order will not be recorded in the order history"},
	{market.ErrNoOrder, -2013, "Order does not exist."},
	{market.ErrNoChange, -5027, "No need to modify the order."},
	{market.ErrNotALimitOrder, -5025, "Only limit order is supported."},
}

// refusal words an error of the market. symbol is nil when it is not known.
func refusal(err error, s *market.Symbol) *binance.Error {
	if errors.Is(err, market.ErrPrecision) {
		return &binance.Error{Code: -1111, Msg: "Precision is over the maximum defined for this asset."}
	}
	for _, r := range refusals {
		if !errors.Is(err, r.err) {
			continue
		}
		e := &binance.Error{Code: r.code, Msg: r.msg}
		if r.err == market.ErrNotional && s != nil {
			e.Msg += binance.TrimZeros(s.MinNotional.String()) + " (unless you choose reduce only)."
		}
		return e
	}
	return &binance.Error{Code: -2010, Msg: "NEW_ORDER_REJECTED"}
}
