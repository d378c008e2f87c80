package host

// trail remembers how a position changed, so that what the venue settles later by an earlier position finds that one.
type trail struct {
	steps [256]step // a ring, the oldest at first
	n     int       // steps ever
}

// step is one change of a position.
type step struct {
	venueNs int64
	before  float64 // the position until then
}

// changed remembers that a position was before until the venue's time.
func (t *trail) changed(venueNs int64, before float64) {
	t.steps[t.n%len(t.steps)] = step{venueNs, before}
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
