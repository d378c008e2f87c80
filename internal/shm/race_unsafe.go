//go:build race

package shm

import (
	"runtime"
	"unsafe"
)

// raceAddresses is never read or written: its addresses name the synchronisation points.
var raceAddresses [1 << 16]byte

// raceMark tells the race detector about the order that a ring makes. The detector knows memory by its address and
// ignores mappings that are not the Go heap, so that data handed over along with a record would look unordered to it.
// All mappings of one ring in this process get the same mark; other rings get others, so that no foreign race is
// hidden.
type raceMark struct{ addr unsafe.Pointer }

func newRaceMark(s *Segment, off int) raceMark {
	hash := (s.id*0x9e3779b97f4a7c15 + uint64(off)) * 0xbf58476d1ce4e5b9
	return raceMark{unsafe.Pointer(&raceAddresses[hash>>48])}
}

func (m raceMark) publish() { runtime.RaceReleaseMerge(m.addr) }

func (m raceMark) observe() { runtime.RaceAcquire(m.addr) }
