package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A segment is a file <number>.journal: a header, a checkpoint, records. Its records end where the sequence of the next segment
// begins: after a failed write the next segment has again what is not known to be in it.
const (
	segmentMagic       = 0x316c616e72756f6a
	segmentVersion     = 1
	segmentHeaderBytes = 64
	segmentSuffix      = ".journal"
	newSuffix          = ".new"
	damagedSuffix      = ".damaged"
	// DefaultSegmentBytes is the default size of a segment.
	DefaultSegmentBytes = 64 << 20
)

type segmentHeader struct {
	magic, version uint64
	journal        uint64
	number         uint64
	first          uint64 // sequence of its first record, whether there is one or not
	createdNs      int64
	latestNs       int64 // of all records before it
	_              [4]byte
	checksum       uint32 // of all before it
}

// File is the file of a segment.
type File interface {
	io.WriterAt
	Sync() error
	Truncate(size int64) error
	Close() error
}

// segment is one that is there.
type segment struct {
	path string
	segmentHeader
}

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%08d%s", number, segmentSuffix))
}

// appendSegmentHeader appends a header to b.
func appendSegmentHeader(b []byte, id, number, first uint64, createdNs, latestNs int64) []byte {
	at := len(b)
	b = append(b, make([]byte, segmentHeaderBytes)...)
	h := segmentHeaderAt(b[at:])
	*h = segmentHeader{magic: segmentMagic, version: segmentVersion, journal: id, number: number, first: first, createdNs: createdNs, latestNs: latestNs}
	h.checksum = crc32.Checksum(b[at:at+segmentHeaderBytes-4], castagnoli())
	return b
}

// readSegmentHeader returns the header of a file.
func readSegmentHeader(path string) (segmentHeader, error) {
	f, err := os.Open(path)
	if err != nil {
		return segmentHeader{}, err
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, segmentHeaderBytes)
	if _, err := io.ReadFull(f, b); err != nil {
		return segmentHeader{}, &FileError{path, "it is not a journal segment: too short"}
	}
	h := *segmentHeaderAt(b)
	switch {
	case h.magic != segmentMagic:
		return h, &FileError{path, "it is not a journal segment, or from a machine with another byte order"}
	case crc32.Checksum(b[:segmentHeaderBytes-4], castagnoli()) != h.checksum:
		return h, &FileError{path, "its header is corrupt"}
	case h.version > segmentVersion:
		return h, &FileError{path, fmt.Sprintf("it has format %d, this runner reads up to %d: use the runner that wrote it, or a newer one", h.version, segmentVersion)}
	}
	return h, nil
}

// FileError reports a problem with a file of the journal.
type FileError struct {
	Path, Reason string
}

// Error names the file and the reason.
func (e *FileError) Error() string { return "journal: " + e.Path + ": " + e.Reason }

// listSegments returns the segments of a directory in their order, and what is wrong with those that cannot be used.
// Segments of another journal, and those of a later format, are errors: nothing of them may be skipped.
func listSegments(dir string) (list []segment, bad []error, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), segmentSuffix) || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		h, err := readSegmentHeader(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // it went meanwhile
			continue
		case err != nil && h.version > segmentVersion:
			return nil, nil, err
		case err != nil:
			bad = append(bad, err)
			continue
		case len(list) > 0 && list[0].journal != h.journal:
			return nil, nil, &FileError{path, fmt.Sprintf("it belongs to another journal than %s: keep each in its own directory", list[0].path)}
		}
		list = append(list, segment{path, h})
	}
	slices.SortFunc(list, func(a, b segment) int { return int(int64(a.number) - int64(b.number)) })
	return list, bad, nil
}

// newestNumber returns the greatest number in the names of a directory's segments, whether they can be read or not.
func newestNumber(dir string) (newest uint64, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		name, _, of := strings.Cut(e.Name(), segmentSuffix)
		if n, err := strconv.ParseUint(name, 10, 64); err == nil && of {
			newest = max(newest, n)
		}
	}
	return newest, err
}

// create makes a file that is written to.
func create(path string, bytes int64) (File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := allocate(f, bytes); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return f, nil
}

// syncFolder makes the names of a directory durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
