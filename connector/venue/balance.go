package venue

import (
	"context"
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// On spot the account's position in an instrument is what it has of the base asset, free and locked, which all
// instruments of that asset share.

// balance passes on what the account has of an asset to the instruments that trade it. It is no whole number of lots, and
// may change by any amount.
func (c *Connector) balance(b protocol.Balance, streamed bool) error {
	total := b.Free + b.Locked
	venueNs := c.venueNs(c.nowNs())
	for _, inst := range c.symbols.all() {
		if !inst.spot || inst.baseAsset != b.Asset {
			continue
		}
		if !(total >= 0) || math.IsInf(total, 0) || b.TimestampNs < 0 || b.TimestampNs > venueNs+int64(maxAhead) {
			return fmt.Errorf("a balance of %v free, %v locked %s at %d ns cannot be true", b.Free, b.Locked, b.Asset,
				b.TimestampNs)
		}
		c.spotPosition(inst, total, min(b.TimestampNs, venueNs+int64(trustedAhead)), streamed)
	}
	return nil
}

// spotPosition passes on a balance as the position, unless a newer one is known. The stream repeats it with every order.
func (c *Connector) spotPosition(inst *instrument, qty float64, venueNs int64, streamed bool) {
	inst.mu.Lock()
	defer inst.mu.Unlock()
	if venueNs < inst.positionNs || streamed && qty == inst.position {
		return
	}
	if !streamed {
		inst.watch.answered(qty)
	} else {
		inst.watch.moved()
	}
	inst.position, inst.positionNs = qty, venueNs
	c.sink.Position(inst.No, qty, venueNs)
}

// askBalances asks for the balances that are positions. An asset that the venue does not tell of is not there.
func (t *trade) askBalances(ctx context.Context) error {
	c := t.c
	missing := make(map[string]bool)
	for _, inst := range c.symbols.all() {
		if inst.spot {
			missing[inst.baseAsset] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	newestNs := int64(0)
	balances, err := c.protocol.Balances(ctx)
	for _, b := range balances {
		delete(missing, b.Asset)
		newestNs = max(newestNs, b.TimestampNs)
		if err == nil {
			err = c.balance(b, false)
		}
	}
	for asset := range missing {
		if err == nil {
			err = c.balance(protocol.Balance{Asset: asset, TimestampNs: newestNs}, false)
		}
	}
	return err
}
