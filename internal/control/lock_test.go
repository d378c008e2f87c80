package control_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/internal/control"
)

func TestFolderLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	refused := func(when string) {
		t.Helper()
		_, err := control.LockFolder(dir)
		if !errors.Is(err, control.ErrHostRunning) || !strings.Contains(err.Error(),
			fmt.Sprintf("(process %d)", os.Getpid())) {
			t.Errorf("%s: %v", when, err)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := control.LockFolder(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	check(os.Mkdir(dir, 0o700))
	first, err := control.LockFolder(dir)
	check(err)
	refused("locked")
	check(first.Renew())
	refused("renewed for nothing")
	check(errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700), first.Renew()))
	refused("renewed")
	check(errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)))
	second, err := control.LockFolder(dir) // of the directory that was made again
	check(err)
	if err := first.Renew(); !errors.Is(err, control.ErrHostRunning) {
		t.Errorf("the folder is another host's by now: %v", err)
	}
	check(errors.Join(first.Close(), second.Close()))
	// What a killed host has left is not a lock, whatever it contains.
	check(os.WriteFile(filepath.Join(dir, "runner.lock"), []byte("1                   \n"), 0o600))
	third, err := control.LockFolder(dir)
	check(err)
	refused("locked again")
	check(third.Close())
}
