package shm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// What parent and child agree on.
const (
	roleCapacity  = 64
	roleSlotWords = 24

	// The private segment: status words of the child, then the queue down to it and the queue up from it.
	statusOK     = 0
	statusLapped = 128
	statusCursor = 256
	statusBad    = 384
	rolesDown    = 512
)

func rolesUp() int { return rolesDown + QueueSize(roleCapacity, roleSlotWords) }

func rolesPrivateSize() int { return rolesUp() + QueueSize(roleCapacity, roleSlotWords) }

// playRole is the child's main.
func playRole(role string) error {
	readOnlyFeed := !strings.HasPrefix(role, "feed-writer")
	switch role {
	case "tamper-unsealed", "tamper-sealed":
		if err := tampering(3, role == "tamper-sealed"); err != nil {
			return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		fmt.Println("ok")
		return nil
	case "create":
		if _, err := Create(fmt.Sprintf("left-behind-%d", unix.Getpid()), 1<<16); err != nil {
			return err
		}
		fmt.Println("created")
		select {}
	case "sleep-read-only":
		return sleepReadOnly()
	case "clock":
		fmt.Println(MonotonicNs())
		return nil
	case "queue-producer", "queue-consumer":
		private, err := Open(3, false)
		if err != nil {
			return err
		}
		fmt.Println("ready")
		if role == "queue-producer" {
			return produceForever(private)
		}
		return consumeForever(private)
	}
	feed, err := Open(3, readOnlyFeed)
	if err != nil {
		return err
	}
	var stores int
	switch {
	case role == "feed-writer":
		fmt.Println("ready")
		return writeForever(NewBroadcastWriter(feed, 0, roleCapacity))
	case role == "feed-reader" || role == "echo":
		private, err := Open(4, false)
		if err != nil {
			return err
		}
		fmt.Println("ready")
		if role == "echo" {
			return echo(feed, private)
		}
		return readForever(NewBroadcastReader(feed, 0, roleCapacity), private)
	case sscan(role, "feed-writer-dies-after-%d", &stores):
		return writeAndDie(NewBroadcastWriter(feed, 0, roleCapacity), stores)
	}
	return fmt.Errorf("unknown role %q", role)
}

func sscan(text, format string, into *int) bool {
	_, err := fmt.Sscanf(text, format, into)
	return err == nil
}

func sleepReadOnly() error {
	s, err := Open(3, true)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for atomic.LoadUint32(s.Word32(0)) == 0 {
		FutexWait(s.Word32(0), 0, -1)
	}
	fmt.Println("woken")
	return nil
}

func writeForever(w *BroadcastWriter) error {
	random := rand.New(rand.NewPCG(uint64(unix.Getpid()), 5))
	var rec FeedRecord
	for {
		for range 1 + random.IntN(roleCapacity) {
			fillFeed(&rec, w.Tail()+1)
			w.Put(&rec)
		}
		w.Commit()
		for range random.IntN(3) {
			SpinPause(100)
		}
	}
}

// writeAndDie fills the ring twice and is killed in the middle of the next record.
func writeAndDie(w *BroadcastWriter, stores int) error {
	putFeed(w, 2*roleCapacity)
	w.Commit()
	for _, store := range storesOfPut(w)[:stores] {
		atomic.StoreUint64(store.addr, store.val)
	}
	if err := unix.Kill(unix.Getpid(), unix.SIGKILL); err != nil {
		return err
	}
	select {}
}

// readForever reads what it can and writes down what it saw.
func readForever(r *BroadcastReader, private *Segment) error {
	var rec FeedRecord
	for {
		switch r.Next(&rec) {
		case ReadOK:
			if checkFeed(&rec, r.Cursor()) != nil {
				atomic.AddUint64(private.Word64(statusBad), 1)
			}
			atomic.AddUint64(private.Word64(statusOK), 1)
			atomic.StoreUint64(private.Word64(statusCursor), r.Cursor())
		case ReadLapped:
			atomic.AddUint64(private.Word64(statusLapped), 1)
			r.Seek(r.Tail())
			atomic.StoreUint64(private.Word64(statusCursor), r.Cursor())
		case ReadEmpty:
			runtime.Gosched()
		}
	}
}

func produceForever(private *Segment) error {
	p := NewProducer(private, rolesUp(), roleCapacity, roleSlotWords)
	words := make([]uint64, roleSlotWords-1)
	for {
		fillWords(words, p.Produced()+1)
		for p.Put(words) != PutOK {
			time.Sleep(20 * time.Microsecond)
		}
		atomic.StoreUint64(private.Word64(statusOK), p.Produced())
	}
}

func consumeForever(private *Segment) error {
	c := NewConsumer(private, rolesDown, roleCapacity, roleSlotWords)
	words := make([]uint64, roleSlotWords-1)
	for {
		if !c.Next(words) {
			runtime.Gosched()
			continue
		}
		if checkWords(words, c.Consumed()) != nil {
			atomic.AddUint64(private.Word64(statusBad), 1)
		}
		atomic.StoreUint64(private.Word64(statusOK), c.Consumed())
	}
}

// echo answers each feed record and each record from above with one record up: where it came from, its sequence, its
// words.
func echo(feed, private *Segment) error {
	r := NewBroadcastReader(feed, 0, roleCapacity)
	down := NewConsumer(private, rolesDown, roleCapacity, roleSlotWords)
	up := NewProducer(private, rolesUp(), roleCapacity, roleSlotWords)
	var rec FeedRecord
	words, answer := make([]uint64, roleSlotWords-1), make([]uint64, roleSlotWords-1)
	send := func() {
		for up.Put(answer) != PutOK {
			runtime.Gosched()
		}
	}
	for {
		status := r.Next(&rec)
		if status == ReadLapped {
			return errors.New("lapped")
		}
		if status == ReadOK {
			answer[0], answer[1], answer[2] = 1, r.Cursor(), uint64(rec.Lo)
			copy(answer[3:], rec.W[:])
			send()
		}
		if down.Next(words) {
			answer[0], answer[1] = 2, down.Consumed()
			copy(answer[2:], words)
			send()
		}
	}
}
