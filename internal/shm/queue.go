package shm

import "sync/atomic"

// PutStatus is the outcome of Producer.Put.
type PutStatus uint8

// Outcomes of Producer.Put.
const (
	// PutOK: the record is visible to the consumer.
	PutOK PutStatus = 0
	// PutFull: the consumer has not made room; nothing was written.
	PutFull PutStatus = 1
	// PutCorrupt: the consumer's head is impossible, ahead of what was produced or behind where it was; nothing was
	// written. The consumer is broken or hostile.
	PutCorrupt PutStatus = 2
)

// Producer is the one writer of a queue with one reader. Records are never dropped: a full queue refuses. One
// goroutine uses it.
type Producer struct {
	slots     []uint64
	slotWords int
	mask      uint64
	produced  uint64 // sequence of the last record; never read back from the queue
	head      uint64 // what the consumer had consumed when it was last asked
	headWord  *uint64
	race      raceMark
	raceHead  raceMark
	segment   *Segment // keeps the addresses
}

// NewProducer returns the producer of a queue of capacity records (a power of two) of slotWords-1 words each, at byte
// off (a multiple of 64) of a fresh segment. It panics if the queue does not fit (CheckQueue) or the segment is
// read-only.
func NewProducer(s *Segment, off, capacity, slotWords int) *Producer {
	s.mustWrite("producer")
	words := s.ring("queue", off, capacity, slotWords)
	return &Producer{
		slots:     words[headerWords:],
		slotWords: slotWords,
		mask:      uint64(capacity - 1),
		headWord:  &words[queueHeadWord],
		race:      newRaceMark(s, off),
		raceHead:  newRaceMark(s, off+lineBytes),
		segment:   s,
	}
}

// Put copies words, at most slotWords-1 of them, into the next slot; what the slot has beyond is zero. Too many words
// panic. After PutOK an atomic load of the consumer's "I am parked" comes after the record is visible, as with
// BroadcastWriter.Commit.
func (p *Producer) Put(words []uint64) PutStatus {
	if len(words) >= p.slotWords {
		panic("shm: record longer than the queue's slots")
	}
	if p.produced-p.head > p.mask { // all slots are in use, as far as we know
		consumed, ok := p.Consumed()
		if !ok {
			return PutCorrupt
		}
		if p.produced-consumed > p.mask {
			return PutFull
		}
	}
	sequence := p.produced + 1
	p.produced = sequence
	from := int(sequence&p.mask) * p.slotWords
	slot := p.slots[from : from+p.slotWords : from+p.slotWords]
	p.race.publish()
	// Backwards: the line with the sequence, on which the consumer spins, is taken from it as late as possible.
	payload := slot[queuePayload:]
	for i := len(payload) - 1; i >= len(words); i-- {
		storeWord(&payload[i], 0)
	}
	for i := len(words) - 1; i >= 0; i-- {
		storeWord(&payload[i], words[i])
	}
	atomic.StoreUint64(&slot[slotSequence], sequence) // SYNC POINT: queue record
	return PutOK
}

// Free returns how many records can be put now; 0 when the consumer's head is impossible.
func (p *Producer) Free() int {
	consumed, ok := p.Consumed()
	if !ok {
		return 0
	}
	return int(p.mask + 1 - (p.produced - consumed))
}

// Produced returns the number of records put.
func (p *Producer) Produced() uint64 { return p.produced }

// Consumed returns the number of records the consumer says it has taken, and false when that is impossible; then the
// number is the last possible one.
func (p *Producer) Consumed() (uint64, bool) {
	head := atomic.LoadUint64(p.headWord) // SYNC POINT: queue head
	if head < p.head || head > p.produced {
		return p.head, false
	}
	p.raceHead.observe()
	p.head = head
	return head, true
}

// Consumer is the one reader of a queue. One goroutine uses it.
type Consumer struct {
	slots     []uint64
	slotWords int
	mask      uint64
	consumed  uint64 // never read back from the queue
	headWord  *uint64
	race      raceMark
	raceHead  raceMark
	segment   *Segment // keeps the addresses
}

// NewConsumer returns the consumer of the queue that a Producer with the same off, capacity and slotWords fills. It
// panics if the queue does not fit (CheckQueue) or the segment is read-only.
func NewConsumer(s *Segment, off, capacity, slotWords int) *Consumer {
	s.mustWrite("consumer")
	words := s.ring("queue", off, capacity, slotWords)
	return &Consumer{
		slots:     words[headerWords:],
		slotWords: slotWords,
		mask:      uint64(capacity - 1),
		headWord:  &words[queueHeadWord],
		race:      newRaceMark(s, off),
		raceHead:  newRaceMark(s, off+lineBytes),
		segment:   s,
	}
}

// Next copies the next record's payload into words and frees its slot; false if there is none. Words beyond the
// payload are left alone, payload beyond words is dropped. Each word is read from the peer's memory once.
func (c *Consumer) Next(words []uint64) bool {
	slot := c.slot()
	if c.published(slot) != c.consumed+1 {
		return false
	}
	payload := slot[queuePayload:]
	if len(words) > len(payload) {
		words = words[:len(payload)]
	}
	for i := range words {
		words[i] = atomic.LoadUint64(&payload[i])
	}
	c.consumed++
	c.race.observe()
	c.raceHead.publish()
	storeRelease(c.headWord, c.consumed) // SYNC POINT: queue head
	return true
}

// Ready reports whether Next would return a record.
func (c *Consumer) Ready() bool { return c.published(c.slot()) == c.consumed+1 }

// Corrupt reports whether the next slot holds a sequence that no honest producer writes there: then Next will no
// longer return anything.
func (c *Consumer) Corrupt() bool {
	next, before := c.consumed+1, uint64(0)
	if next > c.mask+1 {
		before = next - c.mask - 1
	}
	sequence := c.published(c.slot())
	return sequence != next && sequence != before
}

// Consumed returns the number of records taken.
func (c *Consumer) Consumed() uint64 { return c.consumed }

func (c *Consumer) slot() []uint64 {
	from := int((c.consumed+1)&c.mask) * c.slotWords
	return c.slots[from : from+c.slotWords : from+c.slotWords]
}

func (c *Consumer) published(slot []uint64) uint64 {
	return atomic.LoadUint64(&slot[slotSequence]) // SYNC POINT: queue record
}
