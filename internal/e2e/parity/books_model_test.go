package parity_test

import (
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// venueBook is the book of a depth stream by what the venues write about their ids, and nothing of ours: a quantity for
// each price.
type venueBook struct {
	rule   connector.Rule
	levels *plain
	// bid and ask are the best prices.
	bid, ask int64
	// complete says that there is a book, with all up to lastID and seq in it; first that it is a snapshot to which no
	// difference was applied so far.
	complete, first bool
	lastID, seq     int64
	// waiting are the differences since the stream began or had a gap, snapshot the one that none of them fits to yet.
	waiting  []connector.Message
	snapshot *connector.Message
}

// taken is what a message has done to the book.
type taken struct{ lost, ready, whole, changed bool }

func newVenueBook(rule connector.Rule, tickSize float64) *venueBook {
	return &venueBook{rule: rule, levels: newPlain(tickSize), bid: hft.InvalidMin, ask: hft.InvalidMax}
}

func copyOf(m *connector.Message) connector.Message {
	c := *m
	c.Events = slices.Clone(m.Events)
	return c
}

// take takes a difference or a snapshot.
func (v *venueBook) take(m *connector.Message) taken {
	switch {
	case m.Kind == connector.MessageSnapshot && v.rule == connector.RuleStreamed:
		if v.complete && m.LastID <= v.lastID {
			return taken{}
		}
		ready := !v.complete
		v.begin(m)
		return taken{ready: ready, whole: true, changed: true}
	case m.Kind == connector.MessageSnapshot && v.complete: // nobody needs it
		return taken{}
	case m.Kind == connector.MessageSnapshot:
		c := copyOf(m)
		v.snapshot = &c
		return v.join(len(v.waiting) > 0)
	case v.complete:
		return v.difference(m)
	case v.rule == connector.RuleStreamed: // the snapshot comes by the stream
		return taken{}
	}
	if n := len(v.waiting); n > 0 && !v.follows(v.waiting[n-1].LastID, m) {
		v.waiting = nil
	}
	v.waiting = append(v.waiting, copyOf(m))
	return v.join(false)
}

// difference takes a difference where there is a book.
func (v *venueBook) difference(m *connector.Message) taken {
	switch {
	case v.first && v.old(m) || !v.first && m.LastID <= v.lastID:
		return taken{}
	case v.first && v.fits(m) || !v.first && v.follows(v.lastID, m):
		v.apply(m)
		return taken{changed: true}
	}
	*v = *newVenueBook(v.rule, v.levels.tickSize)
	if v.rule != connector.RuleStreamed {
		v.waiting = append(v.waiting, copyOf(m))
	}
	return taken{lost: true}
}

// join makes the book if there is a snapshot that the waiting differences fit to. One that contains all of them is the
// book if it has come after them.
func (v *venueBook) join(after bool) taken {
	if v.snapshot == nil {
		return taken{}
	}
	m, waiting := v.snapshot, v.waiting
	v.first, v.lastID = true, m.LastID
	for len(waiting) > 0 && v.old(&waiting[0]) {
		waiting = waiting[1:]
	}
	switch {
	case len(waiting) > 0 && !v.fits(&waiting[0]):
		v.snapshot = nil
		return taken{}
	case len(waiting) == 0 && !after:
		return taken{}
	}
	v.begin(m)
	for i := range waiting {
		v.apply(&waiting[i])
	}
	v.waiting, v.snapshot = nil, nil
	return taken{ready: true, whole: true, changed: true}
}

// old reports whether the snapshot contains a difference. Futures: "drop any event where u is < lastUpdateId", spot:
// "u is <=".
func (v *venueBook) old(m *connector.Message) bool {
	return m.LastID < v.lastID || m.LastID == v.lastID && v.rule != connector.RuleFutures
}

// fits reports whether a difference is the first one behind the snapshot. Futures: "U <= lastUpdateId and u >=
// lastUpdateId", or nothing lies between; spot: "U <= lastUpdateId + 1"; Bybit counts by one.
func (v *venueBook) fits(m *connector.Message) bool {
	switch v.rule {
	case connector.RuleFutures:
		return m.FirstID <= v.lastID || m.PrevID == v.lastID
	case connector.RuleSpot:
		return m.FirstID <= v.lastID+1
	}
	return v.follows(v.lastID, m)
}

// follows reports whether nothing is missing between id and a difference. Futures: "pu should be equal to the previous
// event's u".
func (v *venueBook) follows(id int64, m *connector.Message) bool {
	if v.rule == connector.RuleFutures {
		return m.PrevID == id
	}
	return m.FirstID == id+1
}

// begin makes a snapshot the book.
func (v *venueBook) begin(m *connector.Message) {
	v.levels.clear()
	v.bid, v.ask = hft.InvalidMin, hft.InvalidMax
	v.apply(m)
	v.complete, v.first = true, true
}

func (v *venueBook) apply(m *connector.Message) {
	for i := range m.Events {
		row := &m.Events[i]
		l := level{row.Side(), hft.PriceTick(row.Px, v.levels.tickSize)}
		v.levels.set(l, row.Qty)
		switch {
		case row.Qty > 0 && l.side == hft.Buy:
			v.bid = max(v.bid, l.tick)
		case row.Qty > 0:
			v.ask = min(v.ask, l.tick)
		case l.tick == v.bid || l.tick == v.ask:
			v.findBest()
		}
	}
	v.lastID, v.seq, v.first = m.LastID, m.Seq, false
}

func (v *venueBook) findBest() {
	v.bid, v.ask = hft.InvalidMin, hft.InvalidMax
	for l := range v.levels.levels {
		if l.side == hft.Buy {
			v.bid = max(v.bid, l.tick)
		} else {
			v.ask = min(v.ask, l.tick)
		}
	}
}
