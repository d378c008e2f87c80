package depth

import (
	"math/bits"
	"slices"
)

// The window's place around the best key: it is centred with a quarter above the best, and moves when the best comes
// near its upper end or below its middle. What lies behind the best is what a book is asked for.
const (
	windowTicks = 1 << 14
	windowMask  = windowTicks - 1
	windowWords = windowTicks / 64
	aboveBest   = windowTicks / 4
	minBestSlot = windowTicks / 2
	maxBestSlot = windowTicks - windowTicks/8
)

// ladder maps keys to values: a flat window of cells with a bitmap of those in use, and a table for the rest. Cells
// and words are addressed by the key's low bits, so that the window moves without copying what stays inside.
// A cell that is not in use holds the zero value.
type ladder[V any] struct {
	base  int64 // lowest key of the window, a multiple of 64
	words [windowWords]uint64
	cells [windowTicks]V
	far   farLevels[V]
	// sorted is where descend orders the table's keys.
	sorted []int64
}

func (l *ladder[V]) inside(key int64) bool { return uint64(key-l.base) < windowTicks }

func (l *ladder[V]) present(key int64) bool {
	return l.words[uint64(key)>>6%windowWords]&(1<<(uint64(key)&63)) != 0
}

// get returns the value at key, the zero value when there is none.
func (l *ladder[V]) get(key int64) V {
	if l.inside(key) {
		return l.cells[key&windowMask]
	}
	v, _ := l.far.get(key)
	return v
}

// lookup returns the value at key and whether there is one.
func (l *ladder[V]) lookup(key int64) (V, bool) {
	if l.inside(key) {
		return l.cells[key&windowMask], l.present(key)
	}
	return l.far.get(key)
}

func (l *ladder[V]) set(key int64, value V) {
	if !l.inside(key) {
		l.far.set(key, value)
		return
	}
	l.cells[key&windowMask] = value
	l.words[uint64(key)>>6%windowWords] |= 1 << (uint64(key) & 63)
}

func (l *ladder[V]) delete(key int64) {
	if !l.inside(key) {
		l.far.delete(key)
		return
	}
	var zero V
	l.cells[key&windowMask] = zero
	l.words[uint64(key)>>6%windowWords] &^= 1 << (uint64(key) & 63)
}

// next returns the greatest key in [low, high], or noKey.
func (l *ladder[V]) next(low, high int64) int64 {
	if low > high {
		return noKey
	}
	top := l.base + windowTicks - 1
	if high > top {
		if key := l.far.greatest(max(low, top+1), high); key != noKey {
			return key
		}
	}
	if key := l.nextInside(max(low, l.base), min(high, top)); key != noKey {
		return key
	}
	if low < l.base {
		return l.far.greatest(low, min(high, l.base-1))
	}
	return noKey
}

func (l *ladder[V]) nextInside(low, high int64) int64 {
	if low > high {
		return noKey
	}
	word := l.words[uint64(high)>>6%windowWords] << (63 - uint64(high)&63)
	if word != 0 {
		high -= int64(bits.LeadingZeros64(word))
	} else {
		for high = high&^63 - 1; ; high -= 64 {
			if high < low {
				return noKey
			}
			if word = l.words[uint64(high)>>6%windowWords]; word != 0 {
				high -= int64(bits.LeadingZeros64(word))
				break
			}
		}
	}
	if high < low {
		return noKey
	}
	return high
}

// follow moves the window when the best key has left its place. It is cheap when there is nothing to do.
func (l *ladder[V]) follow(best int64) {
	if slot := uint64(best - l.base); (slot < minBestSlot || slot >= maxBestSlot) && best != noKey {
		l.moveTo((best + aboveBest - windowTicks) &^ 63)
	}
}

func (l *ladder[V]) moveTo(base int64) {
	old := l.base
	if base == old {
		return
	}
	l.base = base
	for block := old; block < old+windowTicks; block += 64 {
		if !l.inside(block) {
			l.spill(block)
		}
	}
	l.fetch()
}

// spill moves the 64 keys from block on, which have left the window, to the table.
func (l *ladder[V]) spill(block int64) {
	w := uint64(block) >> 6 % windowWords
	var zero V
	for word := l.words[w]; word != 0; word &= word - 1 {
		key := block + int64(bits.TrailingZeros64(word))
		l.far.set(key, l.cells[key&windowMask])
		l.cells[key&windowMask] = zero
	}
	l.words[w] = 0
}

// fetch moves what the table holds of the window's keys into it.
func (l *ladder[V]) fetch() {
	if l.far.count == 0 {
		return
	}
	for i := 0; i < len(l.far.entries); {
		if e := &l.far.entries[i]; e.key != noKey && l.inside(e.key) {
			l.set(e.key, e.value)
			l.far.deleteAt(i) // moves an entry that was not looked at yet to i
		} else {
			i++
		}
	}
}

// deleteRange removes the keys in [low, high].
func (l *ladder[V]) deleteRange(low, high int64) {
	top := l.base + windowTicks - 1
	if low < l.base || high > top {
		l.far.deleteRange(low, high)
	}
	low, high = max(low, l.base), min(high, top)
	for key := l.nextInside(low, high); key != noKey; key = l.nextInside(low, key-1) {
		l.delete(key)
	}
}

// descend calls visit for every key in [low, high] from the greatest down. visit may delete the key it is given.
func (l *ladder[V]) descend(low, high int64, visit func(key int64, value V)) {
	top := l.base + windowTicks - 1
	if high > top {
		l.descendFar(max(low, top+1), high, visit)
	}
	inLow, inHigh := max(low, l.base), min(high, top)
	for key := l.nextInside(inLow, inHigh); key != noKey; key = l.nextInside(inLow, key-1) {
		visit(key, l.cells[key&windowMask])
	}
	if low < l.base {
		l.descendFar(low, min(high, l.base-1), visit)
	}
}

func (l *ladder[V]) descendFar(low, high int64, visit func(key int64, value V)) {
	l.sorted = l.far.appendKeys(l.sorted[:0], low, high)
	slices.Sort(l.sorted)
	for _, key := range slices.Backward(l.sorted) {
		value, _ := l.far.get(key)
		visit(key, value)
	}
}

// reset removes everything.
func (l *ladder[V]) reset() {
	var zero V
	for w, word := range l.words {
		for ; word != 0; word &= word - 1 {
			l.cells[w<<6+bits.TrailingZeros64(word)] = zero
		}
	}
	clear(l.words[:])
	l.far.reset(minFarEntries)
}
