package depthsync

import "github.com/hftrunner/hftrunner/connector"

// Follows reports whether nothing is missing between a stream that has reached lastID and m: m continues it, or brings
// nothing new.
func Follows(r connector.Rule, lastID int64, m *connector.Message) bool {
	d := header(m)
	return follows(r, lastID, d) || repeats(r, lastID, d)
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
func follows(r connector.Rule, lastID int64, d ids) bool {
	if r == connector.RuleFutures && d.hasPrev {
		return d.prev == lastID
	}
	if r == connector.RuleStreamed && d.last == 1 {
		return lastID == 0
	}
	return d.first <= lastID || d.first-1 == lastID
}

// repeats reports whether a difference brings nothing that is not known already: what is up to the id that has been
// reached comes once more over a second connection while one takes over from another. RuleStreamed begins anew at 1, which
// then is no repetition: what follows would be taken for one until the old id is reached.
func repeats(r connector.Rule, lastID int64, d ids) bool {
	if r == connector.RuleStreamed && d.last == 1 {
		return d.last == lastID
	}
	return d.last <= lastID
}

// contained reports whether a difference is contained in a snapshot.
func contained(r connector.Rule, snapshotID int64, d ids) bool {
	if r == connector.RuleFutures {
		return d.last < snapshotID
	}
	return d.last <= snapshotID
}

// joins reports whether a difference that is not old is the one to apply first after a snapshot. For futures the
// venue asks that it spans the snapshot's id; one whose predecessor ended exactly there continues it as well, which
// is what a quiet market gives.
func joins(r connector.Rule, snapshotID int64, d ids) bool {
	switch r {
	case connector.RuleFutures:
		return d.first <= snapshotID || d.hasPrev && d.prev == snapshotID
	case connector.RuleStreamed: // one by one, and numbers up to the snapshot's may be those of a service that has started anew
		return d.first-1 == snapshotID
	}
	return d.first <= snapshotID || d.first-1 == snapshotID
}
