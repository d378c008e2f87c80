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
	}
	return sights
}

// compare hands the host the position that was asked for if nothing on the symbol has come since before, and no
// request's outcome is unknown: then it is to be what the strategies have. Where it is not, executions and account
// events are asked for, and the position once more. The lock is held.
func (t *trade) compare(inst *instrument, before sight) {
	watcher, can := t.c.sink.(connector.PositionWatcher)
	if !can || inst.watch.answers.Load() == before.answers {
		return
	}
	if inst.watch.moves.Load() != before.moves || !t.blotter.Settled(inst.Symbol) {
		if inst.watch.differs || t.c.nowNs()-inst.watch.comparedNs > int64(compareEvery) {
			t.compareAgain(suspectPause)
		}
		return
	}
	inst.watch.comparedNs = t.c.nowNs()
	r := &inst.reading
	knownNs := r.untilNs
	if _, lists := t.c.protocol.(protocol.Historian); lists && !r.eventless {
		knownNs = min(knownNs, r.eventsNs)
	}
	again := watcher.PositionSettled(connector.SettledPosition{InstrumentNo: inst.No,
		Qty: math.Float64frombits(inst.watch.qty.Load()), AskedNs: before.askedNs, KnownNs: knownNs})
	if inst.watch.differs = again > 0; inst.watch.differs {
		r.nextNs = 0
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
