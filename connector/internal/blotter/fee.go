package blotter

import (
	"fmt"
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// maxUnpriced bounds the assets without a price.
const maxUnpriced = 16

// pair is an asset and what its price is in.
type pair struct{ asset, quote string }

// SetPrice sets what one unit of an asset, which fees are paid in, costs in a quote asset. Fees of executions that
// come from now on are converted by it; what is no price is ignored.
func (b *Blotter) SetPrice(asset, quote string, price float64) {
	if positive(price) {
		b.prices[pair{asset, quote}] = price
	}
}

// FeeInQuote returns the fee of an execution on an instrument that is not of an order here, in quote currency; false
// if it cannot be converted.
func (b *Blotter) FeeInQuote(instrumentNo int, fee float64, asset string, qty, price float64) (float64, bool) {
	k := b.byNo[instrumentNo]
	if k == nil {
		return 0, fee == 0
	}
	return b.feeInQuote(&k.inst, fee, asset, qty, price)
}

func (b *Blotter) feeInQuote(inst *Instrument, fee float64, asset string, qty, price float64) (float64, bool) {
	switch {
	case fee == 0 || inst.QuoteAsset == "" || asset == "" || asset == inst.QuoteAsset:
		return fee, true
	case asset == inst.BaseAsset:
		return fee * price, true
	}
	rate, ok := b.prices[pair{asset, inst.QuoteAsset}]
	value := fee * rate
	return value, ok && math.Abs(value) <= maxFeeRate*qty*price*inst.ContractValue
}

// fee returns what an execution cost in quote currency. What cannot be converted is reported once for each asset and
// instrument, and 0.
func (b *Blotter) fee(e *entry, r *protocol.Report) float64 {
	k := e.book
	fee, ok := b.feeInQuote(&k.inst, r.Fee, r.FeeAsset, r.LastQty, r.LastPrice)
	if ok {
		return fee
	}
	b.counts.FeesUnknown++
	if !slices.Contains(k.unpriced, r.FeeAsset) && len(k.unpriced) < maxUnpriced {
		k.unpriced = append(k.unpriced, r.FeeAsset)
		b.fail(k, e.owner, e.shown.OrderID, hft.CustomKind, CodeFeeUnknown,
			fmt.Sprintf("fees in %s are not counted until its price in %s is known, "+
				"or they are more than a twentieth of the execution", r.FeeAsset, k.inst.QuoteAsset))
	}
	return 0
}

// Unpriced returns the assets of fees on a symbol that could not be converted.
func (b *Blotter) Unpriced(symbol string) []string {
	if k := b.bySymbol[symbol]; k != nil {
		return k.unpriced
	}
	return nil
}

// feeQty returns what of the traded quantity an execution's fee has taken.
func (k *book) feeQty(r *protocol.Report) float64 {
	if k.inst.Spot && r.FeeAsset == k.inst.BaseAsset {
		return r.Fee
	}
	return 0
}
