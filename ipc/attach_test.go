package ipc

import (
	"math"
	"syscall"
	"testing"

	"github.com/hftrunner/hftrunner/internal/ring"
)

// TestImpossibleCapacityIsAnError: what is said to be larger than any ring.
func TestImpossibleCapacityIsAnError(t *testing.T) {
	for _, capacity := range []uint64{0, 1, 3, 1 << 17, 1 << 30, 1 << 31, 1 << 32, 1 << 62, 1 << 63, math.MaxUint64} {
		s, err := ring.Create("feed", ring.HeaderSize, 0)
		if err != nil {
			t.Fatal(err)
		}
		*s.Word64(ring.OffCapacity) = capacity
		ring.Publish(s)
		fd, err := syscall.Dup(int(s.File().Fd()))
		if err != nil {
			t.Fatal(err)
		}
		c := &sharedChannel{}
		l, err := c.openLink(ConnectorAttachment{Name: "x", FeedFD: fd})
		if err == nil {
			t.Errorf("capacity %d: no error", capacity)
		}
		_, _ = l.feed.Close(), s.Close()
	}
}

// TestChannelThatNeverWas: a nil channel and one that nobody attached are as if they were closed.
func TestChannelThatNeverWas(t *testing.T) {
	for _, c := range []*sharedChannel{nil, {}} {
		var ev LiveEvent
		c.Interrupt()
		if _, err := c.RecvTimeout(1, 0, &ev); err != errClosed {
			t.Errorf("RecvTimeout: %v", err)
		}
		if err := c.Send(1, 0, &LiveRequest{}); err != errClosed {
			t.Errorf("Send: %v", err)
		}
		if c.NowNs() != 0 || len(c.Instruments()) != 0 || c.Close() != nil {
			t.Error("there is something")
		}
	}
}
