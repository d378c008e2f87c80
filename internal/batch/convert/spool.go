package convert

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

const (
	rowBytes = 64
	// spoolBuffer is the number of bytes of a spool written at a time.
	spoolBuffer = 256 << 10
)

// appendRow appends the bytes that a row has in a file.
func appendRow(b []byte, e *hft.Event) []byte {
	n := len(b)
	b = slices.Grow(b, rowBytes)[:n+rowBytes]
	r := (*[rowBytes]byte)(b[n:])
	binary.LittleEndian.PutUint64(r[0:], e.Ev)
	binary.LittleEndian.PutUint64(r[8:], uint64(e.ExchTimestampNs))
	binary.LittleEndian.PutUint64(r[16:], uint64(e.LocalTimestampNs))
	binary.LittleEndian.PutUint64(r[24:], math.Float64bits(e.Px))
	binary.LittleEndian.PutUint64(r[32:], math.Float64bits(e.Qty))
	binary.LittleEndian.PutUint64(r[40:], e.OrderID)
	binary.LittleEndian.PutUint64(r[48:], uint64(e.Ival))
	binary.LittleEndian.PutUint64(r[56:], math.Float64bits(e.Fval))
	return b
}

// getRow is the inverse of appendRow.
func getRow(r *[rowBytes]byte, e *hft.Event) {
	e.Ev = binary.LittleEndian.Uint64(r[0:])
	e.ExchTimestampNs = int64(binary.LittleEndian.Uint64(r[8:]))
	e.LocalTimestampNs = int64(binary.LittleEndian.Uint64(r[16:]))
	e.Px = math.Float64frombits(binary.LittleEndian.Uint64(r[24:]))
	e.Qty = math.Float64frombits(binary.LittleEndian.Uint64(r[32:]))
	e.OrderID = binary.LittleEndian.Uint64(r[40:])
	e.Ival = int64(binary.LittleEndian.Uint64(r[48:]))
	e.Fval = math.Float64frombits(binary.LittleEndian.Uint64(r[56:]))
}

// order is the sort key of rows; equal ones stay in the order of capture.
type order uint8

const (
	byCapture order = iota
	byExch
	byLocal
)

func (o order) key(e *hft.Event) int64 {
	switch o {
	case byExch:
		return e.ExchTimestampNs
	case byLocal:
		return e.LocalTimestampNs
	}
	return 0
}

// sortKey is a row's place in the order: its key, and where it stands in memory.
type sortKey struct {
	key int64
	row uint32
}

// run is a sorted part of a spool.
type run struct{ row, end int64 }

// spool keeps all rows in one order: as sorted runs in a temporary file or, when there is only one, in memory.
type spool struct {
	order order
	file  *os.File
	buf   []byte
	rows  int64
	runs  []run

	// kept is the only run, in the order of keptKeys unless that is nil.
	kept     []hft.Event
	keptKeys []sortKey
}

func newSpool(name string, o order) (*spool, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	// Without a name its space is given back whatever ends the process. Nobody opens it again.
	if err := os.Remove(name); err != nil {
		return nil, errors.Join(fmt.Errorf("convert: %w", err), file.Close())
	}
	return &spool{order: o, file: file, buf: make([]byte, 0, spoolBuffer)}, nil
}

// sort returns the order of rows, in the memory of keys, and nil when they are in order already.
func (s *spool) sort(rows []hft.Event, keys []sortKey) []sortKey {
	sorted := true
	for i := 1; i < len(rows) && sorted; i++ {
		sorted = s.order.key(&rows[i-1]) <= s.order.key(&rows[i])
	}
	if sorted {
		return nil
	}
	keys = slices.Grow(keys[:0], len(rows))
	for i := range rows {
		keys = append(keys, sortKey{s.order.key(&rows[i]), uint32(i)})
	}
	slices.SortFunc(keys, func(a, b sortKey) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.row, b.row))
	})
	return keys
}

// keep takes the only run there is and leaves it in memory.
func (s *spool) keep(rows []hft.Event) {
	s.kept, s.keptKeys = rows, s.sort(rows, nil)
	s.addRun(len(rows))
}

func (s *spool) addRun(rows int) {
	s.runs = append(s.runs, run{s.rows, s.rows + int64(rows)})
	s.rows += int64(rows)
}

// spill writes rows as one run. keys is memory for the sort and is returned, for the next one.
func (s *spool) spill(rows []hft.Event, keys []sortKey) ([]sortKey, error) {
	sorted := s.sort(rows, keys)
	for i := range rows {
		e := &rows[i]
		if sorted != nil {
			e = &rows[sorted[i].row]
		}
		if s.buf = appendRow(s.buf, e); len(s.buf) > spoolBuffer-rowBytes {
			if err := s.flush(); err != nil {
				return nil, err
			}
		}
	}
	s.addRun(len(rows))
	if sorted != nil {
		keys = sorted
	}
	return keys, nil
}

// flush writes what spill has not yet written.
func (s *spool) flush() error {
	_, err := s.file.Write(s.buf)
	s.buf = s.buf[:0]
	if err != nil {
		return fmt.Errorf("convert: keep rows in the meantime: %w; free disk space or use another TempDir", err)
	}
	return nil
}

// readRows reads the rows that were spilled from number row on. buf has room for their bytes.
func (s *spool) readRows(rows []hft.Event, row int64, buf []byte) error {
	buf = buf[:len(rows)*rowBytes]
	if _, err := s.file.ReadAt(buf, row*rowBytes); err != nil {
		return fmt.Errorf("convert: read rows back: %w", err)
	}
	for i := range rows {
		getRow((*[rowBytes]byte)(buf[i*rowBytes:]), &rows[i])
	}
	return nil
}

func (s *spool) close() error { return s.file.Close() }

// merger reads the rows of a spool in their order. Its memory is that of one spool's runs: bounded by what it is given,
// but at least a page of each run.
type merger struct {
	spool *spool
	raw   []byte
	// heap are the runs that are not read to their end, the one with the next row first.
	heap []*cursor
}

// cursor reads one run. rows are in memory, the first of them is the next.
type cursor struct {
	run    run
	number int
	key    int64
	rows   []hft.Event
	memory []hft.Event
}

// minCursorRows is the minimum that a run has in memory: a page.
const minCursorRows = 4096 / rowBytes

// merge begins to read all rows, which have to be flushed, with memory for about memoryRows of them.
func (s *spool) merge(memoryRows int) (*merger, error) {
	m := &merger{spool: s}
	perRun := min(max(memoryRows/max(len(s.runs), 1), minCursorRows), spoolBuffer/rowBytes)
	m.raw = make([]byte, perRun*rowBytes)
	for i, r := range s.runs {
		c := &cursor{run: r, number: i, memory: make([]hft.Event, min(int64(perRun), r.end-r.row))}
		if err := m.fill(c); err != nil {
			return nil, err
		}
		m.heap = append(m.heap, c)
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m, nil
}

// head returns the next row, nil after the last. It belongs to the merger until pop.
func (m *merger) head() *hft.Event {
	if len(m.heap) == 0 {
		return nil
	}
	return &m.heap[0].rows[0]
}

// pop takes the row of head.
func (m *merger) pop() error {
	c := m.heap[0]
	if c.rows = c.rows[1:]; len(c.rows) == 0 {
		if c.run.row == c.run.end {
			last := len(m.heap) - 1
			m.heap[0] = m.heap[last]
			m.heap = m.heap[:last]
			m.sink(0)
			return nil
		}
		if err := m.fill(c); err != nil {
			return err
		}
	}
	c.key = m.spool.order.key(&c.rows[0])
	m.sink(0)
	return nil
}

// fill gets the next rows of a run, which has some.
func (m *merger) fill(c *cursor) error {
	n := min(int64(len(c.memory)), c.run.end-c.run.row)
	c.rows = c.memory[:n]
	if s := m.spool; s.kept != nil {
		if s.keptKeys == nil {
			copy(c.rows, s.kept[c.run.row:])
		} else {
			for i, k := range s.keptKeys[c.run.row : c.run.row+n] {
				c.rows[i] = s.kept[k.row]
			}
		}
	} else if err := s.readRows(c.rows, c.run.row, m.raw); err != nil {
		return err
	}
	c.run.row += n
	c.key = m.spool.order.key(&c.rows[0])
	return nil
}

// before reports whether run a goes first. Of equal keys the earlier run has the earlier rows.
func (m *merger) before(a, b *cursor) bool {
	return a.key < b.key || a.key == b.key && a.number < b.number
}

// sink restores the heap below i.
func (m *merger) sink(i int) {
	h := m.heap
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && m.before(h[child+1], h[child]) {
			child++
		}
		if !m.before(h[child], h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
