package convert

import (
	"cmp"
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// InitialBook is the book that a recording continues.
type InitialBook struct {
	// Name stands for it in errors; empty means "the initial book".
	Name   string
	Levels []hft.Event
	// LastID is the id of the last update in it, as Summary.LastUpdateID has it. With 0 nothing shows whether updates are
	// missing between the book and the recording.
	LastID int64
}

// maxAway is the factor by which a market may be away from the book before: far more than it moves meanwhile, and less
// than most instruments differ by.
const maxAway = 1.5

// Check returns an error for levels that cannot form a book, and for a book of another instrument than the one first traded at
// marketPx; 0 is an unknown price.
func (b *InitialBook) Check(marketPx float64) error {
	name := cmp.Or(b.Name, "the initial book")
	bid, ask := math.Inf(-1), math.Inf(1)
	seen := make(map[[2]float64]bool, len(b.Levels))
	for i := range b.Levels {
		row := &b.Levels[i]
		side := row.Side()
		key := [2]float64{float64(side), row.Px}
		what := noLevel(row)
		switch {
		case what != "":
		case seen[key]:
			what = fmt.Sprintf("is the second one of %v", row.Px)
		case side == hft.Buy:
			bid = max(bid, row.Px)
		default:
			ask = min(ask, row.Px)
		}
		if seen[key] = true; what != "" {
			return fmt.Errorf("%s: row %d %s: must be a file of 'runner snapshot', not of events", name, i, what)
		}
	}
	switch {
	case len(b.Levels) == 0:
		return fmt.Errorf("%s: there is no level in it: must be a file of 'runner snapshot'", name)
	case bid >= ask:
		return fmt.Errorf("%s: the book is crossed: its best bid is %v, its best ask %v", name, bid, ask)
	case marketPx == 0 || !(bid > maxAway*marketPx) && !(maxAway*ask < marketPx):
		return nil
	}
	return fmt.Errorf("%s is of another instrument: its best bid is %v and its best ask %v, the data begin at %v; "+
		"use the book of this instrument at the end of the data before", name, bid, ask, marketPx)
}

// noLevel returns the reason why a row cannot be a level of a book; empty if it is one.
func noLevel(row *hft.Event) string {
	switch {
	case row.Kind() != hft.DepthSnapshotEvent && row.Kind() != hft.DepthEvent:
		return fmt.Sprintf("is of kind %d, not a book level", row.Kind())
	case row.Side() == hft.SideNone:
		return "is of neither side"
	case !(row.Qty > 0) || math.IsInf(row.Px, 0) || math.IsNaN(row.Px):
		return fmt.Sprintf("has the price %v and the quantity %v, which no level has", row.Px, row.Qty)
	}
	return ""
}

// MarketPrice returns the price of the first trade, or best bid or ask, among rows, 0 when there is none.
func MarketPrice(rows []hft.Event) float64 {
	for i := range rows {
		row := &rows[i]
		if k := row.Kind(); (k == hft.TradeEvent || k == hft.DepthBBOEvent) &&
			row.Px > 0 && row.Qty > 0 && !math.IsInf(row.Px, 0) {
			return row.Px
		}
	}
	return 0
}

// initial is a book that a recording continues.
type initial struct {
	// rows are its levels, nil once the recording has begun.
	rows []hft.Event
	// unproven is true until a price of the recording was compared with it.
	unproven bool
	// lastID is the id of the newest update that the book has taken.
	lastID int64
}

// prove holds the first trade, or best bid and ask, against the initial book, which does not say what it is of.
func (s *source) prove(m *connector.Message) error {
	if !s.initial.unproven {
		return nil
	}
	px := MarketPrice(m.Events)
	if m.Kind != connector.MessageTrade && m.Kind != connector.MessageBBO || px == 0 {
		return nil
	}
	s.initial.unproven = false
	if err := s.options.Initial.Check(px); err != nil {
		return fmt.Errorf("convert: %s:%d: %w", s.lines.File(), s.lines.Line(), err)
	}
	return nil
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
