package host

// trail remembers how a position changed, so that what the venue settles later by an earlier position finds that one.
type trail struct {
	steps [2048]step // a ring by the venue's time, the oldest at first
	n     int        // steps ever
}

// step is one change of a position.
type step struct {
	venueNs int64
	before  float64 // the position until then
}

// changed remembers that a position that is now so much has changed by delta at the venue's time. What is learnt late
// takes its place in time: the positions since then include it.
func (t *trail) changed(venueNs int64, now, delta float64) {
	at, oldest := t.n, max(0, t.n+1-len(t.steps))
	for ; at > oldest; at-- {
		s := t.steps[(at-1)%len(t.steps)]
		if s.venueNs <= venueNs {
			break
		}
		now = s.before
		t.steps[at%len(t.steps)] = step{s.venueNs, s.before + delta}
	}
	t.steps[at%len(t.steps)] = step{venueNs, now}
	t.n++
}

// at returns the position just before the venue's time; now is the present one.
func (t *trail) at(venueNs int64, now float64) float64 {
	for i := t.n - 1; i >= max(0, t.n-len(t.steps)); i-- {
		s := &t.steps[i%len(t.steps)]
		if s.venueNs < venueNs {
			break
		}
		now = s.before
	}
	return now
}
