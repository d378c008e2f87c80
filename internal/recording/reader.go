package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// DefaultMaxLineBytes bounds a line when Config does not.
const DefaultMaxLineBytes = 16 << 20

// Config says what a Reader reads.
type Config struct {
	// Files are read one after the other.
	Files []string
	// MaxLineBytes bounds a line; 0 is DefaultMaxLineBytes.
	MaxLineBytes int
	// TimeNs returns the time of a message that stands on its line without one, as in the archives of venues, 0 when it does not
	// tell one. It is asked in files whose first line is such a one; nil is for never. Its error ends Next, which returns it.
	TimeNs func(message []byte) (int64, error)
	// OnProblem is called for each Problem, on the goroutine that calls Next or Report. An error that it returns ends
	// the call it came from, which returns it; with nil, or without an OnProblem, reading goes on behind the problem.
	OnProblem func(Problem) error
}

// Reader hands out the lines of recordings. One goroutine uses it; Close and BytesRead may be called from any.
type Reader struct {
	config     Config
	totalBytes int64
	ahead      *readAhead

	block *block
	rest  []byte
	// at is the place of the last line that was read, hand that of the line in hand.
	at, hand place
	// held are lines that were read before their turn, with their texts in heldText behind heldUsed; settled says that the first
	// ones have been. holding is the one that is being read.
	held     []heldLine
	heldText []byte
	heldUsed int
	settled  bool
	holding  *heldLine

	// looked is 1 + the number of the last file of which a line was looked at, alone says that its first line was a message alone.
	// byMessage says of the line in hand that its time is from Config.TimeNs.
	looked           int
	alone, byMessage bool

	// goodNs and good are the time and place of the good line before. latestNs is the latest good time so far; behind says that the
	// time of the line in hand is earlier.
	goodNs, latestNs int64
	good             place
	behind           bool
	// trustedNs is the good time before the lines that were distrusted; distrusted says that the line in hand was.
	trustedNs  int64
	distrusted bool
	// far is the last line that is known to be too far from the good ones, as those before it are.
	far place
	// unitFile is 1 + the number of the file of which an unusual unit of times was told last.
	unitFile int

	closeOnce sync.Once
	stop      chan struct{}
	reading   sync.WaitGroup
}

// Open starts to read. A file that is missing or no file is an error that names it. The caller has to close the Reader.
func Open(config Config) (*Reader, error) {
	if config.MaxLineBytes == 0 {
		config.MaxLineBytes = DefaultMaxLineBytes
	}
	switch {
	case len(config.Files) == 0:
		return nil, errors.New("recording: no files; at least one is required")
	case config.MaxLineBytes < 0:
		return nil, fmt.Errorf("recording: MaxLineBytes is %d; use 0 or more", config.MaxLineBytes)
	case config.OnProblem == nil:
		config.OnProblem = func(Problem) error { return nil }
	}
	config.Files = slices.Clone(config.Files)
	r := &Reader{config: config, stop: make(chan struct{})}
	for _, name := range config.Files {
		size, err := fileSize(name)
		if err == nil {
			err = checkZip(name, size)
		}
		if err != nil {
			return nil, err
		}
		r.totalBytes += size
	}
	r.ahead = newReadAhead(config.Files, config.MaxLineBytes, r.stop)
	r.reading.Go(r.ahead.run)
	return r, nil
}

// fileSize says early and clearly what is wrong with a file's name.
func fileSize(name string) (int64, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, fmt.Errorf("recording: %w; check the name, and the environment variable HFTRUNNER_DATA if it names the directory", err)
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("recording: %s is not a file; must be a recording: plain text, gzip or zip", name)
	}
	return info.Size(), nil
}

// Next returns the time in nanoseconds, whatever its unit in the file (hft.UnixNs), and the message of the next line that
// starts with a time and a space, or whose message tells one (Config.TimeNs), and io.EOF behind the last file. The message is valid
// until the next call.
//
// Lines without a time and those whose time cannot be true (see the package) are passed over as a BadLine. Another time earlier
// than that of an earlier line, in this file or one before, is a TimeBackwards, and returned as it stands. A file that as a whole
// cannot follow the one before is an error.
func (r *Reader) Next() (timestampNs int64, message []byte, err error) {
	if !r.settled {
		r.settled = true
		r.settle()
	}
	if !r.distrusted {
		r.trustedNs = r.goodNs
	}
	r.distrusted = false
	for {
		line, err := r.take()
		if err != nil {
			return 0, nil, err
		}
		timestampNs, message := line.timestampNs, line.message
		r.byMessage = line.byMessage
		what := ""
		switch {
		case line.byMessage && timestampNs == 0:
			what = "the line has no time, nor has its message: " + excerpt(line.text)
		case !line.ok:
			what = "the line does not start with a time and a space: " + excerpt(line.text)
		case timestampNs == 0:
			what = "the time is 0"
		case r.goodNs != 0 && distance(r.goodNs, timestampNs) > uint64(maxStray):
			message = slices.Clone(message) // others are read
			if what, err = r.judge(timestampNs); err != nil {
				return 0, nil, err
			}
		}
		if what == "" {
			return timestampNs, message, r.checkTime(timestampNs, line.unit)
		}
		if err := r.Report(BadLine, what, nil); err != nil {
			return 0, nil, err
		}
	}
}

// checkTime reports once that time runs backwards, and once for each file that the unit is not the usual one.
func (r *Reader) checkTime(timestampNs int64, unit time.Duration) error {
	r.goodNs, r.good = timestampNs, r.hand
	if unit != time.Nanosecond && r.unitFile <= r.hand.file {
		r.unitFile = r.hand.file + 1
		if err := r.Report(TimeUnit, "local times are in "+hft.UnitName(unit), nil); err != nil {
			return err
		}
	}
	if timestampNs >= r.latestNs {
		r.latestNs, r.behind = timestampNs, false
		return nil
	}
	if r.behind {
		return nil
	}
	r.behind = true
	return r.Report(TimeBackwards, fmt.Sprintf("the time is %d ns before that of an earlier line", r.latestNs-timestampNs), nil)
}

// NextLine is Next for files whose lines have no time: it returns the line without its end, valid until the next call.
// Lines above the bound are passed over as a BadLine, what cannot be read of a file is a Damaged.
func (r *Reader) NextLine() ([]byte, error) {
	line, err := r.readLine()
	r.hand = r.at
	return line, err
}

func (r *Reader) readLine() ([]byte, error) {
	for {
		for len(r.rest) == 0 {
			if err := r.nextBlock(); err != nil {
				return nil, err
			}
		}
		line := r.rest
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line, r.rest = line[:end], line[end+1:]
		} else {
			r.rest = nil
		}
		r.at.line++
		if line = bytes.TrimSuffix(line, []byte{'\r'}); len(line) <= r.config.MaxLineBytes {
			return line, nil
		}
		if err := r.tooLong(); err != nil {
			return nil, err
		}
	}
}

func (r *Reader) tooLong() error {
	return r.found(BadLine, fmt.Sprintf("the line has more than %d bytes", r.config.MaxLineBytes), nil)
}

// nextBlock gives the block back and takes the next one.
func (r *Reader) nextBlock() error {
	if b := r.block; b != nil {
		r.block = nil
		last, failed, err := b.last, b.failed, b.err
		r.ahead.free <- b // there is room for all blocks
		if failed {
			return fmt.Errorf("recording: %w; it was there when the reading began", err)
		}
		if last && err != nil {
			if err := r.damaged(err); err != nil {
				return err
			}
		}
	}
	// After Close nothing is given out any more, even when there is some.
	select {
	case <-r.stop:
		return errClosed()
	default:
	}
	select {
	case <-r.stop:
		return errClosed()
	case b, ok := <-r.ahead.ready:
		if !ok {
			return io.EOF
		}
		if b.file != r.at.file {
			r.at = place{b.file, 0}
		}
		r.block, r.rest = b, b.data
		if b.tooLong {
			r.at.line++
			return r.tooLong()
		}
	}
	return nil
}

// damaged reports a file that cannot be read to its end, at the line that could not be read.
func (r *Reader) damaged(cause error) error {
	what := "the file is corrupt from here on"
	if errors.Is(cause, io.ErrUnexpectedEOF) {
		what = "the file was cut off here"
	}
	r.at.line++
	return r.found(Damaged, fmt.Sprintf("%s (%v)", what, cause), cause)
}

// found hands a problem of the line that is being read to OnProblem, when its turn comes.
func (r *Reader) found(kind ProblemKind, what string, cause error) error {
	if h := r.holding; h != nil {
		h.problems = append(h.problems, heldProblem{r.at, Problem{Kind: kind, What: what, Err: cause}})
		return nil
	}
	r.hand = r.at
	return r.Report(kind, what, cause)
}

// Report hands a problem of the line in hand to OnProblem and returns its error: the way for the user of the lines to
// say that one of them makes no sense. cause may be nil.
func (r *Reader) Report(kind ProblemKind, what string, cause error) error {
	return r.config.OnProblem(Problem{Kind: kind, File: r.File(), Line: r.Line(), What: what, Err: cause})
}

// File returns the name of the file of the line in hand.
func (r *Reader) File() string { return r.config.Files[r.hand.file] }

// FileNo returns the place of File in Config.Files.
func (r *Reader) FileNo() int { return r.hand.file }

// Line returns the number of the line in hand within its file, counted from 1.
func (r *Reader) Line() int { return r.hand.line }

// ByMessage reports whether the line in hand has no time of its own and got that of its message.
func (r *Reader) ByMessage() bool { return r.byMessage }

// BytesRead returns how much of the files has been read, in bytes as they are stored. Reading is ahead of the lines.
func (r *Reader) BytesRead() int64 { return r.ahead.bytesRead.Load() }

// TotalBytes returns the size of all files when they were opened.
func (r *Reader) TotalBytes() int64 { return r.totalBytes }

// Close stops the reading ahead, waits for it, and closes the files. Next returns an error that wraps os.ErrClosed from
// then on. It can be called more than once.
func (r *Reader) Close() error {
	r.closeOnce.Do(func() { close(r.stop) })
	r.reading.Wait()
	return nil
}

func errClosed() error { return fmt.Errorf("recording: the reader is closed: %w", os.ErrClosed) }
