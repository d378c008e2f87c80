package shm

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fuzzSteps reads a script of steps of 11 bytes: what, where (2 bytes), value (8 bytes).
func fuzzSteps(script []byte, step func(what byte, where uint16, value uint64)) {
	for len(script) >= 11 {
		step(script[0], binary.LittleEndian.Uint16(script[1:]), binary.LittleEndian.Uint64(script[3:]))
		script = script[11:]
	}
}

func fuzzSeed(steps ...byte) []byte {
	var script []byte
	for i, what := range steps {
		script = append(script, what, byte(i), 0)
		script = binary.LittleEndian.AppendUint64(script, uint64(i%5))
	}
	return script
}

// FuzzQueue lets the peer of either end write anything anywhere in the segment, at any time.
func FuzzQueue(f *testing.F) {
	f.Add(fuzzSeed(0, 0, 1, 1, 0, 2, 0, 1, 3))
	f.Add(fuzzSeed(0, 0, 0, 0, 0, 2, 0, 0, 1, 1, 1, 2, 1, 3, 3))
	f.Add(fuzzSeed(2, 0, 1, 2, 1, 0, 3, 2, 0, 1))
	f.Fuzz(func(t *testing.T, script []byte) {
		const capacity, slotWords = 4, 3
		s := newSegment(t, QueueSize(capacity, slotWords))
		p, c := NewProducer(s, 0, capacity, slotWords), NewConsumer(s, 0, capacity, slotWords)
		words := make([]uint64, slotWords-1)
		fuzzSteps(script, func(what byte, where uint16, value uint64) {
			produced, consumed := p.Produced(), c.Consumed()
			switch what % 4 {
			case 0:
				status := p.Put(words)
				if (status == PutOK) != (p.Produced() == produced+1) || status > PutCorrupt {
					t.Fatalf("status %d, produced %d after %d", status, p.Produced(), produced)
				}
			case 1:
				ready := c.Ready()
				if c.Next(words) != ready || (c.Consumed() != consumed) != ready ||
					ready && c.Consumed() != consumed+1 {
					t.Fatalf("ready %v, consumed %d after %d", ready, c.Consumed(), consumed)
				}
			case 2:
				atomic.StoreUint64(s.Word64(int(where)%(s.Size()/8)*8), value)
			case 3:
				if c.Corrupt() && c.Ready() {
					t.Fatal("corrupt and ready")
				}
			}
			head, _ := p.Consumed()
			if free := p.Free(); free < 0 || free > capacity || head > p.Produced() || p.Produced()-head > capacity {
				t.Fatalf("%d free, head %d, produced %d", free, head, p.Produced())
			}
		})
	})
}

// FuzzBroadcastReader reads a ring whose writer has lost its mind: a record may be anything then, but the cursor moves
// by what was read only.
func FuzzBroadcastReader(f *testing.F) {
	f.Add(fuzzSeed(0, 0, 1, 1, 1, 0, 2, 1, 3, 1))
	f.Add(fuzzSeed(0, 0, 0, 0, 0, 0, 1, 2, 1, 3, 1, 1, 1))
	f.Fuzz(func(t *testing.T, script []byte) {
		const capacity = 4
		s := newSegment(t, BroadcastSize(capacity))
		w, r := NewBroadcastWriter(s, 0, capacity), NewBroadcastReader(s, 0, capacity)
		var rec FeedRecord
		fuzzSteps(script, func(what byte, where uint16, value uint64) {
			switch what % 4 {
			case 0:
				w.Put(&rec)
				w.Commit()
			case 1:
				cursor, ready := r.Cursor(), r.Ready()
				status := r.Next(&rec)
				moved := r.Cursor() != cursor
				if (status == ReadOK) != moved || moved && r.Cursor() != cursor+1 || ready != (status != ReadEmpty) {
					t.Fatalf("status %d, ready %v, cursor %d after %d", status, ready, r.Cursor(), cursor)
				}
			case 2:
				atomic.StoreUint64(s.Word64(int(where)%(s.Size()/8)*8), value)
			case 3:
				r.Seek(r.Tail())
			}
		})
	})
}

// TestGarbageWhileRunning has a peer that writes random words everywhere while the other end works: nothing but the
// outcome of a call may be wrong.
func TestGarbageWhileRunning(t *testing.T) {
	const capacity, slotWords, steps = 8, 24, 20_000
	private := newSegment(t, QueueSize(capacity, slotWords))
	feed := newSegment(t, BroadcastSize(capacity))
	var stop atomic.Bool
	var vandals sync.WaitGroup
	for i, s := range []*Segment{remap(t, private, false), remap(t, feed, false)} {
		vandals.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 12))
			for !stop.Load() {
				value := random.Uint64() >> random.IntN(64)
				atomic.StoreUint64(s.Word64(random.IntN(s.Size()/8)*8), value)
			}
		})
	}
	defer func() {
		stop.Store(true)
		vandals.Wait()
	}()
	p, c := NewProducer(private, 0, capacity, slotWords), NewConsumer(private, 0, capacity, slotWords)
	w, r := NewBroadcastWriter(feed, 0, capacity), NewBroadcastReader(feed, 0, capacity)
	words := make([]uint64, slotWords-1)
	var rec FeedRecord
	outcomes := map[PutStatus]int{}
	limit := time.Now().Add(time.Minute)
	for step := 0; step < steps || outcomes[PutCorrupt] == 0 && time.Now().Before(limit); step++ {
		outcomes[p.Put(words)]++
		if head, ok := p.Consumed(); head > p.Produced() || ok && p.Produced()-head > capacity {
			t.Fatalf("head %d of %d", head, p.Produced())
		}
		c.Next(words)
		c.Corrupt()
		w.Put(&rec)
		w.Commit()
		if r.Next(&rec) == ReadLapped {
			r.Seek(r.Tail())
		}
	}
	if outcomes[PutCorrupt] == 0 || w.Tail() < steps {
		t.Errorf("outcomes %v, %d feed records: the garbage was never met", outcomes, w.Tail())
	}
}
