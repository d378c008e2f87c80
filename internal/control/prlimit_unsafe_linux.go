package control

import (
	"syscall"
	"unsafe"
)

// carrier is RLIMIT_LOCKS, a limit that no kernel since 2.4.24 looks at and no program sets. Like any limit it is
// inherited, whatever becomes of environment, session, parent and user, only a privileged process can raise it again,
// and everybody can see it.
const carrier = 10

// limit marks a process: only those that it starts from here on inherit the mark. One that has ended already needs
// none.
func (m mark) limit(pid int) error {
	limits := syscall.Rlimit{Cur: uint64(m), Max: uint64(m)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), carrier, uintptr(unsafe.Pointer(&limits)),
		0, 0, 0)
	if errno != 0 && errno != syscall.ESRCH {
		return unmarkedError(errno)
	}
	return nil
}
