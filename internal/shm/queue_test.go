package shm

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// queuePair returns both ends with mappings of their own.
func queuePair(t testing.TB, off, capacity, slotWords int) (*Producer, *Consumer) {
	s := newSegment(t, off+QueueSize(capacity, slotWords))
	return NewProducer(s, off, capacity, slotWords), NewConsumer(remap(t, s, false), off, capacity, slotWords)
}

func TestQueueOrderAndFull(t *testing.T) {
	for _, c := range []struct{ capacity, slotWords int }{{1, 2}, {2, 24}, {8, 16}, {64, 7}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			p, q := queuePair(t, 64, c.capacity, c.slotWords)
			words := make([]uint64, c.slotWords-1)
			var put, got uint64
			for range 5 {
				if p.Free() != c.capacity || q.Ready() || q.Next(words) {
					t.Fatalf("not empty: %d free", p.Free())
				}
				for range c.capacity {
					put++
					fillWords(words, put)
					if status := p.Put(words); status != PutOK {
						t.Fatalf("record %d: status %d", put, status)
					}
				}
				if p.Put(words) != PutFull || p.Free() != 0 || p.Produced() != put {
					t.Fatalf("not full: %d free, %d produced", p.Free(), p.Produced())
				}
				for range c.capacity {
					got++
					if !q.Ready() || !q.Next(words) || q.Consumed() != got || q.Corrupt() {
						t.Fatalf("record %d did not arrive", got)
					}
					if err := checkWords(words, got); err != nil {
						t.Fatal(err)
					}
					if consumed, ok := p.Consumed(); !ok || consumed != got {
						t.Fatalf("the producer sees %d, %v consumed, want %d", consumed, ok, got)
					}
				}
			}
		})
	}
}

func TestQueueShortAndLongCopies(t *testing.T) {
	p, q := queuePair(t, 0, 1, 4)
	p.Put([]uint64{1, 2, 3})
	long := []uint64{9, 9, 9, 9, 9}
	if !q.Next(long) || fmt.Sprint(long) != "[1 2 3 9 9]" {
		t.Errorf("into more words than a slot has: %v", long)
	}
	p.Put([]uint64{7})
	all := []uint64{9, 9, 9}
	if !q.Next(all) || fmt.Sprint(all) != "[7 0 0]" {
		t.Errorf("a short record leaves %v, want nothing of the one before", all)
	}
	p.Put([]uint64{4, 5, 6})
	if !q.Next(nil) || q.Ready() {
		t.Error("a record can be skipped with no words at all")
	}
}

func TestQueueAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 3))
		capacity := 1 << random.IntN(5)
		p, q := queuePair(t, 0, capacity, 4)
		start := uint64(1<<32 - random.IntN(1000))
		if seed%2 == 0 { // over the end of 32 bits
			p.produced, p.head, q.consumed = start, start, start
			*p.headWord = start
		}
		var model []uint64
		words := make([]uint64, 3)
		for range 2000 {
			if random.IntN(2) == 0 {
				fillWords(words, p.Produced()+1)
				want := PutOK
				if len(model) == capacity {
					want = PutFull
				}
				if got := p.Put(words); got != want {
					t.Fatalf("seed %d: status %d, want %d", seed, got, want)
				}
				if want == PutOK {
					model = append(model, p.Produced())
				}
				continue
			}
			if got := q.Next(words); got != (len(model) > 0) {
				t.Fatalf("seed %d: Next %v with %d records", seed, got, len(model))
			}
			if len(model) > 0 {
				if err := checkWords(words, model[0]); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				model = model[1:]
			}
			if p.Free() != capacity-len(model) {
				t.Fatalf("seed %d: %d free, want %d", seed, p.Free(), capacity-len(model))
			}
		}
	}
}

func TestQueueImpossibleHead(t *testing.T) {
	p, q := queuePair(t, 0, 4, 4)
	words := make([]uint64, 3)
	for range 4 {
		p.Put(words)
	}
	q.Next(words)
	q.Next(words)
	if consumed, ok := p.Consumed(); consumed != 2 || !ok {
		t.Fatalf("%d, %v consumed", consumed, ok)
	}
	p.Put(words)
	p.Put(words) // full again: the next Put asks for the head
	for _, head := range []uint64{0, 1, 7, 1 << 63, ^uint64(0)} {
		atomic.StoreUint64(p.headWord, head)
		if got := p.Put(words); got != PutCorrupt {
			t.Errorf("head %d: status %d, want PutCorrupt", head, got)
		}
		if consumed, ok := p.Consumed(); ok || consumed != 2 {
			t.Errorf("head %d: Consumed %d, %v", head, consumed, ok)
		}
		if p.Free() != 0 || p.Produced() != 6 {
			t.Errorf("head %d: %d free, %d produced", head, p.Free(), p.Produced())
		}
	}
	for head, want := range map[uint64]PutStatus{2: PutFull, 6: PutOK} {
		p.head = 2
		atomic.StoreUint64(p.headWord, head)
		if got := p.Put(words); got != want {
			t.Errorf("head %d: status %d, want %d", head, got, want)
		}
		p.produced = 6
	}
}

func TestQueueImpossibleSequence(t *testing.T) {
	p, q := queuePair(t, 0, 2, 4)
	words := make([]uint64, 3)
	for range 5 { // the next sequence is 6, its slot holds 4
		if p.Put(words) != PutOK || !q.Next(words) {
			t.Fatal("record lost")
		}
	}
	for sequence, corrupt := range map[uint64]bool{0: true, 1: true, 2: true, 4: false, 5: true, 8: true,
		^uint64(0): true} {
		atomic.StoreUint64(&q.slot()[slotSequence], sequence)
		if q.Corrupt() != corrupt || q.Ready() || q.Next(words) {
			t.Errorf("sequence %d: corrupt %v, want %v, and no record", sequence, q.Corrupt(), corrupt)
		}
	}
	atomic.StoreUint64(&q.slot()[slotSequence], 6)
	if q.Corrupt() || !q.Ready() || !q.Next(words) {
		t.Error("sequence 6 is the next record")
	}
}

// TestQueueConcurrent hands over ordinary memory as well, one cell per slot, written again only after the consumer has
// answered: the race detector must see both orders. The answers go through a second queue, because a cell is read
// after Next has freed its slot.
func TestQueueConcurrent(t *testing.T) {
	for _, capacity := range []int{1, 4, 256} {
		const count, slotWords = 20_000, 24
		p, q := queuePair(t, 0, capacity, slotWords)
		back, acks := queuePair(t, 0, capacity, 2)
		cells := make([]uint64, capacity)
		var producing sync.WaitGroup
		producing.Go(func() {
			words, ack := make([]uint64, slotWords-1), make([]uint64, 1)
			for sequence := uint64(1); sequence <= count; sequence++ {
				for sequence > uint64(capacity)+acks.Consumed() && !acks.Next(ack) {
					runtime.Gosched()
				}
				cells[sequence%uint64(capacity)] = sequence
				fillWords(words, sequence)
				if p.Put(words) != PutOK {
					t.Error("no room although the record before was answered")
					return
				}
			}
		})
		words := make([]uint64, slotWords-1)
		for sequence := uint64(1); sequence <= count; sequence++ {
			for !q.Next(words) {
				runtime.Gosched()
			}
			if err := checkWords(words, sequence); err != nil {
				t.Fatal(err)
			}
			if got := cells[sequence%uint64(capacity)]; got != sequence {
				t.Fatalf("cell of record %d holds %d", sequence, got)
			}
			for back.Put(words[:1]) != PutOK {
				runtime.Gosched()
			}
		}
		producing.Wait()
		if q.Ready() {
			t.Error("more records than were put")
		}
	}
}

// TestQueueHeadHandsOverData: what the consumer did before Next is done for a producer that has seen the head.
func TestQueueHeadHandsOverData(t *testing.T) {
	p, q := queuePair(t, 0, 1, 2)
	var result int
	var consuming sync.WaitGroup
	p.Put(nil)
	consuming.Go(func() {
		result = 42
		q.Next(nil)
	})
	for p.Free() == 0 {
		runtime.Gosched()
	}
	if result != 42 {
		t.Error("the head was seen before what came before it")
	}
	consuming.Wait()
}

func TestQueueDoesNotAllocate(t *testing.T) {
	p, q := queuePair(t, 0, 64, 24)
	in, out := make([]uint64, 23), make([]uint64, 23)
	if n := testing.AllocsPerRun(1000, func() {
		if p.Free() != 64 || p.Put(in) != PutOK || !q.Ready() || q.Corrupt() || !q.Next(out) {
			t.Fatal("record lost")
		}
	}); n != 0 {
		t.Errorf("%v allocations per record", n)
	}
}
