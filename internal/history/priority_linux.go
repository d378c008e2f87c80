package history

import (
	"runtime"
	"syscall"
)

// background is the nice value of who makes tables: a host on the machine comes first.
const background = 10

// gently runs fn on a thread of low priority. The thread ends with it: who has no privileges cannot raise a priority
// again.
func gently(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, background) // the thread's alone
		done <- fn()
	}()
	return <-done
}
