package shm

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFutexReturns fails by hanging.
func TestFutexReturns(t *testing.T) {
	s := newSegment(t, 64)
	word := remap(t, s, true).Word32(0)
	FutexWait(word, 1, -1) // the word is not 1: returns though no limit is set
	FutexWait(word, 0, 0)
	FutexWait(word, 0, 2*time.Millisecond) // nobody wakes it: the limit does
	FutexWake(s.Word32(0), 1)              // nobody sleeps
}

// TestFutexLosesNoWakeup hands a token back and forth, both sides asleep most of the time.
func TestFutexLosesNoWakeup(t *testing.T) {
	s := newSegment(t, 64)
	other := remap(t, s, false)
	const turns = 5000
	play := func(word *uint32, parity uint32) {
		for turn := parity; turn < turns; turn += 2 {
			for now := atomic.LoadUint32(word); now != turn; now = atomic.LoadUint32(word) {
				FutexWait(word, now, -1)
			}
			atomic.StoreUint32(word, turn+1)
			FutexWake(word, 1)
		}
	}
	var players sync.WaitGroup
	players.Go(func() { play(s.Word32(0), 0) })
	players.Go(func() { play(other.Word32(0), 1) })
	players.Wait()
	if got := atomic.LoadUint32(s.Word32(0)); got != turns {
		t.Errorf("the token stands at %d, want %d", got, turns)
	}
}

// TestParkingLosesNoRecord is the flag protocol that Commit and Put promise to support: a reader that sets its flag,
// looks once more and sleeps without a limit is woken for every record.
func TestParkingLosesNoRecord(t *testing.T) {
	const capacity, count = 16, 5000
	feed := newSegment(t, BroadcastSize(capacity))
	control := newSegment(t, 512)
	writer, reader := NewBroadcastWriter(feed, 0, capacity), NewBroadcastReader(remap(t, feed, true), 0, capacity)
	answers := newSegment(t, QueueSize(1, 2))
	producer, consumer := NewProducer(answers, 0, 1, 2), NewConsumer(remap(t, answers, false), 0, 1, 2)
	sleep := func(parked, bell *uint32, ready func() bool) {
		for !ready() {
			seen := atomic.LoadUint32(bell)
			atomic.StoreUint32(parked, 1)
			if !ready() {
				FutexWait(bell, seen, -1)
			}
			atomic.StoreUint32(parked, 0)
		}
	}
	wake := func(parked, bell *uint32) {
		if atomic.LoadUint32(parked) != 0 {
			atomic.AddUint32(bell, 1)
			FutexWake(bell, 1)
		}
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for range count {
			putFeed(writer, 1)
			writer.Commit()
			wake(control.Word32(0), control.Word32(128))
			sleep(control.Word32(256), control.Word32(384), consumer.Ready)
			consumer.Next(nil)
		}
	})
	var rec FeedRecord
	for reader.Cursor() < count {
		sleep(control.Word32(0), control.Word32(128), reader.Ready)
		if reader.Next(&rec) != ReadOK || producer.Put(nil) != PutOK {
			t.Fatal("record lost")
		}
		wake(control.Word32(256), control.Word32(384))
	}
	writing.Wait()
}

func TestMonotonicNs(t *testing.T) {
	last := MonotonicNs()
	for range 1000 {
		var ts unix.Timespec
		if err := unix.ClockGettime(monotonicClock, &ts); err != nil {
			t.Fatal(err)
		}
		now := MonotonicNs()
		if now < last {
			t.Fatalf("went back from %d to %d", last, now)
		}
		if ts.Nano() < last-1000 || ts.Nano() > now+1000 {
			t.Fatalf("the system's clock says %d between %d and %d", ts.Nano(), last, now)
		}
		last = now
	}
}

func TestWaitingDoesNotAllocate(t *testing.T) {
	word := newSegment(t, 64).Word32(0)
	if n := testing.AllocsPerRun(100, func() {
		FutexWait(word, 0, time.Microsecond)
		FutexWake(word, 1)
		SpinPause(10)
		SpinPause(0)
		SpinPause(-1)
		if MonotonicNs() == 0 {
			t.Fatal("no clock")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
