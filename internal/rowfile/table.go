package rowfile

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// maxGroupRows bounds what Parquet keeps in memory before it writes.
const maxGroupRows = 64 << 10

// Table writes rows of type R to a CSV and a Parquet file.
type Table[R any] struct {
	write   func(rows []R) error
	finish  func() error
	files   []*os.File
	err     error
	numRows int64
}

// layout describes how rows R are written: as columns of CSV and as the struct P of Parquet.
type layout[R, P any] struct {
	columns []string
	text    func(r *R, cells []string)
	row     func(r *R) P
}

// create begins path.csv and path.parquet.
func create[R, P any](path string, l layout[R, P]) (*Table[R], error) {
	csvFile, err := os.Create(path + ".csv")
	if err != nil {
		return nil, fmt.Errorf("create a table: %w", err)
	}
	parquetFile, err := os.Create(path + ".parquet")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create a table: %w", err), csvFile.Close(), os.Remove(csvFile.Name()))
	}
	buffer := bufio.NewWriterSize(parquetFile, 256<<10)
	columns := parquet.NewGenericWriter[P](buffer, parquet.Compression(&zstd.Codec{}),
		parquet.MaxRowsPerRowGroup(maxGroupRows))
	lines := csv.NewWriter(csvFile)
	cells := make([]string, len(l.columns))
	packed := make([]P, 0, 256)
	t := &Table[R]{files: []*os.File{csvFile, parquetFile}}
	t.write = func(rows []R) error {
		for i := range rows {
			l.text(&rows[i], cells)
			if err := lines.Write(cells); err != nil {
				return fmt.Errorf("write %s: %w", csvFile.Name(), err)
			}
			packed = append(packed, l.row(&rows[i]))
			if len(packed) < cap(packed) && i < len(rows)-1 {
				continue
			}
			if _, err := columns.Write(packed); err != nil {
				return fmt.Errorf("write %s: %w", parquetFile.Name(), err)
			}
			packed = packed[:0]
		}
		return nil
	}
	t.finish = func() error {
		lines.Flush()
		return errors.Join(lines.Error(), columns.Close(), buffer.Flush())
	}
	if err := lines.Write(l.columns); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", csvFile.Name(), err), t.Discard())
	}
	return t, nil
}

// Write appends rows.
func (t *Table[R]) Write(rows []R) error {
	if t.err == nil {
		t.err = t.write(rows)
		t.numRows += int64(len(rows))
	}
	return t.err
}

// NumRows is the number of rows that were given to Write.
func (t *Table[R]) NumRows() int64 { return t.numRows }

// Close completes the files. The error is the first of all that went wrong.
func (t *Table[R]) Close() error {
	if t.files == nil {
		return os.ErrClosed
	}
	if t.err == nil {
		if err := t.finish(); err != nil {
			t.err = fmt.Errorf("complete %s: %w", t.files[0].Name(), err)
		}
	}
	for _, f := range t.files {
		if err := f.Close(); err != nil && t.err == nil {
			t.err = fmt.Errorf("complete a table: %w", err)
		}
	}
	t.files = nil
	if t.err != nil {
		return t.err
	}
	t.err = os.ErrClosed
	return nil
}

// Discard closes and removes the files. After Close it does nothing, so it can be deferred.
func (t *Table[R]) Discard() error {
	var err error
	for _, f := range t.files {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if t.files != nil {
		t.files, t.err = nil, os.ErrClosed
	}
	return err
}

// decimal is the shortest text of a float that reads back as the same, without an exponent.
func decimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func whole[T int8 | uint8 | int32 | int64](x T) string { return strconv.FormatInt(int64(x), 10) }

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
