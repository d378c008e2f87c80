package shm

import "unsafe"

// The compiler checks the layout: a feed record has as many payload words as its slot.
var _ [0]struct{} = [unsafe.Sizeof(FeedRecord{}) - (feedPayloadWords+1)*wordBytes]struct{}{}

var _ [0]struct{} = [unsafe.Sizeof(feedSlot{}) - lineBytes]struct{}{}

// wordsOf returns the whole words of mem, which is the start of a mapping and so aligned to a page.
func wordsOf(mem []byte) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(mem))), len(mem)/wordBytes)
}

// feedSlotsOf returns words, a multiple of eight, as slots.
func feedSlotsOf(words []uint64) []feedSlot {
	return unsafe.Slice((*feedSlot)(unsafe.Pointer(unsafe.SliceData(words))), len(words)/lineWords)
}

// Word64 returns the 64-bit word at byte off, to be used with sync/atomic and only until Close. It panics unless off is
// a multiple of 8 within the segment.
func (s *Segment) Word64(off int) *uint64 {
	s.checkWord(off, 8)
	return (*uint64)(unsafe.Pointer(&s.mem[off]))
}

// Word32 returns the 32-bit word at byte off, to be used with sync/atomic, FutexWait and FutexWake, and only until
// Close. It panics unless off is a multiple of 4 within the segment.
func (s *Segment) Word32(off int) *uint32 {
	s.checkWord(off, 4)
	return (*uint32)(unsafe.Pointer(&s.mem[off]))
}
