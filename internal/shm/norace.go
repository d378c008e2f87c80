//go:build !race

package shm

// raceMark tells the race detector about the order that a ring makes; without the detector it is nothing.
type raceMark struct{}

func newRaceMark(*Segment, int) raceMark { return raceMark{} }

func (raceMark) publish() {}

func (raceMark) observe() {}
