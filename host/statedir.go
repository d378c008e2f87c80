package host

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hftrunner/hftrunner/internal/control"
)

// keepListening serves a socket of the state directory until ctx ends, and again when its file is gone: somebody has
// removed the directory. It says so when another host has it by then.
func (h *Host) keepListening(ctx context.Context, name string, first net.Listener, serve func(net.Listener)) {
	socket := &folderSocket{path: filepath.Join(h.cfg.StateDir, name)}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { serve(first) })
	look := time.NewTicker(folderLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if again := h.listenAgain(ctx, socket); again != nil {
			group.Go(func() {
				defer func() { _ = again.Close() }()
				serve(again)
			})
		}
	}
}

// folderSocket is a socket of the state directory.
type folderSocket struct {
	path string
	told bool // somebody was told that it is gone
	lost bool // to another host
}

// listenAgain returns a new listener when the socket's file was gone, once the state directory is this host's again.
func (h *Host) listenAgain(ctx context.Context, s *folderSocket) (again net.Listener) {
	_, err := os.Lstat(s.path)
	gone := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	if ctx.Err() != nil { // serve has removed it
		return nil
	}
	err = h.keepFolder(gone)
	switch {
	case errors.Is(err, control.ErrHostRunning):
		s.lost = true
		if !h.folder.lost.Swap(true) {
			h.log.Error("the state directory was removed and now belongs to another host: this one cannot be reached, "+
				"and both trade; stop one of them", "error", err)
		}
		return nil
	case err == nil:
		h.folder.lost.Store(false)
		gone, s.lost = gone || s.lost, false // a socket that is there is the other host's, which has ended
	}
	if gone && !s.told && h.tellFolder() {
		h.log.Error("the state directory was removed while running and has been created again; the logs in it are lost",
			"missing", s.path)
	}
	s.told = s.told || gone
	if err == nil && gone {
		again, err = control.ListenRunner(s.path)
	}
	if err != nil {
		h.log.Error("cannot create the state directory again", "error", err)
		return nil
	}
	s.told = false
	return again
}

// tellFolder reports whether it is to be told that the directory is gone: nobody has just now.
func (h *Host) tellFolder() bool {
	h.folder.Lock()
	defer h.folder.Unlock()
	fresh := time.Since(h.folder.told) >= 2*folderLook
	if fresh {
		h.folder.told = time.Now()
	}
	return fresh
}

// keepFolder makes the state directory again when it is gone, and takes it again when it is another one than before.
// The error is an ErrHostRunning when another host has it.
func (h *Host) keepFolder(gone bool) error {
	h.folder.Lock()
	defer h.folder.Unlock()
	if gone {
		if err := os.MkdirAll(filepath.Join(h.cfg.StateDir, "logs"), 0o700); err != nil {
			return err
		}
	}
	return h.folder.lock.Renew()
}
