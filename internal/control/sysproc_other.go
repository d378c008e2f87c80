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

// endMarked does nothing here: a system without /proc does not say who was started with the mark. What is in the plugin's
// process group is ended all the same.
func endMarked(string) []string { return nil }

// findMarked finds nothing here.
func findMarked(string) []string { return nil }

// killMarked does nothing here either.
func killMarked([]string) []int { return nil }

// await waits for the end of a started command and calls atEnd. A system on which one cannot wait without reaping has a
// moment in between; the number of a group stays taken while it has members.
func await(cmd *exec.Cmd, atEnd func()) error {
	err := cmd.Wait()
	atEnd()
	return err
}
