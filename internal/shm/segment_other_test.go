//go:build !linux

package shm

import (
	"errors"
	"os"
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

// tampering finds nothing where there are no seals.
func tampering(int, bool) error { return errors.ErrUnsupported }
