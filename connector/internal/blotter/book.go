package blotter

import (
	"hash/maphash"
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// Instrument is one instrument as the orders on it are counted.
type Instrument struct {
	// No is the number of connector.Instrument, Symbol the venue's name.
	No     int
	Symbol string
	// TickSize and LotSize are the steps of price and quantity.
	TickSize, LotSize float64
	// MaxQty is the venue's largest quantity of an order, 0 when it is not known.
	MaxQty float64
	// ContractValue is the value of one unit of quantity at price 1, 0 for 1.
	ContractValue float64
	// BaseAsset and QuoteAsset are the assets that fees are converted from: quote as it is, base at the execution's price,
	// others at the price that SetPrice has set. A fee in an asset without a price is reported once as an error and not
	// counted. Empty when fees are always in quote.
	BaseAsset, QuoteAsset string
	// Spot says that a fee in the base asset is taken from what is traded.
	Spot bool
}

// maxLots bounds quantities, so that sums of what a venue says stay integers.
const maxLots = 1 << 53

// book is what is known on one instrument.
type book struct {
	inst   Instrument
	trades tradeRing
	venue  map[string]*entry // by venue id
	live   []*entry          // those whose end is not published
	// stopped is why no new orders are taken, empty when they are: numStopping orders are not to be read, or the instrument is
	// ruined, for good.
	stopped     string
	numStopping int
	ruined      bool
	// fetch says that executions are to be asked for, since fetchNs.
	fetch   bool
	fetchNs int64
	// readNs is the venue's time up to which all executions were told by earlier runs. assumed is what was told
	// without a report of the venue of orders that are forgotten, by client id; foreign are orders of others, by
	// venue id, foreignIDs the ids in a ring.
	readNs        int64
	assumed       map[string]assumption
	foreign       map[string]bool
	foreignIDs    []string
	oldestForeign int
	// unpriced are assets of fees that could not be converted: each was complained about.
	unpriced []string
}

// maxAssumed is of how many orders per symbol assumptions are remembered after the orders.
const maxAssumed = 4096

// assumption is what was told of an order, last at a time of the venue, and no execution of the venue has confirmed.
type assumption struct{ lots, venueNs int64 }

// keepAssumed remembers lots that were assumed of an order, in place of the oldest where there are too many.
func (k *book) keepAssumed(clientID string, lots, venueNs int64) {
	if lots <= 0 {
		return
	}
	a, known := k.assumed[clientID]
	if !known && len(k.assumed) >= maxAssumed {
		oldest, oldestNs := "", int64(math.MaxInt64)
		for id, a := range k.assumed {
			if a.venueNs < oldestNs {
				oldest, oldestNs = id, a.venueNs
			}
		}
		delete(k.assumed, oldest)
	}
	k.assumed[clientID] = assumption{a.lots + lots, max(a.venueNs, venueNs)}
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

// trade is what was told of an execution.
type trade struct {
	side       hft.Side
	lots, tick int64
	venueNs    int64
}

// tradeRing remembers the newest executions by a hash of their ids, so that it keeps no text alive.
type tradeRing struct {
	seed   maphash.Seed
	seen   map[uint64]trade
	ring   []uint64
	oldest int
	// forgottenNs is the latest time of one that is not remembered any more.
	forgottenNs int64
}

func newTradeRing() tradeRing {
	return tradeRing{seed: maphash.MakeSeed(), seen: make(map[uint64]trade, maxTrades), ring: make([]uint64, 0, maxTrades)}
}

// put remembers an execution, in place of what was told of it before.
func (t *tradeRing) put(id string, told trade) {
	h := maphash.String(t.seed, id)
	_, known := t.seen[h]
	t.seen[h] = told
	switch {
	case known:
	case len(t.ring) < maxTrades:
		t.ring = append(t.ring, h)
	default:
		t.forgottenNs = max(t.forgottenNs, t.seen[t.ring[t.oldest]].venueNs)
		delete(t.seen, t.ring[t.oldest])
		t.ring[t.oldest] = h
		t.oldest = (t.oldest + 1) % maxTrades
	}
}

// get returns what is remembered of an execution.
func (t *tradeRing) get(id string) (told trade, known bool) {
	told, known = t.seen[maphash.String(t.seed, id)]
	return told, known
}

// has reports whether an execution is remembered.
func (t *tradeRing) has(id string) bool {
	_, known := t.get(id)
	return known
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
