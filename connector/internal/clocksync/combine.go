package clocksync

import (
	"errors"
	"math"
)

// resolutionNs is to what venues cut their time.
const resolutionNs = 1_000_000

// maxTimeNs bounds the times that are taken, so that no difference overflows: the year 2189 or so.
const maxTimeNs = math.MaxInt64 * 3 / 4

// ErrDisagree says that the samples contradict each other: a clock was set between them, or the venue's servers differ.
var ErrDisagree = errors.New("clocksync: the venue's answers contradict each other: measure again")

// ErrNoSample says that no sample can be used.
var ErrNoSample = errors.New("clocksync: no usable answer: check the venue's time call")

// Sample is one answer to a question for the venue's time. SentNs and ReceivedNs are local, ServerNs is the venue's,
// cut to a millisecond; all are nanoseconds since the epoch.
type Sample struct {
	SentNs, ServerNs, ReceivedNs int64
}

// usable reports whether the sample can be true: not if the local clock was set back in between.
func (s Sample) usable() bool {
	for _, ns := range []int64{s.SentNs, s.ServerNs, s.ReceivedNs} {
		if ns <= 0 || ns > maxTimeNs {
			return false
		}
	}
	return s.ReceivedNs >= s.SentNs
}

// bounds returns between what the offset has to be.
func (s Sample) bounds() (lowNs, highNs int64) {
	return s.ServerNs - s.ReceivedNs, s.ServerNs + resolutionNs - s.SentNs
}

// Measurement is what samples say together.
type Measurement struct {
	// AtNs is the local time it is about.
	AtNs int64
	// OffsetNs is the venue's clock less the local one, wrong by no more than ErrorNs.
	OffsetNs, ErrorNs int64
	// RoundTripNs is the shortest round trip.
	RoundTripNs int64
	// Used samples agree, Dropped ones do not or cannot be true.
	Used, Dropped int
}

// Combine returns what samples say together: the part that the most of them have in common. It returns ErrNoSample if
// none can be used and ErrDisagree if no majority of them agrees.
func Combine(samples []Sample) (Measurement, error) {
	m := Measurement{RoundTripNs: math.MaxInt64}
	var low, high int64
	usable := 0
	// The most intervals meet at the beginning of one of them. There are a handful.
	for _, s := range samples {
		if !s.usable() {
			continue
		}
		usable++
		m.RoundTripNs = min(m.RoundTripNs, s.ReceivedNs-s.SentNs)
		m.AtNs = max(m.AtNs, s.ReceivedNs)
		at, _ := s.bounds()
		meet, end := 0, int64(math.MaxInt64)
		for _, other := range samples {
			if lo, hi := other.bounds(); other.usable() && lo <= at && at <= hi {
				meet++
				end = min(end, hi)
			}
		}
		// Of two groups of the same size the narrower one is the better measurement.
		if meet > m.Used || meet == m.Used && end-at < high-low {
			m.Used, low, high = meet, at, end
		}
	}
	m.Dropped = len(samples) - m.Used
	switch {
	case usable == 0:
		return Measurement{}, ErrNoSample
	case 2*m.Used <= usable:
		return Measurement{}, ErrDisagree
	}
	m.OffsetNs = low + (high-low)/2
	m.ErrorNs = (high - low + 1) / 2
	return m, nil
}
