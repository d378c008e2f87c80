package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"hftrunner/connector"
	"hftrunner/connector/depthsync"
)

// feed is the recording of one instrument, with the next line in hand.
type feed struct {
	symbol       string
	fileNo       int
	instrumentNo int
	ahead        *readAhead

	decoder connector.Decoder
	message connector.Message

	// The line in hand: timestampNs and payload, which lies in block; ended says that there is none.
	timestampNs int64
	payload     []byte
	ended       bool

	block *block
	rest  []byte
	// line is the number of the line in hand; behind says that its time was earlier than the one before.
	line   int
	behind bool

	// The book: sync with SyncExchange, the rest with SyncNatural.
	sync        *depthsync.Synchronizer
	lastID      int64
	depthSeen   bool
	depthExchNs int64 // exchange time of the newest depth message
	ready       bool
	// lostFile and lostLine are where the book was lost, 0 when it never was.
	lostFile string
	lostLine int
}

// advance takes the next line with a time into hand. What is wrong on the way goes to report, whose error ends it.
func (f *feed) advance(s *Source) error {
	for {
		line, err := f.nextLine(s)
		if err == io.EOF {
			f.ended = true
			return nil
		}
		if err != nil {
			return err
		}
		timestampNs, payload, ok := splitLine(line)
		switch {
		case len(line) > s.config.MaxLineBytes:
			err = s.report(f, BadLine, fmt.Sprintf("the line has more than %d bytes", s.config.MaxLineBytes), nil)
		case !ok:
			err = s.report(f, BadLine, fmt.Sprintf("the line does not start with a time in nanoseconds and a space: %s", excerpt(line)), nil)
		default:
			f.payload = payload
			return f.setTime(s, timestampNs)
		}
		if err != nil {
			return err
		}
	}
}

// setTime keeps time from running backwards.
func (f *feed) setTime(s *Source, timestampNs int64) error {
	if timestampNs >= f.timestampNs {
		f.timestampNs, f.behind = timestampNs, false
		return nil
	}
	if f.behind {
		return nil
	}
	f.behind = true
	return s.report(f, TimeBackwards, fmt.Sprintf("the time is %d ns before that of an earlier line", f.timestampNs-timestampNs), nil)
}

// nextLine returns the next line without its end, io.EOF after the last file's.
func (f *feed) nextLine(s *Source) ([]byte, error) {
	for {
		if len(f.rest) > 0 {
			line := f.rest
			if end := bytes.IndexByte(line, '\n'); end >= 0 {
				line, f.rest = line[:end], line[end+1:]
			} else {
				f.rest = nil
			}
			f.line++
			return bytes.TrimSuffix(line, []byte{'\r'}), nil
		}
		if err := f.nextBlock(s); err != nil {
			return nil, err
		}
	}
}

// nextBlock gives the block back and takes the next one.
func (f *feed) nextBlock(s *Source) error {
	if b := f.block; b != nil {
		f.block = nil
		last, failed, err := b.last, b.failed, b.err
		f.ahead.free <- b // there is room for all blocks
		if failed {
			return fmt.Errorf("replay: recording of %s: %w; it was there when the replay began", f.symbol, err)
		}
		if last && err != nil {
			if err := f.damaged(s, err); err != nil {
				return err
			}
		}
	}
	// After Close nothing is given out any more, even when there is some.
	select {
	case <-s.stop:
		return errClosed
	default:
	}
	select {
	case <-s.stop:
		return errClosed
	case b, ok := <-f.ahead.ready:
		if !ok {
			return io.EOF
		}
		if b.file != f.fileNo {
			f.fileNo, f.line = b.file, 0
		}
		f.block, f.rest = b, b.data
		if b.tooLong {
			f.line++
			return s.report(f, BadLine, fmt.Sprintf("the line has more than %d bytes", s.config.MaxLineBytes), nil)
		}
	}
	return nil
}

// damaged reports a file that cannot be read to its end, at the line that could not be read.
func (f *feed) damaged(s *Source, cause error) error {
	what := "the file is damaged from here on"
	if errors.Is(cause, io.ErrUnexpectedEOF) {
		what = "the file was cut off here"
	}
	f.line++
	return s.report(f, Damaged, fmt.Sprintf("%s (%v)", what, cause), cause)
}

func (f *feed) file() string { return f.ahead.files[f.fileNo] }

// splitLine takes a line apart at its first space; ok is false when no time stands before it.
func splitLine(line []byte) (timestampNs int64, payload []byte, ok bool) {
	i := 0
	for ; i < len(line) && line[i]-'0' <= 9; i++ {
		digit := int64(line[i] - '0')
		if timestampNs > (math.MaxInt64-digit)/10 {
			return 0, nil, false
		}
		timestampNs = timestampNs*10 + digit
	}
	if i == 0 || i >= len(line) || line[i] != ' ' {
		return 0, nil, false
	}
	return timestampNs, line[i+1:], true
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
