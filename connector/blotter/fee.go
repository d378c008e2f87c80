package blotter

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// pair is an asset and what its price is in.
type pair struct{ asset, quote string }

// SetPrice sets what one unit of an asset, which fees are paid in, costs in a quote asset. Fees of executions that come from
// now on are converted by it; what is no price is ignored.
func (b *Blotter) SetPrice(asset, quote string, price float64) {
	if positive(price) {
		b.prices[pair{asset, quote}] = price
	}
}

// fee returns what an execution cost in quote currency. What cannot be converted is reported once for each asset and
// instrument, and 0.
func (b *Blotter) fee(e *entry, r *Report) float64 {
	k := e.book
	switch {
	case r.Fee == 0:
		return 0
	case k.inst.QuoteAsset == "" || r.FeeAsset == "" || r.FeeAsset == k.inst.QuoteAsset:
		return r.Fee
	case r.FeeAsset == k.inst.BaseAsset:
		return r.Fee * r.LastPrice
	}
	price, ok := b.prices[pair{r.FeeAsset, k.inst.QuoteAsset}]
	fee := r.Fee * price
	if ok && math.Abs(fee) <= maxFeeRate*r.LastQty*r.LastPrice*k.inst.ContractValue {
		return fee
	}
	if k.feeAsset != r.FeeAsset {
		k.feeAsset = r.FeeAsset
		b.fail(k, e.owner, e.shown.OrderID, hft.CustomKind, CodeFeeUnknown,
			fmt.Sprintf("fees in %s are not counted: its price in %s is unknown, or makes them more than a twentieth of the execution", r.FeeAsset, k.inst.QuoteAsset))
	}
	return 0
}
