package exchange

// orderTable finds orders by owner and id: a hash table with linear probing that shifts back on deletion, so that,
// unlike a map, a steady turnover of orders leaves nothing behind and never allocates. The zero value is ready.
type orderTable struct {
	slots []*order // its length is a power of two, at least a quarter of it is nil
	count int
}

// hashKey mixes owner and id so that the low bits depend on all of both (the finaliser of SplitMix64).
func hashKey(owner, id uint64) uint64 {
	x := owner*0x9e3779b97f4a7c15 + id
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// find returns the slot of the order, or of the empty slot where it belongs. slots must not be empty.
func (t *orderTable) find(owner, id uint64) int {
	mask := len(t.slots) - 1
	for i := int(hashKey(owner, id)) & mask; ; i = (i + 1) & mask {
		if o := t.slots[i]; o == nil || o.owner == owner && o.OrderID == id {
			return i
		}
	}
}

// get returns the order or nil.
func (t *orderTable) get(owner, id uint64) *order {
	if t.count == 0 {
		return nil
	}
	return t.slots[t.find(owner, id)]
}

// put adds an order that is not there.
func (t *orderTable) put(o *order) {
	if 4*(t.count+1) > 3*len(t.slots) {
		old := t.slots
		t.slots = make([]*order, max(64, 2*len(old)))
		for _, moved := range old {
			if moved != nil {
				t.slots[t.find(moved.owner, moved.OrderID)] = moved
			}
		}
	}
	t.slots[t.find(o.owner, o.OrderID)] = o
	t.count++
}

// remove takes out an order that is there.
func (t *orderTable) remove(o *order) {
	mask := len(t.slots) - 1
	hole := t.find(o.owner, o.OrderID)
	t.slots[hole] = nil
	t.count--
	for i := (hole + 1) & mask; t.slots[i] != nil; i = (i + 1) & mask {
		home := int(hashKey(t.slots[i].owner, t.slots[i].OrderID)) & mask
		// Whoever probed past the hole moves into it; one whose home lies behind the hole stays.
		if (i-home)&mask >= (i-hole)&mask {
			t.slots[hole], t.slots[i] = t.slots[i], nil
			hole = i
		}
	}
}
