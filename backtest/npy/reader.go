package npy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// readBuffer is the size of the buffer that serves reads of few rows; larger reads go past it.
const readBuffer = 64 << 10

// Reader reads the rows of one array from front to back. One goroutine at a time uses it.
type Reader[T any] struct {
	// where names file and member in errors.
	where     string
	inArchive bool
	file      io.Closer
	src       *bufio.Reader
	rowBytes  int64
	numRows   int64
	row       int64
	warnings  []string
	err       error
}

// Open opens the array in a .npy file, or the member data.npy of a .npz archive, and checks its header: format version
// 1.0, one dimension, row by row, fields of the types of d (specification 1.3). The rows have to be complete. T is a
// struct of the fields of d.
//
// Errors are those of the operating system, ErrFormat, ErrTruncated or ErrCorrupt; all name the file. Close the reader
// after use.
func Open[T any](path string, d Dtype) (*Reader[T], error) { return OpenMember[T](path, dataMember, d) }

// OpenMember is Open for a named member of a .npz archive, such as 0.npy of the recorder. A .npy file has no members
// and is opened as it is.
func OpenMember[T any](path, member string, d Dtype) (*Reader[T], error) {
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: it is not a regular file; use a file on disk", ErrFormat)
	}
	var r *Reader[T]
	if err == nil {
		r, err = newReader[T](file, info.Size(), format, member, d)
	}
	if err != nil {
		return nil, fmt.Errorf("npy: %s: %w", path, errors.Join(err, file.Close()))
	}
	r.file, r.where = file, path+r.where
	return r, nil
}

// formatOf returns the extension of a path that can be read and written.
func formatOf(path string) (string, error) {
	switch format := filepath.Ext(path); format {
	case ".npy", ".npz":
		return format, nil
	case ".gz":
		return "", fmt.Errorf("npy: %s: %w: it is compressed text; convert it first with `runner convert`", path,
			ErrFormat)
	default:
		return "", fmt.Errorf("npy: %s: %w: extension %q; must be .npy or .npz", path, ErrFormat, format)
	}
}

// newReader opens the array in size bytes of src.
func newReader[T any](src io.ReaderAt, size int64, format, member string, d Dtype) (*Reader[T], error) {
	if err := checkRow[T](d); err != nil {
		return nil, err
	}
	r := &Reader[T]{rowBytes: d.rowBytes()}
	body := io.Reader(io.NewSectionReader(src, 0, size))
	if format == ".npz" {
		opened, memberSize, err := openMember(src, size, member)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", member, err)
		}
		body, size, r.inArchive, r.where = opened, memberSize, true, ": member "+member
	}
	r.src = bufio.NewReaderSize(body, readBuffer)
	if err := r.start(size, d); err != nil {
		if r.inArchive {
			err = fmt.Errorf("member %s: %w", member, err)
		}
		return nil, err
	}
	return r, nil
}

// start reads the header of an array of size bytes and counts its rows.
func (r *Reader[T]) start(size int64, d Dtype) error {
	h, err := readHeader(r.src)
	if err != nil {
		return r.explain(err)
	}
	if r.warnings, err = h.check(d); err != nil {
		return err
	}
	r.numRows = (size - h.bytes) / r.rowBytes
	if rest := (size - h.bytes) % r.rowBytes; rest != 0 {
		return fmt.Errorf("%w: it ends within row %d, after %d of its %d bytes; fetch or convert the data again",
			ErrTruncated, r.numRows, rest, r.rowBytes)
	}
	switch said := h.shape[0]; {
	case said > r.numRows:
		return fmt.Errorf("%w: it ends before row %d and should have %d rows; fetch or convert the data again",
			ErrTruncated, r.numRows, said)
	case said < r.numRows:
		r.warnings = append(r.warnings, fmt.Sprintf("the header says %d rows, the file has %d; all are read", said,
			r.numRows))
	}
	if r.numRows == 0 {
		return r.checkEnd()
	}
	return nil
}

// NumRows returns the number of rows of the array.
func (r *Reader[T]) NumRows() int64 { return r.numRows }

// Warnings returns what is unusual about the file but does no harm, such as a field of another name; nil if nothing is.
func (r *Reader[T]) Warnings() []string { return r.warnings }

// Read fills dst with the next rows and returns how many there were: fewer than len(dst) only at the end of the array
// or with an error. io.EOF comes alone, after the last row. The first n rows of dst are set even with an error; where a
// checksum is wrong (ErrCorrupt) they are not to be trusted. It allocates nothing but what inflating a block may need.
func (r *Reader[T]) Read(dst []T) (n int, err error) {
	if r.err != nil {
		return 0, r.err
	}
	if len(dst) == 0 {
		return 0, nil
	}
	want := min(int64(len(dst)), r.numRows-r.row)
	if want == 0 {
		r.err = io.EOF
		return 0, io.EOF
	}
	got, err := io.ReadFull(r.src, bytesOf(dst[:want]))
	n = int(int64(got) / r.rowBytes)
	r.row += int64(n)
	if err == nil && r.row == r.numRows {
		err = r.checkEnd()
	}
	if err != nil {
		r.err = fmt.Errorf("npy: %s: row %d: %w", r.where, r.row, r.explain(err))
	}
	return n, r.err
}

// checkEnd makes sure that nothing follows the last row, by which an archive also checks its sum.
func (r *Reader[T]) checkEnd() error {
	_, err := r.src.ReadByte()
	switch {
	case err == nil:
		return fmt.Errorf("%w: it goes on after its last row; fetch or convert the data again", ErrCorrupt)
	case errors.Is(err, io.EOF):
		return nil
	}
	return r.explain(err)
}

// explain gives an error of reading its cause and advice.
func (r *Reader[T]) explain(err error) error {
	if r.inArchive {
		return archiveError(err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it became shorter while it was read (%w); keep it as it is until the run ends",
			ErrTruncated, err)
	}
	return err
}

// Close closes the file. A second call returns os.ErrClosed, as does Read afterwards.
func (r *Reader[T]) Close() error {
	if errors.Is(r.err, os.ErrClosed) {
		return r.err
	}
	r.err = fmt.Errorf("npy: %s: %w", r.where, os.ErrClosed)
	// A member of an archive holds memory only; closing it would repeat what Read has reported.
	if err := r.file.Close(); err != nil {
		return fmt.Errorf("npy: close %s: %w", r.where, err)
	}
	return nil
}
