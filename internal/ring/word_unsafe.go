package ring

import (
	"unsafe"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// Int64Word is a word of the segment as a signed number.
func Int64Word(s *shm.Segment, off int) *int64 { return (*int64)(unsafe.Pointer(s.Word64(off))) }
