package ipc

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
)

// clockView is a bot's reading of the clock in a feed segment's header.
type clockView struct {
	stepped bool
	startNs int64
	rate    float64
	mono    *int64
	now     *int64
	shown   *uint64
}

// viewClock returns the clock that a feed's header describes. What cannot be a clock is an error.
func viewClock(s *shm.Segment) (clockView, error) {
	v := clockView{
		stepped: *s.Word64(ring.OffClockMode) == ring.ClockStepped,
		startNs: *ring.Int64Word(s, ring.OffClockStart),
		rate:    math.Float64frombits(*s.Word64(ring.OffClockRate)),
		mono:    ring.Int64Word(s, ring.OffClockMono),
		now:     ring.Int64Word(s, ring.OffClockNow),
		shown:   s.Word64(ring.OffClockShown),
	}
	if mode := *s.Word64(ring.OffClockMode); mode != ring.ClockRunning && mode != ring.ClockStepped {
		return v, fmt.Errorf("its clock is of kind %d, this program knows %d and %d", mode, ring.ClockRunning,
			ring.ClockStepped)
	}
	if !v.stepped && !ring.Positive(v.rate) {
		return v, fmt.Errorf("its clock runs at a rate of %v", v.rate)
	}
	return v, nil
}

func (v *clockView) nowNs() int64 {
	if v.stepped {
		return atomic.LoadInt64(v.now) // SYNC POINT: clock step
	}
	return ring.ClockAt(v.startNs, atomic.LoadInt64(v.mono), v.rate, shm.MonotonicNs()) // SYNC POINT: clock start
}

// timesShown returns how often the host has shown the time of a stepped clock.
func (v *clockView) timesShown() uint64 { return atomic.LoadUint64(v.shown) } // SYNC POINT: clock shown

// same reports whether both views show the same time.
func (v *clockView) same(o *clockView) bool {
	return v.stepped == o.stepped && v.startNs == o.startNs && v.rate == o.rate
}

// wallDuration returns how long d of the clock takes, at least a microsecond.
func (v *clockView) wallDuration(d time.Duration) time.Duration {
	if v.stepped || v.rate <= 0 || math.IsNaN(v.rate) || v.rate == 1 {
		return max(d, time.Microsecond)
	}
	scaled := float64(d) / v.rate
	if scaled > math.MaxInt64/2 {
		return math.MaxInt64 / 2
	}
	return max(time.Duration(scaled), time.Microsecond)
}
