package control

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// killLooks is the number of times that Kill looks for processes: they may start others meanwhile.
const killLooks = 3

// Spawner forks the strategy processes of a host, all from one operating system thread. Linux delivers the signal
// that kills a child with its parent when the thread that forked it ends, not the process; a thread that Go ends at
// its own discretion would take strategies down at random. A host makes one Spawner and closes it when its last
// strategy process is closed.
type Spawner struct {
	requests  chan spawnRequest
	closing   chan struct{}
	closed    chan struct{}
	closeOnce sync.Once

	mu     sync.Mutex
	family mark         // the marks of what is started are of it
	number mark         // of the last mark
	groups map[int]bool // that are not reaped
}

type spawnRequest struct {
	cmd    *exec.Cmd
	result chan error
}

// NewSpawner returns a Spawner with its thread running.
func NewSpawner() *Spawner {
	s := &Spawner{requests: make(chan spawnRequest), closing: make(chan struct{}), closed: make(chan struct{}),
		family: newFamily(""), groups: make(map[int]bool)}
	go s.run()
	return s
}

// Adopt makes what is started from here on, with all its children, one family, and ends what is left of the family: the
// host that started it was killed and could not. At most one host of a family runs at a time, which calls it before its
// first start. It names what it has found, and what of that cannot be ended.
func (s *Spawner) Adopt(family string) (found, left []string) {
	s.mu.Lock()
	s.family = newFamily(family)
	ours := s.ours()
	s.mu.Unlock()
	return findMarked(ours), endMarked(ours)
}

// ours tells the marks of the family. The lock is held.
func (s *Spawner) ours() func(mark) bool {
	family := s.family
	return func(m mark) bool { return m.family() == family }
}

// Close ends the thread. Linux kills the processes that were started by it and still run.
func (s *Spawner) Close() error {
	s.closeOnce.Do(func() { close(s.closing) })
	<-s.closed
	return nil
}

// Kill kills all processes that were started here, with what they have started, and waits for nothing: for a host that
// ends at once. Those that it does not reach in time die with the host, but not their children.
func (s *Spawner) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for group := range s.groups {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
	zombies := make(map[int]bool)
	for range killLooks { // also for what those have started that are reaped already
		if alive, sure := killMarked(s.ours(), zombies, false); len(alive) == 0 && sure {
			return
		}
	}
}

// newMark returns a mark that no other process has.
func (s *Spawner) newMark() mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number = (s.number + 1) & numberMask
	return s.family | s.number
}

// track adds a process group.
func (s *Spawner) track(group int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[group] = true
}

// forget takes a group away whose process has ended.
func (s *Spawner) forget(group int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, group)
}

// run is the spawning thread. It is never unlocked, so that the thread ends with it and never before.
func (s *Spawner) run() {
	runtime.LockOSThread()
	defer close(s.closed)
	for {
		select {
		case r := <-s.requests:
			r.result <- r.cmd.Start()
		case <-s.closing:
			return
		}
	}
}

// start starts cmd on the spawning thread. It waits for fork and exec, never for what the process does then.
func (s *Spawner) start(cmd *exec.Cmd) error {
	r := spawnRequest{cmd: cmd, result: make(chan error, 1)}
	select {
	case s.requests <- r:
		return <-r.result
	case <-s.closing:
		return fmt.Errorf("start %s: spawner is closed: %w", cmd.Path, os.ErrClosed)
	}
}
