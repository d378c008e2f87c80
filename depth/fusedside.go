package depth

// fusedLevel is a level with the order of its last change.
type fusedLevel struct {
	qty   float64
	order int64
}

// fusedSide is one side in keys. low is the bound down to which the best is searched, newest no less than the order of
// any level: what is not older than that need not look at the level it changes, and wait for the memory.
type fusedSide struct {
	best, low int64
	bestOrder int64
	newest    int64
	levels    ladder[fusedLevel]
}

// set changes or adds a level.
func (s *fusedSide) set(key int64, qty float64, order int64) {
	s.levels.set(key, fusedLevel{qty, order})
	s.newest = max(s.newest, order)
}

// dropBest searches the next best after the best level has gone.
func (s *fusedSide) dropBest(order int64) {
	s.best = s.search(s.best, s.low)
	s.bestOrder = order
	if s.best == noKey {
		s.low = noLow
	}
	s.levels.follow(s.best)
}

// search returns the best key in [low, below-1] that has a quantity, or noKey.
func (s *fusedSide) search(below, low int64) int64 {
	if low >= below {
		return noKey
	}
	key := s.levels.next(low, below-1)
	for key != noKey && !(s.levels.get(key).qty > 0) {
		key = s.levels.next(low, key-1)
	}
	return key
}

// reset empties the side; the order of its best stays.
func (s *fusedSide) reset() {
	s.best, s.low = noKey, noLow
	s.levels.reset()
}
