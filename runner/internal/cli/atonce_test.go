package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// lockedHost does not stop when it is told to, and may be locked so that nobody learns what is open.
type lockedHost struct {
	stuckHost
	locked chan struct{} // nil for one that is not
	killed *atomic.Bool
}

func (h lockedHost) Kill() { h.killed.Store(true) }

func (h lockedHost) SummaryAtOnce() host.Summary {
	if h.locked != nil {
		<-h.locked
	}
	s := h.stuckHost.SummaryAtOnce()
	if !h.killed.Load() {
		s.UnconfirmedOrders = nil
	}
	return s
}

// endAtOnce runs r until it is ended at once and returns what it says; then it lets go what blocks.
func (r *rig) endAtOnce(h lockedHost, letGo func(), args ...string) string {
	h.stuckHost, h.killed = stuckHost{r.host, make(chan struct{})}, new(atomic.Bool)
	r.NewHost = func(context.Context, *config.File, hclog.Logger) (Host, error) { return h, nil }
	go func() {
		<-r.host.started
		r.interruptTwice()
	}()
	done := make(chan struct{})
	go func() { defer close(done); r.run(args...) }()
	<-r.aborted
	said := r.err.String()
	letGo()
	close(h.stuck)
	<-done
	return said
}

// TestListAtOnce: a run that is ended at once names what may be open, whatever becomes of its summary, or says that it
// cannot.
func TestListAtOnce(t *testing.T) {
	many := make([]control.OpenOrder, 2000)
	for i := range many {
		many[i] = control.OpenOrder{Connector: "bf", Symbol: "BTCUSDT", ClientID: fmt.Sprintf("order-%d", i),
			Side: "buy", Price: 1, OpenQty: 1}
	}
	t.Run("summary that nobody reads", func(t *testing.T) {
		r := newRig(t, goodConfig)
		r.host.left = many
		path := filepath.Join(r.dir, "pipe")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		var reading sync.WaitGroup
		said := r.endAtOnce(lockedHost{}, func() { reading.Go(func() { _, _ = io.Copy(io.Discard, reader) }) }, "run",
			"--summary", path)
		reading.Wait()
		if !strings.Contains(said, "order-99 ") || !strings.Contains(said, "summary not written") {
			t.Errorf("it says\n%s", said)
		}
	})
	t.Run("list that nobody can make", func(t *testing.T) {
		r := newRig(t, goodConfig)
		r.host.left = many
		locked := make(chan struct{})
		path := filepath.Join(r.dir, "out.json")
		said := r.endAtOnce(lockedHost{locked: locked}, func() {
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there is a summary: %v", err)
			}
			close(locked)
		}, "run", "--summary", path)
		if !strings.Contains(said, "open orders could not be listed: check at the venue") {
			t.Errorf("it says\n%s", said)
		}
	})
}

// TestSummaryFile: the file is there when the summary is whole, never one of an earlier run, and nothing is left beside
// it.
func TestSummaryFile(t *testing.T) {
	r := newRig(t, goodConfig)
	dir := t.TempDir()
	path := filepath.Join(dir, "out.json")
	if err := os.WriteFile(path, []byte("of an earlier run"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int)
	go func() { ended <- r.run("run", "--summary", path) }()
	<-r.host.started
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("while it runs there are %v, %v", list, err)
	}
	r.signals <- syscall.SIGINT
	if code := <-ended; code != ExitOK {
		t.Errorf("exit code %d", code)
	}
	var s host.Summary
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if list, _ := os.ReadDir(dir); err != nil || len(list) != 1 || s.Exit != host.ExitInterrupted {
		t.Errorf("%v, %v, exit %q", list, err, s.Exit)
	}
}
