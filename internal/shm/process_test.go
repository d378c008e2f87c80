package shm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// rounds is the number of times that a test kills a process: many times more with HFTRUNNER_LONG=1.
func rounds(quick int) int {
	if os.Getenv("HFTRUNNER_LONG") == "1" {
		return 50 * quick
	}
	return quick
}

// killDelay is a random time to let a process run before it is killed.
func killDelay(random *rand.Rand) time.Duration {
	return time.Duration(random.IntN(3000)) * time.Microsecond
}

func privateWord(s *Segment, off int) uint64 { return atomic.LoadUint64(s.Word64(off)) }

func TestProcessesBothWays(t *testing.T) {
	feed, private := newSegment(t, BroadcastSize(roleCapacity)), newSegment(t, rolesPrivateSize())
	w := NewBroadcastWriter(feed, 0, roleCapacity)
	if err := feed.SealFutureWrites(); err != nil {
		t.Fatal(err)
	}
	down := NewProducer(private, rolesDown, roleCapacity, roleSlotWords)
	up := NewConsumer(private, rolesUp(), roleCapacity, roleSlotWords)
	child := startProcess(t, "echo", feed, private)
	child.line(t)
	const count = 20_000
	var fed, fedBack, sent, sentBack uint64
	var rec FeedRecord
	words, answer := make([]uint64, roleSlotWords-1), make([]uint64, roleSlotWords-1)
	random := rand.New(rand.NewPCG(1, 6))
	await(t, "the echo of all records", func() bool {
		for range 10_000 {
			if fed < count && fed-fedBack < roleCapacity/2 && random.IntN(2) == 0 {
				fed++
				fillFeed(&rec, fed)
				w.Put(&rec)
				w.Commit()
			}
			if sent < count && random.IntN(2) == 0 {
				fillWords(words, sent+1)
				if down.Put(words) == PutOK {
					sent++
				}
			}
			if !up.Next(answer) {
				continue
			}
			switch answer[0] {
			case 1:
				fedBack++
				rec.Lo = uint32(answer[2])
				copy(rec.W[:], answer[3:])
				if err := checkFeed(&rec, fedBack); err != nil || answer[1] != fedBack {
					t.Fatalf("feed record %d came back as %d: %v", fedBack, answer[1], err)
				}
			case 2:
				sentBack++
				if err := checkWords(answer[2:], sentBack); err != nil || answer[1] != sentBack {
					t.Fatalf("record %d came back as %d: %v", sentBack, answer[1], err)
				}
			default:
				t.Fatalf("answer %x", answer)
			}
		}
		return fedBack == count && sentBack == count
	})
	if up.Ready() || up.Corrupt() {
		t.Error("more answers than records")
	}
}

// TestWriterKilledInTheMiddle kills the writer after each store of a record.
func TestWriterKilledInTheMiddle(t *testing.T) {
	for stores := range lineWords + 1 {
		feed := newSegment(t, BroadcastSize(roleCapacity))
		r := NewBroadcastReader(feed, 0, roleCapacity)
		child := startProcess(t, fmt.Sprintf("feed-writer-dies-after-%d", stores), feed)
		var exit interface{ ExitCode() int }
		if err := child.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
			t.Fatalf("the child was to be killed, and ended with %v", err)
		}
		var rec FeedRecord
		if r.Next(&rec) != ReadLapped || r.Tail() != 2*roleCapacity {
			t.Fatalf("after a lap and more: tail %d", r.Tail())
		}
		oldest := uint64(roleCapacity + 1)
		if stores > 0 {
			oldest++ // record 2*capacity+1 is going over it
		}
		newest := uint64(2 * roleCapacity)
		if stores == lineWords {
			newest++
		}
		r.Seek(oldest - 2)
		if r.Next(&rec) != ReadLapped {
			t.Errorf("%d stores: record %d can still be read", stores, oldest-1)
		}
		r.Seek(oldest - 1)
		for sequence := oldest; sequence <= newest; sequence++ {
			if r.Next(&rec) != ReadOK || checkFeed(&rec, sequence) != nil {
				t.Fatalf("%d stores: record %d is lost", stores, sequence)
			}
		}
		if r.Next(&rec) != ReadEmpty {
			t.Errorf("%d stores: something after record %d", stores, newest)
		}
	}
}

// TestWriterKilledAnywhere kills a writer at full speed while it is read.
func TestWriterKilledAnywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 7))
	for range rounds(15) {
		feed := newSegment(t, BroadcastSize(roleCapacity))
		r := NewBroadcastReader(feed, 0, roleCapacity)
		child := startProcess(t, "feed-writer", feed)
		child.line(t)
		end := time.Now().Add(killDelay(random))
		killed := false
		var rec FeedRecord
		for status := ReadOK; status != ReadEmpty || !killed; {
			if !killed && time.Now().After(end) {
				child.kill()
				killed = true
				r.Seek(r.Tail() - min(r.Tail(), roleCapacity)) // and everything that is left
			}
			switch status = r.Next(&rec); status {
			case ReadOK:
				if err := checkFeed(&rec, r.Cursor()); err != nil {
					t.Fatal(err)
				}
			case ReadLapped:
				// The committed tail, unless we are there: what is not committed was lapped as well then.
				r.Seek(max(r.Tail(), r.Cursor()+1))
			}
		}
	}
}

// TestReaderKilledAnywhere: the writer takes no notice.
func TestReaderKilledAnywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 8))
	feed, private := newSegment(t, BroadcastSize(roleCapacity)), newSegment(t, rolesPrivateSize())
	w, own := NewBroadcastWriter(feed, 0, roleCapacity), NewBroadcastReader(feed, 0, roleCapacity)
	var rec FeedRecord
	for range rounds(10) {
		child := startProcess(t, "feed-reader", feed, private)
		child.line(t)
		for end := time.Now().Add(killDelay(random)); time.Now().Before(end); {
			putFeed(w, roleCapacity/4)
			w.Commit()
			for own.Next(&rec) == ReadOK {
				if err := checkFeed(&rec, own.Cursor()); err != nil {
					t.Fatal(err)
				}
			}
		}
		child.kill()
	}
	if bad := privateWord(private, statusBad); bad != 0 || own.Cursor() != w.Tail() {
		t.Errorf("%d bad records, cursor %d, tail %d", bad, own.Cursor(), w.Tail())
	}
}

// TestReaderStoppedIsLapped stops a reader for longer than the ring lasts.
func TestReaderStoppedIsLapped(t *testing.T) {
	feed, private := newSegment(t, BroadcastSize(roleCapacity)), newSegment(t, rolesPrivateSize())
	w := NewBroadcastWriter(feed, 0, roleCapacity)
	child := startProcess(t, "feed-reader", feed, private)
	child.line(t)
	for range rounds(10) {
		child.signal(t, syscall.SIGSTOP)
		await(t, "the child to stop", func() bool { return processState(t, child.cmd.Process.Pid) == "T" })
		lapped := privateWord(private, statusLapped)
		putFeed(w, 10*roleCapacity)
		w.Commit()
		child.signal(t, syscall.SIGCONT)
		await(t, "the lap to be noticed", func() bool { return privateWord(private, statusLapped) > lapped })
		putFeed(w, 10)
		w.Commit()
		await(t, "the reader to catch up", func() bool { return privateWord(private, statusCursor) == w.Tail() })
	}
	if bad := privateWord(private, statusBad); bad != 0 {
		t.Errorf("%d torn records", bad)
	}
}

// TestWriterStopped stops a writer anywhere, including the middle of a record: the reader gets what is complete, then
// nothing, and goes on when the writer does.
func TestWriterStopped(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 9))
	feed := newSegment(t, BroadcastSize(roleCapacity))
	r := NewBroadcastReader(feed, 0, roleCapacity)
	child := startProcess(t, "feed-writer", feed)
	child.line(t)
	var rec FeedRecord
	for range rounds(20) {
		time.Sleep(killDelay(random))
		child.signal(t, syscall.SIGSTOP)
		await(t, "the child to stop", func() bool { return processState(t, child.cmd.Process.Pid) == "T" })
		r.Seek(r.Tail() - min(r.Tail(), roleCapacity))
		for status := ReadLapped; status != ReadEmpty; {
			if status = r.Next(&rec); status == ReadLapped {
				r.Seek(r.Cursor() + 1)
			} else if status == ReadOK {
				if err := checkFeed(&rec, r.Cursor()); err != nil {
					t.Fatal(err)
				}
			}
		}
		child.signal(t, syscall.SIGCONT)
		await(t, "the writer to go on", r.Ready)
	}
}

// processState returns the letter of the state in /proc/pid/stat: T is stopped.
func processState(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ")
	return after[:1]
}

func TestProducerKilledAnywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 10))
	for range rounds(15) {
		private := newSegment(t, rolesPrivateSize())
		c := NewConsumer(private, rolesUp(), roleCapacity, roleSlotWords)
		child := startProcess(t, "queue-producer", private)
		child.line(t)
		words := make([]uint64, roleSlotWords-1)
		take := func() bool {
			taken := c.Next(words)
			if taken {
				if err := checkWords(words, c.Consumed()); err != nil {
					t.Fatal(err)
				}
			}
			return taken
		}
		for end := time.Now().Add(killDelay(random)); time.Now().Before(end); {
			take()
		}
		child.kill()
		for take() {
		}
		// What the producer knew to be put is there, and at most one more that it had no time to count.
		put := privateWord(private, statusOK)
		if got := c.Consumed(); got != put && got != put+1 || c.Corrupt() {
			t.Errorf("%d records taken, %d put, corrupt %v", got, put, c.Corrupt())
		}
	}
}

func TestConsumerKilledAnywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 11))
	for range rounds(15) {
		private := newSegment(t, rolesPrivateSize())
		p := NewProducer(private, rolesDown, roleCapacity, roleSlotWords)
		child := startProcess(t, "queue-consumer", private)
		child.line(t)
		words := make([]uint64, roleSlotWords-1)
		put := func() PutStatus {
			fillWords(words, p.Produced()+1)
			return p.Put(words)
		}
		for end := time.Now().Add(killDelay(random)); time.Now().Before(end); {
			if put() == PutCorrupt {
				t.Fatal("corrupt")
			}
		}
		child.kill()
		for put() == PutOK {
		}
		taken, ok := p.Consumed()
		counted := privateWord(private, statusOK)
		if !ok || p.Free() != 0 || p.Produced() != taken+roleCapacity || taken != counted && taken != counted+1 {
			t.Errorf("produced %d, taken %d (%v), counted %d, free %d", p.Produced(), taken, ok, counted, p.Free())
		}
		if bad := privateWord(private, statusBad); bad != 0 {
			t.Errorf("%d torn records", bad)
		}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	child := startProcess(t, "create")
	child.line(t)
	name := fmt.Sprintf("left-behind-%d", child.cmd.Process.Pid)
	child.kill()
	for _, folder := range []string{"/dev/shm", os.TempDir()} {
		found, err := filepath.Glob(filepath.Join(folder, "*"+name+"*"))
		if err != nil || len(found) > 0 {
			t.Errorf("in %s: %v, %v", folder, found, err)
		}
	}
}

func TestClockIsTheSameInAnotherProcess(t *testing.T) {
	for range 3 {
		before := MonotonicNs()
		theirs, err := strconv.ParseInt(startProcess(t, "clock").line(t), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		// Anchors are exact to well below the microsecond that is allowed here.
		if after := MonotonicNs(); theirs < before-1000 || theirs > after+1000 {
			t.Errorf("the child's clock says %d between our %d and %d", theirs, before, after)
		}
	}
}

func TestFutexWakesAReadOnlySleeper(t *testing.T) {
	s := newSegment(t, 4096)
	if err := s.SealFutureWrites(); err != nil {
		t.Fatal(err)
	}
	child := startProcess(t, "sleep-read-only", s)
	child.line(t)
	time.Sleep(10 * time.Millisecond) // most often it sleeps by now; it must wake up in any case
	atomic.StoreUint32(s.Word32(0), 1)
	FutexWake(s.Word32(0), 1)
	if got := child.line(t); got != "woken" {
		t.Error(got)
	}
}
