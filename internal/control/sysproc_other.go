//go:build unix && !linux

package control

import "syscall"

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
