package binanceapi

import (
	"context"
	"errors"
	"net/http"
)

// FeeAsset is what fees are paid in when the account says so, at a discount.
const FeeAsset = "BNB"

// errNoPrice: without it a reply of another shape would be the price 0.
var errNoPrice = errors.New("the reply has no price")

// LastPrice asks for the price of the last trade on a symbol; path and weight are those of the venue's price ticker.
func (c *Client) LastPrice(ctx context.Context, path string, weight int, symbol string) (price float64, err error) {
	err = c.Do(ctx, Request{Method: http.MethodGet, Path: path, Params: []Param{Text("symbol", symbol)},
		Cost: Cost{Weight: weight}}, func(v Value) error {
		if price = v.Decimal("price"); price <= 0 {
			return errNoPrice
		}
		return nil
	})
	return price, err
}
