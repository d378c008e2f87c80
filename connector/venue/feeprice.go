package venue

import (
	"context"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	// feePriceAge is how old the price of a fee asset may become. Fees are small, and so is what it moves meanwhile.
	feePriceAge = 5 * time.Minute
	// feePricePause is after what time there is a look for quote assets without a price.
	feePricePause = 10 * time.Second
)

// keepFeePrices asks for the price of the venue's fee asset in every quote asset that is traded.
func (t *trade) keepFeePrices(payer protocol.FeePayer) {
	c := t.c
	asked := map[string]int64{}
	for {
		for _, inst := range c.symbols.all() {
			quote := inst.quoteAsset
			last, before := asked[quote]
			if quote == "" || quote == payer.FeeAsset() || before && c.nowNs()-last < int64(feePriceAge) {
				continue
			}
			if t.askFeePrice(payer, quote) {
				asked[quote] = c.nowNs()
			}
		}
		if !c.pause(feePricePause) {
			return
		}
	}
}

// askFeePrice asks for one price and reports whether there was an answer. That a price is missing shows as an error event
// when a fee needs it.
func (t *trade) askFeePrice(payer protocol.FeePayer, quote string) (answered bool) {
	ctx, cancel := context.WithTimeout(t.c.ctx, requestTimeout)
	defer cancel()
	price, err := payer.AssetPrice(ctx, payer.FeeAsset(), quote)
	if err != nil {
		t.c.log.Debug("no price of the asset in which fees may be paid", "asset", payer.FeeAsset(), "quote", quote, "error", err)
		t.c.heed(err)
		return protocol.Final(err)
	}
	t.mu.Lock()
	t.blotter.SetPrice(payer.FeeAsset(), quote, price)
	t.mu.Unlock()
	return true
}
