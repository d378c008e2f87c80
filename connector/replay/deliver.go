package replay

import (
	"fmt"

	"hftrunner/connector"
	"hftrunner/connector/paper"
)

// deliver decodes the line in hand into b.
func (f *lines) deliver(s *Source, b *paper.Batch) error {
	s.counts[connector.Messages]++
	m := &f.message
	if err := f.decoder.Decode(f.timestampNs, f.payload, m); err != nil {
		return s.report(f, BadLine, err.Error(), err)
	}
	if len(m.Symbol) > 0 && !sameSymbol(m.Symbol, f.symbol) {
		return s.report(f, BadLine, fmt.Sprintf("the message is about %s, the file is of %s", excerpt(m.Symbol), f.symbol), nil)
	}
	f.used = f.used || m.Kind != connector.MessageIgnored
	if m.Kind == connector.MessageDepth || m.Kind == connector.MessageSnapshot {
		f.depthSeen = true
	}
	out := f.book.Take(f.timestampNs, m)
	if out.Wrong != nil {
		if err := s.report(f, BadLine, out.Wrong.Error(), out.Wrong); err != nil {
			return err
		}
	}
	if out.Gap {
		if err := f.gap(s, out.AfterID, out.FromID); err != nil {
			return err
		}
	}
	if out.Stale != "" {
		f.lostFile, f.lostLine = f.reader.File(), f.reader.Line()
	}
	if out.Stale != "" || out.Ready || len(out.Events) > 0 {
		*b = paper.Batch{TimestampNs: f.timestampNs, InstrumentNo: f.instrumentNo, Events: out.Events, Stale: out.Stale, Ready: out.Ready}
	}
	return nil
}

func (f *lines) gap(s *Source, afterID, fromID int64) error {
	if fromID == 0 {
		return s.report(f, Gap, fmt.Sprintf("depth updates after %d are missing: this line has a wrong time", afterID), nil)
	}
	return s.report(f, Gap, fmt.Sprintf("depth updates after %d are missing, the next one starts at %d", afterID, fromID), nil)
}

// finish reports at the end of a recording that its book is not complete. A recording of which nothing was used, as when the
// format is another venue's, is an error: the strategies have seen no market.
func (f *lines) finish(s *Source) error {
	if !f.used {
		return Problem{Kind: Foreign, Symbol: f.symbol, File: f.reader.File(), Line: f.reader.Line(),
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
