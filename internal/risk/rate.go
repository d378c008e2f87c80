package risk

// rate is the times of the last requests: as many as are allowed in an interval, so that no interval, wherever it
// begins, has more.
type rate struct {
	timesNs    []int64
	next       int
	intervalNs int64
}

func newRate(l Limits) rate {
	if l.MaxOrderRate <= 0 || l.OrderRateInterval <= 0 {
		return rate{}
	}
	r := rate{timesNs: make([]int64, l.MaxOrderRate), intervalNs: l.OrderRateInterval.Nanoseconds()}
	for i := range r.timesNs {
		r.timesNs[i] = -1
	}
	return r
}

// full reports whether one more request would be too many.
func (r *rate) full(nowNs int64) bool {
	if len(r.timesNs) == 0 {
		return false
	}
	oldest := r.timesNs[r.next]
	return oldest >= 0 && nowNs-oldest < r.intervalNs
}

func (r *rate) add(nowNs int64) {
	if len(r.timesNs) == 0 {
		return
	}
	r.timesNs[r.next] = nowNs
	r.next = (r.next + 1) % len(r.timesNs)
}

// rates checks the rates of all levels.
func (h *Holding) rates(nowNs int64) Refusal {
	if h.rate.full(nowNs) {
		return tooMany(Instrument, h.symbol, len(h.rate.timesNs))
	}
	for _, s := range h.scopesOf() {
		if s.rate.full(nowNs) {
			return tooMany(s.level, s.name, len(s.rate.timesNs))
		}
	}
	return Refusal{}
}

func tooMany(level Level, name string, limit int) Refusal {
	return Refusal{Rule: OrderRate, Level: level, Name: name, Limit: float64(limit), Value: float64(limit + 1)}
}

// count counts a request that is let through.
func (h *Holding) count(nowNs int64) {
	h.rate.add(nowNs)
	for _, s := range h.scopesOf() {
		s.rate.add(nowNs)
	}
}
