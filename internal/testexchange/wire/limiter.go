package wire

import (
	"sync"
	"time"
)

// Limiter counts what each key (an address, an account) uses in intervals of the clock, as the venues do: all counts
// start again at the full minute. Limit 0 counts without bound. The zero Interval is not valid.
type Limiter struct {
	Interval time.Duration
	Limit    int

	mu     sync.Mutex
	window int64
	used   map[string]int
}

// Use adds weight and returns the count of the interval so far, that included, and whether it is within the limit.
// retry is how long until the next interval.
func (l *Limiter) Use(nowNs int64, key string, weight int) (used int, ok bool, retry time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	interval := int64(l.Interval)
	if window := nowNs / interval; window != l.window || l.used == nil {
		l.window, l.used = window, map[string]int{}
	}
	l.used[key] += weight
	used = l.used[key]
	return used, l.Limit == 0 || used <= l.Limit, time.Duration(interval - nowNs%interval)
}
