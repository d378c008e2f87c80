//go:build !linux

package shm

import (
	"errors"
	"fmt"
	"os"
)

const mapPopulate = 0

// createFile returns a temporary file that no longer has a name.
func createFile(name string, size int) (*os.File, error) {
	file, err := os.CreateTemp("", "hftrunner-shm-")
	if err != nil {
		return nil, fmt.Errorf("temporary file for %q: %w", name, err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("unlink: %w", err), file.Close())
	}
	if err := file.Truncate(int64(size)); err != nil {
		return nil, errors.Join(fmt.Errorf("ftruncate: %w", err), file.Close())
	}
	return file, nil
}

// sealFutureWrites does nothing: only Linux has seals.
func sealFutureWrites(int) error { return nil }

// checkSealed accepts everything: only Linux has seals.
func checkSealed(int) error { return nil }
