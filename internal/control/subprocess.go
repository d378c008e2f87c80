package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// pipeGrace is the time that the output of an exited plugin is still read. A process it left behind outside of its
// group may hold the pipes open forever.
const pipeGrace = 250 * time.Millisecond

// subprocess runs a plugin for go-plugin: forked by the spawner, in a process group of its own, with the lifeline.
type subprocess struct {
	spawner *Spawner
	cmd     *exec.Cmd
	// socketDir is the directory of the plugin's socket.
	socketDir string
	stdout    *firstLine
	stderr    *os.File
	// says takes the standard error.
	says *logStream
	// lifeline is the write end; nobody else holds it.
	lifeline *os.File
	// startErr is the reason why cmd could not be started.
	startErr error

	// mark is that of the process and of all that it starts.
	mark mark
	// cfg has the functions that are called with failures.
	cfg *LaunchConfig

	exited  chan struct{}
	waitErr error         // set before exited is closed
	swept   chan struct{} // closed when what it has started has ended, too, or cannot be ended
	// drained is closed when go-plugin has read both outputs to their end.
	drained     chan struct{}
	drainedOnce sync.Once

	mu     sync.Mutex
	pid    int // 0 before the start
	killed bool
	over   bool // it has ended, its number is no longer its own
}

var _ runner.Runner = (*subprocess)(nil)

// newSubprocess takes cmd, whose extra files are complete except the lifeline, and does not start it. It does not
// fail: go-plugin would leave its temporary directory behind.
func newSubprocess(cmd *exec.Cmd, socketDir string, says *logStream, cfg *LaunchConfig) *subprocess {
	return &subprocess{
		spawner: cfg.Spawner, cfg: cfg, cmd: cmd, socketDir: socketDir, says: says,
		mark: cfg.Spawner.newMark(), exited: make(chan struct{}), swept: make(chan struct{}),
		drained: make(chan struct{}),
	}
}

// Start forks the process. The error is kept in startErr too: go-plugin hands it on as text only in places.
func (s *subprocess) Start(context.Context) (err error) {
	defer func() { s.startErr = err }()
	var childEnds, hostEnds []*os.File
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
		}
		return r, w
	}
	outRead, outWrite := pipe()
	errRead, errWrite := pipe()
	lifeRead, lifeWrite := pipe()
	childEnds = []*os.File{outWrite, errWrite, lifeRead}
	hostEnds = []*os.File{outRead, errRead, lifeWrite}
	defer closeAll(childEnds)
	if err != nil {
		closeAll(hostEnds)
		return fmt.Errorf("make pipes for the plugin: %w", err)
	}
	s.cmd.Stdout, s.cmd.Stderr = outWrite, errWrite
	s.cmd.SysProcAttr = processAttributes()
	s.cmd.Env = append(s.cmd.Env, s.mark.variable(), lifelineVariable+"="+strconv.Itoa(3+len(s.cmd.ExtraFiles)))
	s.cmd.ExtraFiles = append(s.cmd.ExtraFiles, lifeRead)
	if err := s.fork(); err != nil {
		closeAll(hostEnds)
		return err
	}
	s.stdout, s.stderr, s.lifeline = &firstLine{File: outRead}, errRead, lifeWrite
	s.mu.Lock()
	s.pid = s.cmd.Process.Pid
	cancelled := s.killed
	s.mu.Unlock()
	s.spawner.track(s.pid)
	if err := s.mark.limit(s.pid); err != nil { // before the strategy is made: what it starts inherits the limit
		s.cfg.Logger.Warn("the plugin cannot be marked", "error", err)
	}
	go s.reap()
	if cancelled {
		return s.Kill(context.Background())
	}
	return nil
}

const (
	// busyRetries and busyPause are how often and after how long a busy file is tried again.
	busyRetries = 20
	busyPause   = 10 * time.Millisecond
)

// fork starts the process. A file that was just written is busy for as long as any process that another goroutine
// forked meanwhile has not executed its program yet: it inherited the descriptor that wrote the file.
func (s *subprocess) fork() error {
	for try := 0; ; try++ {
		cmd := &exec.Cmd{
			Path: s.cmd.Path, Args: s.cmd.Args, Env: s.cmd.Env, ExtraFiles: s.cmd.ExtraFiles,
			Stdout: s.cmd.Stdout, Stderr: s.cmd.Stderr, SysProcAttr: s.cmd.SysProcAttr,
		}
		err := s.spawner.start(cmd)
		if err == nil {
			s.cmd = cmd
			return nil
		}
		if !errors.Is(err, syscall.ETXTBSY) || try == busyRetries {
			return err
		}
		time.Sleep(busyPause)
	}
}

// reap waits for the process, ends what it has started, in its group or not, and gives the readers of its output a
// little time.
func (s *subprocess) reap() {
	s.waitErr = await(s.cmd, s.endGroup)
	close(s.exited)
	if left := endMarked(func(m mark) bool { return m == s.mark }); len(left) > 0 {
		s.cfg.Left(left)
	}
	close(s.swept)
	time.AfterFunc(pipeGrace, s.closePipes)
}

// endGroup kills what the process has left in its group. Nobody signals the group after it: its number may become
// another's.
func (s *subprocess) endGroup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.spawner.forget(s.pid)
	_ = syscall.Kill(-s.pid, syscall.SIGKILL)
}

func (s *subprocess) closePipes() {
	_ = s.stdout.Close()
	_ = s.stderr.Close()
	_ = s.lifeline.Close()
}

// Wait returns when the process is gone. go-plugin calls it after it has read both outputs to their end.
func (s *subprocess) Wait(context.Context) error {
	s.drainedOnce.Do(func() { close(s.drained) })
	<-s.exited
	s.closePipes()
	return s.waitErr
}

// Kill kills the process group at once and does not wait. Before the start it makes the process die right after it.
func (s *subprocess) Kill(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil
	}
	s.killed = true
	if s.pid == 0 {
		return nil
	}
	if err := syscall.Kill(-s.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill plugin process %d: %w", s.pid, err)
	}
	return nil
}

// endedItself reports whether the process is gone and not because we killed it. What it exited with decides: go-plugin
// kills as soon as it sees the end of the output, which is a moment before the end of the process.
func (s *subprocess) endedItself() bool {
	select {
	case <-s.exited:
	default:
		return false
	}
	var exit *exec.ExitError
	if !errors.As(s.waitErr, &exit) {
		return true
	}
	w, ok := exit.Sys().(syscall.WaitStatus)
	return !ok || !w.Signaled() || w.Signal() != syscall.SIGKILL || !s.wasKilled()
}

// exitsWithin waits for the end of the process.
func (s *subprocess) exitsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.exited:
		return true
	case <-timer.C:
		return false
	}
}

// wasKilled reports whether Kill was called while the process was there.
func (s *subprocess) wasKilled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.killed
}

// hangUp closes the lifeline: a plugin that is well ends itself.
func (s *subprocess) hangUp() { _ = s.lifeline.Close() }

// Diagnose returns nothing: Launch makes the error text of what it has seen itself.
func (s *subprocess) Diagnose(context.Context) string { return "" }

// Stdout is read for the handshake.
func (s *subprocess) Stdout() io.ReadCloser { return s.stdout }

// Stderr is read to its end, for the log.
func (s *subprocess) Stderr() io.ReadCloser { return standardError{s.stderr, s.says} }

// Name is the plugin's file.
func (s *subprocess) Name() string { return s.cmd.Path }

// ID is the process number; it is never empty, go-plugin cleans up only what has an ID.
func (s *subprocess) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pid == 0 {
		return "not started"
	}
	return strconv.Itoa(s.pid)
}

// PluginToHost translates nothing: both live in one file system.
func (s *subprocess) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin translates nothing.
func (s *subprocess) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}
