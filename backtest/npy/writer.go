package npy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"
)

// writeBuffer is how much is written to the file at a time.
const writeBuffer = 256 << 10

// Writer writes one array. One goroutine at a time uses it. Its file has the final name only after Close.
type Writer[T any] struct{ rowsWriter[T] }

// ArchiveWriter writes a .npz archive of several arrays of the same layout, one after the other: Member, then Write
// until its rows are complete, and so on. One goroutine at a time uses it. Its file has the final name only after
// Close.
type ArchiveWriter[T any] struct{ rowsWriter[T] }

// rowsWriter is what both writers share: a file under a temporary name and the array that is being written to it.
type rowsWriter[T any] struct {
	path  string
	dtype Dtype
	file  *os.File
	buf   *bufio.Writer
	zip   *zip.Writer // nil for .npy
	// dst takes the rows of the current array; nil before the first.
	dst     io.Writer
	members map[string]bool
	member  string
	// numRows is how many rows the current array has, row how many are written.
	numRows, row int64
	err          error
}

// Create begins a file of numRows rows: path.npy, or path.npz with the member data.npy, deflated. T is a struct of the
// fields of d. Write the rows and Close it; Discard gives it up.
func Create[T any](path string, d Dtype, numRows int64) (*Writer[T], error) {
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	w := &Writer[T]{}
	if err := w.open(path, d); err != nil {
		return nil, err
	}
	if format == ".npz" {
		w.openZip()
		err = w.beginMember(dataMember, numRows)
	} else {
		w.dst = w.buf
		err = w.begin(numRows)
	}
	if err != nil {
		return nil, errors.Join(err, w.Discard())
	}
	return w, nil
}

// CreateArchive begins an archive path.npz. T is a struct of the fields of d. Close it after its last member; Discard
// gives it up.
func CreateArchive[T any](path string, d Dtype) (*ArchiveWriter[T], error) {
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	if format != ".npz" {
		return nil, fmt.Errorf("npy: %s: %w: an archive has the extension .npz", path, ErrFormat)
	}
	w := &ArchiveWriter[T]{}
	if err := w.open(path, d); err != nil {
		return nil, err
	}
	w.openZip()
	return w, nil
}

// Member begins the next array, of numRows rows, after the rows of the last are complete. name is the file name of the
// member, such as 0.npy, which numpy.load shows as "0".
func (w *ArchiveWriter[T]) Member(name string, numRows int64) error {
	switch {
	case w.err != nil:
		return w.err
	case !strings.HasSuffix(name, ".npy") || strings.ContainsAny(name, `/\`):
		return fmt.Errorf("npy: %s: %w: member name %q; must end in .npy", w.path, ErrFormat, name)
	case w.members[name]:
		return fmt.Errorf("npy: %s: %w: there is a member %s already", w.path, ErrFormat, name)
	}
	if err := w.complete(); err != nil {
		return err
	}
	return w.beginMember(name, numRows)
}

func (w *rowsWriter[T]) open(path string, d Dtype) error {
	if err := checkRow[T](d); err != nil {
		return fmt.Errorf("npy: %s: %w", path, err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("npy: create %s: %w", path, err)
	}
	w.path, w.dtype, w.file = path, d, file
	w.buf = bufio.NewWriterSize(file, writeBuffer)
	return nil
}

func (w *rowsWriter[T]) openZip() {
	w.zip = zip.NewWriter(w.buf)
	w.members = map[string]bool{}
	w.zip.RegisterCompressor(zip.Deflate, func(dst io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(dst, flate.DefaultCompression)
	})
}

func (w *rowsWriter[T]) beginMember(name string, numRows int64) error {
	dst, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return w.fail(err)
	}
	w.dst, w.member, w.members[name] = dst, ": member "+name, true
	return w.begin(numRows)
}

// begin writes the header of an array.
func (w *rowsWriter[T]) begin(numRows int64) error {
	if numRows < 0 {
		return w.fail(fmt.Errorf("%w: %d rows; must be the number of rows that follow", ErrFormat, numRows))
	}
	w.numRows, w.row = numRows, 0
	if _, err := w.dst.Write(appendHeader(nil, w.dtype, numRows)); err != nil {
		return w.fail(err)
	}
	return nil
}

// fail remembers an error, which no later call gets past.
func (w *rowsWriter[T]) fail(err error) error {
	w.err = fmt.Errorf("npy: write %s%s: row %d: %w", w.path, w.member, w.row, err)
	return w.err
}

// Write appends rows to the array; more than there should be are an error. It keeps nothing of rows and, once the
// compression has its memory, allocates nothing.
func (w *rowsWriter[T]) Write(rows []T) error {
	if w.err != nil {
		return w.err
	}
	if int64(len(rows)) > w.numRows-w.row {
		return w.fail(fmt.Errorf("%w: %d more rows where %d of %d are left", ErrFormat, len(rows), w.numRows-w.row,
			w.numRows))
	}
	n, err := w.dst.Write(bytesOf(rows))
	w.row += int64(n) / w.dtype.rowBytes()
	if err != nil {
		return w.fail(err)
	}
	return nil
}

// complete reports an array that lacks rows.
func (w *rowsWriter[T]) complete() error {
	if w.err == nil && w.row != w.numRows {
		return w.fail(fmt.Errorf("%w: %d of %d rows were written", ErrTruncated, w.row, w.numRows))
	}
	return w.err
}

// Close completes the file and gives it its name, replacing an older one. If that fails, or rows are missing, nothing
// is left of the new file. A second call returns os.ErrClosed.
func (w *rowsWriter[T]) Close() error {
	if errors.Is(w.err, os.ErrClosed) {
		return w.err
	}
	if err := w.complete(); err != nil {
		return errors.Join(err, w.Discard())
	}
	if err := w.commit(); err != nil {
		return errors.Join(w.fail(err), w.Discard())
	}
	w.err = fmt.Errorf("npy: %s: %w", w.path, os.ErrClosed)
	return nil
}

func (w *rowsWriter[T]) commit() error {
	if w.zip != nil {
		if err := w.zip.Close(); err != nil {
			return err
		}
	}
	if err := w.buf.Flush(); err != nil {
		return err
	}
	// Only the owner may read a temporary file; data is for everybody.
	if err := w.file.Chmod(0o644); err != nil {
		return err
	}
	// The name must not survive a power failure without the rows.
	if err := w.file.Sync(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	return os.Rename(w.file.Name(), w.path)
}

// Discard gives the file up and removes what was written of it. After Close it does nothing, so it can be deferred.
func (w *rowsWriter[T]) Discard() error {
	if errors.Is(w.err, os.ErrClosed) {
		return nil
	}
	w.err = fmt.Errorf("npy: %s: %w", w.path, os.ErrClosed)
	closed := w.file.Close()
	if errors.Is(closed, os.ErrClosed) {
		closed = nil // a failed Close got this far
	}
	if err := errors.Join(closed, os.Remove(w.file.Name())); err != nil {
		return fmt.Errorf("npy: remove the unfinished %s: %w", w.path, err)
	}
	return nil
}
