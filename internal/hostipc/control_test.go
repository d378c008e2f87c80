package hostipc

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hftrunner/hftrunner/internal/ring"
)

// TestWakersAgreeOnTheGeneration wakes a bot of a stepped clock from many goroutines: in the end the bot sees the
// number that the host waits for, or it would never be taken for idle again.
func TestWakersAgreeOnTheGeneration(t *testing.T) {
	c, err := NewControl()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	word := c.segment.Word64(ring.OffWorkGen)
	var wakers sync.WaitGroup
	for range 4 {
		wakers.Go(func() {
			for newest := uint64(0); newest < 2_000_000; {
				c.Wake()
				seen := atomic.LoadUint64(word)
				if seen < newest {
					t.Errorf("the bot saw generation %d and then %d", newest, seen)
					return
				}
				newest = seen
			}
		})
	}
	wakers.Wait()
	seen := atomic.LoadUint64(word)
	if seen != c.workGen.Load() {
		t.Fatalf("the bot sees generation %d, the host waits for %d", seen, c.workGen.Load())
	}
	atomic.StoreUint64(c.segment.Word64(ring.OffIdleGen), seen+1)
	if _, _, idle := c.Idle(); !idle {
		t.Fatal("a bot that has seen everything is not taken for idle")
	}
}
