package shm

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestSegmentIsShared(t *testing.T) {
	s := newSegment(t, 4096)
	again := remap(t, s, false)
	if s.Size() != 4096 || again.Size() != 4096 {
		t.Errorf("sizes %d and %d, want 4096", s.Size(), again.Size())
	}
	for off := 0; off < s.Size(); off += 8 {
		if got := atomic.LoadUint64(s.Word64(off)); got != 0 {
			t.Fatalf("fresh word at %d is %d", off, got)
		}
		atomic.StoreUint64(s.Word64(off), uint64(off)<<32|uint64(off+1))
		if got := atomic.LoadUint64(again.Word64(off)); got != uint64(off)<<32|uint64(off+1) {
			t.Fatalf("word at %d is %x in the other mapping", off, got)
		}
		atomic.StoreUint32(again.Word32(off+4), 7)
		if got := atomic.LoadUint32(s.Word32(off + 4)); got != 7 {
			t.Fatalf("half word at %d is %d in the first mapping", off+4, got)
		}
	}
}

func TestSegmentWordsOutside(t *testing.T) {
	s := newSegment(t, 4100)
	s.Word32(4096)
	s.Word64(4088)
	for _, off := range []int{-8, -4, 4, 4092, 4096, 4100, 1 << 40} {
		mustPanic(t, "Word64", func() { s.Word64(off) })
	}
	for _, off := range []int{-4, 2, 4098, 4100, 1 << 40} {
		mustPanic(t, "Word32", func() { s.Word32(off) })
	}
}

func TestSegmentCloseTwice(t *testing.T) {
	s, err := Create("twice", 64)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	mustPanic(t, "Word64 after Close", func() { s.Word64(0) })
}

// TestCloseUnderReaders closes a segment while others read and write what was made from it. Afterwards nothing reaches
// the peer, and the addresses are released when no ring is in use.
func TestCloseUnderReaders(t *testing.T) {
	for range 50 {
		peer := newSegment(t, BroadcastSize(8)+QueueSize(8, 8))
		s := remap(t, peer, false)
		reader := NewBroadcastReader(s, 0, 8)
		consumer, word := NewConsumer(s, BroadcastSize(8), 8, 8), s.Word64(64)
		var group sync.WaitGroup
		stop := make(chan struct{})
		for _, use := range []func(){
			func() { var rec FeedRecord; reader.Next(&rec); reader.Ready(); reader.Tail() },
			func() { var words [7]uint64; consumer.Next(words[:]); consumer.Ready(); consumer.Corrupt() },
			func() { atomic.AddUint64(word, 1) },
		} {
			group.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						use()
					}
				}
			})
		}
		mustClose(t, s)
		before := atomic.LoadUint64(peer.Word64(64))
		for range 100 {
			atomic.AddUint64(word, 1)
		}
		if after := atomic.LoadUint64(peer.Word64(64)); after != before {
			t.Errorf("after Close the peer's word went from %d to %d", before, after)
		}
		close(stop)
		group.Wait()
		runtime.KeepAlive(s)
	}
}

// TestClosedAddressesAreGivenBack: a process that attaches again and again does not run out of mappings.
func TestClosedAddressesAreGivenBack(t *testing.T) {
	const size = 1 << 20
	mappings := func() int {
		runtime.GC()
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Skip("only Linux tells")
		}
		return strings.Count(string(maps), "\n")
	}
	before := mappings()
	for range 200 {
		s, err := Create("again", size)
		if err != nil {
			t.Fatal(err)
		}
		mustClose(t, s)
	}
	for deadline := time.Now().Add(time.Minute); mappings() > before+50; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d mappings before, %d after", before, mappings())
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	for _, size := range []int{0, -1} {
		if s, err := Create("nothing", size); err == nil {
			mustClose(t, s)
			t.Errorf("size %d: no error", size)
		}
	}
	if s, err := Create("huge", 1<<62); err == nil {
		mustClose(t, s)
		t.Error("2^62 bytes: no error")
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(-1, true); err == nil {
		t.Error("descriptor -1: no error")
	}
	if _, err := Open(1<<20, true); err == nil {
		t.Error("closed descriptor: no error")
	}
	empty, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	fd := dup(t, empty)
	if _, err := Open(fd, true); err == nil {
		t.Error("empty file: no error")
	}
	if closedFD(fd) == nil {
		t.Error("Open failed and left the descriptor open")
	}
}

func TestRingsNeedRoomAndWriting(t *testing.T) {
	size := BroadcastSize(4)
	s := newSegment(t, size)
	for name, build := range map[string]func(){
		"offset not of a line":  func() { NewBroadcastWriter(s, 8, 2) },
		"negative offset":       func() { NewBroadcastReader(s, -64, 2) },
		"past the end":          func() { NewBroadcastReader(s, 64, 4) },
		"far past the end":      func() { NewBroadcastReader(s, 1<<40, 4) },
		"capacity 3":            func() { NewBroadcastWriter(s, 0, 3) },
		"capacity 0":            func() { NewProducer(s, 0, 0, 8) },
		"capacity 2^31":         func() { NewConsumer(s, 0, 1<<31, 8) },
		"slots of one word":     func() { NewConsumer(s, 0, 2, 1) },
		"slots of 5000 words":   func() { QueueSize(2, 5000) },
		"capacity -1":           func() { BroadcastSize(-1) },
		"a record too long":     func() { NewProducer(s, 0, 2, 8).Put(make([]uint64, 8)) },
		"writer, read-only":     func() { NewBroadcastWriter(remap(t, s, true), 0, 4) },
		"producer, read-only":   func() { NewProducer(remap(t, s, true), 0, 2, 8) },
		"consumer, read-only":   func() { NewConsumer(remap(t, s, true), 0, 2, 8) },
		"queue as big as 2^30":  func() { NewConsumer(s, 0, 1<<30, 4096) },
		"ring of 2^30 of 64 By": func() { NewBroadcastWriter(s, 0, 1<<30) },
	} {
		mustPanic(t, name, build)
	}
	if err := CheckBroadcast(size, 0, 4); err != nil {
		t.Error(err)
	}
	if err := CheckBroadcast(size-1, 0, 4); err == nil {
		t.Error("one byte short: no error")
	}
	if err := CheckQueue(64+QueueSize(8, 5), 64, 8, 5); err != nil {
		t.Error(err)
	}
	if err := CheckQueue(64+QueueSize(8, 5)-64, 64, 8, 5); err == nil {
		t.Error("one line short: no error")
	}
}
