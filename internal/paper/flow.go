package paper

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

const (
	// limitShare and marketShare are the shares of limit and market orders in EventsPerSecond; cancels have the rest
	// while there are targetLevels levels on a side.
	limitShare, marketShare = 0.47, 0.06
	// snapshotLevels, targetLevels and minLevels are how many levels a side has at first, tends to, and has at least.
	snapshotLevels, targetLevels, minLevels = 200, 150, 60
	// orderValue is the mean value of an order in quote currency.
	orderValue = 3000
	// reversion is the share of its distance from the anchor that the reference price loses in a second, and
	// anchorVolatility is how much the anchor moves in a second.
	reversion, anchorVolatility = 0.1, 0.0001
	// maxAnchor and maxDeviation bound the logarithms, so that a run of any length stays near its start price. With
	// minStartTicks and maxDistance they also keep every price above 0.
	maxAnchor, maxDeviation = 0.1, 0.05
	// ladderLevels is how many levels follow the price after a sweep.
	ladderLevels = 10
)

// level is the quantity at one price.
type level struct {
	tick, lots int64
}

// bookSide is one side of a flow's book, the best level last.
type bookSide struct {
	sign   int64 // 1 for bids, -1 for asks: tick*sign is greater for a better price
	flag   uint64
	levels []level
}

func (s *bookSide) best() int64 { return s.levels[len(s.levels)-1].tick }

// find returns where a level at tick is or belongs.
func (s *bookSide) find(tick int64) (int, bool) {
	return slices.BinarySearchFunc(s.levels, tick, func(l level, tick int64) int {
		switch d := (l.tick - tick) * s.sign; {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
}

// flow is the market of one instrument.
type flow struct {
	cfg    *SyntheticConfig
	inst   connector.Instrument
	random *rand.Rand
	nextNs int64
	lastNs int64

	// The reference price is startTick * exp(anchor + deviation).
	startTick         float64
	anchor, deviation float64

	bids, asks      bookSide
	maxDistance     int64 // how far from the other side's best a limit order is placed, in ticks
	meanLots        float64
	events          []hft.Event // nil before the snapshot
	depth           []hft.Event // rows that follow the trades of the same batch
	exchNs, localNs int64
}

func newFlow(cfg *SyntheticConfig, inst connector.Instrument, startTick, startNs int64) *flow {
	h := fnv.New64a()
	h.Write([]byte(inst.Symbol))
	f := &flow{cfg: cfg, inst: inst, random: rand.New(rand.NewPCG(cfg.Seed, h.Sum64())), nextNs: startNs,
		lastNs: startNs, startTick: float64(startTick), bids: bookSide{sign: 1, flag: hft.BuyEvent},
		asks: bookSide{sign: -1, flag: hft.SellEvent}}
	f.maxDistance = min(max(int64(0.005*f.startTick), 200), 20000)
	price := f.startTick * inst.TickSize
	f.meanLots = min(max(orderValue/(price*inst.LotSize), 2), 1e9)
	for _, side := range []*bookSide{&f.bids, &f.asks} {
		for k := int64(snapshotLevels - 1); k >= 0; k-- {
			// Dense at the touch, sparse far from it.
			distance := k + f.maxDistance/4*k*k/(snapshotLevels*snapshotLevels)
			tick := startTick - side.sign*distance
			if side.sign < 0 {
				tick++
			}
			side.levels = append(side.levels, level{tick, f.orderLots() + f.orderLots()})
		}
	}
	return f
}

// advance returns the rows of the next event and draws the time of the one after it.
func (f *flow) advance() []hft.Event {
	f.localNs = f.nextNs
	f.exchNs = f.nextNs - int64(f.cfg.FeedLatency)
	if f.events == nil {
		f.snapshot()
	} else {
		f.events, f.depth = f.events[:0], f.depth[:0]
		f.draw()
		f.events = append(f.events, f.depth...)
	}
	perSide := float64(len(f.bids.levels)+len(f.asks.levels)) / 2
	rate := f.cfg.EventsPerSecond * (limitShare + marketShare + f.cancelShare(perSide))
	f.nextNs += 1 + int64(f.random.ExpFloat64()/rate*1e9)
	return f.events
}

// cancelShare is the rate of cancels: each order is canceled with the same probability.
func (f *flow) cancelShare(levelsPerSide float64) float64 {
	return (1 - limitShare - marketShare) * levelsPerSide / targetLevels
}

// snapshot emits the whole book, best levels first, bids before asks.
func (f *flow) snapshot() {
	f.events = make([]hft.Event, 0, 2*snapshotLevels)
	for _, side := range []*bookSide{&f.bids, &f.asks} {
		for i := len(side.levels) - 1; i >= 0; i-- {
			f.events = append(f.events, f.row(side.flag|hft.DepthSnapshotEvent, side.levels[i].tick,
				side.levels[i].lots))
		}
	}
}

func (f *flow) row(ev uint64, tick, lots int64) hft.Event {
	return hft.Event{Ev: hft.LocalEvent | ev, ExchTimestampNs: f.exchNs, LocalTimestampNs: f.localNs,
		Px: hft.TickPrice(tick, f.inst.TickSize), Qty: float64(lots) * f.inst.LotSize}
}

// draw lets one event happen.
func (f *flow) draw() {
	jumped := f.moveReference()
	mid := float64(f.bids.best()+f.asks.best()) / 2
	reference := f.startTick * math.Exp(f.anchor+f.deviation)
	if jumped {
		f.sweep(int64(reference))
		return
	}
	// The further the market is from the reference, the more the flow leans towards it; a hundredth of a per cent is
	// half of all there is.
	lean := 0.9 * math.Tanh((reference-mid)/(0.0002*reference))
	up := f.random.Float64() < (1+lean)/2
	perSide := float64(len(f.bids.levels)+len(f.asks.levels)) / 2
	switch u := f.random.Float64() * (limitShare + marketShare + f.cancelShare(perSide)); {
	case u < marketShare:
		f.market(up)
	case u < marketShare+limitShare:
		own, other := f.sides(up)
		f.limit(own, other)
	default:
		// Rising prices are asks that go away.
		_, own := f.sides(up)
		if len(own.levels) <= minLevels {
			f.deepen(own)
			return
		}
		f.cancel(own)
	}
}

// sides returns the side that buyers (up) or sellers quote on, and the other one.
func (f *flow) sides(up bool) (own, other *bookSide) {
	if up {
		return &f.bids, &f.asks
	}
	return &f.asks, &f.bids
}

// moveReference moves the reference price up to the current event and reports whether it jumped.
func (f *flow) moveReference() (jumped bool) {
	seconds := float64(f.nextNs-f.lastNs) / 1e9
	f.lastNs = f.nextNs
	root := math.Sqrt(seconds)
	f.anchor = bounded(f.anchor+float64(anchorVolatility*root*f.random.NormFloat64()), maxAnchor)
	f.deviation += float64(f.cfg.Volatility*root*f.random.NormFloat64()) - float64(reversion*f.deviation*seconds)
	if f.random.Float64() < seconds/f.cfg.JumpInterval.Seconds() {
		jumped = true
		jump := f.cfg.JumpSize * f.random.ExpFloat64()
		// Jumps lead back rather than away, so that the price stays where it belongs.
		if f.random.Float64() < 0.5+0.4*math.Tanh(f.deviation/0.001) {
			jump = -jump
		}
		f.deviation += jump
	}
	f.deviation = bounded(f.deviation, maxDeviation)
	return jumped
}

func bounded(x, limit float64) float64 { return min(max(x, -limit), limit) }

// orderLots draws the size of an order.
func (f *flow) orderLots() int64 { return 1 + int64(f.random.ExpFloat64()*(f.meanLots-1)) }

// distance draws a distance from 1 on by a power law: near prices are much more frequent.
func (f *flow) distance(limit int64) int64 {
	if d := 1 / (1 - f.random.Float64()); d < float64(limit) {
		return int64(d)
	}
	return 1 + f.random.Int64N(limit)
}

// limit places a limit order at a distance from the other side's best, so that it never crosses.
func (f *flow) limit(own, other *bookSide) {
	f.add(own, other.best()-own.sign*f.distance(f.maxDistance), f.orderLots())
}

func (f *flow) add(s *bookSide, tick, lots int64) {
	i, found := s.find(tick)
	if found {
		s.levels[i].lots += lots
	} else {
		s.levels = slices.Insert(s.levels, i, level{tick, lots})
	}
	f.depth = append(f.depth, f.row(s.flag|hft.DepthEvent, tick, s.levels[i].lots))
}

// cancel takes one order out of a level. Half of the cancels are near the touch, where most orders are; more would
// hollow the book out, because market orders take only there.
func (f *flow) cancel(s *bookSide) {
	i := f.random.IntN(len(s.levels))
	if f.random.IntN(2) == 0 {
		i = len(s.levels) - int(f.distance(int64(len(s.levels))))
	}
	l := &s.levels[i]
	// A large level loses more, as it would if each of its orders were canceled with the same probability.
	l.lots = max(l.lots-max(f.orderLots(), l.lots/8), 0)
	f.depth = append(f.depth, f.row(s.flag|hft.DepthEvent, l.tick, l.lots))
	if l.lots == 0 {
		s.levels = slices.Delete(s.levels, i, i+1)
	}
}

// market executes a market order: a buyer's when up.
func (f *flow) market(up bool) {
	own, other := f.sides(up)
	for lots := f.orderLots() + f.orderLots(); lots > 0; {
		if len(other.levels) <= minLevels {
			f.deepen(other)
		}
		lots -= f.take(own, other, lots)
	}
}

// deepen adds a level where there is none, so that the side can lose another one.
func (f *flow) deepen(s *bookSide) {
	for {
		tick := s.best() - s.sign*(1+f.random.Int64N(f.maxDistance))
		if _, found := s.find(tick); !found {
			f.add(s, tick, f.orderLots())
			return
		}
	}
}

// take executes up to lots at the other side's best and returns how many.
func (f *flow) take(own, other *bookSide, lots int64) int64 {
	l := &other.levels[len(other.levels)-1]
	lots = min(lots, l.lots)
	l.lots -= lots
	f.events = append(f.events, f.row(own.flag|hft.TradeEvent, l.tick, lots))
	f.depth = append(f.depth, f.row(other.flag|hft.DepthEvent, l.tick, l.lots))
	if l.lots == 0 {
		other.levels = other.levels[:len(other.levels)-1]
	}
	return lots
}

// sweep moves the market to targetTick at once: a large order takes everything before it, and quotes follow.
func (f *flow) sweep(targetTick int64) {
	up := targetTick >= f.asks.best()
	own, other := f.sides(up)
	if !up && targetTick > f.bids.best() {
		f.limit(own, other) // the reference is within the spread already
		return
	}
	// Levels beyond the target first, so that the side is never empty.
	for k := int64(0); k < minLevels; k++ {
		tick := targetTick + own.sign*(1+k*2)
		if _, found := other.find(tick); !found {
			f.add(other, tick, f.orderLots())
		}
	}
	for (targetTick-other.best())*own.sign >= 0 {
		f.take(own, other, math.MaxInt64)
	}
	tick := targetTick
	for range ladderLevels {
		f.add(own, tick, f.orderLots())
		tick -= own.sign * f.distance(20)
	}
}
