package host

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/internal/control"
)

// endsUnseen is a context whose end is noticed late: it has ended and is not done yet.
type endsUnseen struct {
	context.Context
	done chan struct{}
}

func (endsUnseen) Err() error              { return context.Canceled }
func (c endsUnseen) Done() <-chan struct{} { return c.done }

// TestSocketOfAnEndingHost: the socket goes when the run ends; that is not a removed directory.
func TestSocketOfAnEndingHost(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	dir := filepath.Join(t.TempDir(), "state")
	h := &Host{cfg: Config{StateDir: dir}, log: hclog.New(&hclog.LoggerOptions{Output: &out})}
	ctx := endsUnseen{t.Context(), make(chan struct{})}
	time.AfterFunc(3*folderLook, func() { close(ctx.done) })
	h.keepListening(ctx, SocketName, nil, func(net.Listener) {})
	if _, err := os.Stat(dir); err == nil || out.Len() > 0 {
		t.Errorf("the folder was made again: %s", &out)
	}
}

// TestStateFolderIsAFile tells that there is a file in the place of the state directory.
func TestStateFolderIsAFile(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h := &Host{cfg: Config{StateDir: file}, log: hclog.New(&hclog.LoggerOptions{Output: &out})}
	ctx, cancel := context.WithTimeout(t.Context(), 3*folderLook)
	defer cancel()
	h.keepListening(ctx, SocketName, nil, func(net.Listener) {})
	if !strings.Contains(out.String(), "state directory was removed") || !strings.Contains(out.String(), "not a directory") {
		t.Errorf("it says %s", &out)
	}
}

// TestRemovedFolderIsToldOnce: each socket of it is made again, and one line says so.
func TestRemovedFolderIsToldOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := control.LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := &Host{cfg: Config{StateDir: dir}, log: hclog.New(&hclog.LoggerOptions{Output: &out})}
	h.folder.lock = lock
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*folderLook)
	defer cancel()
	var sockets sync.WaitGroup
	for _, name := range []string{SocketName, AttachSocketName} {
		sockets.Go(func() {
			h.keepListening(ctx, name, nil, func(l net.Listener) {
				if l != nil {
					<-ctx.Done()
				}
			})
		})
	}
	sockets.Wait()
	if n := strings.Count(out.String(), "[ERROR]"); n != 1 {
		t.Errorf("%d lines:\n%s", n, &out)
	}
	_ = h.folder.lock.Close()
}
