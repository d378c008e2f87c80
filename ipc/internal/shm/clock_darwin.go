package shm

import "golang.org/x/sys/unix"

// monotonicClock is the clock that Go's own readings follow: one that stands still while the machine sleeps.
const monotonicClock = unix.CLOCK_UPTIME_RAW
