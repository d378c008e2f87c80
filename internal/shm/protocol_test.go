package shm

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The reader of a broadcast slot in a model where every interleaving of the two sides' single loads and stores can be
// tried. A record is one slot of a sequence, a mark of a few bits and two words that both hold the sequence.
type slotModel struct {
	sequence, mark, first, second int
}

type slotProtocol struct {
	lap       int // sequences between two records of the slot
	marks     int // different marks
	useMark   bool
	useRepeat bool // look at the sequence again at the end
}

// torn explores all interleavings of a reader of record 1 with a writer that puts further records over it, and reports
// whether one of them gives the reader a record that is not record 1.
func (p slotProtocol) torn(writes int) bool {
	return p.explore(slotModel{1, 1 % p.marks, 1, 1}, 0, 4*writes, 0, [5]int{})
}

func (p slotProtocol) explore(slot slotModel, writer, writerEnd, reader int, seen [5]int) bool {
	if writer < writerEnd {
		next := slot
		sequence := 1 + p.lap*(writer/4+1)
		switch writer % 4 {
		case 0:
			next.mark = sequence % p.marks
		case 1:
			next.first = sequence
		case 2:
			next.second = sequence
		case 3:
			next.sequence = sequence
		}
		if p.explore(next, writer+1, writerEnd, reader, seen) {
			return true
		}
	}
	if reader == 5 {
		lapped := seen[0] != 1 || p.useMark && seen[3] != 1%p.marks || p.useRepeat && seen[4] != 1
		return !lapped && (seen[1] != 1 || seen[2] != 1)
	}
	seen[reader] = [5]int{slot.sequence, slot.first, slot.second, slot.mark, slot.sequence}[reader]
	return p.explore(slot, writer, writerEnd, reader+1, seen)
}

func TestProtocolInAllInterleavings(t *testing.T) {
	cases := []struct {
		name     string
		protocol slotProtocol
		torn     bool
	}{
		{"ours", slotProtocol{lap: 2, marks: 8, useMark: true, useRepeat: true}, false},
		{"ours, marks of one lap", slotProtocol{lap: 1, marks: 2, useMark: true, useRepeat: true}, false},
		{"the model sees a missing mark", slotProtocol{lap: 2, marks: 8, useRepeat: true}, true},
		{"the model sees a mark that comes round", slotProtocol{lap: 1, marks: 2, useMark: true}, true},
		{"the model sees a mark that tells no lap", slotProtocol{lap: 2, marks: 2, useMark: true, useRepeat: true},
			true},
	}
	for _, c := range cases {
		if got := c.protocol.torn(4); got != c.torn {
			t.Errorf("%s: torn %v, want %v", c.name, got, c.torn)
		}
	}
}

// TestPublishingIsAFullBarrier lets a writer publish and look at the reader's flag at the very moment when the reader
// sets the flag and looks for the record. That neither sees the other is what must never happen: the reader would
// sleep on a record.
func TestPublishingIsAFullBarrier(t *testing.T) {
	t.Run("feed", func(t *testing.T) {
		w, r := feedPair(t, 0, 64)
		var put, got FeedRecord
		neitherSees(t, func() { w.Put(&put); w.Commit() }, r.Ready, func() { r.Next(&got) })
	})
	t.Run("queue", func(t *testing.T) {
		p, c := queuePair(t, 0, 64, 8)
		neitherSees(t, func() { p.Put(nil) }, c.Ready, func() { c.Next(nil) })
	})
}

// neitherSees plays as many rounds as are enough, or as a busy machine allows.
func neitherSees(t *testing.T, publish func(), ready func() bool, consume func()) {
	const enough, last = 50_000, 1 << 31
	limit := time.Now().Add(time.Second)
	control := newSegment(t, 512)
	flag, sawFlag := control.Word32(0), control.Word32(384)
	writerRound, readerRound := control.Word32(128), control.Word32(256)
	reach := func(other *uint32, round uint32) {
		for look := 1; atomic.LoadUint32(other) < round; look++ {
			if look%10_000 == 0 {
				time.Sleep(time.Microsecond) // the other has lost its core
			}
		}
	}
	meet := func(own, other *uint32, round uint32) {
		atomic.StoreUint32(own, round)
		reach(other, round)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for round := uint32(1); ; round += 2 {
			meet(writerRound, readerRound, round)
			if atomic.LoadUint32(readerRound) == last {
				return
			}
			publish()
			atomic.StoreUint32(sawFlag, atomic.LoadUint32(flag))
			meet(writerRound, readerRound, round+1)
		}
	})
	blind, rounds := 0, 0
	for round := uint32(1); rounds < enough && time.Now().Before(limit); round += 2 {
		meet(readerRound, writerRound, round)
		atomic.StoreUint32(flag, 1)
		sawRecord := ready()
		reach(writerRound, round+1)
		if !sawRecord && atomic.LoadUint32(sawFlag) == 0 {
			blind++
		}
		consume()
		atomic.StoreUint32(flag, 0)
		atomic.StoreUint32(readerRound, round+1)
		rounds++
	}
	atomic.StoreUint32(readerRound, last)
	writing.Wait()
	if blind > 0 {
		t.Errorf("in %d of %d rounds neither side saw the other", blind, rounds)
	}
}

// TestSyncPointsComeInPairs holds the rule of doc.go: each name stands once where it is published and once where it
// is observed, and no store publishes without a name.
func TestSyncPointsComeInPairs(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`// SYNC POINT: (.+)$`)
	publishes := regexp.MustCompile(`storeRelease\(|atomic\.Store`)
	found := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "store_") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			match := name.FindStringSubmatch(strings.TrimSpace(line))
			if match != nil {
				found[match[1]] = append(found[match[1]], file)
			} else if publishes.MatchString(line) {
				t.Errorf("%s: a publishing store without a sync point: %s", file, strings.TrimSpace(line))
			}
		}
	}
	if len(found) < 5 {
		t.Errorf("only %d sync points found: is the pattern still right?", len(found))
	}
	for name, where := range found {
		if len(where) != 2 {
			t.Errorf("sync point %q occurs %d times (%v), want 2", name, len(where), where)
		}
	}
}
