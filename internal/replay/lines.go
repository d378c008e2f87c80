package replay

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hftrunner/hftrunner/internal/feed"
)

// lines is the recording of one instrument, with the next line in hand.
type lines struct {
	*feed.Lines
	symbol       string
	instrumentNo int
	span         feed.Span

	// timestampNs is the time of the line in hand; ended says that there is none.
	timestampNs int64
	ended       bool

	// book is there once the instrument is registered.
	book feed.Ordered
}

// advance takes the next line with a time into hand. What is wrong on the way goes to report, whose error ends it.
func (f *lines) advance() error {
	timestampNs, err := f.Next()
	switch {
	case err == io.EOF:
		f.ended = true
		return nil
	case errors.Is(err, os.ErrClosed):
		return errClosed
	case err != nil:
		if _, fatal := errors.AsType[feed.Problem](err); fatal {
			return err
		}
		return fmt.Errorf("replay: recording of %s: %w", f.symbol, err)
	}
	f.timestampNs = timestampNs
	return nil
}

// unused returns the first file of which no line was a message with market data, empty when there is none. Of a damaged
// one among others this is told already.
func (f *lines) unused(files []string) string {
	used, first := false, ""
	for i, c := range f.Counts() {
		if used = used || c.Used > 0; c.Used == 0 && first == "" {
			first = files[i]
		}
	}
	if used && f.Report().Found[feed.Damaged].N > 0 {
		return ""
	}
	return first
}

var errClosed = fmt.Errorf("replay: the source is closed: %w", os.ErrClosed)
