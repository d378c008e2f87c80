package shm

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// feedPair returns a writer and a reader with mappings of their own, the reader's read-only.
func feedPair(t testing.TB, off, capacity int) (*BroadcastWriter, *BroadcastReader) {
	s := newSegment(t, off+BroadcastSize(capacity))
	return NewBroadcastWriter(s, off, capacity), NewBroadcastReader(remap(t, s, true), off, capacity)
}

func putFeed(w *BroadcastWriter, count int) {
	var rec FeedRecord
	for range count {
		fillFeed(&rec, w.Tail()+1)
		w.Put(&rec)
	}
}

func TestBroadcastOrder(t *testing.T) {
	for _, capacity := range []int{1, 2, 8, 1024} {
		w, r := feedPair(t, 192, capacity)
		var rec FeedRecord
		if r.Ready() || r.Next(&rec) != ReadEmpty || r.Cursor() != 0 || r.Tail() != 0 {
			t.Fatal("a fresh ring is not empty")
		}
		for sequence := range uint64(3 * capacity) {
			sequence++
			putFeed(w, 1)
			if !r.Ready() || r.Next(&rec) != ReadOK || r.Cursor() != sequence {
				t.Fatalf("capacity %d: record %d did not arrive", capacity, sequence)
			}
			if err := checkFeed(&rec, sequence); err != nil {
				t.Fatal(err)
			}
			if r.Ready() || r.Next(&rec) != ReadEmpty {
				t.Fatalf("capacity %d: something after record %d", capacity, sequence)
			}
		}
	}
}

func TestBroadcastTailMovesWithCommit(t *testing.T) {
	w, r := feedPair(t, 0, 16)
	putFeed(w, 5)
	if w.Tail() != 5 || r.Tail() != 0 {
		t.Errorf("tails %d and %d before the commit, want 5 and 0", w.Tail(), r.Tail())
	}
	w.Commit()
	if r.Tail() != 5 {
		t.Errorf("tail %d after the commit, want 5", r.Tail())
	}
}

func TestBroadcastLapping(t *testing.T) {
	const capacity = 8
	w, r := feedPair(t, 0, capacity)
	var rec FeedRecord
	putFeed(w, capacity)
	if r.Next(&rec) != ReadOK {
		t.Fatal("exactly the capacity behind: the oldest record must still be there")
	}
	putFeed(w, 2) // overwrites 1 and 2; the next is 2
	if !r.Ready() {
		t.Error("a lapped reader has something to learn: Ready must report it")
	}
	for range 3 {
		if r.Next(&rec) != ReadLapped || r.Cursor() != 1 {
			t.Fatal("record 2 was overwritten: want ReadLapped, the cursor where it was")
		}
	}
	r.Seek(2)
	for sequence := uint64(3); sequence <= w.Tail(); sequence++ {
		if r.Next(&rec) != ReadOK || checkFeed(&rec, sequence) != nil {
			t.Fatalf("record %d after Seek", sequence)
		}
	}
	w.Commit()
	putFeed(w, 3*capacity)
	w.Commit()
	if r.Next(&rec) != ReadLapped {
		t.Fatal("three laps behind: want ReadLapped")
	}
	r.Seek(r.Tail())
	if r.Next(&rec) != ReadEmpty || r.Ready() {
		t.Fatal("after Seek(Tail()) nothing is there yet")
	}
}

// TestBroadcastSequenceWrapsLowBits runs over the point where the begin mark starts again.
func TestBroadcastSequenceWrapsLowBits(t *testing.T) {
	const capacity, start = 4, 1<<32 - 10
	w, r := feedPair(t, 0, capacity)
	w.sequence = start
	r.Seek(start)
	var rec FeedRecord
	for sequence := uint64(start + 1); sequence < start+20; sequence++ {
		putFeed(w, 1)
		if r.Next(&rec) != ReadOK {
			t.Fatalf("record %d did not arrive", sequence)
		}
		if err := checkFeed(&rec, sequence); err != nil {
			t.Fatal(err)
		}
	}
	// A reader 2^32 behind: the mark is the one it expects, the sequence is not.
	r.Seek(r.Cursor() - 1<<32 - 1)
	if r.Next(&rec) != ReadLapped {
		t.Error("2^32 records behind: want ReadLapped")
	}
}

// TestBroadcastHalfWritten stops the writer after each of its stores, as a kill does: the record that was there is
// lost from the first store on, the new one is there with the last, and in between nothing is.
func TestBroadcastHalfWritten(t *testing.T) {
	const capacity = 4
	for stores := range lineWords + 1 {
		s := newSegment(t, BroadcastSize(capacity))
		w := NewBroadcastWriter(s, 0, capacity)
		old, r := NewBroadcastReader(s, 0, capacity), NewBroadcastReader(s, 0, capacity)
		putFeed(w, capacity) // 5 goes over 1
		for _, store := range storesOfPut(w)[:stores] {
			atomic.StoreUint64(store.addr, store.val)
		}
		var rec FeedRecord
		wantOld, wantNew := ReadLapped, ReadEmpty
		if stores == 0 {
			wantOld = ReadOK
		}
		if stores == lineWords {
			wantNew = ReadOK
		}
		if got := old.Next(&rec); got != wantOld {
			t.Errorf("after %d stores the old record gives %d, want %d", stores, got, wantOld)
		}
		r.Seek(capacity)
		if got := r.Next(&rec); got != wantNew {
			t.Errorf("after %d stores the new record gives %d, want %d", stores, got, wantNew)
		}
	}
}

type wordStore struct {
	addr *uint64
	val  uint64
}

// storesOfPut returns what the next Put would store, in its order.
func storesOfPut(w *BroadcastWriter) []wordStore {
	sequence := w.sequence + 1
	var rec FeedRecord
	fillFeed(&rec, sequence)
	slot := &w.slots[sequence&w.mask]
	stores := []wordStore{{&slot[slotMark], sequence<<markShift | uint64(rec.Lo)}}
	for i, word := range rec.W {
		stores = append(stores, wordStore{&slot[slotPayload+i], word})
	}
	return append(stores, wordStore{&slot[slotSequence], sequence})
}

// TestBroadcastAgainstModel does the same random things to the ring and to a list of all records.
func TestBroadcastAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		capacity := 1 << random.IntN(6)
		w, r := feedPair(t, 0, capacity)
		var rec FeedRecord
		for range 2000 {
			switch random.IntN(8) {
			case 0, 1, 2:
				putFeed(w, 1+random.IntN(capacity))
			case 3:
				w.Commit()
				if r.Tail() != w.Tail() {
					t.Fatalf("seed %d: tail %d, want %d", seed, r.Tail(), w.Tail())
				}
			case 4:
				r.Seek(uint64(random.Int64N(int64(w.Tail()) + 1)))
			default:
				next := r.Cursor() + 1
				want := ReadOK
				if next > w.Tail() {
					want = ReadEmpty
				} else if next+uint64(capacity) <= w.Tail() {
					want = ReadLapped
				}
				if ready := r.Ready(); ready != (want != ReadEmpty) {
					t.Fatalf("seed %d: Ready %v before %d", seed, ready, want)
				}
				if got := r.Next(&rec); got != want {
					t.Fatalf("seed %d: record %d of %d gives %d, want %d", seed, next, w.Tail(), got, want)
				}
				if want == ReadOK {
					if err := checkFeed(&rec, next); err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
				}
			}
		}
	}
}

// TestBroadcastNeverTorn has a writer at full speed and readers that are sometimes lapped in the middle of a record.
func TestBroadcastNeverTorn(t *testing.T) {
	for _, capacity := range []int{1, 2, 4, 64} {
		t.Run(fmt.Sprint("capacity ", capacity), func(t *testing.T) {
			s := newSegment(t, BroadcastSize(capacity))
			var stop atomic.Bool
			var writing, reading sync.WaitGroup
			defer writing.Wait()
			defer stop.Store(true)
			writing.Go(func() {
				w := NewBroadcastWriter(s, 0, capacity)
				random := rand.New(rand.NewPCG(uint64(capacity), 2))
				for !stop.Load() {
					putFeed(w, 1+random.IntN(3*capacity))
					w.Commit()
					for range random.IntN(100) {
						stop.Load()
					}
					if random.IntN(2) == 0 {
						runtime.Gosched()
					}
				}
			})
			for range 2 {
				reader := NewBroadcastReader(remap(t, s, true), 0, capacity)
				reading.Go(func() { readUntilLapped(t, reader, 5000, 100) })
			}
			reading.Wait()
		})
	}
}

// readUntilLapped checks records until it has seen so many, and has been lapped so often.
func readUntilLapped(t *testing.T, r *BroadcastReader, records, laps int) {
	var rec FeedRecord
	for records > 0 || laps > 0 {
		switch r.Next(&rec) {
		case ReadOK:
			records--
			if err := checkFeed(&rec, r.Cursor()); err != nil {
				t.Error(err)
				return
			}
		case ReadLapped:
			laps--
			r.Seek(r.Tail())
		case ReadEmpty:
			runtime.Gosched() // there are more of us than cores
		}
	}
}

// TestBroadcastHandsOverData reads what the writer wrote before Put through ordinary memory: the race detector must
// see the order that the ring makes.
func TestBroadcastHandsOverData(t *testing.T) {
	const capacity, count = 1024, 1000
	w, r := feedPair(t, 0, capacity)
	data := make([]int, count+1)
	var writing sync.WaitGroup
	writing.Go(func() {
		for sequence := 1; sequence <= count; sequence++ {
			data[sequence] = sequence
			putFeed(w, 1)
		}
	})
	var rec FeedRecord
	for r.Cursor() < count {
		if r.Next(&rec) != ReadOK {
			runtime.Gosched()
			continue
		}
		if got := data[r.Cursor()]; got != int(r.Cursor()) {
			t.Fatalf("data %d of record %d", got, r.Cursor())
		}
	}
	writing.Wait()
}

func TestBroadcastDoesNotAllocate(t *testing.T) {
	w, r := feedPair(t, 0, 64)
	var rec FeedRecord
	if n := testing.AllocsPerRun(1000, func() {
		w.Put(&rec)
		w.Commit()
		if !r.Ready() || r.Next(&rec) != ReadOK {
			t.Fatal("record lost")
		}
	}); n != 0 {
		t.Errorf("%v allocations per record", n)
	}
}
