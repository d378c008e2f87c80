//go:build linux

package shm

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Operations of futex(2). Without FUTEX_PRIVATE_FLAG the kernel finds waiters by the memory behind the address, so
// that they may be in other processes.
const (
	futexOpWait = 0
	futexOpWake = 1
)

// FutexWait sleeps while *addr is val: until a FutexWake of the same word by any process, at most timeout; a negative
// timeout means no limit. It also returns at once when *addr is not val, and at any signal, so the caller looks at its
// condition again. A read-only mapping is enough.
func FutexWait(addr *uint32, val uint32, timeout time.Duration) {
	var limit *unix.Timespec
	if timeout >= 0 {
		spec := unix.NsecToTimespec(timeout.Nanoseconds())
		limit = &spec
	}
	// Not a raw call: the scheduler must know that this thread blocks. All errors mean "look again".
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexOpWait, uintptr(val),
		uintptr(unsafe.Pointer(limit)), 0, 0)
}

// FutexWake wakes at most n of those who sleep on addr, in any process. Change the word first, or someone about to
// sleep is missed. It never blocks.
func FutexWake(addr *uint32, n int) {
	_, _, _ = unix.RawSyscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexOpWake, uintptr(n))
}
