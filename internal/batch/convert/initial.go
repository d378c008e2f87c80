package convert

import (
	"cmp"
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// initial is a book that a recording continues.
type initial struct {
	// rows are its levels, nil once the recording has begun.
	rows []hft.Event
	// lastID is the id of the newest update that the book has taken.
	lastID int64
}

// takeRows takes a message as feed.Ordered does, the first update of the recording after the initial book.
func (s *source) takeRows(localNs int64, m *connector.Message) ([]hft.Event, feed.Out) {
	var before []hft.Event
	switch m.Kind {
	case connector.MessageSnapshot:
		s.initial.rows = nil // the recording has a book of its own
	case connector.MessageDepth:
		if s.initial.rows != nil {
			before = s.begin(localNs, m)
		}
	default:
		return s.book.TakeRows(localNs, m)
	}
	rows, out := s.book.TakeRows(localNs, m)
	s.note(m, &out)
	if len(before) > 0 {
		rows = append(before, rows...)
	}
	return rows, out
}

// note notes which update the book has come to.
func (s *source) note(m *connector.Message, out *feed.Out) {
	if s.options.Rule != connector.RuleStreamed {
		s.initial.lastID = s.book.Seq() // numbered by update
	} else if !out.Seen {
		s.initial.lastID = m.LastID
	}
}

// begin gives the book the initial levels as a snapshot before the update m, and returns the rows that this makes. An id
// that m does not continue is a gap, and the book waits for a snapshot of the recording.
func (s *source) begin(localNs int64, m *connector.Message) []hft.Event {
	first := m.FirstID - 1
	if m.HasPrevID {
		first = m.PrevID
	}
	id := cmp.Or(s.options.Initial.LastID, first)
	streamed := s.options.Rule == connector.RuleStreamed
	if id < first {
		s.initial.rows = nil
		what := fmt.Sprintf("the initial book is that of the update %d, and the updates up to %d are missing", id, first)
		_ = s.lines.Note(feed.Gap, what) // problem never fails
		return nil
	}
	if streamed && id > first { // its place among all that the venue says is not known before the update that continues it
		return nil
	}
	snapshot := connector.Message{Kind: connector.MessageSnapshot, Symbol: m.Symbol, Level: m.Level, LastID: id, Seq: id,
		ExchTimestampNs: m.ExchTimestampNs}
	if streamed {
		snapshot.Seq = m.Seq - 1
	}
	for _, row := range s.initial.rows {
		row.Ev = hft.LocalEvent | hft.DepthSnapshotEvent | row.Ev&(hft.BuyEvent|hft.SellEvent)
		row.ExchTimestampNs, row.LocalTimestampNs = m.ExchTimestampNs, localNs
		snapshot.Events = append(snapshot.Events, hft.Event{Ev: row.Ev, ExchTimestampNs: row.ExchTimestampNs,
			LocalTimestampNs: row.LocalTimestampNs, Px: row.Px, Qty: row.Qty})
	}
	s.initial.rows = nil
	rows, _ := s.book.TakeRows(localNs, &snapshot)
	s.lines.Report().Snapshots-- // the recording has none
	return append([]hft.Event(nil), rows...)
}
