//go:build !darwin

package shm

import "golang.org/x/sys/unix"

// monotonicClock is the clock that Go's own readings follow.
const monotonicClock = unix.CLOCK_MONOTONIC
