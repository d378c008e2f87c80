package replay

import (
	"fmt"

	"hftrunner/connector"
	"hftrunner/connector/depthsync"
	"hftrunner/connector/paper"
	"hftrunner/hft"
)

// deliver decodes the line in hand into b.
func (f *feed) deliver(s *Source, b *paper.Batch) error {
	s.counts[connector.Messages]++
	m := &f.message
	if err := f.decoder.Decode(f.timestampNs, f.payload, m); err != nil {
		return s.report(f, BadLine, err.Error(), err)
	}
	if len(m.Symbol) > 0 && !sameSymbol(m.Symbol, f.symbol) {
		return s.report(f, BadLine, fmt.Sprintf("the message is about %s, the file is of %s", excerpt(m.Symbol), f.symbol), nil)
	}
	switch m.Kind {
	case connector.MessageTrade:
		f.publish(b, m.Events)
	case connector.MessageBBO:
		// Without a complete book there are no best prices either.
		if s.config.BookTicker && (f.sync == nil || f.sync.State() == depthsync.Synced) {
			f.publish(b, f.timed(m))
		}
	case connector.MessageDepth, connector.MessageSnapshot:
		f.depthExchNs = max(f.depthExchNs, m.ExchTimestampNs)
		if f.sync == nil {
			return f.natural(s, b)
		}
		return f.exchange(s, b)
	}
	return nil
}

// timed returns the rows of a quote. One that does not say when it was made (Binance spot) is newer than the depth
// messages before it and older than those after it, so it gets the time of the last one. The local time would not do:
// with a local clock ahead of the venue's, a book that goes by time would take the next depth messages for outdated.
func (f *feed) timed(m *connector.Message) []hft.Event {
	if m.ExchTimestampNs == 0 && f.depthExchNs != 0 {
		for i := range m.Events {
			m.Events[i].ExchTimestampNs = f.depthExchNs
		}
	}
	return m.Events
}

func (f *feed) publish(b *paper.Batch, events []hft.Event) {
	b.TimestampNs, b.InstrumentNo, b.Events = f.timestampNs, f.instrumentNo, events
}

// natural publishes the rows as they come.
func (f *feed) natural(s *Source, b *paper.Batch) error {
	m := &f.message
	if m.Kind == connector.MessageSnapshot && s.config.Rule == depthsync.Streamed {
		f.lastID = m.LastID // the stream's own, which goes on from there
	}
	if m.Kind == connector.MessageDepth {
		if f.depthSeen && !s.config.Rule.Follows(f.lastID, m) {
			if err := f.gap(s, f.lastID, m.FirstID); err != nil {
				return err
			}
		}
		f.lastID, f.depthSeen = m.LastID, true
	}
	f.publish(b, m.Events)
	b.Ready, f.ready = !f.ready, true
	return nil
}

// exchange publishes what the venue's rule allows.
func (f *feed) exchange(s *Source, b *paper.Batch) error {
	f.depthSeen = true
	var out depthsync.Output
	if f.message.Kind == connector.MessageSnapshot {
		out = f.sync.Snapshot(f.timestampNs, &f.message)
	} else {
		out = f.sync.Depth(f.timestampNs, &f.message)
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
		f.publish(b, out.Events)
		b.Stale, b.Ready = out.Stale, out.Ready
	}
	return nil
}

func (f *feed) gap(s *Source, afterID, fromID int64) error {
	return s.report(f, Gap, fmt.Sprintf("depth updates after %d are missing, the next one starts at %d", afterID, fromID), nil)
}

// finish reports at the end of a recording that its book is not complete.
func (f *feed) finish(s *Source) error {
	if f.sync == nil || !f.depthSeen || f.sync.State() == depthsync.Synced {
		return nil
	}
	what := "the recording ends and its book was never complete: no snapshot fits its depth updates"
	if f.lostLine > 0 {
		what = "no snapshot that fits follows this gap: the book stays empty to the end of the recording"
	}
	return s.report(f, Unsynchronised, what, nil)
}
