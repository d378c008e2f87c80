package venue

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// watch serves the comparison of an instrument's position with those of the strategies. The counters count what may
// change either; differs is true while the last comparison did not agree. trade's mutex guards it and comparedNs.
type watch struct {
	moves      atomic.Uint64 // executions, streamed positions and forced closes
	answers    atomic.Uint64 // positions that were asked for and taken
	qty        atomic.Uint64 // the bits of the last of those
	differs    bool
	comparedNs int64 // the local time of the last comparison
}

// compareEvery is the longest time between two comparisons, where the venue answers and the symbol is quiet enough.
const compareEvery = time.Minute

// sight is the state of the counters when a position is asked for.
type sight struct {
	moves, answers uint64
	askedNs        int64 // the venue's time
}

func (w *watch) sight(askedNs int64) sight { return sight{w.moves.Load(), w.answers.Load(), askedNs} }

// moved notes what may change the position or what strategies have of it.
func (w *watch) moved() { w.moves.Add(1) }

// answered notes a position that was asked for.
func (w *watch) answered(qty float64) {
	w.qty.Store(math.Float64bits(qty))
	w.answers.Add(1)
}

// sightsOf returns the states of the counters before the positions on symbols are asked for.
func (t *trade) sightsOf(list []*instrument) []sight {
	nowNs := t.c.venueNs(t.c.nowNs())
	sights := make([]sight, len(list))
	for i, inst := range list {
		sights[i] = inst.watch.sight(nowNs)
		sights[i].moves = moves(t.c.sharers(inst))
	}
	return sights
}

// sharers returns the instruments whose orders change the position of one: itself and, on spot, all others of its base
// asset. There is none while another one has that asset as its quote, or may have: its price is paid in that asset.
func (c *Connector) sharers(inst *instrument) (list []*instrument) {
	if !inst.spot {
		return []*instrument{inst}
	}
	for _, other := range c.symbols.all() {
		switch {
		case other.quoteAsset == inst.baseAsset || c.numUnlearned.Load() > 0:
			return nil
		case other.baseAsset == inst.baseAsset:
			list = append(list, other)
		}
	}
	return list
}

// moves returns what the counters of instruments add up to.
func moves(list []*instrument) (sum uint64) {
	for _, inst := range list {
		sum += inst.watch.moves.Load()
	}
	return sum
}

// quiet reports whether the orders and executions on instruments are known, and the outcome of each request. The lock
// is held.
func (t *trade) quiet(list []*instrument) bool {
	for _, inst := range list {
		if !inst.accounted.Load() || !t.blotter.Settled(inst.Symbol) {
			return false
		}
	}
	return true
}

// compare hands the host the position that was asked for if nothing on the symbol has come since before, and no
// request's outcome is unknown: then it is to be what the strategies have. Where it is not, executions and account
// events are asked for, and the position once more. The lock is held.
func (t *trade) compare(inst *instrument, before sight) {
	watcher, can := t.c.sink.(connector.PositionWatcher)
	all := t.c.sharers(inst)
	if !can || len(all) == 0 || inst.watch.answers.Load() == before.answers {
		return
	}
	if moves(all) != before.moves || !t.quiet(all) {
		if inst.watch.differs || t.c.nowNs()-inst.watch.comparedNs > int64(compareEvery) {
			t.compareAgain(suspectPause)
		}
		return
	}
	inst.watch.comparedNs = t.c.nowNs()
	settled := connector.SettledPosition{InstrumentNo: inst.No, Qty: math.Float64frombits(inst.watch.qty.Load()),
		AskedNs: before.askedNs, KnownNs: inst.reading.untilNs}
	if inst.spot {
		settled.Asset = inst.baseAsset
	}
	_, lists := t.c.protocol.(protocol.Historian)
	for _, other := range all {
		settled.KnownNs = min(settled.KnownNs, other.reading.untilNs)
		if lists && !other.reading.eventless {
			settled.KnownNs = min(settled.KnownNs, other.reading.eventsNs)
		}
		if other != inst {
			settled.Shared = append(settled.Shared, other.No)
		}
	}
	again := watcher.PositionSettled(settled)
	if inst.watch.differs = again > 0; inst.watch.differs {
		for _, other := range all {
			other.reading.nextNs = 0
		}
		signal(t.inquiry)
		t.compareAgain(again)
	}
}

// compareAgain has orders and positions asked for after a while. The lock is held.
func (t *trade) compareAgain(after time.Duration) {
	if t.comparing {
		return
	}
	t.comparing = true
	t.c.group.Go(func() {
		due := t.c.pause(after)
		t.mu.Lock()
		t.comparing = false
		t.mu.Unlock()
		if due {
			signal(t.suspect)
		}
	})
}
