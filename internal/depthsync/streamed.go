package depthsync

import (
	"math"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// renumberedNs is how much newer than the stream's last message one with an old id has to be for its ids to be new
// ones. Until then it is taken for what it mostly is: the same message over a second connection that is behind.
const renumberedNs = 10_000_000_000

// reach notes that the stream has come to a message.
func (s *Synchronizer) reach(m *connector.Message) {
	switch {
	case s.nextFloorNs == 0 || m.LastID < s.floorID: // the stream begins, or its ids begin anew
		s.floorID, s.nextFloorID, s.nextFloorNs = m.LastID, m.LastID, m.ExchTimestampNs
	case m.ExchTimestampNs-s.nextFloorNs > renumberedNs:
		s.floorID, s.nextFloorID, s.nextFloorNs = s.nextFloorID, m.LastID, m.ExchTimestampNs
	}
	s.lastID, s.lastSeq, s.lastExchNs, s.ahead = m.LastID, m.Seq, m.ExchTimestampNs, false
}

// renumbered reports whether a message that has an id of the past is not of the past: it is newer than the stream's last one, by
// more than a second connection can be behind, or with an id from before that.
func (s *Synchronizer) renumbered(m *connector.Message) bool {
	if s.config.Rule == connector.RuleStreamed && s.lastSeq != 0 && m.Seq > s.lastSeq {
		return m.LastID <= s.lastID
	}
	if s.ahead && m.LastID > s.streamID { // the book's id is a snapshot's, of later; its time is that of the stream before
		return false
	}
	newerNs := m.ExchTimestampNs - s.lastExchNs
	return m.LastID < s.lastID && s.lastExchNs > 0 && (newerNs > renumberedNs || newerNs > 0 && m.LastID < s.floorID)
}

// passed reports whether a message is older than the one that the stream has come to, whatever its id: a second connection that
// is behind brings the old ids after the service has started anew. Where sequence numbers have begun anew as well, times go on.
func (s *Synchronizer) passed(m *connector.Message) bool {
	return s.config.Rule == connector.RuleStreamed && m.Seq != 0 && m.Seq < s.lastSeq && m.ExchTimestampNs <= s.lastExchNs
}

// anew reports whether a message that is not of the past says that sequence numbers, too, have begun anew.
func (s *Synchronizer) anew(m *connector.Message) bool {
	return m.Seq != 0 && m.Seq < s.lastSeq && m.ExchTimestampNs > s.lastExchNs
}

// replace takes a snapshot of the stream as the book, whether one was needed or not.
func (s *Synchronizer) replace(localTimestampNs int64, m *connector.Message) Output {
	if s.state == Syncing {
		return s.begin(localTimestampNs, m)
	}
	if s.passed(m) || m.LastID != 1 && m.LastID <= s.lastID && !s.renumbered(m) {
		// Sent again, as the best levels of a quiet market are, or by a second connection that is behind, which is no sign of life.
		// With the id 1 it may be a second start of the service, though.
		s.lastExchNs = max(s.lastExchNs, m.ExchTimestampNs)
		s.stats.Dropped++
		return Output{Repeated: s.passed(m) || m.LastID < s.lastID}
	}
	// In one batch with the rows, so that nobody sees the book empty.
	s.snapshotRows = append(s.snapshotRows[:0], hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent,
		ExchTimestampNs: m.ExchTimestampNs, LocalTimestampNs: localTimestampNs, Px: math.NaN()})
	s.snapshotRows = append(s.snapshotRows, m.Events...)
	return s.adopt(m, Output{Events: s.snapshotRows})
}

// begin makes the book with a snapshot and those of the differences held back that continue it. There are some when they
// come over another connection than the snapshot.
func (s *Synchronizer) begin(localTimestampNs int64, m *connector.Message) Output {
	s.dropOld(m.LastID, m.Seq)
	if len(s.held) == 0 {
		return s.adopt(m, Output{Events: m.Events, Ready: true})
	}
	switch {
	case joins(s.config.Rule, m.LastID, s.held[0].ids):
		var out Output
		s.snapshotID, s.snapshotSeq, s.snapshotExchNs = m.LastID, m.Seq, m.ExchTimestampNs
		s.snapshotRows = append(s.snapshotRows[:0], m.Events...)
		s.complete(&out, localTimestampNs)
		return out
	case m.LastID != 1 && m.ExchTimestampNs < s.held[len(s.held)-1].exchTimestampNs:
		s.stats.StaleSnapshots++
		return Output{NeedSnapshot: true, StaleSnapshot: true}
	}
	s.forgetHeld() // they are numbered otherwise
	return s.adopt(m, Output{Events: m.Events, Ready: true})
}

func (s *Synchronizer) adopt(m *connector.Message, out Output) Output {
	s.state, s.seen = Synced, true
	out.Anew = s.anew(m)
	s.reach(m)
	out.Seq = m.Seq
	s.stats.Snapshots++
	s.stats.SnapshotID, s.stats.FirstAppliedFirstID, s.stats.FirstAppliedLastID = m.LastID, 0, 0
	return out
}
