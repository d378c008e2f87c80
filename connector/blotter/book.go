package blotter

import (
	"hash/maphash"
	"math"

	"hftrunner/hft"
)

// Instrument is one instrument as the orders on it are counted.
type Instrument struct {
	// No is the number of connector.Instrument, Symbol the venue's name.
	No     int
	Symbol string
	// TickSize and LotSize are the steps of price and quantity.
	TickSize, LotSize float64
	// ContractValue is the value of one unit of quantity at price 1, 0 for 1.
	ContractValue float64
	// BaseAsset and QuoteAsset are the assets that fees are converted from: quote as it is, base at the execution's price,
	// others at the price that SetPrice has set. A fee in an asset without a price is reported once as an error and not
	// counted. Empty when fees are always in quote.
	BaseAsset, QuoteAsset string
}

// maxLots bounds quantities, so that sums of what a venue says stay integers.
const maxLots = 1 << 53

// book is what is known on one instrument.
type book struct {
	inst   Instrument
	trades tradeRing
	venue  map[string]*entry // by venue id
	live   []*entry          // those whose end is not published
	// fetch says that executions are to be asked for, since fetchNs.
	fetch   bool
	fetchNs int64
	// feeAsset is the asset that was complained about.
	feeAsset string
}

// lots returns a quantity in lots; what is no quantity is 0.
func (k *book) lots(qty float64) int64 {
	return min(max(hft.QtyLots(qty, k.inst.LotSize), 0), maxLots)
}

// priced reports whether an execution can have a price: one that is no tick would be none to the bots.
func (k *book) priced(price float64) bool {
	return positive(price) && hft.PriceTick(price, k.inst.TickSize) > 0
}

// qty returns lots as a quantity.
func (k *book) qty(lots int64) float64 { return float64(lots) * k.inst.LotSize }

// maxTrades is how many executions per symbol are remembered.
const maxTrades = 4096

// tradeRing remembers the newest trade ids by their hash, so that it keeps no text alive.
type tradeRing struct {
	seed   maphash.Seed
	seen   map[uint64]struct{}
	ring   []uint64
	oldest int
}

func newTradeRing() tradeRing {
	return tradeRing{seed: maphash.MakeSeed(), seen: make(map[uint64]struct{}, maxTrades), ring: make([]uint64, 0, maxTrades)}
}

// add remembers a trade id and reports whether it is new.
func (t *tradeRing) add(id string) bool {
	h := maphash.String(t.seed, id)
	if _, ok := t.seen[h]; ok {
		return false
	}
	t.seen[h] = struct{}{}
	if len(t.ring) < maxTrades {
		t.ring = append(t.ring, h)
		return true
	}
	delete(t.seen, t.ring[t.oldest])
	t.ring[t.oldest] = h
	t.oldest = (t.oldest + 1) % maxTrades
	return true
}

// has reports whether a trade id is remembered.
func (t *tradeRing) has(id string) bool {
	_, ok := t.seen[maphash.String(t.seed, id)]
	return ok
}

// enlist adds an entry to the live ones.
func (k *book) enlist(e *entry) {
	e.liveAt = len(k.live)
	k.live = append(k.live, e)
}

// strike takes an entry off the live ones.
func (k *book) strike(e *entry) {
	last := len(k.live) - 1
	k.live[e.liveAt] = k.live[last]
	k.live[e.liveAt].liveAt = e.liveAt
	k.live[last] = nil
	k.live = k.live[:last]
}

// positive reports whether x is a usable price or quantity.
func positive(x float64) bool { return x > 0 && !math.IsInf(x, 0) }
