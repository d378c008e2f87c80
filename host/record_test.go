package host_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// TestJournalHasTheRun: what the records of a run add up to is what the host says of its strategies at the end.
func TestJournalHasTheRun(t *testing.T) {
	cfg := newConfig(t, 20, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("a", "quoter", quoterParams{}), strategyOf("b", "quoter", quoterParams{Ticks: 2})}
	r := start(t, cfg)
	for _, name := range []string{"a", "b"} {
		r.until(name, "it has traded", func(s control.StrategyStatus) bool { return s.Fills >= 5 })
	}
	if _, err := r.host.Restart(t.Context(), "a", false); err != nil {
		t.Fatal(err)
	}
	r.end()
	dir := filepath.Join(cfg.StateDir, journal.DirName)
	report, err := journal.Verify(t.Context(), dir)
	if err != nil || len(report.Damage) > 0 || report.Lost > 0 || report.Unwritten > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	state, _, err := journal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if state.Run.Running || state.Run.Begun != 1 || state.Run.EndReason != string(host.ExitInterrupted) {
		t.Errorf("run %+v", state.Run)
	}
	for _, name := range []string{"a", "b"} {
		st := r.status(name)
		kept := strategyNamed(state, st.Name)
		if kept == nil || len(kept.Holdings) != 1 {
			t.Fatalf("strategy %s: %+v", st.Name, kept)
		}
		if kept.Requests+kept.Refused != st.Requests { // sent and not sent
			t.Errorf("strategy %s: %d requests, the journal has %d and %d refused", st.Name, st.Requests, kept.Requests, kept.Refused)
		}
		if kept.EndReason != "stopped" || kept.Failed || kept.EndedIncarnation != kept.Incarnation {
			t.Errorf("strategy %s: ended by %q, failed %t, process %d of %d", st.Name, kept.EndReason, kept.Failed, kept.EndedIncarnation, kept.Incarnation)
		}
		for number, a := range kept.Holdings {
			at, in := state.Instruments[number], st.Instruments[0]
			if at.Connector != "sim" || at.Symbol != in.Symbol || a.NumFills != st.Fills || a.NumOrders != st.Orders || a.State.Position != in.Position ||
				a.State.Fee != in.Fee || a.Realised != in.RealisedPnL || len(a.Orders) != in.OpenOrders {
				t.Errorf("strategy %s: the journal has %+v of %+v, the host %+v", st.Name, a, at, st)
			}
		}
	}
	seen := kindsOf(t, dir)
	for _, k := range []journal.Kind{journal.KindStarted, journal.KindReplaced, journal.KindStopped, journal.KindRequest, journal.KindOrder,
		journal.KindExecution, journal.KindBookPresent, journal.KindCommand, journal.KindMark} {
		if !slices.Contains(seen, k) {
			t.Errorf("no record %s", k)
		}
	}
}

func strategyNamed(s *journal.State, name string) *journal.Strategy {
	for _, st := range s.Strategies {
		if st.Name == name {
			return st
		}
	}
	return nil
}

func kindsOf(t *testing.T, dir string) (kinds []journal.Kind) {
	t.Helper()
	reader, err := journal.OpenReader(dir, journal.ReadFrom{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for {
		rec, err := reader.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return kinds
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, rec.Kind)
	}
}
