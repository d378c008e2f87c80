package shm

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

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

// blank puts zeros, which are this process's own, in the place of a mapping. It is one step: at no time is there
// nothing.
func blank(mem []byte, readOnly bool) error {
	protection := unix.PROT_READ | unix.PROT_WRITE
	if readOnly {
		protection = unix.PROT_READ
	}
	start := unsafe.Pointer(unsafe.SliceData(mem))
	if _, err := unix.MmapPtr(-1, 0, start, uintptr(len(mem)), protection,
		unix.MAP_FIXED|unix.MAP_PRIVATE|unix.MAP_ANON); err != nil {
		return fmt.Errorf("mmap of zeros: %w", err)
	}
	return nil
}

// Word64 returns the 64-bit word at byte off, to be used with sync/atomic and as long as somebody has the segment. It
// panics unless off is a multiple of 8 within the segment, and after Close.
func (s *Segment) Word64(off int) *uint64 {
	s.checkWord(off, 8)
	return (*uint64)(unsafe.Pointer(&s.mem[off]))
}

// Word32 returns the 32-bit word at byte off, to be used with sync/atomic, FutexWait and FutexWake, and as long as
// somebody has the segment. It panics unless off is a multiple of 4 within the segment, and after Close.
func (s *Segment) Word32(off int) *uint32 {
	s.checkWord(off, 4)
	return (*uint32)(unsafe.Pointer(&s.mem[off]))
}
