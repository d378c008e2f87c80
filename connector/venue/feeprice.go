package venue

import (
	"context"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	// feePriceAge limits the age of the price of a fee asset. Fees are small, and so is what it moves meanwhile.
	feePriceAge = 5 * time.Minute
	// feePricePause is the time between two looks for missing prices.
	feePricePause = 10 * time.Second
)

// keepFeePrices asks for the prices of the venue's fee assets in every quote asset that is traded, and of other assets when a
// fee was paid in them.
func (t *trade) keepFeePrices(payer protocol.FeePayer) {
	type pair struct{ asset, quote string }
	c := t.c
	asked := map[pair]int64{}
	var pairs []pair
	for {
		for _, inst := range c.symbols.all() {
			t.mu.Lock()
			assets := slices.Concat(payer.FeeAssets(), t.blotter.Unpriced(inst.Symbol))
			t.mu.Unlock()
			for _, asset := range assets {
				p := pair{asset, inst.quoteAsset}
				if p.quote != "" && p.quote != p.asset && !slices.Contains(pairs, p) {
					pairs = append(pairs, p)
				}
			}
		}
		for _, p := range pairs {
			last, before := asked[p]
			if before && c.nowNs()-last < int64(feePriceAge) {
				continue
			}
			if t.askFeePrice(payer, p.asset, p.quote) {
				asked[p] = c.nowNs()
			}
		}
		if !c.pauseUnless(feePricePause, t.unpriced) {
			return
		}
	}
}

// askFeePrice asks for one price and reports whether there was an answer. That a price is missing shows as an error event
// when a fee needs it.
func (t *trade) askFeePrice(payer protocol.FeePayer, asset, quote string) (answered bool) {
	ctx, cancel := context.WithTimeout(t.c.ctx, requestTimeout)
	defer cancel()
	price, err := payer.AssetPrice(ctx, asset, quote)
	if err != nil {
		t.c.log.Debug("no price of the asset in which fees may be paid", "asset", asset, "quote", quote, "error", err)
		t.c.heed(err)
		return protocol.Final(err)
	}
	t.mu.Lock()
	t.blotter.SetPrice(asset, quote, price)
	t.mu.Unlock()
	return true
}
