package shm

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
		{"the model sees a mark that tells no lap", slotProtocol{lap: 2, marks: 2, useMark: true, useRepeat: true}, true},
	}
	for _, c := range cases {
		if got := c.protocol.torn(4); got != c.torn {
			t.Errorf("%s: torn %v, want %v", c.name, got, c.torn)
		}
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
