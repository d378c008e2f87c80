package depthsync

import "github.com/hftrunner/hftrunner/connector"

// hold copies a difference until a snapshot fits, and reports whether older ones had to go for it.
func (s *Synchronizer) hold(d ids, m *connector.Message) (overflow bool) {
	for len(s.held) > 0 && (len(s.held) >= s.config.MaxMessages || len(s.heldRows)+len(m.Events) > s.config.MaxEvents) {
		s.stats.Overflows++
		overflow = true
		s.dropHeld((len(s.held) + 1) / 2)
	}
	s.reach(m)
	s.heldRows = append(s.heldRows, m.Events...)
	s.held = append(s.held, heldMessage{ids: d, seq: m.Seq, exchTimestampNs: m.ExchTimestampNs, end: len(s.heldRows)})
	return overflow
}

func (s *Synchronizer) forgetHeld() { s.held, s.heldRows = s.held[:0], s.heldRows[:0] }

// dropHeld drops the oldest n differences.
func (s *Synchronizer) dropHeld(n int) {
	if n == 0 {
		return
	}
	cut := s.held[n-1].end
	s.heldRows = s.heldRows[:copy(s.heldRows, s.heldRows[cut:])]
	s.held = s.held[:copy(s.held, s.held[n:])]
	for i := range s.held {
		s.held[i].end -= cut
	}
}

// countOld returns how many differences from the oldest on are contained in a snapshot. Ids of a stream that has begun anew say
// nothing about that, its sequence numbers do.
func (s *Synchronizer) countOld(snapshotID, snapshotSeq int64) int {
	old := 0
	for old < len(s.held) {
		h := &s.held[old]
		passed := contained(s.config.Rule, snapshotID, h.ids)
		if s.config.Rule == connector.RuleStreamed && snapshotSeq != 0 && h.seq != 0 && h.seq != snapshotSeq {
			passed = h.seq < snapshotSeq
		}
		if !passed {
			break
		}
		old++
	}
	return old
}

// dropOld drops the differences that a snapshot contains.
func (s *Synchronizer) dropOld(snapshotID, snapshotSeq int64) {
	old := s.countOld(snapshotID, snapshotSeq)
	s.dropHeld(old)
	s.stats.Dropped += uint64(old)
}

// join completes the book when the snapshot in hand and what is held back fit together. A snapshot that contains everything that has
// come is the book when it comes: what is missing between it and the stream will show in the next difference. Before the first difference
// nothing says that the stream does not begin behind it, or is not numbered otherwise.
func (s *Synchronizer) join(out Output, localTimestampNs int64, comes bool) Output {
	if !s.hasSnapshot {
		return out
	}
	old := s.countOld(s.snapshotID, s.snapshotSeq)
	if old < len(s.held) && !joins(s.config.Rule, s.snapshotID, s.held[old].ids) {
		s.giveUp(&out)
		return out
	}
	s.dropOld(s.snapshotID, s.snapshotSeq)
	if older := s.snapshotExchNs != 0 && s.snapshotExchNs < s.lastExchNs; len(s.held) == 0 && (!comes || !s.seen || older) {
		// It is newer than everything, by its id at least: the next difference will show whether it fits.
		if s.aheadNs == 0 {
			s.aheadNs = s.lastExchNs
		} else if s.lastExchNs-s.aheadNs > farAheadNs {
			s.giveUp(&out)
		}
		return out
	}
	s.complete(&out, localTimestampNs)
	return out
}

// farAheadNs is for how much of the venue's time a snapshot may be ahead of the stream: one that was made before the venue began to
// number anew is for ever.
const farAheadNs = 60_000_000_000

// giveUp gives up the snapshot in hand, which does not fit.
func (s *Synchronizer) giveUp(out *Output) {
	s.hasSnapshot = false
	s.stats.StaleSnapshots++
	out.StaleSnapshot, out.NeedSnapshot = true, true
}

// complete publishes the snapshot and everything held back as one batch.
func (s *Synchronizer) complete(out *Output, localTimestampNs int64) {
	exchTimestampNs := s.snapshotExchNs
	if exchTimestampNs == 0 {
		exchTimestampNs = s.lastExchNs
	}
	var first ids
	if len(s.held) > 0 {
		// The differences are newer than the snapshot whatever their times say, and a book may refuse a row that is older
		// than the level's last one. So the snapshot is not stamped later than the first difference.
		first = s.held[0].ids
		if ns := s.held[0].exchTimestampNs; s.snapshotExchNs == 0 || ns != 0 && ns < exchTimestampNs {
			exchTimestampNs = ns
		}
	}
	for i := range s.snapshotRows {
		s.snapshotRows[i].ExchTimestampNs = exchTimestampNs
	}
	s.snapshotRows = append(s.snapshotRows, s.heldRows...)
	for i := range s.snapshotRows {
		// The bots get all of it now, so nothing that they got before is newer.
		s.snapshotRows[i].LocalTimestampNs = localTimestampNs
	}
	out.Events, out.Ready, out.Seq = s.snapshotRows, true, s.snapshotSeq
	if len(s.held) > 0 {
		out.Seq = max(out.Seq, s.held[len(s.held)-1].seq)
	}
	s.stats.Snapshots++
	s.stats.Applied += uint64(len(s.held))
	s.stats.SnapshotID, s.stats.FirstAppliedFirstID, s.stats.FirstAppliedLastID = s.snapshotID, first.first, first.last
	s.state, s.hasSnapshot = Synced, false
	if len(s.held) == 0 {
		s.reachSnapshot()
	}
	s.forgetHeld()
}

// reachSnapshot notes that the book is ahead of the stream.
func (s *Synchronizer) reachSnapshot() {
	s.ahead, s.streamID = true, s.lastID
	s.lastID, s.lastExchNs = s.snapshotID, max(s.lastExchNs, s.snapshotExchNs)
}

// continues reports whether nothing is missing between the book and a difference that is not contained in it.
func (s *Synchronizer) continues(d ids) bool {
	rule := s.config.Rule
	return follows(rule, s.lastID, d) || s.ahead && (joins(rule, s.lastID, d) || follows(rule, s.streamID, d))
}
