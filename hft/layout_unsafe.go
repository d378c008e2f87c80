package hft

import "unsafe"

// The build fails here when a record that goes to files or shared memory changes its size.
var (
	_ [0]struct{} = [unsafe.Sizeof(Event{}) - 64]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Order{}) - 80]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(StateValues{}) - 56]struct{}{}
)
