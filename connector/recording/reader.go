package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"hftrunner/hft"
)

// DefaultMaxLineBytes bounds a line when Config does not.
const DefaultMaxLineBytes = 16 << 20

// Config says what a Reader reads.
type Config struct {
	// Files are read one after the other.
	Files []string
	// MaxLineBytes bounds a line; 0 is DefaultMaxLineBytes.
	MaxLineBytes int
	// OnProblem is called for each Problem, on the goroutine that calls Next or Report. An error that it returns ends
	// the call it came from, which returns it; with nil, or without an OnProblem, reading goes on behind the problem.
	OnProblem func(Problem) error
}

// Reader hands out the lines of recordings. One goroutine uses it; Close and BytesRead may be called from any.
type Reader struct {
	config     Config
	totalBytes int64
	ahead      *readAhead

	fileNo int
	block  *block
	rest   []byte
	// line is the number of the line in hand. latestNs is the latest time so far; behind says that the time of the
	// line in hand is earlier.
	line     int
	latestNs int64
	behind   bool
	// goodNs is the time of the good line before.
	goodNs int64
	// latestFile and latestLine are where latestNs is from.
	latestFile, latestLine int
	// unitFile is 1 + the number of the file of which an unusual unit of times was told last.
	unitFile int

	// settled says that held has been filled: the first lines, given out before anything else is read. readFile and readLine
	// are how far was read for them, 0 when that counts no more.
	settled            bool
	held               []heldLine
	readFile, readLine int

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
		return nil, errors.New("recording: no file is given; name at least one")
	case config.MaxLineBytes < 0:
		return nil, fmt.Errorf("recording: MaxLineBytes is %d; use 0 or more", config.MaxLineBytes)
	case config.OnProblem == nil:
		config.OnProblem = func(Problem) error { return nil }
	}
	config.Files = slices.Clone(config.Files)
	r := &Reader{config: config, stop: make(chan struct{})}
	for _, name := range config.Files {
		size, err := fileSize(name)
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
		return 0, fmt.Errorf("recording: %w; check the name, and the environment variable HFTRUNNER_DATA if it gives the folder", err)
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("recording: %s is not a file; name a recording, plain text or gzip", name)
	}
	return info.Size(), nil
}

// Next returns the time in nanoseconds, whatever its unit in the file (hft.UnixNs), and the message of the next line that
// starts with a time and a space, and io.EOF behind the last file. The message is valid until the next call.
//
// Lines without a time, those whose time is more than hft.MaxTimeJump from that of the good lines before, those that are
// more than a day from it while the line behind does not agree, and those that are more than a minute later or earlier than both
// their neighbours, are passed over as a BadLine; at the start those are good that agree with each other. Another time earlier than that of an earlier line, in this file or one before, is a TimeBackwards, and
// returned as it stands.
func (r *Reader) Next() (timestampNs int64, message []byte, err error) {
	if !r.settled {
		r.settled = true
		r.settle()
	}
	for {
		line, err := r.take()
		if err != nil {
			return 0, nil, err
		}
		timestampNs, unit, message, ok := splitLine(line)
		what := ""
		switch {
		case !ok:
			what = "the line does not start with a time and a space: " + excerpt(line)
		case timestampNs == 0:
			what = "the time is 0"
		case r.latestNs != 0 && apart(r.latestNs, timestampNs):
			what = fmt.Sprintf("this line says %s and %s:%d says %s: they are more than %d days apart, so one of the two is wrong", utc(timestampNs),
				r.config.Files[r.latestFile], r.latestLine, utc(r.latestNs), hft.MaxTimeJump/(24*time.Hour))
		case r.goodNs != 0 && max(r.goodNs, timestampNs)-min(r.goodNs, timestampNs) > maxStray:
			message = slices.Clone(message)
			behindNs := r.peek()
			if strays(r.goodNs, timestampNs, behindNs) {
				what = fmt.Sprintf("this line says %s, between lines that say %s and %s", utc(timestampNs), utc(r.goodNs), utc(behindNs))
				break
			}
			if !near(r.goodNs, timestampNs) && (behindNs == 0 || !near(behindNs, timestampNs)) {
				what = fmt.Sprintf("this line says %s and the good lines say %s: they are more than %d hours apart, and the line behind does not agree with this one",
					utc(timestampNs), utc(r.goodNs), maxAlone/time.Hour)
				break
			}
			return timestampNs, message, r.checkTime(timestampNs, unit)
		default:
			return timestampNs, message, r.checkTime(timestampNs, unit)
		}
		if err := r.Report(BadLine, what, nil); err != nil {
			return 0, nil, err
		}
	}
}

// heldLine is a line that was read before its turn, or the error in its place.
type heldLine struct {
	fileNo, line int
	timestampNs  int64
	text         []byte
	err          error
}

// maxHeld bounds how many lines are read to find two that agree.
const maxHeld = 8

// maxAlone is how far a line may be from the others without another that agrees with it.
const maxAlone = 24 * time.Hour

// maxStray is how far a line's time may be from those of both its neighbours, all later or all earlier.
const maxStray = int64(time.Minute)

// strays reports whether a line between a good one and one behind it, 0 for none, has a time that both contradict.
func strays(goodNs, timestampNs, behindNs int64) bool {
	if behindNs == 0 || behindNs < goodNs-maxStray || apart(goodNs, behindNs) {
		return false
	}
	return timestampNs < goodNs-maxStray || timestampNs-maxStray > max(behindNs, goodNs)
}

// settle reads the first lines until two agree on the time: from then on it is known what a wrong time is. When none do, the
// first line counts.
func (r *Reader) settle() {
	for len(r.held) < maxHeld && r.latestNs == 0 {
		h := r.readHeld()
		for i := range r.held {
			if other := &r.held[i]; h.timestampNs != 0 && other.timestampNs != 0 && near(other.timestampNs, h.timestampNs) {
				r.latestNs, r.latestFile, r.latestLine = min(other.timestampNs, h.timestampNs), other.fileNo, other.line
				r.goodNs = r.latestNs
				break
			}
		}
		r.held = append(r.held, h)
		if h.err != nil {
			break
		}
	}
}

// readHeld reads a line before its turn.
func (r *Reader) readHeld() heldLine {
	text, err := r.NextLine()
	h := heldLine{r.fileNo, r.line, 0, slices.Clone(text), err}
	h.timestampNs, _, _, _ = splitLine(text)
	r.readFile, r.readLine = r.fileNo, r.line
	return h
}

// peek returns the time of the next line that has one, 0 for none. What was in hand is no more valid.
func (r *Reader) peek() int64 {
	fileNo, line := r.fileNo, r.line
	defer func() { r.fileNo, r.line = fileNo, line }()
	for i := range maxHeld {
		if i == len(r.held) {
			if r.readLine > 0 {
				r.fileNo, r.line = r.readFile, r.readLine
			}
			r.held = append(r.held, r.readHeld())
		}
		if h := &r.held[i]; h.err != nil || h.timestampNs != 0 {
			return h.timestampNs
		}
	}
	return 0
}

// take takes the next line into hand.
func (r *Reader) take() ([]byte, error) {
	if len(r.held) == 0 {
		if r.readLine > 0 { // the last of those that were held was in hand
			r.fileNo, r.line, r.readLine = r.readFile, r.readLine, 0
		}
		return r.NextLine()
	}
	select {
	case <-r.stop:
		return nil, errClosed()
	default:
	}
	h := r.held[0]
	r.held = r.held[1:]
	r.fileNo, r.line = h.fileNo, h.line
	return h.text, h.err
}

// apart reports whether two times are too far from each other for both to be true.
func apart(a, b int64) bool { return hft.CheckTimeJump(min(a, b), max(a, b)) != nil }

// near reports whether one time supports the other.
func near(a, b int64) bool { return max(a, b)-min(a, b) <= int64(maxAlone) }

func utc(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// checkTime reports once that time runs backwards, and once for each file that the unit is not the usual one.
func (r *Reader) checkTime(timestampNs int64, unit time.Duration) error {
	r.goodNs = timestampNs
	if unit != time.Nanosecond && r.unitFile <= r.fileNo {
		r.unitFile = r.fileNo + 1
		if err := r.Report(TimeUnit, "local times are in "+hft.UnitName(unit), nil); err != nil {
			return err
		}
	}
	if timestampNs >= r.latestNs {
		r.latestNs, r.behind, r.latestFile, r.latestLine = timestampNs, false, r.fileNo, r.line
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
		r.line++
		if line = bytes.TrimSuffix(line, []byte{'\r'}); len(line) <= r.config.MaxLineBytes {
			return line, nil
		}
		if err := r.tooLong(); err != nil {
			return nil, err
		}
	}
}

func (r *Reader) tooLong() error {
	return r.Report(BadLine, fmt.Sprintf("the line has more than %d bytes", r.config.MaxLineBytes), nil)
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
		if b.file != r.fileNo {
			r.fileNo, r.line = b.file, 0
		}
		r.block, r.rest = b, b.data
		if b.tooLong {
			r.line++
			return r.tooLong()
		}
	}
	return nil
}

// damaged reports a file that cannot be read to its end, at the line that could not be read.
func (r *Reader) damaged(cause error) error {
	what := "the file is damaged from here on"
	if errors.Is(cause, io.ErrUnexpectedEOF) {
		what = "the file was cut off here"
	}
	r.line++
	return r.Report(Damaged, fmt.Sprintf("%s (%v)", what, cause), cause)
}

// Report hands a problem of the line in hand to OnProblem and returns its error: the way for the user of the lines to
// say that one of them makes no sense. cause may be nil.
func (r *Reader) Report(kind ProblemKind, what string, cause error) error {
	return r.config.OnProblem(Problem{Kind: kind, File: r.File(), Line: r.line, What: what, Err: cause})
}

// File returns the name of the file of the line in hand.
func (r *Reader) File() string { return r.config.Files[r.fileNo] }

// FileNo returns the place of File in Config.Files.
func (r *Reader) FileNo() int { return r.fileNo }

// Line returns the number of the line in hand within its file, counted from 1.
func (r *Reader) Line() int { return r.line }

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

// splitLine takes a line apart at its first space; ok is false when no time stands before it.
func splitLine(line []byte) (timestampNs int64, unit time.Duration, message []byte, ok bool) {
	i, t := 0, int64(0)
	for ; i < len(line) && line[i]-'0' <= 9; i++ {
		digit := int64(line[i] - '0')
		if t > (math.MaxInt64-digit)/10 {
			return 0, 0, nil, false
		}
		t = t*10 + digit
	}
	if i == 0 || i >= len(line) || line[i] != ' ' {
		return 0, 0, nil, false
	}
	timestampNs, unit, ok = hft.UnixNs(t, time.Nanosecond)
	return timestampNs, unit, line[i+1:], ok
}

// excerpt is enough of a line to find it.
func excerpt(line []byte) string {
	const most = 60
	if len(line) > most {
		return fmt.Sprintf("%q...", line[:most])
	}
	return fmt.Sprintf("%q", line)
}
