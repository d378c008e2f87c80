package shm

import "golang.org/x/sys/unix"

const (
	// monotonicClock is the clock that Go's own readings follow: one that stands still while the machine sleeps.
	monotonicClock = unix.CLOCK_UPTIME_RAW
	// bootClock goes on meanwhile.
	bootClock = unix.CLOCK_MONOTONIC_RAW
)
