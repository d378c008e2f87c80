//go:build !darwin && !linux

package shm

import "golang.org/x/sys/unix"

const (
	// monotonicClock is the clock that Go's own readings follow.
	monotonicClock = unix.CLOCK_MONOTONIC
	// bootClock goes on while the machine sleeps, as far as is known here: that it slept is not noticed.
	bootClock = unix.CLOCK_MONOTONIC
)
