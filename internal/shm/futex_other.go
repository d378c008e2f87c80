//go:build !linux

package shm

import (
	"sync/atomic"
	"time"
)

// pollInterval is the polling interval of FutexWait where there is no futex.
const pollInterval = 50 * time.Microsecond

// FutexWait sleeps while *addr is val, at most timeout; a negative timeout means no limit. Where there is no futex it
// looks at the word every 50 µs, so that a wake-up is seen by the change of the word alone. A read-only mapping is
// enough.
func FutexWait(addr *uint32, val uint32, timeout time.Duration) {
	for start := time.Now(); atomic.LoadUint32(addr) == val; {
		left := pollInterval
		if timeout >= 0 {
			left = min(left, timeout-time.Since(start))
		}
		if left <= 0 {
			return
		}
		time.Sleep(left)
	}
}

// FutexWake does nothing: sleepers see the change of the word.
func FutexWake(*uint32, int) {}
