package control

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// lockName is the file in a state directory that its host has locked. It stays when the host ends: one that is removed
// could be locked by one host while another makes it again.
const lockName = "runner.lock"

const (
	// ownerLooks is the number of attempts to find the owner of a lock, ownerPause the time between two: it may hold
	// it only for a moment.
	ownerLooks = 20
	ownerPause = 5 * time.Millisecond
)

// FolderLock marks a state directory as this host's. It ends with the process, however that ends.
type FolderLock struct {
	path string
	file *os.File
}

// LockFolder takes a state directory. The error is an ErrHostRunning with the process that has it when another host
// does.
func LockFolder(dir string) (*FolderLock, error) {
	l := &FolderLock{path: filepath.Join(dir, lockName)}
	if err := l.take(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *FolderLock) take() error {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the state directory: %w", err)
	}
	err = flock(f)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w (process %s): stop it first, or use another state_dir", ErrHostRunning, owner(f))
	}
	if err == nil {
		_, err = f.WriteAt(fmt.Appendf(nil, "%-20d\n", os.Getpid()), 0) // as long as any before it
	}
	if err != nil {
		return errors.Join(fmt.Errorf("lock %s: %w", l.path, err), f.Close())
	}
	l.file = f
	return nil
}

func flock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// owner returns the number of the process that has locked the file.
func owner(f *os.File) string {
	text := make([]byte, 20)
	for range ownerLooks {
		n, _ := f.ReadAt(text, 0)
		if pid, err := strconv.Atoi(string(bytes.TrimSpace(text[:n]))); err == nil {
			return strconv.Itoa(pid)
		}
		time.Sleep(ownerPause)
	}
	return "unknown"
}

// Renew takes the directory again when somebody has removed it and it was made again. The error is as of LockFolder.
func (l *FolderLock) Renew() error {
	mine, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("lock the state directory: %w", err)
	}
	if there, err := os.Stat(l.path); err == nil && os.SameFile(mine, there) {
		return nil
	}
	before := l.file
	if err := l.take(); err != nil {
		return err
	}
	_ = before.Close()
	return nil
}

// Close gives the directory back.
func (l *FolderLock) Close() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("unlock the state directory: %w", err)
	}
	return nil
}
