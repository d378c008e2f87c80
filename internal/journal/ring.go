package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// The ring is a file in shared memory: a header, and data in which records lie one behind the other, going on at the front
// where they reach the end. head and tail count bytes since the ring was made and never go back. What lies between them is not
// known to be on the disk.
const (
	ringMagic       = 0x316e7269676e726a // says the byte order, too
	ringVersion     = 1
	ringHeaderBytes = 192
	ringDataAt      = 4096
	// DefaultRingBytes holds what 40,000 records a second make while a disk stands still for two seconds.
	DefaultRingBytes = 16 << 20
	ringName         = "ring"
	ringFolder       = "/dev/shm"
	ringPrefix       = "hftrunner-journal-"
)

type ringHeader struct {
	magic, version, journal, size uint64
	_                             [32]byte
	head                          uint64 // written by whoever appends, when the record is whole
	_                             [56]byte
	tail                          uint64 // written when all before it is on the disk
	_                             [56]byte
}

// ringFolderAt is the place of the path of the journal's directory in the header's page, ended by a zero.
const ringFolderAt = 256

// abandonedAfter is from when on a ring is removed that has records nobody will ask for: its directory is gone.
const abandonedAfter = time.Hour

// removeAbandoned removes rings of journals whose directories are gone: those of hosts that were killed, and then
// their state directories removed.
func removeAbandoned() {
	paths, _ := filepath.Glob(filepath.Join(ringFolder, ringPrefix+"*"))
	for _, path := range paths {
		page := make([]byte, ringDataAt)
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		_, err = io.ReadFull(f, page)
		info, statErr := f.Stat()
		_ = f.Close()
		h := ringHeaderAt(page)
		dir, _, whole := strings.Cut(string(page[ringFolderAt:]), "\x00")
		if err != nil || statErr != nil || h.magic != ringMagic || h.version != ringVersion || !whole || !filepath.IsAbs(dir) {
			continue
		}
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && (h.head == h.tail || time.Since(info.ModTime()) > abandonedAfter) {
			_ = os.Remove(path)
		}
	}
}

// ring is the writer's mapping.
type ring struct {
	path   string
	file   *os.File
	mem    []byte
	data   []byte
	header *ringHeader
}

// ringPaths returns where the ring of a journal in a directory may be: in memory, where there is a directory for that,
// and in the directory itself. The name has the directory's identity, because a copy of a journal has the same id.
func ringPaths(dir string, id uint64) ([]string, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		if shm, err := os.Stat(ringFolder); err == nil && shm.IsDir() {
			paths = append(paths, filepath.Join(ringFolder, fmt.Sprintf(ringPrefix+"%016x-%x-%x", id, st.Dev, st.Ino)))
		}
	}
	return append(paths, filepath.Join(dir, ringName)), nil
}

// createRing makes an empty ring in the first place that has room, in the place of one that was there.
func createRing(paths []string, dir string, id uint64, size int) (*ring, error) {
	var errs []error
	for _, path := range paths {
		r, err := createRingAt(path, dir, id, size)
		if err == nil {
			return r, nil
		}
		errs = append(errs, fmt.Errorf("ring %s: %w", path, err))
	}
	return nil, errors.Join(errs...)
}

func createRingAt(path, dir string, id uint64, size int) (r *ring, err error) {
	if size < 4*maxRecord || size&(size-1) != 0 {
		return nil, fmt.Errorf("%d bytes: must be a power of two from %d", size, 4*maxRecord)
	}
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(fresh, os.O_RDWR|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close(), os.Remove(fresh))
		}
	}()
	// A hole that finds no memory later would end the process by a signal: zeros are written, so that it is an error now.
	zeros := make([]byte, 1<<20)
	for left := ringDataAt + size; left > 0; left -= len(zeros) {
		if _, err := file.Write(zeros[:min(left, len(zeros))]); err != nil {
			return nil, err
		}
	}
	mem, err := syscall.Mmap(int(file.Fd()), 0, ringDataAt+size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|populate)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	r = &ring{path: path, file: file, mem: mem, data: mem[ringDataAt:], header: ringHeaderAt(mem)}
	r.header.version, r.header.journal, r.header.size = ringVersion, id, uint64(size)
	if dir, err := filepath.Abs(dir); err == nil && ringFolderAt+len(dir) < ringDataAt {
		copy(mem[ringFolderAt:], dir)
	}
	for at := 0; at < len(r.data); at += 4096 {
		r.data[at] = 0 // makes the page writable for this process before the first record needs it
	}
	atomic.StoreUint64(&r.header.magic, ringMagic)
	if err := os.Rename(fresh, path); err != nil {
		return nil, errors.Join(err, syscall.Munmap(mem))
	}
	return r, nil
}

// close gives the mapping back, and with remove the file.
func (r *ring) close(remove bool) error {
	err := errors.Join(syscall.Munmap(r.mem), r.file.Close())
	r.mem, r.data, r.header = nil, nil, nil
	if remove {
		err = errors.Join(err, os.Remove(r.path))
	}
	return err
}

// copyOut appends the bytes of the data from a position to another to dst.
func copyOut(dst, data []byte, from, to uint64) []byte {
	for from < to {
		at := from % uint64(len(data))
		n := min(to-from, uint64(len(data))-at)
		dst = append(dst, data[at:at+n]...)
		from += n
	}
	return dst
}

// ringRest returns the records behind a sequence that the rings of a journal still have: those of a host that was
// killed, or of one that is at work and has not written them yet. found says that there is a ring at all. A file that
// is not a ring of that journal counts as none. unread is the length of what is behind a record that is not valid: after
// a kill there is none, since a ring's head goes behind whole records only.
func ringRest(paths []string, id, after uint64) (rest []byte, unread int, found bool) {
	for _, path := range paths {
		between, err := readRing(path, id)
		if err != nil {
			continue
		}
		found = true
		records, behind := wholeRecords(between, id, after)
		if len(records) > len(rest) || len(rest) == 0 {
			rest, unread = records, behind
		}
	}
	return rest, unread, found
}

// readRing returns what lies between tail and head of a journal's ring. The rest of the file is not read: it is long, and a
// reader of a journal looks often.
func readRing(path string, id uint64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	page := make([]byte, ringDataAt)
	if _, err := io.ReadFull(f, page); err != nil {
		return nil, err
	}
	h, size := ringHeaderAt(page), uint64(info.Size())-ringDataAt
	if h.magic != ringMagic || h.version != ringVersion || h.journal != id || h.size != size || size < align ||
		h.head < h.tail || h.head-h.tail > size || h.head%align != 0 || h.tail%align != 0 {
		return nil, fmt.Errorf("%s is not a ring of journal %x", path, id)
	}
	between := make([]byte, h.head-h.tail)
	front := min(uint64(len(between)), size-h.tail%size) // what lies before the end of the file
	if _, err := f.ReadAt(between[:front], int64(ringDataAt+h.tail%size)); err != nil {
		return nil, err
	}
	_, err = f.ReadAt(between[front:], ringDataAt)
	return between, err
}

// wholeRecords returns the valid records at the beginning of b, without those up to a sequence, and the length of what is
// behind them.
func wholeRecords(b []byte, id, after uint64) (records []byte, behind int) {
	p := newParser(id)
	from, at := 0, 0
	var r Record
	for last := uint64(0); ; last = r.Sequence {
		n, o := p.parse(b[at:], &r)
		if o != valid || last > 0 && r.Sequence != last+1 {
			return b[from:at], len(b) - at
		}
		at += n
		if r.Sequence <= after {
			from = at
		}
	}
}
