package shm

import "fmt"

// The broadcast ring, at an offset that is a multiple of 64 (all words 64 bit, in the machine's byte order):
//
//	byte 0    word 0        committed tail: sequence of the last record of the last committed batch
//	     8    words 1..15   zero, so that the tail shares no pair of cache lines with a slot
//	     128  slot 0        of the records whose sequence is 0 modulo the capacity
//	     192  slot 1        ...
//
//	slot      word 0        sequence, from 1; written last
//	          word 1        low 32 bits of the sequence (begin mark, high half) | FeedRecord.Lo; written first
//	          words 2..7    FeedRecord.W
//
// The queue, at an offset that is a multiple of 64:
//
//	byte 0    word 0        head: number of records consumed; the only word the consumer writes
//	     8    words 1..15   zero
//	     128  slot 0        of the records whose sequence is 0 modulo the capacity
//
//	slot      word 0        sequence, from 1; written last
//	          words 1..n-1  payload
//
// Processors fetch cache lines in pairs, hence headers of 128 bytes.
const (
	wordBytes = 8
	lineBytes = 64
	lineWords = lineBytes / wordBytes

	headerBytes = 2 * lineBytes
	headerWords = headerBytes / wordBytes

	broadcastTailWord = 0
	queueHeadWord     = 0

	slotSequence = 0
	slotMark     = 1
	slotPayload  = 2
	markShift    = 32

	queuePayload = 1

	feedPayloadWords = lineWords - slotPayload
)

// maxCapacity keeps the begin mark, 32 bits of the sequence, different between a record and the one that overwrites it.
const maxCapacity = 1 << 30

const (
	minSlotWords = 2
	maxSlotWords = 1 << 12
)

// Each array has a negative length, and does not compile, if the statement next to it is false.
type (
	_ [slotPayload + feedPayloadWords - lineWords]struct{} // a feed slot fills its cache line
	_ [lineWords - slotPayload - feedPayloadWords]struct{} // and does not overflow it
	_ [headerWords - broadcastTailWord - 1]struct{}        // the header words lie in the header
	_ [headerWords - queueHeadWord - 1]struct{}            //
	_ [(1<<markShift)/maxCapacity - 2]struct{}             // the begin mark tells a record from its successor
)

// CheckBroadcast reports why a broadcast ring of that capacity (records, a power of two up to 2^30) cannot lie at byte
// off of a segment of segmentSize bytes; nil if it can. Use it on numbers that another process sent: the constructors
// panic on them.
func CheckBroadcast(segmentSize, off, capacity int) error {
	return checkRing("broadcast ring", segmentSize, off, capacity, lineWords)
}

// CheckQueue is CheckBroadcast for a queue with slots of slotWords words (2 to 4096).
func CheckQueue(segmentSize, off, capacity, slotWords int) error {
	return checkRing("queue", segmentSize, off, capacity, slotWords)
}

// BroadcastSize returns the bytes a broadcast ring of that capacity takes, its header included: a multiple of 64.
// It panics unless capacity is a power of two up to 2^30.
func BroadcastSize(capacity int) int {
	return mustRingSize("broadcast ring", capacity, lineWords)
}

// QueueSize returns the bytes a queue of that capacity and slotWords takes, its header included: a multiple of 64. A
// slot carries slotWords-1 words of payload. It panics unless capacity is a power of two up to 2^30 and slotWords lies
// between 2 and 4096.
func QueueSize(capacity, slotWords int) int {
	return mustRingSize("queue", capacity, slotWords)
}

func mustRingSize(what string, capacity, slotWords int) int {
	size, err := ringSize(what, capacity, slotWords)
	if err != nil {
		panic(err)
	}
	return size
}

func ringSize(what string, capacity, slotWords int) (int, error) {
	if capacity < 1 || capacity > maxCapacity || capacity&(capacity-1) != 0 {
		return 0, fmt.Errorf("shm: capacity %d of a %s: must be a power of two from 1 to %d", capacity, what,
			maxCapacity)
	}
	if slotWords < minSlotWords || slotWords > maxSlotWords {
		return 0, fmt.Errorf("shm: slots of %d words of a %s: must be from %d to %d", slotWords, what, minSlotWords,
			maxSlotWords)
	}
	size := headerBytes + capacity*slotWords*wordBytes
	return (size + lineBytes - 1) / lineBytes * lineBytes, nil
}

func checkRing(what string, segmentSize, off, capacity, slotWords int) error {
	size, err := ringSize(what, capacity, slotWords)
	if err != nil {
		return err
	}
	if off < 0 || off%lineBytes != 0 {
		return fmt.Errorf("shm: offset %d of a %s: must be a multiple of %d", off, what, lineBytes)
	}
	if off > segmentSize || size > segmentSize-off {
		return fmt.Errorf("shm: a %s of %d bytes at offset %d does not fit into a segment of %d", what, size, off,
			segmentSize)
	}
	return nil
}
