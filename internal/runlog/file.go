package runlog

import (
	"bytes"
	"errors"
	"os"
	"time"

	"github.com/DeRuina/timberjack"
)

// FileConfig is a log file with its rotation.
type FileConfig struct {
	Path string
	// Megabytes is from which size on a file is put aside, Files is how many are kept, the present one included.
	Megabytes, Files int
	// Trouble is called once when the file cannot be written, and with nil and the number of lost lines when it can
	// again. The file's goroutine calls it; it may be nil.
	Trouble func(err error, lost int)
}

// File is a log file. One goroutine writes it; it is made with the first line, directories included. A Write never
// fails: what cannot be written is lost and counted.
type File struct {
	cfg     FileConfig
	out     *timberjack.Logger
	looked  time.Time
	tried   bool // it may be open
	failing bool
	lost    int
}

// lookEvery is the interval between checks that the file still exists.
const lookEvery = time.Second

var errRemoved = errors.New("the file was removed while it was written; it is made again")

// NewFile returns a file, which nothing is written to yet.
func NewFile(cfg FileConfig) *File {
	if cfg.Trouble == nil {
		cfg.Trouble = func(error, int) {}
	}
	f := &File{cfg: cfg}
	f.open()
	return f
}

func (f *File) open() {
	backups := max(f.cfg.Files-1, 1) // 0 would keep all
	f.out = &timberjack.Logger{Filename: f.cfg.Path, MaxSize: f.cfg.Megabytes, MaxBackups: backups, FileMode: 0o600,
		BackupTimeFormat: "2006-01-02T15-04-05.000000"} // those of one time count as one
	f.tried = false
}

// Write writes whole lines.
func (f *File) Write(p []byte) (int, error) {
	if now := time.Now(); f.tried && now.Sub(f.looked) >= lookEvery {
		f.looked = now
		if _, err := os.Lstat(f.cfg.Path); errors.Is(err, os.ErrNotExist) {
			_ = f.out.Close() // what it holds is gone
			f.open()
			f.fail(errRemoved)
		}
	}
	f.tried = true
	if _, err := f.out.Write(p); err != nil {
		f.lost += bytes.Count(p, []byte("\n"))
		f.fail(err)
		return len(p), nil
	}
	if f.failing {
		f.cfg.Trouble(nil, f.lost)
		f.failing, f.lost = false, 0
	}
	return len(p), nil
}

func (f *File) fail(err error) {
	if !f.failing {
		f.failing = true
		f.cfg.Trouble(err, 0)
	}
}

// Close closes the file; nothing may be written after it.
func (f *File) Close() { _ = f.out.Close() }
