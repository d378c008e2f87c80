package collector

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
)

// file is one gzip file of one day, open for appending.
type file struct {
	day      int64
	name     string
	repaired bool
	f        *os.File
	zip      *gzip.Writer
	written  int64
}

// Name returns the name of a symbol's file of a UTC day.
func Name(symbol string, day time.Time) string {
	return strings.ToLower(symbol) + "_" + day.UTC().Format("20060102") + ".gz"
}

// open opens the file of a day for appending, after completing what was cut off.
func open(dir, symbol string, day int64) (*file, error) {
	name := filepath.Join(dir, Name(symbol, time.Unix(0, day*dayNs)))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	// The lock ends with the file: a killed recorder leaves none.
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is being written by another recorder (%w): each needs its own directory",
			name, err), f.Close())
	}
	repaired, err := complete(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	out := &file{day: day, name: name, repaired: repaired, f: f}
	out.zip = gzip.NewWriter(out)
	return out, nil
}

// Write takes compressed bytes.
func (f *file) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	f.written += int64(n)
	return n, err
}

// write compresses text so that it is in the file when it returns, and returns by how much the file has grown.
func (f *file) write(text []byte) (int64, error) {
	before := f.written
	_, err := f.zip.Write(text)
	if err == nil {
		err = f.zip.Flush()
	}
	return f.written - before, err
}

// close ends the gzip member and the file.
func (f *file) close() error { return errors.Join(f.zip.Close(), f.f.Close()) }
