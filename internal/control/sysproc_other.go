//go:build unix && !linux

package control

import (
	"os/exec"
	"syscall"
)

// processAttributes puts a strategy process into a process group of its own, so that Ctrl-C reaches only the host.
// Here only the lifeline ends it when the host is gone.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// duplicateTo makes newFD another name of oldFD.
func duplicateTo(oldFD, newFD int) error { return syscall.Dup2(oldFD, newFD) }

// limit does nothing here, and the next three neither: a system without /proc does not say who has a mark. What is in
// the plugin's process group is ended all the same.
func (mark) limit(int) error { return nil }

func endMarked(func(mark) bool) []string { return nil }

func findMarked(func(mark) bool) []string { return nil }

func killMarked(func(mark) bool, map[int]bool, bool) (alive []string, sure bool) { return nil, true }

// await waits for the end of a started command and calls atEnd. A system on which one cannot wait without reaping has a
// moment in between; the number of a group stays taken while it has members.
func await(cmd *exec.Cmd, atEnd func()) error {
	err := cmd.Wait()
	atEnd()
	return err
}
