package depthsync

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// State says whether the book is complete.
type State uint8

// States.
const (
	// Syncing: differences are held back until a snapshot fits. The state at the start.
	Syncing State = iota
	// Synced: the book follows the venue.
	Synced
)

// String returns the state's name.
func (s State) String() string {
	if s == Synced {
		return "synced"
	}
	return "syncing"
}

// Defaults of Config.
const (
	DefaultMaxMessages = 8192
	DefaultMaxEvents   = 1 << 17
)

// Config configures a Synchronizer.
type Config struct {
	// Rule is the venue's.
	Rule connector.Rule
	// MaxMessages and MaxEvents bound what is held back while syncing; 0 takes the default. At 64 bytes an event the
	// default is 8 MiB, which is allocated only as far as it is needed.
	MaxMessages, MaxEvents int
	// IgnoreGaps keeps the book in step by name only after a missing difference: it is counted and the next one is
	// applied. Levels may be wrong until they change again. Where the venue numbers everything anew the book is lost all the same.
	IgnoreGaps bool
}

// Stats count what a Synchronizer has seen.
type Stats struct {
	// Applied and Dropped are differences: published, and already contained in a snapshot or in the book.
	Applied, Dropped uint64
	// Gaps are missing differences, Overflows the times that the bound of what is held back was reached.
	Gaps, Overflows uint64
	// Snapshots are the ones that were joined, StaleSnapshots the ones that were too old to be.
	Snapshots, StaleSnapshots uint64
	// SnapshotID is the id of the snapshot joined last, the others are those of the difference applied first to it.
	SnapshotID, FirstAppliedFirstID, FirstAppliedLastID int64
}

// Output is what to do after a message, in this order: clear the book when Stale is set, apply Events, and announce
// the book when Ready is set.
type Output struct {
	// Stale says why the book is lost, empty when it is not.
	Stale string
	// Events are the rows to publish, as one batch. Rows of a snapshot go to an empty book: where the snapshot replaces a
	// book that is in step (connector.RuleStreamed), the first row is a DepthClearEvent of both sides.
	Events []hft.Event
	// Ready is true when the book is complete with Events.
	Ready bool
	// Seq is the Message.Seq of the newest message whose rows are in Events.
	Seq int64
	// Anew is true when the venue numbers everything anew: nothing that was numbered before this message is newer than what comes.
	Anew bool
	// Gap is true when a difference is missing: the stream had reached AfterID and the message starts at FromID.
	Gap             bool
	AfterID, FromID int64
	// Repeated is true when the message brings nothing that was not known before: as when a second connection is behind.
	Repeated bool
	// StaleSnapshot is true when a snapshot was given up that does not fit, Overflow that the bound of what is held back was reached.
	StaleSnapshot, Overflow bool
	// NeedSnapshot is true when a new snapshot is needed: there is none in hand that can fit. It is said once at the
	// first difference and again whenever the snapshot in hand turned out not to fit.
	NeedSnapshot bool
}

// Synchronizer is the depth synchroniser of one instrument. One goroutine uses it.
type Synchronizer struct {
	config Config
	state  State
	stats  Stats
	// lastID is the last update id of the stream: applied when synced, held back when syncing.
	lastID int64
	seen   bool
	// ahead says that the book is a snapshot that contains all of the stream so far; lastID is the snapshot's then, and streamID the
	// stream's.
	ahead    bool
	streamID int64
	// lastExchNs and lastSeq are the venue's time and Message.Seq of that message, by which old messages are told from new ids.
	lastExchNs, lastSeq int64
	// floorID is the id that the stream had reached at least renumberedNs before its last message, or began with: no second
	// connection is so far behind. nextFloorID, reached at nextFloorNs, is the next one.
	floorID, nextFloorID, nextFloorNs int64

	held     []heldMessage
	heldRows []hft.Event

	// The snapshot in hand while syncing.
	hasSnapshot    bool
	snapshotID     int64
	snapshotSeq    int64
	snapshotExchNs int64
	snapshotRows   []hft.Event
	// aheadNs is the venue's time of the first difference that this snapshot was ahead of, 0 before there is one.
	aheadNs int64
}

// heldMessage is one difference held back: its rows are heldRows up to end.
type heldMessage struct {
	ids
	seq             int64
	exchTimestampNs int64
	end             int
}

// New returns a Synchronizer in state Syncing. A rule that does not exist or a negative bound is an error.
func New(config Config) (*Synchronizer, error) {
	switch {
	case !config.Rule.Valid():
		return nil, fmt.Errorf("depthsync: there is no rule %d; use connector.RuleFutures, connector.RuleSpot or connector.RuleStreamed", config.Rule)
	case config.MaxMessages < 0 || config.MaxEvents < 0:
		return nil, fmt.Errorf("depthsync: MaxMessages %d and MaxEvents %d must be 0 or more", config.MaxMessages, config.MaxEvents)
	}
	if config.MaxMessages == 0 {
		config.MaxMessages = DefaultMaxMessages
	}
	if config.MaxEvents == 0 {
		config.MaxEvents = DefaultMaxEvents
	}
	return &Synchronizer{config: config}, nil
}

// State returns the state.
func (s *Synchronizer) State() State { return s.state }

// Stats returns the counts so far.
func (s *Synchronizer) Stats() Stats { return s.stats }

// LastID returns the last update id of the stream, 0 before the first difference.
func (s *Synchronizer) LastID() int64 { return s.lastID }

// Reset forgets the stream, as after a lost connection. The Output says Stale with reason when the book was in step.
func (s *Synchronizer) Reset(reason string) Output {
	var out Output
	if s.state == Synced {
		out.Stale = reason
	}
	s.state, s.seen, s.ahead, s.lastID, s.lastExchNs, s.lastSeq, s.hasSnapshot = Syncing, false, false, 0, 0, 0, false
	s.floorID, s.nextFloorID, s.nextFloorNs = 0, 0, 0
	s.forgetHeld()
	return out
}

// Depth takes one difference, received at localTimestampNs. The Output's rows are m's while the book is in step.
func (s *Synchronizer) Depth(localTimestampNs int64, m *connector.Message) Output {
	d := header(m)
	if s.state == Synced {
		return s.apply(localTimestampNs, d, m)
	}
	var out Output
	renumbered := s.renumbered(m)
	if s.seen && (s.passed(m) || !renumbered && repeats(s.config.Rule, s.lastID, d)) {
		s.stats.Dropped++
		out.Repeated = true
		return out
	}
	if !s.seen {
		out.NeedSnapshot = !s.hasSnapshot
	} else if out.Anew = s.anew(m); renumbered || out.Anew || !follows(s.config.Rule, s.lastID, d) {
		// What was held back cannot be continued any more. A snapshot in hand can still fit to what comes now, but for one that
		// is numbered otherwise.
		out.Gap, out.AfterID, out.FromID = true, s.lastID, d.first
		s.stats.Gaps++
		s.forgetHeld()
		if out.Anew && s.hasSnapshot {
			s.giveUp(&out)
		}
	}
	s.seen = true
	out.Overflow = s.hold(d, m)
	return s.join(out, localTimestampNs, false)
}

// Snapshot takes a full book, received at localTimestampNs. While the book is in step it is not needed and changes
// nothing, but under the rule connector.RuleStreamed replaces the book. One that is ahead of the stream is kept for the
// case that what is between them never comes, and so is one with an id from long before: ids may begin anew with it.
func (s *Synchronizer) Snapshot(localTimestampNs int64, m *connector.Message) Output {
	if s.config.Rule == connector.RuleStreamed {
		return s.replace(localTimestampNs, m)
	}
	if s.state == Synced {
		if m.LastID < s.floorID || m.LastID > s.lastID {
			s.keep(m)
		}
		return Output{}
	}
	if s.hasSnapshot && m.LastID < s.snapshotID {
		s.stats.StaleSnapshots++
		return Output{StaleSnapshot: true}
	}
	s.keep(m)
	return s.join(Output{}, localTimestampNs, true)
}

// keep takes a snapshot into hand.
func (s *Synchronizer) keep(m *connector.Message) {
	s.hasSnapshot, s.snapshotID, s.snapshotSeq, s.snapshotExchNs, s.aheadNs = true, m.LastID, m.Seq, m.ExchTimestampNs, 0
	s.snapshotRows = append(s.snapshotRows[:0], m.Events...)
}

// apply takes a difference while the book is in step.
func (s *Synchronizer) apply(localTimestampNs int64, d ids, m *connector.Message) Output {
	renumbered := s.renumbered(m)
	if s.passed(m) || !renumbered && repeats(s.config.Rule, s.lastID, d) {
		s.stats.Dropped++
		// What a snapshot has that is ahead of the stream comes for the first time.
		repeated := !s.ahead || d.last <= s.streamID
		s.streamID = max(s.streamID, d.last)
		return Output{Repeated: repeated}
	}
	out := Output{Anew: s.anew(m)}
	if renumbered || out.Anew || !s.continues(d) {
		out.Gap, out.AfterID, out.FromID = true, s.lastID, d.first
		s.stats.Gaps++
		if !s.config.IgnoreGaps || out.Anew { // a book goes by the numbers, and would take nothing that is numbered anew
			out.Stale = fmt.Sprintf("depth updates after %d are missing, the next one starts at %d", s.lastID, d.first)
			s.state, s.hasSnapshot = Syncing, s.hasSnapshot && renumbered != (s.snapshotID > s.lastID)
			out.NeedSnapshot = !s.hasSnapshot
			s.forgetHeld()
			s.hold(d, m)
			return s.join(out, localTimestampNs, false)
		}
	}
	if s.ahead {
		s.stats.FirstAppliedFirstID, s.stats.FirstAppliedLastID = d.first, d.last
	}
	s.reach(m)
	s.stats.Applied++
	out.Events, out.Seq = m.Events, m.Seq
	return out
}
