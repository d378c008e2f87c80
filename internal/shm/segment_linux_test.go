package shm

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func dup(t *testing.T, file *os.File) int {
	t.Helper()
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// closedFD returns an error if fd is not open.
func closedFD(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err
}

func TestOpenNeedsSealedMemory(t *testing.T) {
	fd, err := unix.MemfdCreate("unsealed", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Ftruncate(fd, 4096); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(fd, true); err == nil || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("memory that can be cut off: error %v", err)
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(4096); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dup(t, file), true); err == nil {
		t.Error("a file on disk: no error")
	}
}

func TestOpenedDescriptorsAreNotInherited(t *testing.T) {
	s := newSegment(t, 64)
	again := remap(t, s, false)
	for _, segment := range []*Segment{s, again} {
		flags, err := unix.FcntlInt(segment.File().Fd(), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor flags %x, %v: want close on exec", flags, err)
		}
	}
}

// tampering is a hostile peer's use of its descriptor; each must fail with EPERM.
func tampering(fd int, sealed bool) error {
	expect := func(what string, err error) error {
		if !errors.Is(err, unix.EPERM) {
			return errors.New(what + " was allowed or failed otherwise: " + errText(err))
		}
		return nil
	}
	errs := []error{
		expect("cutting off", unix.Ftruncate(fd, 0)),
		expect("growing", unix.Ftruncate(fd, 1<<20)),
	}
	if sealed {
		mem, err := unix.Mmap(fd, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err == nil {
			err = errors.Join(errors.New("mapped"), unix.Munmap(mem))
		}
		errs = append(errs, expect("mapping for writing", err))
		_, err = unix.Pwrite(fd, []byte{1}, 0)
		errs = append(errs, expect("write", err))
		const punch = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
		errs = append(errs, expect("making a hole", unix.Fallocate(fd, punch, 0, 4096)))
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE)
		errs = append(errs, expect("a further seal", err))
		if s, err := Open(fd, false); err == nil {
			errs = append(errs, errors.New("Open for writing was allowed"), s.Close())
		}
	}
	return errors.Join(errs...)
}

func errText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

func TestSealsHoldAgainstAnotherProcess(t *testing.T) {
	for _, role := range []string{"tamper-unsealed", "tamper-sealed"} {
		s := newSegment(t, BroadcastSize(64))
		w := NewBroadcastWriter(s, 0, 64)
		if role == "tamper-sealed" {
			if err := s.SealFutureWrites(); err != nil {
				t.Fatal(err)
			}
			if err := s.SealFutureWrites(); err == nil {
				t.Error("seals can still be added after the last seal")
			}
		}
		var rec FeedRecord
		fillFeed(&rec, 1)
		w.Put(&rec) // the mapping that was there goes on writing
		w.Commit()
		if got := startProcess(t, role, s).line(t); got != "ok" {
			t.Errorf("%s: %s", role, got)
		}
	}
}
