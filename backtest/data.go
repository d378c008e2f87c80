package backtest

import (
	"fmt"
	"io"
	"slices"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
)

// Data is a source of event rows: File or Rows.
type Data interface {
	fmt.Stringer
	// numRows looks at the source and returns how many rows it has.
	numRows() (int64, error)
	open() (rowReader, error)
}

// rowReader reads a source from its start.
type rowReader interface {
	// next returns the next rows, at most blockRows, and io.EOF with or after the last. owned says that they are in the
	// caller's memory: in buf, or a copy when it is asked for.
	next(buf []hft.Event, own bool) (rows []hft.Event, owned bool, err error)
	io.Closer
}

// File is an event file, .npz (member data.npy) or .npy, as hftbacktest reads them (specification 1.3). It is read in
// the background, in bounded memory.
func File(path string) Data { return file(path) }

type file string

func (f file) String() string { return string(f) }

func (f file) numRows() (int64, error) {
	r, err := npy.Open[hft.Event](string(f), npy.EventDtype())
	if err != nil {
		return 0, err
	}
	return r.NumRows(), r.Close()
}

func (f file) open() (rowReader, error) {
	r, err := npy.Open[hft.Event](string(f), npy.EventDtype())
	if err != nil {
		return nil, err
	}
	return fileReader{r}, nil
}

type fileReader struct{ *npy.Reader[hft.Event] }

func (r fileReader) next(buf []hft.Event, _ bool) (rows []hft.Event, owned bool, err error) {
	if cap(buf) < blockRows {
		buf = make([]hft.Event, blockRows)
	}
	n, err := r.Read(buf[:blockRows])
	return buf[:n], true, err
}

// Rows are events in memory. They are not changed and must not be while they are used.
func Rows(rows []hft.Event) Data { return memory(rows) }

type memory []hft.Event

func (m memory) String() string { return fmt.Sprintf("%d rows in memory", len(m)) }

func (m memory) numRows() (int64, error) { return int64(len(m)), nil }

func (m memory) open() (rowReader, error) { return &memoryReader{rest: m}, nil }

type memoryReader struct{ rest []hft.Event }

func (r *memoryReader) next(buf []hft.Event, own bool) (rows []hft.Event, owned bool, err error) {
	n := min(blockRows, len(r.rest))
	rows, r.rest = r.rest[:n:n], r.rest[n:]
	if own {
		rows = append(buf[:0], rows...)
	}
	if len(r.rest) == 0 {
		err = io.EOF
	}
	return rows, own, err
}

func (r *memoryReader) Close() error { return nil }

// readAll returns the rows of a source that is known to be small, such as a snapshot.
func readAll(d Data) (all []hft.Event, err error) {
	r, err := d.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		rows, _, err := r.next(nil, true)
		all = slices.Concat(all, rows)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
