package control

import (
	"os/exec"
	"syscall"
)

// processAttributes puts a strategy process into a process group of its own, so that Ctrl-C reaches only the host, and
// has the kernel kill it when the host is gone.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// duplicateTo makes newFD another name of oldFD.
func duplicateTo(oldFD, newFD int) error { return syscall.Dup3(oldFD, newFD, 0) }

// await waits for the end of a started command and calls atEnd before it is reaped: until then its number, which is
// also that of its group, is nobody else's.
func await(cmd *exec.Cmd, atEnd func()) error {
	const byNumber = 1 // P_PID
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byNumber, uintptr(cmd.Process.Pid), 0,
			syscall.WEXITED|syscall.WNOWAIT, 0, 0)
		if errno != syscall.EINTR {
			break
		}
	}
	atEnd()
	return cmd.Wait()
}
