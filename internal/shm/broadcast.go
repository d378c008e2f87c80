package shm

import "sync/atomic"

// FeedRecord is one record of a broadcast ring: 52 bytes whose meaning is the caller's.
type FeedRecord struct {
	// Lo shares a word with the begin mark.
	Lo uint32
	// W is the rest.
	W [feedPayloadWords]uint64
}

// ReadStatus is the outcome of BroadcastReader.Next.
type ReadStatus uint8

// Outcomes of BroadcastReader.Next.
const (
	// ReadOK: the record was copied and the cursor moved.
	ReadOK ReadStatus = 0
	// ReadEmpty: the next record has not been written yet.
	ReadEmpty ReadStatus = 1
	// ReadLapped: the next record has been overwritten, or is being overwritten. The cursor stays; Seek leads on.
	ReadLapped ReadStatus = 2
)

type feedSlot [lineWords]uint64

// BroadcastWriter is the one writer of a broadcast ring. It never waits for readers: who is more than the capacity
// behind loses records, and knows it. One goroutine uses it.
type BroadcastWriter struct {
	slots    []feedSlot
	mask     uint64
	sequence uint64 // of the last record put; never read back from the ring
	known    uint64 // sequence as of the last Commit, for any goroutine
	tail     *uint64
	race     raceMark
	segment  *Segment // keeps the addresses
}

// NewBroadcastWriter returns the writer of a ring of capacity records (a power of two) at byte off (a multiple of 64)
// of a fresh segment. It panics if the ring does not fit (CheckBroadcast) or the segment is read-only.
func NewBroadcastWriter(s *Segment, off, capacity int) *BroadcastWriter {
	s.mustWrite("broadcast writer")
	words := s.ring("broadcast ring", off, capacity, lineWords)
	return &BroadcastWriter{
		slots: feedSlotsOf(words[headerWords:]),
		mask:  uint64(capacity - 1),
		tail:  &words[broadcastTailWord],
		race:  newRaceMark(s, off),

		segment: s,
	}
}

// Put writes the next record. Readers that look see it at once; those that sleep or watch the tail see it with Commit,
// which must follow at the latest capacity records later.
func (w *BroadcastWriter) Put(rec *FeedRecord) {
	sequence := w.sequence + 1
	w.sequence = sequence
	slot := &w.slots[sequence&w.mask]
	w.race.publish()
	// The mark goes first: a reader that got any word of this record finds it when it looks again.
	storeRelease(&slot[slotMark], sequence<<markShift|uint64(rec.Lo)) // SYNC POINT: feed record begun
	storeWord(&slot[slotPayload+0], rec.W[0])
	storeWord(&slot[slotPayload+1], rec.W[1])
	storeWord(&slot[slotPayload+2], rec.W[2])
	storeWord(&slot[slotPayload+3], rec.W[3])
	storeWord(&slot[slotPayload+4], rec.W[4])
	storeWord(&slot[slotPayload+5], rec.W[5])
	storeRelease(&slot[slotSequence], sequence) // SYNC POINT: feed record complete
}

// Commit publishes the sequence of the last record as the tail, once per batch. It is a full barrier: an atomic load
// after it, of a reader's "I am parked", comes after everything put is visible. So either the writer sees the flag, or
// the reader, who sets its flag and then looks once more, sees the record.
func (w *BroadcastWriter) Commit() {
	storeRelease(&w.known, w.sequence)     // SYNC POINT: records committed
	atomic.StoreUint64(w.tail, w.sequence) // SYNC POINT: feed tail
}

// Tail returns the sequence of the last record put, 0 before the first.
func (w *BroadcastWriter) Tail() uint64 { return w.sequence }

// Committed returns what Tail was at the last Commit. Any goroutine may call it, also when the segment is gone.
func (w *BroadcastWriter) Committed() uint64 {
	return atomic.LoadUint64(&w.known) // SYNC POINT: records committed
}

// BroadcastReader reads a broadcast ring at its own pace; any number of them may, and a read-only mapping is enough.
// One goroutine uses it.
type BroadcastReader struct {
	slots  []feedSlot
	mask   uint64
	cursor uint64 // sequence of the last record read
	tail   *uint64
	race   raceMark

	segment *Segment // keeps the addresses
}

// NewBroadcastReader returns a reader of the ring that a BroadcastWriter with the same off and capacity writes. Its
// cursor is 0, before the first record. It panics if the ring does not fit (CheckBroadcast).
func NewBroadcastReader(s *Segment, off, capacity int) *BroadcastReader {
	words := s.ring("broadcast ring", off, capacity, lineWords)
	return &BroadcastReader{
		slots: feedSlotsOf(words[headerWords:]),
		mask:  uint64(capacity - 1),
		tail:  &words[broadcastTailWord],
		race:  newRaceMark(s, off),

		segment: s,
	}
}

// Next copies the next record into rec. What is in rec means something only after ReadOK.
func (r *BroadcastReader) Next(rec *FeedRecord) ReadStatus {
	expected := r.cursor + 1
	slot := &r.slots[expected&r.mask]
	if sequence := r.published(slot); sequence != expected {
		if sequence < expected {
			return ReadEmpty
		}
		return ReadLapped
	}
	mark := atomic.LoadUint64(&slot[slotMark])
	rec.Lo = uint32(mark)
	rec.W[0] = atomic.LoadUint64(&slot[slotPayload+0])
	rec.W[1] = atomic.LoadUint64(&slot[slotPayload+1])
	rec.W[2] = atomic.LoadUint64(&slot[slotPayload+2])
	rec.W[3] = atomic.LoadUint64(&slot[slotPayload+3])
	rec.W[4] = atomic.LoadUint64(&slot[slotPayload+4])
	rec.W[5] = atomic.LoadUint64(&slot[slotPayload+5])
	// Had any of these words been of a later record, its mark would be here now, or if whole laps of the mark's 32 bits
	// have passed meanwhile, another sequence would be.
	again := atomic.LoadUint64(&slot[slotMark]) // SYNC POINT: feed record begun
	if again != mark || uint32(again>>markShift) != uint32(expected) || r.published(slot) != expected {
		return ReadLapped
	}
	r.race.observe()
	r.cursor = expected
	return ReadOK
}

func (r *BroadcastReader) published(slot *feedSlot) uint64 {
	return atomic.LoadUint64(&slot[slotSequence]) // SYNC POINT: feed record complete
}

// Ready reports whether Next would return something else than ReadEmpty.
func (r *BroadcastReader) Ready() bool {
	expected := r.cursor + 1
	return r.published(&r.slots[expected&r.mask]) >= expected
}

// Cursor returns the sequence of the last record read, 0 at first. The first record has sequence 1.
func (r *BroadcastReader) Cursor() uint64 { return r.cursor }

// Seek makes record sequence+1 the next. After ReadLapped, Seek(Tail()) goes on with what comes.
func (r *BroadcastReader) Seek(sequence uint64) { r.cursor = sequence }

// Tail returns the committed tail: the sequence of the last record before the writer's last Commit.
func (r *BroadcastReader) Tail() uint64 {
	return atomic.LoadUint64(r.tail) // SYNC POINT: feed tail
}
