package local

import "github.com/hftrunner/hftrunner/hft"

// tradeRing keeps the newest trades in one piece, oldest first. The memory holds twice the capacity: a full buffer
// moves its newer half to the front, which costs one copy per trade on average and lets a reader have a plain slice.
type tradeRing struct {
	buf         []hft.Event
	first, next int
	capacity    int
}

func newTradeRing(capacity int) tradeRing {
	return tradeRing{buf: make([]hft.Event, 2*capacity), capacity: capacity}
}

// add keeps a copy of e; the oldest trade goes when there is no room.
func (r *tradeRing) add(e *hft.Event) {
	if r.capacity == 0 {
		return
	}
	if r.next-r.first == r.capacity {
		r.first++
	}
	if r.next == len(r.buf) {
		r.next = copy(r.buf, r.buf[r.first:])
		r.first = 0
	}
	r.buf[r.next] = *e
	r.next++
}

func (r *tradeRing) all() []hft.Event { return r.buf[r.first:r.next:r.next] }

func (r *tradeRing) clear() { r.first, r.next = 0, 0 }
