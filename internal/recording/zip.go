package recording

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
)

// memberSuffix is how the names of recordings end that venues offer as zip archives.
const memberSuffix = ".data"

// isZip tells a zip archive by its first bytes, or by its name where it is none any more.
func isZip(f *os.File) bool {
	var magic [4]byte
	n, _ := f.ReadAt(magic[:], 0)
	return bytes.HasPrefix(magic[:n], []byte("PK\x03\x04")) || bytes.HasPrefix(magic[:n], []byte("PK\x05\x06")) ||
		strings.EqualFold(path.Ext(f.Name()), ".zip")
}

// zipMembers returns the recordings in a zip archive by their names, which begin with the day. An archive that is not whole, or
// has anything else in it, is an error.
func zipMembers(f io.ReaderAt, size int64) ([]*zip.File, error) {
	archive, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("it is not a complete zip archive, perhaps a partial download (%w); get it again", err)
	}
	members := slices.DeleteFunc(archive.File, func(m *zip.File) bool { return m.Mode().IsDir() })
	for _, m := range members {
		const encrypted = 1
		switch base := path.Base(m.Name); {
		case !strings.EqualFold(path.Ext(base), memberSuffix) || base[0] == '.':
			return nil, fmt.Errorf("the zip archive has %q in it; only recordings that end in %s are read from one, so unpack it and name the files you want", m.Name, memberSuffix)
		case m.Flags&encrypted != 0:
			return nil, fmt.Errorf("%q in the zip archive is encrypted; unpack it", m.Name)
		case m.Method != zip.Store && m.Method != zip.Deflate:
			return nil, fmt.Errorf("%q in the zip archive is packed by method %d, which is not read; unpack it", m.Name, m.Method)
		}
	}
	if len(members) == 0 {
		return nil, errors.New("the zip archive has nothing in it; get it again")
	}
	slices.SortStableFunc(members, func(a, b *zip.File) int { return cmp.Compare(a.Name, b.Name) })
	return members, nil
}

// checkZip says early what is wrong with a zip archive. Other files are fine.
func checkZip(name string, size int64) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if isZip(f) {
		if _, err := zipMembers(f, size); err != nil {
			return fmt.Errorf("recording: %s: %w", name, err)
		}
	}
	return nil
}

// zipReader reads the members of a zip archive one after the other, each from a new line on.
type zipReader struct {
	members []*zip.File
	member  io.ReadCloser // nil between two
	// last is the last byte read.
	last byte
	from *countingReaderAt
	size int64
}

func newZipReader(f *os.File, count *atomic.Int64) (*zipReader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r := &zipReader{from: &countingReaderAt{file: f}, size: info.Size(), last: '\n'}
	r.members, err = zipMembers(r.from, r.size)
	r.from.count = count
	return r, err
}

func (r *zipReader) Read(b []byte) (int, error) {
	for len(b) > 0 {
		if r.member == nil {
			if len(r.members) == 0 {
				r.from.finish(r.size)
				return 0, io.EOF
			}
			if r.last != '\n' {
				r.last, b[0] = '\n', '\n'
				return 1, nil
			}
			member, err := r.members[0].Open()
			if err != nil {
				return 0, err
			}
			r.member, r.members = member, r.members[1:]
		}
		n, err := r.member.Read(b)
		if n > 0 {
			r.last = b[n-1]
		}
		if err == io.EOF {
			err = r.member.Close()
			r.member = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}

// countingReaderAt counts what it reads while it has a count.
type countingReaderAt struct {
	file  *os.File
	count *atomic.Int64
	total int64
}

func (r *countingReaderAt) ReadAt(b []byte, offset int64) (int, error) {
	n, err := r.file.ReadAt(b, offset)
	if r.count != nil {
		r.add(int64(n))
	}
	return n, err
}

func (r *countingReaderAt) add(n int64) {
	r.total += n
	r.count.Add(n)
}

// finish counts what is not read of a whole file: what a zip archive has beside its content.
func (r *countingReaderAt) finish(size int64) { r.add(size - r.total) }
