package journal

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// TestKilledAtEveryByteOfAGroup: the process ends after each byte that a group of three records stores into the ring.
// What the next start has is none of them, or all.
func TestKilledAtEveryByteOfAGroup(t *testing.T) {
	cfg := testConfig(t, filepath.Join(t.TempDir(), "base"))
	cfg.syncEvery = time.Hour
	w, _ := open(t, cfg)
	fillJournal(t, w, 1, 5)
	before := bytes.Clone(w.ring.mem)
	from := w.head.Load() + ringDataAt
	var g Group
	for bot := range uint64(3) {
		Add(&g, &Head{Kind: KindExecution, Bot: bot}, &Execution{Kind: Liquidation, Value: float64(bot)}, "", "", "", fmt.Sprint(bot))
	}
	if err := w.AppendGroup(&g); err != nil {
		t.Fatal(err)
	}
	after := bytes.Clone(w.ring.mem)
	to := w.head.Load() + ringDataAt
	w.kill()
	path := filepath.Join(t.TempDir(), ringName)
	for at := from; at <= to+1; at++ {
		image := bytes.Clone(before)
		copy(image[from:min(at, to)], after[from:])
		want := uint64(5)
		if at > to { // the head is one word
			image, want = after, 8
		}
		mustWrite(t, path, image)
		rest, _, found := ringRest([]string{path}, w.id, 0)
		n := uint64(0)
		for ; len(rest) > 0; n++ {
			var rec Record
			size, o := w.table.parse(rest, &rec)
			if o != valid || rec.Sequence != n+1 || n >= 5 && (rec.Bot != n-5 || rec.Text(3) != fmt.Sprint(n-5)) {
				t.Fatalf("after %d bytes: record %d: %+v", at-from, n+1, rec.Head)
			}
			rest = rest[size:]
		}
		if !found || n != want {
			t.Fatalf("after %d bytes: %d records, want %d", at-from, n, want)
		}
	}
}

// TestGroupWithoutRoom: where the ring has no room for all of a group it takes none, and counts them.
func TestGroupWithoutRoom(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.syncEvery, cfg.RingBytes = time.Hour, 256<<10
	w, _ := open(t, cfg)
	var g Group
	for range 2000 { // more than the ring can have
		Add(&g, &Head{Kind: KindExecution, Bot: 1}, &Execution{})
	}
	before := w.Sequence()
	if err := w.AppendGroup(&g); err == nil || w.Sequence() != before || w.lost.Count != 2000 {
		t.Errorf("%v, %d records, %d lost", err, w.Sequence()-before, w.lost.Count)
	}
	w.kill()
}
