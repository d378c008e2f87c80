package depthsync

import "github.com/hftrunner/hftrunner/connector"

// Rule is how a venue numbers its differences.
type Rule uint8

// Rules.
const (
	// Futures is Binance's rule for futures: a difference names the last update id of the one before it (pu), and
	// the first one after a snapshot spans the snapshot's id.
	Futures Rule = iota + 1
	// Spot is Binance's rule for spot: update ids have no holes, so a difference starts at most one after the id
	// that has been reached.
	Spot
	// Streamed is the rule of a venue whose stream brings the snapshots, as Bybit's does: one at the start of a
	// subscription and more at any time, each of which replaces the book; then update ids count one by one. An id of 1
	// says that the venue's service has started anew. A missing difference is mended by subscribing again.
	Streamed
)

// String returns the rule's name.
func (r Rule) String() string {
	switch r {
	case Futures:
		return "futures"
	case Spot:
		return "spot"
	case Streamed:
		return "streamed"
	}
	return "unknown"
}

// Valid reports whether r is one of the rules.
func (r Rule) Valid() bool { return r >= Futures && r <= Streamed }

// Follows reports whether nothing is missing between a stream that has reached lastID and m: m continues it, or brings
// nothing new.
func (r Rule) Follows(lastID int64, m *connector.Message) bool {
	d := header(m)
	return r.follows(lastID, d) || r.repeats(lastID, d)
}

// ids are the update ids of one difference.
type ids struct {
	first, last, prev int64
	hasPrev           bool
}

func header(m *connector.Message) ids {
	return ids{first: m.FirstID, last: m.LastID, prev: m.PrevID, hasPrev: m.HasPrevID}
}

// follows compares without adding, for ids at the end of their range.
func (r Rule) follows(lastID int64, d ids) bool {
	if r == Futures && d.hasPrev {
		return d.prev == lastID
	}
	if r == Streamed && d.last == 1 {
		return lastID == 0
	}
	return d.first <= lastID || d.first-1 == lastID
}

// repeats reports whether a difference brings nothing that is not known already: what is up to the id that has been
// reached comes once more over a second connection while one takes over from another. Streamed begins anew at 1, which
// then is no repetition: what follows would be taken for one until the old id is reached.
func (r Rule) repeats(lastID int64, d ids) bool {
	if r == Streamed && d.last == 1 {
		return d.last == lastID
	}
	return d.last <= lastID
}

// old reports whether a difference is contained in a snapshot.
func (r Rule) old(snapshotID int64, d ids) bool {
	if r == Futures {
		return d.last < snapshotID
	}
	return d.last <= snapshotID
}

// joins reports whether a difference that is not old is the one to apply first after a snapshot. For futures the
// venue asks that it spans the snapshot's id; one whose predecessor ended exactly there continues it as well, which
// is what a quiet market gives.
func (r Rule) joins(snapshotID int64, d ids) bool {
	switch r {
	case Futures:
		return d.first <= snapshotID || d.hasPrev && d.prev == snapshotID
	case Streamed: // one by one, and numbers up to the snapshot's may be those of a service that has started anew
		return d.first-1 == snapshotID
	}
	return d.first <= snapshotID || d.first-1 == snapshotID
}
