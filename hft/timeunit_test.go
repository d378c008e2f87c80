package hft_test

import (
	"math"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

func TestUnixNs(t *testing.T) {
	const now = 1_733_011_200_691_123_457
	for _, c := range []struct {
		t, ns     int64
		otherwise time.Duration
		unit      time.Duration
		ok        bool
	}{
		{now / 1_000_000_000, now / 1_000_000_000 * 1_000_000_000, time.Millisecond, time.Second, true},
		{now / 1_000_000, now / 1_000_000 * 1_000_000, time.Nanosecond, time.Millisecond, true},
		{now / 1_000, now / 1_000 * 1_000, time.Millisecond, time.Microsecond, true},
		{now, now, time.Millisecond, time.Nanosecond, true},
		{math.MaxInt64, math.MaxInt64, time.Millisecond, time.Nanosecond, true},
		{5, 5, time.Nanosecond, time.Nanosecond, true},
		{5, 5_000_000, time.Millisecond, time.Millisecond, true},
		{0, 0, time.Millisecond, time.Millisecond, true},
		{9_223_372_037, 0, time.Millisecond, time.Second, false}, // past what 64 bits hold
		{9_223_372_036_855, 0, time.Millisecond, time.Millisecond, false},
		{-1, 0, time.Millisecond, time.Millisecond, false},
	} {
		if ns, unit, ok := hft.UnixNs(c.t, c.otherwise); ns != c.ns || unit != c.unit || ok != c.ok {
			t.Errorf("%d: %d, %v, %t, want %d, %v, %t", c.t, ns, unit, ok, c.ns, c.unit, c.ok)
		}
	}
}
