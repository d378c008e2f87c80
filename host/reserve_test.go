package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// TestReserveIsForWhatCounts: while the journal cannot be written, marks, positions and what is said of books do not
// use up the room that is left; executions and the values at the end of a day do.
func TestReserveIsForWhatCounts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	clock := hostipc.NewWallClock()
	w, _, err := journal.Open(journal.Config{Dir: dir, NowNs: clock.NowNs, RingBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if err := os.RemoveAll(dir); err != nil { // it is in the way of what is written from now on
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); w.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if err := journal.Append(w, &journal.Head{Kind: journal.KindCommand}, &journal.None{}); err != nil ||
			time.Since(begun) > time.Minute {
			t.Fatal("the journal can be written", err)
		}
	}
	r := &recorder{clock: clock, log: hclog.NewNullLogger()}
	r.writer.Store(w)
	before := w.Sequence()
	for _, kind := range []journal.Kind{journal.KindVenuePosition, journal.KindBookAbsent, journal.KindBookPresent} {
		_ = note(r, &journal.Head{Kind: kind}, &journal.None{})
	}
	_ = note(r, &journal.Head{Kind: journal.KindMark}, &journal.Mark{})
	if got := w.Sequence() - before; got != 0 {
		t.Errorf("%d records that are not needed", got)
	}
	_ = note(r, &journal.Head{Kind: journal.KindMark}, &journal.Mark{DayEnd: 1})
	_ = note(r, &journal.Head{Kind: journal.KindExecution}, &journal.Execution{})
	if got := w.Sequence() - before; got != 2 {
		t.Errorf("%d records of two that are needed", got)
	}
}
