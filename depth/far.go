package depth

import "math/bits"

// farLevels holds the levels outside of a ladder's window: an open-addressing hash table from key to value. Removal
// shifts entries back instead of leaving marks, so that a table of some size serves any number of changes without
// allocating. Finding the next level looks at every entry; the window makes that rare.
type farLevels[V any] struct {
	entries []farEntry[V]
	count   int
	shift   uint
}

type farEntry[V any] struct {
	key   int64 // noKey when the entry is free
	value V
}

const minFarEntries = 256

func (f *farLevels[V]) reset(size int) {
	if len(f.entries) < size {
		f.entries = make([]farEntry[V], size)
		f.shift = uint(64 - bits.Len(uint(size-1)))
	}
	for i := range f.entries {
		f.entries[i] = farEntry[V]{key: noKey}
	}
	f.count = 0
}

func (f *farLevels[V]) home(key int64) int {
	return int(uint64(key) * 0x9E3779B97F4A7C15 >> f.shift) // Fibonacci hashing: neighbouring ticks spread
}

// find returns the index of key, or of the free entry where it belongs.
func (f *farLevels[V]) find(key int64) (int, bool) {
	mask := len(f.entries) - 1
	for i := f.home(key); ; i = (i + 1) & mask {
		switch f.entries[i&mask].key {
		case key:
			return i, true
		case noKey:
			return i, false
		}
	}
}

func (f *farLevels[V]) get(key int64) (value V, ok bool) {
	if f.count == 0 {
		return value, false
	}
	i, ok := f.find(key)
	if !ok {
		return value, false
	}
	return f.entries[i].value, true
}

func (f *farLevels[V]) set(key int64, value V) {
	if f.count >= len(f.entries)-len(f.entries)/4 {
		f.grow()
	}
	i, ok := f.find(key)
	if !ok {
		f.count++
		f.entries[i].key = key
	}
	f.entries[i].value = value
}

// exchange sets key to value, or deletes it unless it stays, and returns what there was: set or delete, and get before.
func (f *farLevels[V]) exchange(key int64, value V, stays bool) (old V) {
	i, ok := f.find(key)
	switch {
	case ok && stays:
		old, f.entries[i].value = f.entries[i].value, value
	case ok:
		old = f.entries[i].value
		f.deleteAt(i)
	case stays:
		f.set(key, value)
	}
	return old
}

func (f *farLevels[V]) grow() {
	old := f.entries
	f.entries = nil
	f.reset(max(minFarEntries, 2*len(old)))
	for i := range old {
		if old[i].key != noKey {
			f.set(old[i].key, old[i].value)
		}
	}
}

func (f *farLevels[V]) delete(key int64) {
	if f.count == 0 {
		return
	}
	if i, ok := f.find(key); ok {
		f.deleteAt(i)
	}
}

// deleteAt frees entry i and closes the gap, so that every entry stays reachable from its home.
func (f *farLevels[V]) deleteAt(i int) {
	mask := len(f.entries) - 1
	for j := (i + 1) & mask; f.entries[j].key != noKey; j = (j + 1) & mask {
		if (j-f.home(f.entries[j].key))&mask >= (j-i)&mask {
			f.entries[i] = f.entries[j]
			i = j
		}
	}
	f.entries[i] = farEntry[V]{key: noKey}
	f.count--
}

// greatest returns the greatest key in [low, high], or noKey.
func (f *farLevels[V]) greatest(low, high int64) int64 {
	found := noKey
	if f.count == 0 || low > high {
		return found
	}
	for i := range f.entries {
		if key := f.entries[i].key; key >= low && key <= high && key > found {
			found = key
		}
	}
	return found
}

// deleteRange removes the keys in [low, high].
func (f *farLevels[V]) deleteRange(low, high int64) {
	for i := 0; f.count > 0 && i < len(f.entries); {
		if key := f.entries[i].key; key != noKey && key >= low && key <= high {
			f.deleteAt(i) // moves an entry that was not looked at yet to i
		} else {
			i++
		}
	}
}

// appendKeys appends the keys in [low, high] to dst in no order.
func (f *farLevels[V]) appendKeys(dst []int64, low, high int64) []int64 {
	for i := 0; f.count > 0 && i < len(f.entries); i++ {
		if key := f.entries[i].key; key != noKey && key >= low && key <= high {
			dst = append(dst, key)
		}
	}
	return dst
}
