package replay

import (
	"hftrunner/connector"
	"hftrunner/connector/paper"
)

// deliver decodes the line in hand into b.
func (f *lines) deliver(s *Source, b *paper.Batch) error {
	s.counts[connector.Messages]++
	m, err := f.Message()
	if m == nil {
		return err
	}
	if m.Kind == connector.MessageDepth || m.Kind == connector.MessageSnapshot {
		f.depthSeen = true
	}
	out := f.book.Take(f.timestampNs, m)
	if out.Wrong != nil {
		if err := f.Refuse(out.Wrong); err != nil { // and it is not used
			return err
		}
	}
	if out.Gap {
		if err := s.report(f, Gap, out.Missing(), nil); err != nil {
			return err
		}
	}
	s.counts[connector.OffGrid] += uint64(out.OffGridRows)
	if out.OffGrid != "" {
		if err := s.report(f, OffGrid, out.OffGrid, nil); err != nil {
			return err
		}
	}
	if out.Stale != "" {
		f.lostFile, f.lostLine = f.File(), f.Line()
	}
	if out.Stale != "" || out.Ready || len(out.Events) > 0 {
		*b = paper.Batch{TimestampNs: f.timestampNs, InstrumentNo: f.instrumentNo, Events: out.Events, Stale: out.Stale, Ready: out.Ready}
	}
	return nil
}

// finish reports at the end of a recording that its book is not complete. A recording of which nothing was used, as when the
// format is another venue's, is an error: the strategies have seen no market.
func (f *lines) finish(s *Source) error {
	if unread := f.Unread(); unread != "" && !f.depthSeen {
		return Problem{Kind: UnreadBook, Symbol: f.symbol, File: f.File(), Line: f.Line(), What: "the recording ends without a book: " + unread}
	}
	if !f.used() {
		return Problem{Kind: Foreign, Symbol: f.symbol, File: f.File(), Line: f.Line(),
			What: "the recording ends and no line of it could be used"}
	}
	if !f.depthSeen || f.book.Synced() {
		return nil
	}
	what := "the recording ends and its book was never complete: no snapshot fits its depth updates"
	if f.lostLine > 0 {
		what = "no snapshot that fits follows this gap: the book stays empty to the end of the recording"
	}
	return s.report(f, Unsynchronised, what, nil)
}
