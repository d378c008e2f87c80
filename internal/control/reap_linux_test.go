package control

import (
	"os/exec"
	"syscall"
	"testing"
)

// TestGroupIsSignalledWhileItsNumberIsItsOwn: what is left in the group of a process is killed before the process is
// reaped, and nobody signals the group later, when its number may be another's.
func TestGroupIsSignalledWhileItsNumberIsItsOwn(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	called := false
	err := await(cmd, func() {
		called = true
		if err := syscall.Kill(cmd.Process.Pid, 0); err != nil {
			t.Errorf("its number is free: %v", err)
		}
	})
	if err != nil || !called {
		t.Errorf("%v, called %v", err, called)
	}

	other := exec.Command("sleep", "1000")
	other.SysProcAttr = processAttributes()
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	// the number has another owner by now
	s := &subprocess{pid: other.Process.Pid, over: true, exited: make(chan struct{})}
	if err := s.Kill(t.Context()); err != nil {
		t.Error(err)
	}
	_ = other.Process.Signal(syscall.SIGTERM)
	_ = other.Wait()
	if status, ok := other.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("another process was killed: %v", other.ProcessState)
	}
}
