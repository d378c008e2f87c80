package ipc

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestWakersAgreeOnTheGeneration wakes a bot of a stepped clock from many goroutines: in the end the bot sees the
// number that the host waits for, or it would never be taken for idle again.
func TestWakersAgreeOnTheGeneration(t *testing.T) {
	c, err := NewControl()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 200 {
		var wakers sync.WaitGroup
		for range 8 {
			wakers.Go(func() {
				for range 20 {
					c.Wake()
				}
			})
		}
		wakers.Wait()
		seen := atomic.LoadUint64(c.segment.Word64(offWorkGen))
		if seen != c.workGen.Load() {
			t.Fatalf("the bot sees generation %d, the host waits for %d", seen, c.workGen.Load())
		}
		atomic.StoreUint64(c.segment.Word64(offIdleGen), seen+1)
		if _, _, idle := c.Idle(); !idle {
			t.Fatal("a bot that has seen everything is not taken for idle")
		}
	}
}
