package clocksync

import "math"

const (
	// maxDriftPPB is how much the two clocks may go apart, in billionths: ten times what a bad quartz does.
	maxDriftPPB = 500_000
	// minDriftSpanNs is over which time a drift is computed at least: below that it is noise.
	minDriftSpanNs = 60_000_000_000
	// kept is how many measurements the drift is computed over.
	kept = 8
	giga = 1_000_000_000
)

// Estimate is what is known of the venue's clock.
type Estimate struct {
	Measurement
	// DriftPPB is by how much the venue's clock goes faster than the local one, in billionths.
	DriftPPB int64
	// Known says that there was a measurement; the offset is 0 before.
	Known bool
}

// OffsetAtNs returns the offset at a local time.
func (e Estimate) OffsetAtNs(localNs int64) int64 {
	return e.OffsetNs + scale(localNs-e.AtNs, e.DriftPPB)
}

// ErrorAtNs returns how wrong OffsetAtNs can be: it grows with the time since the measurement.
func (e Estimate) ErrorAtNs(localNs int64) int64 {
	since := localNs - e.AtNs
	if since < 0 {
		since = -since
	}
	return e.ErrorNs + scale(since, maxDriftPPB)
}

// scale returns ns times ppb billionths, rounded to zero and within int64.
func scale(ns, ppb int64) int64 {
	return int64(min(max(float64(ns)*float64(ppb)/giga, -math.MaxInt64/4), math.MaxInt64/4))
}

// Track puts measurements in a row together. The zero value is ready; one goroutine uses it.
type Track struct {
	estimate Estimate
	history  [kept]Measurement
	n        int
}

// Add takes a measurement and returns the estimate, and whether a clock was set since the one before: by the local
// clock going back, or by an offset that drift does not explain.
func (t *Track) Add(m Measurement) (e Estimate, stepped bool) {
	if t.n > 0 {
		differenceNs := m.OffsetNs - t.estimate.OffsetAtNs(m.AtNs)
		if differenceNs < 0 {
			differenceNs = -differenceNs
		}
		stepped = m.AtNs < t.estimate.AtNs || differenceNs > m.ErrorNs+t.estimate.ErrorAtNs(m.AtNs)
	}
	if stepped {
		t.n = 0
	}
	if t.n == kept {
		copy(t.history[:], t.history[1:])
		t.n--
	}
	t.history[t.n] = m
	t.n++
	t.estimate = Estimate{Measurement: m, DriftPPB: t.drift(), Known: true}
	return t.estimate, stepped
}

// drift returns the smallest drift that explains the oldest and the newest measurement: none while their intervals
// agree without one.
func (t *Track) drift() int64 {
	first, last := t.history[0], t.history[t.n-1]
	spanNs := last.AtNs - first.AtNs
	if spanNs < minDriftSpanNs {
		return 0
	}
	changeNs, errorNs := last.OffsetNs-first.OffsetNs, last.ErrorNs+first.ErrorNs
	switch {
	case changeNs > errorNs:
		changeNs -= errorNs
	case changeNs < -errorNs:
		changeNs += errorNs
	default:
		return 0
	}
	ppb := float64(changeNs) / float64(spanNs) * giga
	return int64(min(max(ppb, -maxDriftPPB), maxDriftPPB))
}
