package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// disk is the writer's other end: the segment that is written. The writer's goroutine alone uses it.
type disk struct {
	file    File // nil after a failure: that segment is not written again
	path    string
	number  uint64
	at      int64
	limit   int64  // from which size on the next one begins; what is behind it is a reserve for when that cannot be
	state   *State // of all that is durable
	retry   time.Time
	looked  time.Time // whether the segment is still there
	blocked bool      // the next segment could not be begun, this one goes on
	buf     []byte
	keeping sync.WaitGroup
	keeper  atomic.Bool
}

// retryAfter is the delay before a failed disk is tried again.
const retryAfter = 500 * time.Millisecond

// lookEvery is the interval between checks that the segment still exists.
const lookEvery = time.Second

// run writes and syncs until the writer is closed.
func (w *Writer) run() {
	defer w.drained.Done()
	ticker := time.NewTicker(w.cfg.syncEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-w.kick:
		case <-w.stop:
			return
		}
		w.drain()
		w.pay()
		if lacking := w.free() < w.size/8; lacking != w.full.Load() {
			w.full.Store(lacking)
			if lacking {
				w.cfg.Notify(Notice{"the disk cannot keep up with the journal, its memory is running out", ErrFull})
			} else {
				w.cfg.Notify(Notice{"the disk has caught up with the journal", nil})
			}
		}
	}
}

// drain makes durable what is in the ring.
func (w *Writer) drain() {
	d := &w.disk
	d.look(w)
	waits := time.Now().Before(d.retry)
	from, to := w.tail.Load(), w.head.Load()
	if waits && d.file == nil || from == to && d.file != nil && (waits || !d.blocked) {
		return
	}
	d.buf = copyOut(d.buf[:0], w.ring.data, from, to)
	if err := w.store(d.buf, !waits); err != nil {
		if !waits {
			d.retry = time.Now().Add(retryAfter)
		}
		err = fmt.Errorf("journal: %w", err)
		if w.failure.Swap(&err) == nil {
			w.cfg.Notify(Notice{"cannot write the journal: free disk space or check the disk; no restart is needed", err})
		}
		return
	}
	if d.blocked {
		return // what is there was written, but the next segment cannot be begun
	}
	d.retry = time.Time{}
	if w.failure.Swap(nil) != nil {
		w.cfg.Notify(Notice{"the journal can be written again", nil})
	}
}

// look gives up a segment that somebody has removed: what is written to it nobody will read.
func (d *disk) look(w *Writer) {
	if d.file == nil || time.Since(d.looked) < lookEvery {
		return
	}
	d.looked = time.Now()
	_, err := os.Stat(d.path)
	if same, statErr := w.sameDir(); err == nil && statErr == nil && !same {
		err = fs.ErrNotExist // it is another directory of that name
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		w.cfg.Notify(Notice{"the journal was removed while it was written: its records are lost, it continues with their sums", err})
		_ = d.file.Close()
		d.file = nil
	}
}

// store writes records, each to the segment that has room for it. What is durable leaves the ring. Where the next segment cannot
// be begun, which is tried with mayBegin only, the records go into the reserve of this one.
func (w *Writer) store(records []byte, mayBegin bool) error {
	sound := 0
	for r := new(Record); sound < len(records); {
		n, o := w.table.parse(records[sound:], r)
		if o != valid { // somebody else has written to our memory
			return errors.Join(w.storeSound(records[:sound], mayBegin),
				fmt.Errorf("the record behind %d is corrupt in memory: restart the runner", w.disk.state.Sequence))
		}
		sound += n
	}
	return w.storeSound(records, mayBegin)
}

func (w *Writer) storeSound(records []byte, mayBegin bool) error {
	d := &w.disk
	if (d.file == nil || d.blocked) && mayBegin {
		if err := w.begin(); err != nil && d.file == nil {
			return err
		} else if err != nil {
			return errors.Join(err, w.write(records))
		}
	}
	if d.blocked {
		return w.write(records)
	}
	for len(records) > 0 {
		n := w.fitting(records, d.limit-d.at)
		if n == 0 {
			if err := w.begin(); err != nil {
				return errors.Join(err, w.write(records))
			}
			n = max(w.fitting(records, d.limit-d.at), padded(int(headerAt(records).length)))
		}
		if err := w.write(records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// fitting returns how many bytes of whole records do not exceed a size.
func (w *Writer) fitting(records []byte, size int64) (n int) {
	for n < len(records) {
		next := n + padded(int(headerAt(records[n:]).length))
		if int64(next) > size {
			break
		}
		n = next
	}
	return n
}

// write writes records to the segment, syncs it, and takes them out of the ring. After an error the segment has failed
// permanently.
func (w *Writer) write(records []byte) error {
	if len(records) == 0 {
		return nil
	}
	d := &w.disk
	_, err := d.file.WriteAt(records, d.at)
	if err == nil {
		err = d.file.Sync()
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("%s: %w", d.path, err), d.file.Close())
		d.file = nil
		return err
	}
	d.at += int64(len(records))
	var r Record
	for rest := records; len(rest) > 0; {
		n, _ := w.table.parse(rest, &r)
		d.state.Apply(&r)
		rest = rest[n:]
	}
	tail := w.tail.Load() + uint64(len(records))
	atomic.StoreUint64(&w.ring.header.tail, tail)
	w.tail.Store(tail)
	return nil
}

// begin begins a new segment with a checkpoint; the one before ends, if there is one. It has its name when it is whole.
func (w *Writer) begin() error {
	d := &w.disk
	path := segmentPath(w.cfg.Dir, d.number+1)
	head, err := w.segmentHead(d.number + 1)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(w.cfg.Dir, 0o700); err != nil {
		return err
	}
	if err := w.claim(); err != nil {
		return err
	}
	file, err := w.cfg.create(path+newSuffix, int64(max(w.cfg.SegmentBytes, 2*len(head))))
	if err == nil {
		if _, err = file.WriteAt(head, 0); err == nil {
			err = file.Sync()
		}
		if err == nil {
			err = w.name(path)
		}
		if err != nil {
			err = errors.Join(err, file.Close())
			_ = os.Remove(path + newSuffix)
		}
	}
	if err != nil {
		d.blocked = d.file != nil
		return fmt.Errorf("%s: %w", path, err)
	}
	if d.file != nil {
		if err := errors.Join(d.file.Truncate(d.at), d.file.Close()); err != nil {
			w.cfg.Notify(Notice{"the end of a segment of the journal", fmt.Errorf("%s: %w", d.path, err)})
		}
	}
	d.file, d.path, d.number, d.at, d.blocked = file, path, d.number+1, int64(len(head)), false
	d.limit = max(int64(w.cfg.SegmentBytes-w.cfg.SegmentBytes/16), 4*d.at) // a State may be large
	w.keep()
	return nil
}

// name gives a segment its name. Where that may not be durable the segment goes, and where even that fails the one
// before is not written either: a reader takes of it only what comes before this one.
func (w *Writer) name(path string) error {
	err := os.Rename(path+newSuffix, path)
	if err != nil {
		return err
	}
	if err = w.cfg.syncFolder(w.cfg.Dir); err == nil {
		return nil
	}
	if gone := os.Remove(path); gone != nil && w.disk.file != nil {
		err = errors.Join(err, gone, w.disk.file.Close())
		w.disk.file = nil
	}
	return err
}

// sameDir reports whether the journal's directory is still the one that this writer has locked.
func (w *Writer) sameDir() (bool, error) {
	was, err := w.lock.Stat()
	if err != nil {
		return false, err
	}
	now, err := os.Stat(w.cfg.Dir)
	return err == nil && os.SameFile(was, now), err
}

// claim locks the directory again if somebody has replaced it. If it is another writer's by now, or has segments already, it is
// not written to.
func (w *Writer) claim() error {
	if same, err := w.sameDir(); same || err != nil {
		return err
	}
	lock, err := lockFolder(w.cfg.Dir)
	if err != nil {
		return err
	}
	if segments, bad, err := listSegments(w.cfg.Dir); err != nil || len(segments)+len(bad) > 0 {
		return errors.Join(fmt.Errorf("journal: %s was replaced and holds another journal", w.cfg.Dir), err, lock.Close())
	}
	was := w.lock
	w.lock = lock
	return was.Close()
}

// segmentHead returns header and checkpoint of the segment that begins now.
func (w *Writer) segmentHead(number uint64) ([]byte, error) {
	d := &w.disk
	text, err := d.state.encode()
	if err != nil {
		return nil, err
	}
	now := w.cfg.NowNs()
	b := appendSegmentHeader(nil, w.id, number, d.state.Sequence+1, now, d.state.TimeNs)
	n := headerBytes + len(text)
	b = append(b, make([]byte, padded(n))...)
	w.table.put(b[segmentHeaderBytes:], n, d.state.Sequence, &Head{Kind: KindCheckpoint, TimeNs: now}, nil, []string{text})
	return b, nil
}

// end writes the rest and ends the segment.
func (d *disk) end(w *Writer) error {
	defer d.keeping.Wait()
	rest := func() error { return w.store(copyOut(nil, w.ring.data, w.tail.Load(), w.head.Load()), true) }
	err := rest()
	for err == nil && len(w.owed) > 0 {
		w.pay()
		err = rest()
	}
	if len(w.owed) > 0 {
		err = errors.Join(err, ErrFull)
	} else if w.tail.Load() == w.head.Load() {
		err = nil // all is there, and the segment after this one is the next Open's
	}
	if d.file != nil {
		err = errors.Join(err, d.file.Truncate(d.at), d.file.Close())
	}
	return err
}
