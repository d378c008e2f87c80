package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// moneyFolder has a file for each year, <year>.journal: a segment header, and of the segments that went the records about money
// and those that name strategies and instruments.
const moneyFolder = "money"

// keep lets segments go that are older than what is to be kept, on a goroutine of its own.
func (w *Writer) keep() {
	d := &w.disk
	if w.cfg.Keep <= 0 || d.state.ClockUnconfirmed || !d.keeper.CompareAndSwap(false, true) {
		return
	}
	nowNs, keep, newest := w.cfg.NowNs(), int64(w.cfg.Keep), d.number
	d.keeping.Go(func() {
		defer d.keeper.Store(false)
		if w.announce(nowNs, keep, newest) != nil {
			keep *= 2
		}
		removed, err := retain(w.cfg.Dir, func(segments []segment) int { return old(segments, nowNs, keep, newest) })
		switch {
		case err != nil:
			w.cfg.Notify(Notice{"old journal segments are kept, because their money records could not be copied", err})
		case removed > 0:
			w.cfg.Notify(Notice{fmt.Sprintf("removed %d old journal segments", removed), nil})
		}
	})
}

// announce calls BeforeRemove if there is a segment to be removed.
func (w *Writer) announce(nowNs, keepNs int64, newest uint64) error {
	segments, _, err := listSegments(w.cfg.Dir)
	if w.cfg.BeforeRemove == nil || err != nil || old(segments, nowNs, keepNs, newest) == 0 {
		return nil // Retain tells what is wrong
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-w.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err = w.cfg.BeforeRemove(ctx); err != nil && ctx.Err() == nil {
		w.cfg.Notify(Notice{"old journal segments are kept for a while, because history.db could not be brought up to date", err})
	}
	return err
}

// old returns the number of the oldest segments that may go at a time. The age of a segment is the time that has passed since
// the next one was begun, as the journal itself has seen it pass: a clock that goes back, and one that returns, adds nothing,
// one that jumps ahead at most half of what is to be kept. So a wrong clock lets nothing go that is not at least half as old.
func old(segments []segment, nowNs, keepNs int64, newest uint64) (n int) {
	passed := make([]int64, len(segments)) // since each was begun
	latest, sum := int64(math.MinInt64), int64(0)
	advance := func(ns int64) {
		switch {
		case ns > nowNs+int64(24*time.Hour): // the clock was wrong then, or is now
		case latest == math.MinInt64:
			latest = ns
		case ns > latest:
			sum, latest = sum+min(ns-latest, keepNs/2), ns
		}
	}
	for i := range segments {
		advance(segments[i].createdNs)
		passed[i] = sum
	}
	advance(nowNs)
	for n+1 < len(segments) && segments[n].number < newest && sum-passed[n+1] > keepNs {
		n++
	}
	return n
}

// Retain removes the segments that are older than a time, without regard to wrong clocks: the one behind each was begun
// before. Those from number newest on stay.
func Retain(dir string, beforeNs int64, newest uint64) (removed int, err error) {
	return retain(dir, func(segments []segment) (n int) {
		for n+1 < len(segments) && segments[n].number < newest && segments[n+1].createdNs < beforeNs {
			n++
		}
		return n
	})
}

// retain copies what is about money of the oldest segments to the money directory, and removes them. A damaged one is kept
// under another name.
func retain(dir string, number func(segments []segment) int) (removed int, err error) {
	segments, bad, err := listSegments(dir)
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	if len(bad) > 0 {
		return 0, errors.Join(bad...)
	}
	for i := range number(segments) {
		damaged, err := copyMoney(dir, segments[i:i+2])
		if err == nil && damaged {
			err = os.Rename(segments[i].path, segments[i].path+damagedSuffix)
		} else if err == nil {
			err = os.Remove(segments[i].path)
		}
		if err != nil {
			return removed, fmt.Errorf("journal: %w", err)
		}
		removed++
	}
	return removed, nil
}

// copyMoney copies what can be read of the first of two segments.
func copyMoney(dir string, pair []segment) (damaged bool, err error) {
	r := newReader(dir, pair, pair[0].journal)
	defer func() { _ = r.Close() }()
	books := make(map[int]*moneyFile)
	for {
		rec, err := r.step(context.Background())
		if err != nil || r.i > 0 {
			for _, b := range books {
				err = errors.Join(err, b.close(err == nil))
			}
			return len(r.damage) > 0, err
		}
		if rec == nil || !keptForGood(rec) {
			continue
		}
		year := time.Unix(0, rec.TimeNs).UTC().Year()
		if books[year] == nil {
			if books[year], err = openMoney(dir, pair[0].journal, year); err != nil {
				return false, err
			}
		}
		if err := books[year].put(rec); err != nil {
			return false, err
		}
	}
}

func keptForGood(r *Record) bool {
	if r.Kind == KindMark {
		m, _ := As[Mark](r)
		return m.DayEnd != 0
	}
	info, _ := infoOf(r.Kind)
	return info.money || info.names
}

// ReadMoney calls fn for the records of the money directory with a sequence above one, in their order, until it returns an error. What
// is damaged is passed over and returned.
func ReadMoney(ctx context.Context, dir string, after uint64, fn func(*Record) error) (damage []Damage, err error) {
	years, bad, err := listSegments(filepath.Join(dir, moneyFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	for _, err := range bad {
		damage = append(damage, Damage{Reason: err.Error()})
	}
	sources := make([]moneySource, len(years))
	defer func() {
		for i := range sources {
			_ = sources[i].reader.Close()
		}
	}()
	for i := range years {
		r := newReader(dir, years[i:i+1], years[i].journal)
		r.sparse, r.from.Sequence, r.last = true, after+1, 0
		sources[i].reader = r
	}
	for {
		first, err := firstOf(ctx, sources)
		if err != nil {
			return damage, err
		}
		if first == nil {
			break
		}
		if err := fn(first.next); err != nil {
			return damage, err
		}
		first.next = nil
	}
	for i := range sources {
		damage = append(damage, sources[i].reader.damage...)
	}
	return damage, nil
}

// moneySource is the file of a year that is read. next is nil until it is read.
type moneySource struct {
	reader *Reader
	next   *Record
	over   bool
}

// firstOf returns the source with the lowest sequence, nil at the end. A clock that has gone back over the end of a year has left
// records of two years in each other's midst.
func firstOf(ctx context.Context, sources []moneySource) (first *moneySource, err error) {
	for i := range sources {
		s := &sources[i]
		if s.next == nil && !s.over {
			s.next, err = s.reader.Next(ctx)
			if s.over = errors.Is(err, io.EOF); err != nil && !s.over {
				return nil, err
			}
		}
		if !s.over && (first == nil || s.next.Sequence < first.next.Sequence) {
			first = s
		}
	}
	return first, nil
}

// moneyFile is one year.
type moneyFile struct {
	file  *os.File
	out   *bufio.Writer
	table parser
	last  uint64 // sequence
}

// openMoney opens the file of a year for appending. What a copy that was broken off has left at the end goes.
func openMoney(dir string, id uint64, year int) (m *moneyFile, err error) {
	folder := filepath.Join(dir, moneyFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	path := filepath.Join(folder, strconv.Itoa(year)+segmentSuffix)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	m = &moneyFile{file: f, out: bufio.NewWriterSize(f, 1<<20), table: newParser(id)}
	at, err := m.take(dir, path, id)
	if err == nil && at == 0 {
		_, err = m.out.Write(appendSegmentHeader(nil, id, uint64(year), 1, 0, 0))
	}
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(at); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return m, nil
}

// take reads what the file has and returns where its last record ends, 0 where not even its header is whole.
func (m *moneyFile) take(dir, path string, id uint64) (end int64, err error) {
	if info, err := m.file.Stat(); err != nil || info.Size() < segmentHeaderBytes {
		return 0, err
	}
	h, err := readSegmentHeader(path)
	if err != nil || h.journal != id {
		return 0, errors.Join(err, &FileError{path, "it belongs to another journal: move it away"})
	}
	r := newReader(dir, []segment{{path, h}}, id)
	r.sparse, r.last = true, 0
	defer func() { _ = r.Close() }()
	for !r.inRing { // its end
		rec, err := r.step(context.Background())
		if err != nil {
			return 0, err
		}
		if rec != nil {
			m.last = rec.Sequence
		}
	}
	if len(r.damage) > 0 {
		return 0, &FileError{path, fmt.Sprintf("it is corrupt at byte %d: nothing is added to it, move it away",
			r.damage[0].Offset)}
	}
	return r.end(), nil
}

// put appends a record, unless it is there already.
func (m *moneyFile) put(r *Record) error {
	if r.Sequence <= m.last {
		return nil
	}
	m.last = r.Sequence
	var texts []string
	for t := range r.Texts() {
		texts = append(texts, t)
	}
	n := sizeOf(len(r.body), texts)
	b := make([]byte, padded(n))
	m.table.put(b, n, r.Sequence, &r.Head, r.body, texts)
	headerAt(b).version = r.Version
	headerAt(b).checksum = checksumOf(m.table.seed, m.table.table, b)
	_, err := m.out.Write(b)
	return err
}

// close makes the file durable.
func (m *moneyFile) close(sound bool) error {
	var err error
	if sound {
		err = errors.Join(m.out.Flush(), m.file.Sync(), syncFolder(filepath.Dir(m.file.Name())))
	}
	return errors.Join(err, m.file.Close())
}
