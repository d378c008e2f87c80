package replay

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"hftrunner/connector"
	"hftrunner/connector/feed"
	"hftrunner/connector/recording"
)

// lines is the recording of one instrument, with the next line in hand.
type lines struct {
	symbol       string
	instrumentNo int
	reader       *recording.Reader

	decoder connector.Decoder
	message connector.Message

	// The line in hand: timestampNs and payload, which belongs to reader; ended says that there is none.
	timestampNs int64
	payload     []byte
	ended       bool
	// lineNs is the time that the line itself has; timestampNs does not run backwards.
	lineNs int64

	// used says that a line was a message with market data.
	used bool
	// book is there once the instrument is registered. depthSeen says that the recording has one.
	book      *feed.Book
	depthSeen bool
	// lostFile and lostLine are where the book was lost, 0 when it never was.
	lostFile string
	lostLine int
}

// advance takes the next line with a time into hand. What is wrong on the way goes to report, whose error ends it.
// Time is kept from running backwards.
func (f *lines) advance() error {
	timestampNs, payload, err := f.reader.Next()
	switch {
	case err == io.EOF:
		f.ended = true
		return nil
	case errors.Is(err, os.ErrClosed):
		return errClosed
	case err != nil:
		if _, fatal := err.(Problem); fatal {
			return err
		}
		return fmt.Errorf("replay: recording of %s: %w", f.symbol, err)
	}
	f.timestampNs, f.lineNs, f.payload = max(f.timestampNs, timestampNs), timestampNs, payload
	return nil
}

// excerpt is enough of a line to find it.
func excerpt(line []byte) string {
	const most = 60
	if len(line) > most {
		return fmt.Sprintf("%q...", line[:most])
	}
	return fmt.Sprintf("%q", line)
}

// sameSymbol compares as the venues do, who write symbols in both cases.
func sameSymbol(a []byte, b string) bool { return string(a) == b || strings.EqualFold(string(a), b) }

var errClosed = fmt.Errorf("replay: the source is closed: %w", os.ErrClosed)
