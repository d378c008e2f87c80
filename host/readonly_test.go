package host_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// TestJournalCannotBeOpened: a run that goes on without its journal, because on_journal_error says so, begins with the
// positions that the journal has.
func TestJournalCannotBeOpened(t *testing.T) {
	t.Parallel()
	cfg := recallConfig(t, &recalling{knows: true}, patience, "sleeper")
	cfg.Journal.ContinueOnError = true
	w, _, err := journal.Open(journal.Config{Dir: filepath.Join(cfg.StateDir, journal.DirName), RingBytes: 1 << 20,
		NowNs: func() int64 { return time.Now().UnixNano() }})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close() // until then nobody else can open it
	number, err := w.Instrument("venue", "X", 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	held := journal.Holding{State: hft.StateValues{Position: 3}, OwnPosition: 3, EntryPrice: 100, UnitValue: 1}
	if err := journal.Append(w, &journal.Head{Kind: journal.KindOrder, Bot: 7, Instrument: number},
		&journal.OrderState{Order: hft.Order{OrderID: 1, Status: hft.StatusCanceled}, Holding: held}); err != nil {
		t.Fatal(err)
	}
	r := start(t, cfg)
	s := r.until("seven", "runs", func(s control.StrategyStatus) bool { return running(s) && len(s.Instruments) == 1 })
	if got := s.Instruments[0].Position; got != 3 {
		t.Errorf("position %v", got)
	}
	r.end()
}
