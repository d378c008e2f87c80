package control

import "syscall"

// processAttributes puts a strategy process into a process group of its own, so that Ctrl-C reaches only the host, and
// has the kernel kill it when the host is gone.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// duplicateTo makes newFD another name of oldFD.
func duplicateTo(oldFD, newFD int) error { return syscall.Dup3(oldFD, newFD, 0) }
