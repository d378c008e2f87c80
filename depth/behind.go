package depth

import (
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// UpdateBehind applies the first of rows as Update does, as far as each is of a level that is behind the best and worse
// than the ticks bid and ask, and returns how many it has applied: most of what a depth stream says is of such levels,
// and changes no other.
func (b *FusedMarketDepth) UpdateBehind(rows []hft.Event, order, bid, ask int64,
	emit []hft.Event) (n int, grown []hft.Event) {
	b.removed = b.removed[:0]
	if b.mode == Compat {
		return 0, emit
	}
	// as keys; neither best changes here
	bid, ask = min(bid, b.bid.best, ^b.ask.best), min(ask^askFlip, b.ask.best, ^b.bid.best)
	emit = slices.Grow(emit, len(rows))
	for ; n < len(rows); n++ {
		row := &rows[n]
		own, flip, worse := &b.bid, bidFlip, bid
		if side := row.Side(); side != hft.Buy {
			if own, flip, worse = &b.ask, askFlip, ask; side == hft.SideNone {
				break
			}
		}
		tick, ok := b.quickTick(row.Px)
		key, kind := tick^flip, row.Kind()
		if !ok || key >= worse || math.Float64bits(row.Qty) > maxFloatBits ||
			kind != hft.DepthEvent && kind != hft.DepthSnapshotEvent {
			break
		}
		if !own.levels.inside(key) {
			emit = b.farBehindBest(own, key, row, order, emit)
			continue
		}
		emit = emit[:len(emit)+1]
		putPlain(&emit[len(emit)-1], row)
		emit = emit[:len(emit)-1+own.put(key, row.Qty, b.minQty, order)]
	}
	return n, emit
}

// put changes a level in the window that is not the best, and returns the number of changes, one or none. Whether the
// level goes or stays is a coin toss to the branch predictor, so there is no branch on it.
func (s *fusedSide) put(key int64, qty, minQty float64, order int64) (changes int) {
	cell, word, shift := &s.levels.cells[key&windowMask], &s.levels.words[uint64(key)>>6%windowWords], uint64(key)&63
	present, used := *word>>shift&1, uint64(0)
	if qty >= minQty {
		used = 1
	}
	if order < s.newest && order < cell.order && present == 1 {
		return 0
	}
	s.newest = max(s.newest, order)
	cell.qty, cell.order = math.Float64frombits(math.Float64bits(qty)&-used), order&-int64(used)
	*word = *word&^(1<<shift) | used<<shift
	if key < s.low && used == 1 {
		s.low = key
	}
	return int(present | used)
}

// farBehindBest changes a level behind the best that is outside of the window.
func (b *FusedMarketDepth) farBehindBest(own *fusedSide, key int64, ev *hft.Event, order int64,
	emit []hft.Event) []hft.Event {
	far, level := &own.levels.far, fusedLevel{ev.Qty, order}
	own.newest = max(own.newest, order)
	i, present := far.find(key)
	switch used := ev.Qty >= b.minQty; {
	case !present && !used, present && order < far.entries[i].value.order:
		return emit
	case !used:
		far.deleteAt(i)
	case present:
		far.entries[i].value = level
		own.low = min(own.low, key)
	default:
		far.set(key, level)
		own.low = min(own.low, key)
	}
	return appendPlain(emit, ev)
}
