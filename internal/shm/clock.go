package shm

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// clockAnchor ties Go's monotonic readings, which start at a point of each process's own, to the system's clock.
type clockAnchor struct {
	base     time.Time
	offsetNs int64 // the system's clock at base
}

// monotonicAnchor is made once, before main, and never changed.
var monotonicAnchor = anchorMonotonic()

// anchorMonotonic brackets readings of the system's clock by readings of Go's. Each gives an interval in which the
// offset lies; the offset is constant, so it lies in all of them.
func anchorMonotonic() clockAnchor {
	const rounds = 32
	a := clockAnchor{base: time.Now()}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	for range rounds {
		var ts unix.Timespec
		before := time.Since(a.base)
		if err := unix.ClockGettime(monotonicClock, &ts); err != nil {
			return a // there is no such clock: the process's own is still monotonic
		}
		after := time.Since(a.base)
		low = max(low, ts.Nano()-after.Nanoseconds())
		high = min(high, ts.Nano()-before.Nanoseconds())
	}
	a.offsetNs = low + (high-low)/2
	return a
}

// MonotonicNs returns nanoseconds of the system's monotonic clock: never going back, not changed by setting the time,
// and comparable between the processes of one machine (to some tens of nanoseconds, the error of anchoring each).
// Any goroutine may call it; it makes no system call.
func MonotonicNs() int64 {
	return monotonicAnchor.offsetNs + int64(time.Since(monotonicAnchor.base))
}

// BootNs returns nanoseconds of the clock that goes as MonotonicNs does and also counts the time for which the machine
// was suspended. It makes a system call; any goroutine may call it.
func BootNs() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(bootClock, &ts); err != nil {
		return MonotonicNs() // there is no such clock: suspensions are not noticed
	}
	return ts.Nano()
}
