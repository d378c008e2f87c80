package replay

import (
	"fmt"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/paper"
)

// deliver decodes the line in hand into b.
func (f *lines) deliver(s *Source, b *paper.Batch) error {
	s.counts[connector.Messages]++
	m, err := f.Message()
	if m == nil {
		return err
	}
	var out feed.Out
	var rows []hft.Event // the exchange's
	if s.config.ExchangeTime {
		rows, out = f.book.TakeRows(f.timestampNs, m)
	} else {
		out = f.book.Take(f.timestampNs, m)
	}
	if err := f.Tell(&out); err != nil {
		return err
	}
	if out.Stale != "" || out.Ready || len(out.Events) > 0 {
		*b = paper.Batch{TimestampNs: f.timestampNs, InstrumentNo: f.instrumentNo, Events: out.Events,
			Stale: out.Stale, Ready: out.Ready}
		if s.rows = rows; s.config.ExchangeTime {
			s.lastBatchNs = f.timestampNs
		}
	}
	return nil
}

// finish reports at the end of a recording that its book is not complete. A recording of which nothing was used, as when the
// format is another venue's, is an error: the strategies have seen no market.
func (f *lines) finish(files []string) error {
	if file := f.unused(files); file != "" {
		return fmt.Errorf("replay: %s: the recording ends and no line of it could be used; check that format is the venue "+
			"of the recording, and that it has market data", file)
	}
	return f.CheckEnd(f.book.Book)
}
