package shm

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Segment is one piece of shared memory and this process's mapping of it. Rings made from it are used as their types
// say; Close may be called from any goroutine, at any time.
type Segment struct {
	file     *os.File
	mem      []byte
	words    []uint64 // the same memory as mem
	readOnly bool
	id       uint64 // inode: the same in every mapping of one segment

	closing sync.Mutex
	closed  bool
}

// Create makes a segment of size bytes, all zero, and maps it for reading and writing. The name is a label for
// debuggers and /proc; it need not be unique. On Linux all of the memory is taken at once, so that no
// event pays for a page fault, and the size is sealed; elsewhere it is an unlinked temporary file.
func Create(name string, size int) (*Segment, error) {
	if size < 1 {
		return nil, fmt.Errorf("shm: create segment %q: size %d: must be at least 1 byte", name, size)
	}
	file, err := createFile(name, size)
	if err != nil {
		return nil, fmt.Errorf("shm: create segment %q of %d bytes: %w", name, size, err)
	}
	s, err := mapFile(file, false)
	if err != nil {
		return nil, fmt.Errorf("shm: create segment %q of %d bytes: %w", name, size, err)
	}
	return s, nil
}

// Open maps the segment behind an inherited file descriptor and takes ownership of the descriptor, even if it fails.
// It refuses a segment that its creator can still shrink (Linux), because touching what was cut off would kill us. A
// segment closed by SealFutureWrites can only be opened read-only; writing to a read-only mapping faults.
func Open(fd int, readOnly bool) (*Segment, error) {
	if fd < 0 {
		return nil, fmt.Errorf("shm: open segment: file descriptor %d: %w", fd, os.ErrInvalid)
	}
	unix.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "shm segment")
	if err := checkSealed(fd); err != nil {
		return nil, errors.Join(fmt.Errorf("shm: open segment: file descriptor %d: %w", fd, err), file.Close())
	}
	s, err := mapFile(file, readOnly)
	if err != nil {
		return nil, fmt.Errorf("shm: open segment: file descriptor %d: %w", fd, err)
	}
	return s, nil
}

// mapFile maps the whole of file and takes ownership of it.
func mapFile(file *os.File, readOnly bool) (*Segment, error) {
	fd := int(file.Fd())
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, errors.Join(fmt.Errorf("fstat: %w", err), file.Close())
	}
	if stat.Size < 1 || int64(int(stat.Size)) != stat.Size {
		return nil, errors.Join(fmt.Errorf("size %d cannot be mapped", stat.Size), file.Close())
	}
	protection := unix.PROT_READ | unix.PROT_WRITE
	if readOnly {
		protection = unix.PROT_READ
	}
	mem, err := unix.Mmap(fd, 0, int(stat.Size), protection, unix.MAP_SHARED|mapPopulate)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mmap of %d bytes: %w", stat.Size, err), file.Close())
	}
	return &Segment{file: file, mem: mem, words: wordsOf(mem), readOnly: readOnly, id: stat.Ino}, nil
}

// File returns the segment's file, to be passed to a child in exec.Cmd.ExtraFiles. It stays the segment's.
func (s *Segment) File() *os.File { return s.file }

// Size returns the size in bytes.
func (s *Segment) Size() int { return len(s.mem) }

// SealFutureWrites makes the mappings that exist the last ones that can write: from now on the segment can only be
// mapped read-only, and no write, hole or further seal is possible through its file. It is final. Where there are no
// seals (other systems than Linux) it does nothing.
func (s *Segment) SealFutureWrites() error {
	if err := sealFutureWrites(int(s.file.Fd())); err != nil {
		return fmt.Errorf("shm: seal segment against further writers: %w", err)
	}
	return nil
}

// Close gives the memory back and closes the file; calling it again does nothing. Rings and words that were made from
// the segment may still be in use on other goroutines: where the shared memory was they find zeros from now on, memory
// of this process alone, and what they write goes nowhere. They have to ask whoever closed whether what they have read
// is worth anything. The addresses are released when the segment and its rings are no longer in use.
func (s *Segment) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	mem := s.mem
	s.mem, s.words = nil, nil
	err := errors.Join(blank(mem, s.readOnly), s.file.Close())
	runtime.AddCleanup(s, func(mem []byte) { _ = unix.Munmap(mem) }, mem)
	if err != nil {
		return fmt.Errorf("shm: close segment: %w", err)
	}
	return nil
}

// checkWord panics unless size bytes at off are a naturally aligned word of the segment: offsets are constants of the
// caller, not data.
func (s *Segment) checkWord(off, size int) {
	if off < 0 || off%size != 0 || off > len(s.mem)-size {
		panic(fmt.Sprintf("shm: no word of %d bytes at offset %d of a segment of %d", size, off, len(s.mem)))
	}
}

// ring returns the words of a ring at off. It panics where the ring cannot be: the caller checks foreign numbers with
// CheckBroadcast and CheckQueue first.
func (s *Segment) ring(what string, off, capacity, slotWords int) []uint64 {
	if err := checkRing(what, len(s.mem), off, capacity, slotWords); err != nil {
		panic(err)
	}
	from := off / wordBytes
	to := from + headerWords + capacity*slotWords
	return s.words[from:to:to]
}

// mustWrite panics if the segment was opened read-only: the first store would fault far from the mistake.
func (s *Segment) mustWrite(what string) {
	if s.readOnly {
		panic("shm: a " + what + " needs a segment that was not opened read-only")
	}
}
