package journal

// While the ring is full, what says what strategies have stays with the process and is appended before anything else
// when there is room. So the sums in later records have nothing in them of which there is no record: what is not in
// the journal after this process was killed is asked for again at the venue, and must not be booked twice.

// maxOwed bounds the bytes of such records.
const maxOwed = 256 << 20

// lostOwed is the text of a Lost that counts some of them.
const lostOwed = "sums"

// staysOwed reports whether a record stays.
func staysOwed(k Kind) bool {
	switch k {
	case KindExecution, KindFunding, KindReset, KindUnattributed, KindTradingState, KindHeld:
		return true
	}
	return false
}

// owe keeps records that stay, size bytes of them, or counts them as lost where that is too much. The lock is held.
func (w *Writer) owe(g Group, size int) error {
	if uint64(size) > w.size/2 || w.owedSize+size > maxOwed {
		w.lose(g.records[0].head.TimeNs, uint64(len(g.records)))
		w.lostOwed = true
		return ErrFull
	}
	w.owed = append(w.owed, g)
	w.owedSize += size
	w.wake()
	return ErrLate
}

// room appends what is owed as far as it has room, and reports whether that is all and n bytes have room behind it. The
// lock is held.
func (w *Writer) room(n int) bool {
	for {
		next := n
		if len(w.owed) > 0 {
			next = w.owed[0].size()
		}
		if w.lost.Count > 0 && !w.tellLost(next) || w.free() < uint64(next) {
			return false
		}
		if len(w.owed) == 0 {
			return true
		}
		w.placeGroup(&w.owed[0])
		w.owedSize -= next
		if w.owed = w.owed[1:]; len(w.owed) == 0 {
			w.owed = nil
		}
	}
}

// size returns the bytes that a group takes.
func (g *Group) size() (n int) {
	for i := range g.records {
		n += padded(sizeOf(len(g.records[i].body), g.records[i].texts))
	}
	return n
}

// pay appends what is owed as far as it has room.
func (w *Writer) pay() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.owed) > 0 {
		w.room(0)
	}
}
