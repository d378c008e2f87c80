package hft

import (
	"math"
	"time"
)

// UnixNs returns a time since 1970 in nanoseconds, and the unit that it was in: seconds, milliseconds, microseconds or
// nanoseconds, told by its magnitude, as what is one of them after 1973 is a time of the seventies in the next. What is
// less is no time of a market in any of them, and is in the unit otherwise. ok is false for what no 64 bits of
// nanoseconds can hold, or is before 1970.
func UnixNs(t int64, otherwise time.Duration) (ns int64, unit time.Duration, ok bool) {
	switch {
	case t >= 1e17:
		return t, time.Nanosecond, true
	case t >= 1e14:
		return inUnit(t, time.Microsecond)
	case t >= 1e11:
		return inUnit(t, time.Millisecond)
	case t >= 1e8:
		return inUnit(t, time.Second)
	}
	return inUnit(t, otherwise)
}

// inUnit is small enough to be compiled into its callers, where a unit that is a constant costs no division.
func inUnit(t int64, unit time.Duration) (ns int64, _ time.Duration, ok bool) {
	if t < 0 || t > math.MaxInt64/int64(unit) {
		return 0, unit, false
	}
	return t * int64(unit), unit, true
}

// UnitName returns the name of a unit of times: "milliseconds".
func UnitName(unit time.Duration) string {
	switch unit {
	case time.Second:
		return "seconds"
	case time.Millisecond:
		return "milliseconds"
	case time.Microsecond:
		return "microseconds"
	}
	return "nanoseconds"
}
