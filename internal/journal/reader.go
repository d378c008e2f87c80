package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// ReadFrom configures what a Reader reads.
type ReadFrom struct {
	// Sequence and TimeNs are where it begins, 0 at the oldest there is: at the first record of at least that sequence, and from the
	// first on that is as late. A clock may have gone back, the sequence has not.
	Sequence uint64
	TimeNs   int64
	// Follow waits at the end for what is appended.
	Follow bool
}

// Damage is a part of a journal that cannot be read.
type Damage struct {
	Path string `json:"path"`
	// Offset is its start in the file.
	Offset int64 `json:"offset"`
	// From and To are the first and last record that are missing; 0 where no record is, or that is not known.
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Reason string `json:"reason"`
}

// String names file, place and what is missing.
func (d Damage) String() string {
	s := d.Reason
	if d.Path != "" {
		s = fmt.Sprintf("%s: at byte %d: %s", d.Path, d.Offset, s)
	}
	if d.To != 0 {
		s += fmt.Sprintf(", records %d to %d are missing", d.From, d.To)
	}
	return s
}

// Reader reads a journal, also while it is written. One goroutine uses it.
type Reader struct {
	dir      string
	id       uint64
	oldest   uint64
	parser   parser
	from     ReadFrom
	begun    bool // the first record of from.TimeNs was met
	segments []segment
	i        int // the one that is read
	file     *os.File
	buf      []byte // bytes of the file from offset on
	offset   int64
	at       int
	last     uint64 // sequence
	tries    int    // at a place that cannot be read, which may be about to be written
	rest     []byte // of the ring
	inRing   bool
	sparse   bool // records may be missing anywhere
	record   Record
	damage   []Damage

	// onCheckpoint takes those that are met.
	onCheckpoint func(*Record)
}

const (
	readBytes = 1 << 20
	// pollEvery is the polling interval of a Reader that follows, and patience the number of polls before it treats
	// unreadable data as corrupt.
	pollEvery = 5 * time.Millisecond
	patience  = 20
)

// OpenReader returns a Reader of a directory.
func OpenReader(dir string, from ReadFrom) (*Reader, error) {
	segments, bad, err := listSegments(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if len(segments) == 0 {
		return nil, errors.Join(append(bad, &FileError{dir, "there is no journal in this directory"})...)
	}
	r := newReader(dir, segments, segments[0].journal)
	r.from = from
	for _, err := range bad {
		r.damage = append(r.damage, Damage{Reason: err.Error()})
	}
	for i := range segments {
		if segments[i].first <= max(from.Sequence, 1) || segments[i].latestNs < from.TimeNs {
			r.i = i
		}
	}
	r.last = segments[r.i].first - 1
	return r, nil
}

func newReader(dir string, segments []segment, id uint64) *Reader {
	return &Reader{dir: dir, id: id, oldest: segments[0].first, parser: newParser(id), segments: segments, last: segments[0].first - 1}
}

// Journal returns the journal's id, Oldest the sequence with which its segments begin: what was before is in the money directory.
func (r *Reader) Journal() string { return fmt.Sprintf("%016x", r.id) }
func (r *Reader) Oldest() uint64  { return r.oldest }

// Damage returns what could not be read so far.
func (r *Reader) Damage() []Damage { return r.damage }

// Close ends the Reader.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// Next returns the next record, valid until the next call; io.EOF at the end, unless the Reader follows: then it waits
// until ctx ends. What is damaged is skipped and told by Damage.
func (r *Reader) Next(ctx context.Context) (*Record, error) {
	for {
		rec, err := r.step(ctx)
		if err != nil {
			return nil, err
		}
		if rec == nil || rec.Sequence < r.from.Sequence || !r.begun && rec.TimeNs < r.from.TimeNs {
			continue
		}
		r.begun = true
		return rec, nil
	}
}

// step returns the next record of the sequence, or nil when there is more to do.
func (r *Reader) step(ctx context.Context) (*Record, error) {
	if r.inRing {
		return r.stepRing()
	}
	if r.file == nil {
		return nil, r.openSegment()
	}
	n, o := r.parser.parse(r.buf[r.at:], &r.record)
	if o == valid {
		return r.take(n), nil
	}
	if o == incomplete {
		if more, err := r.fill(max(n, readBytes)); more || err != nil {
			return nil, err
		}
	}
	return nil, r.atEnd(ctx)
}

// take returns the valid record of n bytes, nil when it is skipped.
func (r *Reader) take(n int) *Record {
	rec := &r.record
	if rec.Kind == KindCheckpoint {
		if r.onCheckpoint != nil {
			r.onCheckpoint(rec)
		}
		r.at += n
		return nil
	}
	if r.i+1 < len(r.segments) && rec.Sequence >= r.segments[r.i+1].first {
		r.nextSegment() // which has it, and all behind it
		return nil
	}
	if rec.Sequence > r.last+1 && !r.sparse {
		r.miss(rec.Sequence-1, "records are missing")
	}
	r.at += n
	r.tries = 0
	if rec.Sequence <= r.last {
		return nil
	}
	r.last = rec.Sequence
	return rec
}

// miss notes that the records up to one are missing here.
func (r *Reader) miss(to uint64, reason string) {
	d := Damage{Path: r.segments[r.i].path, Offset: r.offset + int64(r.at), From: r.last + 1, To: to, Reason: reason}
	if k := len(r.damage) - 1; k >= 0 && r.damage[k].Path == d.Path && r.damage[k].Offset == d.Offset && r.damage[k].To == 0 {
		d.Reason = r.damage[k].Reason
		r.damage[k] = d
		return
	}
	r.damage = append(r.damage, d)
}

func (r *Reader) openSegment() error {
	s := r.segments[r.i]
	f, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) && r.i+1 < len(r.segments) {
		r.miss(r.segments[r.i+1].first-1, "the segment was removed meanwhile")
		r.nextSegment()
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	r.file, r.buf, r.offset, r.at, r.tries = f, r.buf[:0], segmentHeaderBytes, 0, 0
	return nil
}

// nextSegment goes on with the segment behind this one.
func (r *Reader) nextSegment() {
	_ = r.Close()
	r.i++
	r.buf, r.offset, r.at = r.buf[:0], segmentHeaderBytes, 0
	if first := r.segments[r.i].first; first > r.last+1 {
		r.miss(first-1, "records are missing before this segment")
		r.last = first - 1
	}
}

// fill reads until n bytes are there behind the present place; more says that there are more than before.
func (r *Reader) fill(n int) (more bool, err error) {
	had := len(r.buf) - r.at
	if had >= n {
		n = had + readBytes
	}
	info, err := r.file.Stat()
	if err != nil {
		return false, fmt.Errorf("journal: %s: %w", r.segments[r.i].path, err)
	}
	n = max(had, min(n, int(info.Size()-r.offset)-r.at)) // no memory for more than the file has
	copy(r.buf, r.buf[r.at:])
	r.offset += int64(r.at)
	r.at = 0
	if cap(r.buf) < n {
		r.buf = append(make([]byte, 0, n), r.buf[:had]...)
	}
	r.buf = r.buf[:n]
	got, err := r.file.ReadAt(r.buf[had:], r.offset+int64(had))
	r.buf = r.buf[:had+got]
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("journal: %s: %w", r.segments[r.i].path, err)
	}
	return got > 0, nil
}

// atEnd is called where no record can be read: at the end, at a torn tail, or at damage.
func (r *Reader) atEnd(ctx context.Context) error {
	newest := r.i+1 == len(r.segments)
	if newest && r.from.Follow {
		if err := r.await(ctx); err != nil {
			return err
		}
		if newest = r.i+1 == len(r.segments); r.tries < patience && (newest || r.tries < 2) {
			r.tries++
			r.buf = r.buf[:r.at] // look again
			return nil
		}
	}
	if more, err := r.fill(len(r.buf) - r.at + 16*readBytes); more || err != nil {
		return err // what is there now may be more than it was
	}
	if skip := r.parser.next(r.buf[r.at:], r.last); skip > 0 {
		r.skip(skip, newest)
		return nil
	}
	switch {
	case !newest:
		r.nextSegment()
		return nil
	case r.from.Follow:
		r.buf, r.tries = r.buf[:r.at], 0
		return nil
	case r.sparse:
		r.inRing = true
		return nil
	}
	return r.beginRing()
}

// skip passes over bytes that are not records.
func (r *Reader) skip(n int, newest bool) {
	if newest && r.tries < 2 { // a host may have been about to write it
		r.again()
		return
	}
	r.damage = append(r.damage, Damage{Path: r.segments[r.i].path, Offset: r.offset + int64(r.at),
		Reason: fmt.Sprintf("%d bytes are not records", n)})
	if h := headerAt(r.buf[r.at+n:]); h.sequence > r.last+1 && !r.sparse {
		r.miss(h.sequence-1, "")
		r.last = h.sequence - 1
	}
	r.at += n
}

// again lets the place be read once more.
func (r *Reader) again() {
	r.tries++
	r.buf = r.buf[:r.at]
}

// beginRing goes on with what is not in a segment yet.
func (r *Reader) beginRing() error {
	paths, err := ringPaths(r.dir, r.id)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	r.rest, _, _ = ringRest(paths, r.id, r.last)
	// A host may have written to the disk just now what the ring had when the segment was read.
	if len(r.rest) == 0 && r.tries == 0 || len(r.rest) > 0 && headerAt(r.rest).sequence > r.last+1 && r.tries < patience {
		r.again()
		return r.lookForNext()
	}
	r.inRing = true
	return nil
}

// await waits a moment and looks for a new segment.
func (r *Reader) await(ctx context.Context) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	}
	return r.lookForNext()
}

// lookForNext looks for segments behind this one.
func (r *Reader) lookForNext() error {
	here := r.segments[r.i]
	if _, err := os.Stat(segmentPath(r.dir, here.number+1)); err != nil {
		return nil
	}
	segments, _, err := listSegments(r.dir)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	for i, s := range segments {
		if s.number > here.number {
			r.segments, r.i = append([]segment{here}, segments[i:]...), 0
			break
		}
	}
	return nil
}

// stepRing returns the next of the records that were not in a segment yet.
func (r *Reader) stepRing() (*Record, error) {
	n, o := r.parser.parse(r.rest, &r.record)
	if o != valid {
		return nil, io.EOF
	}
	r.rest = r.rest[n:]
	if r.record.Sequence > r.last+1 {
		r.miss(r.record.Sequence-1, "records are missing")
	}
	r.last = r.record.Sequence
	return &r.record, nil
}

// end returns where the last valid record of the newest segment ends.
func (r *Reader) end() int64 { return r.offset + int64(r.at) }
