package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// Recovery is the result of Open.
type Recovery struct {
	// State is that after the last record, the ones in the ring included.
	State *State
	// Unclean is true if the last run did not end gracefully, FromRing is the number of records that only the ring
	// had. RingGone says that there was no ring after an unclean end: the machine went down, and what was appended in
	// the last moments is not there.
	Unclean  bool
	FromRing uint64
	RingGone bool
	// Torn are the files that torn tails were put aside into.
	Torn []string
	// Damage lists the parts that cannot be read since the last checkpoint. The State lacks them.
	Damage []Damage
}

// recover brings the directory into order and makes ring and first segment.
func (w *Writer) recover() (*Recovery, error) {
	removeUnfinished(w.cfg.Dir)
	segments, bad, err := listSegments(w.cfg.Dir)
	if err != nil {
		return nil, err
	}
	rec := &Recovery{State: NewState()}
	if w.disk.number, err = newestNumber(w.cfg.Dir); err != nil {
		return nil, err
	}
	if rec.Damage, err = setAside(w.cfg.Dir, segments, bad); err != nil {
		return nil, err
	}
	w.id = newID()
	if len(segments) > 0 {
		w.id = segments[0].journal
	}
	w.table = newParser(w.id)
	if err := w.recoverSegments(segments, rec); err != nil {
		return nil, err
	}
	paths := w.cfg.ringPaths
	if paths == nil {
		if paths, err = ringPaths(w.cfg.Dir, w.id); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	rest, unread, found := ringRest(paths, w.id, rec.State.Sequence)
	rec.Unclean = rec.State.Run.Running || found // it goes with an orderly end
	rec.RingGone = rec.State.Run.Running && !found
	if err := w.fresh(paths, rest, rec); err != nil {
		return nil, err
	}
	if unread > 0 {
		rec.Damage = append(rec.Damage, Damage{From: rec.State.Sequence + 1, Reason: fmt.Sprintf("the journal's memory has a "+
			"record that cannot be read: %d bytes from there on are lost", unread)})
	}
	for number, i := range rec.State.Instruments {
		w.numbers[[2]string{i.Connector, i.Symbol}], w.named[number] = number, Instrument{i.TickSize, i.LotSize}
		w.newest = max(w.newest, number)
	}
	for _, st := range rec.State.Strategies { // of instruments whose names are lost
		for number := range st.Holdings {
			w.newest = max(w.newest, number)
		}
	}
	return rec, nil
}

// recoverSegments reads the newest checkpoint and what comes after, and puts a torn tail aside.
func (w *Writer) recoverSegments(segments []segment, rec *Recovery) error {
	if len(segments) == 0 {
		return nil
	}
	r := newReader(w.cfg.Dir, segments, w.id)
	defer func() { _ = r.Close() }()
	state, err := r.fold()
	if err != nil {
		return err
	}
	rec.State = state
	rec.Damage = append(rec.Damage, r.damage...)
	for i, s := range segments {
		end := int64(-1)
		if i == len(segments)-1 {
			end = r.end()
		}
		torn, err := trim(s, end)
		if err != nil {
			return err
		}
		if torn != "" {
			rec.Torn = append(rec.Torn, torn)
		}
	}
	return nil
}

// setAside gives segments that cannot be used another name, where there are others.
func setAside(dir string, segments []segment, bad []error) (list []Damage, err error) {
	if len(segments) == 0 && len(bad) > 0 {
		return nil, errors.Join(append(bad, &FileError{dir,
			"what strategies hold is not known: restore the directory, or " +
				"move it away to begin without it"})...)
	}
	for _, is := range bad {
		list = append(list, Damage{Reason: is.Error()})
		var f *FileError
		if errors.As(is, &f) { // or it may be used another time
			err = errors.Join(err, os.Rename(f.Path, f.Path+damagedSuffix))
		}
	}
	return list, err
}

// trim gives back what was set aside for a segment, and with an end puts what is behind that into a file of its own.
func trim(s segment, end int64) (torn string, err error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return "", err
	}
	if end < 0 || info.Size() <= end {
		return "", nil
	}
	raw, err := os.ReadFile(s.path)
	if err != nil {
		return "", err
	}
	if strings.Trim(string(raw[end:]), "\x00") != "" {
		torn = fmt.Sprintf("%s.torn-at-%d", s.path, end)
		if err := os.WriteFile(torn, raw[end:], 0o600); err != nil {
			return "", err
		}
	}
	if err := os.Truncate(s.path, end); err != nil {
		return "", fmt.Errorf("%w: the torn tail is in %s", err, torn)
	}
	return torn, nil
}

// fresh makes the first segment of this writer, with what only the ring had, and then an empty ring.
func (w *Writer) fresh(paths []string, rest []byte, rec *Recovery) error {
	d := &w.disk
	d.state = rec.State
	if err := w.begin(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	giveUp := func(err error) error { return errors.Join(fmt.Errorf("journal: %w", err), d.file.Close()) }
	if len(rest) > 0 {
		if _, err := d.file.WriteAt(rest, d.at); err != nil {
			return giveUp(err)
		}
		if err := d.file.Sync(); err != nil {
			return giveUp(err)
		}
		d.at += int64(len(rest))
		w.takeRest(rest, rec)
	}
	if d.state.Holed { // what is appended from now on goes on from it
		d.state.Holed = false
		if err := w.begin(); err != nil {
			return giveUp(err)
		}
	}
	w.sequence = d.state.Sequence
	var err error
	if w.ring, err = createRing(paths, w.cfg.Dir, w.id, w.cfg.RingBytes); err != nil {
		return giveUp(err)
	}
	for _, path := range paths { // one that was left in the other place
		if path != w.ring.path {
			_ = os.Remove(path)
		}
	}
	if len(paths) > 1 && w.ring.path != paths[0] {
		w.cfg.Notify(Notice{"no room in " + filepath.Dir(paths[0]) + ": the journal's memory is a file on the disk, where requests may wait for it",
			errors.New("give it " + fmt.Sprint(w.cfg.RingBytes>>20) + " MiB there")})
	}
	removeAbandoned()
	atomic.StoreUint64(&w.ring.header.head, 0)
	// What others read: the State that was found, not the one that goes on.
	text, err := d.state.encode()
	if err == nil {
		rec.State, err = decodeState([]byte(text))
	}
	if err != nil {
		return errors.Join(giveUp(err), w.ring.close(false))
	}
	return nil
}

// takeRest takes what only the ring had into the State.
func (w *Writer) takeRest(rest []byte, rec *Recovery) {
	d := &w.disk
	var r Record
	for len(rest) > 0 {
		n, _ := w.table.parse(rest, &r)
		if r.Sequence > d.state.Sequence+1 {
			rec.Damage = append(rec.Damage, Damage{Path: d.path, From: d.state.Sequence + 1, To: r.Sequence - 1,
				Reason: "records that are neither in a segment nor in memory"})
		}
		d.state.Apply(&r)
		rec.FromRing++
		rest = rest[n:]
	}
}

// removeUnfinished removes segments that had not begun.
func removeUnfinished(dir string) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), segmentSuffix+newSuffix) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
