package ring

import (
	"fmt"
	"os"
	"sync/atomic"

	"github.com/hftrunner/hftrunner/internal/shm"
)

// Create makes a segment with its identity; the version is published last, by Publish.
func Create(name string, size, capacity int) (*shm.Segment, error) {
	s, err := shm.Create(name, size)
	if err != nil {
		return nil, fmt.Errorf("create shared memory %s of %d bytes: %w", name, size, err)
	}
	*s.Word64(OffMagic) = magic
	*s.Word64(OffSize) = uint64(size)
	*s.Word64(OffPID) = uint64(os.Getpid())
	*s.Word64(OffCapacity) = uint64(capacity)
	return s, nil
}

// Publish publishes the segment's identity.
func Publish(s *shm.Segment) {
	atomic.StoreUint64(s.Word64(OffVersion), LayoutVersion) // SYNC POINT: segment ready
}

// Open maps an inherited segment and checks that it is what the host said.
func Open(what string, fd int, readOnly bool, minSize int) (*shm.Segment, error) {
	s, err := shm.Open(fd, readOnly)
	if err != nil {
		return nil, fmt.Errorf("open %s (descriptor %d): %w", what, fd, err)
	}
	if err := checkSegment(what, s, minSize); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func checkSegment(what string, s *shm.Segment, minSize int) error {
	if s.Size() < minSize {
		return fmt.Errorf("%s has %d bytes, at least %d are needed", what, s.Size(), minSize)
	}
	version := atomic.LoadUint64(s.Word64(OffVersion)) // SYNC POINT: segment ready
	if m := *s.Word64(OffMagic); m != magic {
		return fmt.Errorf("%s is not an hftrunner segment (magic %#x)", what, m)
	}
	if version != LayoutVersion {
		return fmt.Errorf("%s has layout version %d, this program knows %d: build host and plugin of the same release",
			what, version, LayoutVersion)
	}
	if size := *s.Word64(OffSize); size != uint64(s.Size()) {
		return fmt.Errorf("%s says it has %d bytes but has %d", what, size, s.Size())
	}
	return nil
}
