package depthsync_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
)

// depth is a difference with one row per quantity.
func depth(first, last, prev, exchNs int64, qtys ...float64) *connector.Message {
	m := &connector.Message{Kind: connector.MessageDepth, FirstID: first, LastID: last, PrevID: prev, HasPrevID: prev != 0, ExchTimestampNs: exchNs}
	for _, qty := range qtys {
		m.Events = append(m.Events, hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, ExchTimestampNs: exchNs, LocalTimestampNs: 1, Px: 1, Qty: qty})
	}
	return m
}

func snapshot(id, exchNs int64) *connector.Message {
	return &connector.Message{Kind: connector.MessageSnapshot, LastID: id, ExchTimestampNs: exchNs,
		Events: []hft.Event{{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthSnapshotEvent, ExchTimestampNs: 77, LocalTimestampNs: 1, Px: 1, Qty: 100}}}
}

func newSync(t *testing.T, config depthsync.Config) *depthsync.Synchronizer {
	t.Helper()
	s, err := depthsync.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFirstDifference: which difference may follow a snapshot of id 100, by both rules.
func TestFirstDifference(t *testing.T) {
	for _, c := range []struct {
		name       string
		rule       connector.Rule
		m          *connector.Message
		state      depthsync.State
		dropped    uint64
		needsOther bool
	}{
		{"futures, spans", connector.RuleFutures, depth(95, 105, 90, 1), depthsync.Synced, 0, false},
		{"futures, ends there", connector.RuleFutures, depth(95, 100, 90, 1), depthsync.Synced, 0, false},
		{"futures, starts there", connector.RuleFutures, depth(100, 105, 90, 1), depthsync.Synced, 0, false},
		{"futures, older", connector.RuleFutures, depth(95, 99, 90, 1), depthsync.Syncing, 1, false},
		{"futures, its predecessor ended there", connector.RuleFutures, depth(103, 105, 100, 1), depthsync.Synced, 0, false},
		{"futures, later", connector.RuleFutures, depth(103, 105, 101, 1), depthsync.Syncing, 0, true},
		{"futures, later without pu", connector.RuleFutures, depth(101, 105, 0, 1), depthsync.Syncing, 0, true},
		{"spot, contains the next", connector.RuleSpot, depth(95, 101, 0, 1), depthsync.Synced, 0, false},
		{"spot, starts at the next", connector.RuleSpot, depth(101, 105, 0, 1), depthsync.Synced, 0, false},
		{"spot, ends there", connector.RuleSpot, depth(95, 100, 0, 1), depthsync.Syncing, 1, false},
		{"spot, later", connector.RuleSpot, depth(102, 105, 0, 1), depthsync.Syncing, 0, true},
	} {
		for _, snapshotFirst := range []bool{true, false} {
			s := newSync(t, depthsync.Config{Rule: c.rule})
			var out depthsync.Output
			if snapshotFirst {
				s.Snapshot(1, snapshot(100, 1))
				out = s.Depth(1, c.m)
			} else {
				if first := s.Depth(1, c.m); !first.NeedSnapshot {
					t.Errorf("%s: no snapshot is asked for", c.name)
				}
				out = s.Snapshot(1, snapshot(100, 1))
			}
			want := c.state
			if c.dropped > 0 && !snapshotFirst { // it contains all of the stream
				want = depthsync.Synced
			}
			if s.State() != want || s.Stats().Dropped != c.dropped || out.NeedSnapshot != c.needsOther || out.Ready != (want == depthsync.Synced) {
				t.Errorf("%s, snapshot first %t: %v, %+v, %+v", c.name, snapshotFirst, s.State(), s.Stats(), out)
			}
		}
	}
}

// TestSnapshotIsTheBook: a snapshot of id 100 that contains everything that has come is the book at once, in a thin
// market as well, and the difference after it shows whether something is missing between them.
func TestSnapshotIsTheBook(t *testing.T) {
	for _, c := range []struct {
		name  string
		rule  connector.Rule
		later []*connector.Message
		state depthsync.State
		// applied are those of later.
		applied, gaps uint64
	}{
		{"futures, nothing", connector.RuleFutures, nil, depthsync.Synced, 0, 0},
		{"futures, on its way", connector.RuleFutures, []*connector.Message{depth(96, 98, 95, 2, 1), depth(99, 100, 98, 2, 1), depth(103, 105, 100, 2, 1)}, depthsync.Synced, 1, 0},
		{"futures, spans", connector.RuleFutures, []*connector.Message{depth(98, 105, 95, 2, 1)}, depthsync.Synced, 1, 0},
		{"futures, continues the stream", connector.RuleFutures, []*connector.Message{depth(103, 105, 95, 2, 1)}, depthsync.Synced, 1, 0},
		{"futures, continues what was on its way", connector.RuleFutures, []*connector.Message{depth(96, 98, 95, 2, 1), depth(103, 105, 98, 2, 1)}, depthsync.Synced, 1, 0},
		{"futures, what the snapshot has is missing", connector.RuleFutures, []*connector.Message{depth(99, 105, 98, 2, 1), depth(106, 107, 105, 2, 1)}, depthsync.Synced, 2, 0},
		{"futures, gap", connector.RuleFutures, []*connector.Message{depth(103, 105, 101, 2, 1)}, depthsync.Syncing, 0, 1},
		{"futures, gap behind the first", connector.RuleFutures, []*connector.Message{depth(98, 105, 95, 2, 1), depth(108, 109, 95, 2, 1)}, depthsync.Syncing, 1, 1},
		{"futures, again", connector.RuleFutures, []*connector.Message{depth(90, 95, 89, 2, 1), depth(98, 105, 95, 2, 1)}, depthsync.Synced, 1, 0},
		{"futures, long after the stream's last", connector.RuleFutures, []*connector.Message{depth(96, 99, 95, 30e9, 1), depth(103, 105, 100, 31e9, 1)}, depthsync.Synced, 1, 0},
		{"spot, nothing", connector.RuleSpot, nil, depthsync.Synced, 0, 0},
		{"spot, on its way", connector.RuleSpot, []*connector.Message{depth(96, 100, 0, 2, 1), depth(101, 105, 0, 2, 1)}, depthsync.Synced, 1, 0},
		{"spot, overlaps", connector.RuleSpot, []*connector.Message{depth(96, 105, 0, 2, 1)}, depthsync.Synced, 1, 0},
		{"spot, gap", connector.RuleSpot, []*connector.Message{depth(102, 105, 0, 2, 1)}, depthsync.Syncing, 0, 1},
	} {
		s := newSync(t, depthsync.Config{Rule: c.rule})
		exchNs := int64(31e9) // of futures
		if c.rule == connector.RuleSpot {
			exchNs = 0
		}
		s.Depth(1, depth(90, 95, 89*int64(2-c.rule), 7, 1))
		out := s.Snapshot(5, snapshot(100, exchNs))
		if want := max(exchNs, 7); !out.Ready || len(out.Events) != 1 || out.Events[0].ExchTimestampNs != want || out.Events[0].LocalTimestampNs != 5 || s.LastID() != 100 {
			t.Errorf("%s: %+v, at %d", c.name, out, s.LastID())
		}
		for _, m := range c.later {
			out = s.Depth(6, m)
		}
		if stats := s.Stats(); s.State() != c.state || stats.Applied != c.applied || stats.Gaps != c.gaps || (out.Stale != "") != (c.gaps > 0) || out.NeedSnapshot != (c.gaps > 0) ||
			c.applied > 0 && stats.FirstAppliedLastID != 105 {
			t.Errorf("%s: %v, %+v, %+v", c.name, s.State(), stats, out)
		}
	}
	s := newSync(t, depthsync.Config{Rule: connector.RuleSpot})
	if out := s.Snapshot(1, snapshot(100, 0)); out.Ready || s.State() != depthsync.Syncing {
		t.Errorf("before the first difference: %+v", out)
	}
	s = newSync(t, depthsync.Config{Rule: connector.RuleFutures})
	s.Depth(1, depth(90, 95, 89, 7, 1))
	if out := s.Snapshot(1, snapshot(100, 6)); out.Ready || s.State() != depthsync.Syncing {
		t.Errorf("older than what it is ahead of: %+v", out)
	}
}

// TestLaterDifferences: what follows a book that has reached 105.
func TestLaterDifferences(t *testing.T) {
	for _, c := range []struct {
		name   string
		rule   connector.Rule
		m      *connector.Message
		state  depthsync.State
		lastID int64
		rows   int
	}{
		{"futures, continues", connector.RuleFutures, depth(110, 115, 105, 1, 1), depthsync.Synced, 115, 1},
		{"futures, gap", connector.RuleFutures, depth(106, 115, 104, 1, 1), depthsync.Syncing, 115, 0},
		{"futures, again", connector.RuleFutures, depth(95, 105, 90, 1, 1), depthsync.Synced, 105, 0},
		{"futures, older, of a connection that is behind", connector.RuleFutures, depth(91, 95, 90, 1, 1), depthsync.Synced, 105, 0},
		{"futures, ids start anew", connector.RuleFutures, depth(3, 5, 2, 11e9, 1), depthsync.Syncing, 5, 0},
		{"spot, continues", connector.RuleSpot, depth(106, 115, 0, 1, 1), depthsync.Synced, 115, 1},
		{"spot, overlaps", connector.RuleSpot, depth(100, 115, 0, 1, 1), depthsync.Synced, 115, 1},
		{"spot, older", connector.RuleSpot, depth(95, 104, 0, 1, 1), depthsync.Synced, 105, 0},
		{"spot, gap", connector.RuleSpot, depth(107, 115, 0, 1, 1), depthsync.Syncing, 115, 0},
	} {
		s := newSync(t, depthsync.Config{Rule: c.rule})
		s.Snapshot(1, snapshot(100, 1))
		if out := s.Depth(1, depth(95, 105, 90, 1)); !out.Ready {
			t.Fatal("not ready")
		}
		out := s.Depth(1, c.m)
		lost := c.state == depthsync.Syncing
		if s.State() != c.state || s.LastID() != c.lastID || len(out.Events) != c.rows || (out.Stale != "") != lost || out.Gap != lost || out.NeedSnapshot != lost {
			t.Errorf("%s: %v at %d, %+v", c.name, s.State(), s.LastID(), out)
		}
	}
}

func TestGapWhileSyncing(t *testing.T) {
	s := newSync(t, depthsync.Config{Rule: connector.RuleFutures})
	s.Depth(1, depth(1, 5, 0, 1, 1))
	if out := s.Depth(1, depth(10, 15, 9, 1, 2)); !out.Gap || out.AfterID != 5 || out.FromID != 10 || out.Stale != "" {
		t.Errorf("%+v", out)
	}
	if out := s.Snapshot(1, snapshot(3, 1)); out.Ready || !out.NeedSnapshot {
		t.Errorf("a snapshot from before the gap gives %+v", out)
	}
	if out := s.Snapshot(1, snapshot(12, 1)); !out.Ready || len(out.Events) != 2 || s.Stats().Gaps != 1 || s.Stats().StaleSnapshots != 1 {
		t.Errorf("%+v, %+v", out, s.Stats())
	}
}

// TestTimesOfACompletedBook: all rows are received when the book is, and the snapshot is not newer than what follows.
func TestTimesOfACompletedBook(t *testing.T) {
	for _, c := range []struct{ snapshotNs, want int64 }{{0, 50}, {60, 50}, {40, 40}} {
		s := newSync(t, depthsync.Config{Rule: connector.RuleSpot})
		s.Depth(5, depth(1, 5, 0, 50, 1, 2))
		out := s.Snapshot(9, snapshot(4, c.snapshotNs))
		if len(out.Events) != 3 || out.Events[0].ExchTimestampNs != c.want || out.Events[2].ExchTimestampNs != 50 {
			t.Errorf("snapshot at %d: %+v", c.snapshotNs, out.Events)
		}
		for _, e := range out.Events {
			if e.LocalTimestampNs != 9 {
				t.Errorf("a row is received at %d", e.LocalTimestampNs)
			}
		}
	}
}

func TestBounds(t *testing.T) {
	for _, config := range []depthsync.Config{{Rule: connector.RuleSpot, MaxMessages: 8}, {Rule: connector.RuleSpot, MaxEvents: 16}} {
		s := newSync(t, config)
		for id := int64(1); id <= 100; id++ {
			s.Depth(1, depth(id, id, 0, 1, float64(id), 1))
		}
		if s.Stats().Overflows == 0 {
			t.Error("no overflow")
		}
		if out := s.Snapshot(1, snapshot(50, 1)); !out.NeedSnapshot {
			t.Errorf("a snapshot older than what is held back gives %+v", out)
		}
		out := s.Snapshot(1, snapshot(98, 1))
		if !out.Ready || len(out.Events) != 5 || out.Events[1].Qty != 99 || out.Events[3].Qty != 100 {
			t.Errorf("%+v", out)
		}
	}
}

func TestIgnoreGaps(t *testing.T) {
	s := newSync(t, depthsync.Config{Rule: connector.RuleFutures, IgnoreGaps: true})
	s.Snapshot(1, snapshot(4, 1))
	s.Depth(1, depth(1, 5, 0, 1, 1))
	out := s.Depth(1, depth(20, 25, 19, 1, 1))
	if !out.Gap || out.Stale != "" || len(out.Events) != 1 || s.State() != depthsync.Synced || s.Stats().Gaps != 1 {
		t.Errorf("%+v, %+v", out, s.Stats())
	}
}

func TestReset(t *testing.T) {
	s := newSync(t, depthsync.Config{Rule: connector.RuleFutures})
	if out := s.Reset("disconnected"); out.Stale != "" {
		t.Errorf("a book that was not complete became %q", out.Stale)
	}
	s.Snapshot(1, snapshot(4, 1))
	s.Depth(1, depth(1, 5, 0, 1, 1))
	if out := s.Reset("disconnected"); out.Stale != "disconnected" || s.State() != depthsync.Syncing {
		t.Errorf("%+v", out)
	}
	if out := s.Depth(1, depth(50, 55, 49, 1, 1)); out.Gap || !out.NeedSnapshot {
		t.Errorf("after a reset the first difference gives %+v", out)
	}
}

func TestWrongConfig(t *testing.T) {
	for _, config := range []depthsync.Config{{}, {Rule: connector.RuleStreamed + 1}, {Rule: connector.RuleSpot, MaxMessages: -1}, {Rule: connector.RuleSpot, MaxEvents: -1}} {
		if _, err := depthsync.New(config); err == nil {
			t.Errorf("%+v was accepted", config)
		}
	}
}

func TestNothingIsAllocatedInStep(t *testing.T) {
	s := newSync(t, depthsync.Config{Rule: connector.RuleFutures})
	s.Snapshot(1, snapshot(4, 1))
	m := depth(1, 5, 0, 1, 1, 2, 3)
	s.Depth(1, m)
	if n := testing.AllocsPerRun(100, func() {
		m.FirstID, m.PrevID, m.HasPrevID = m.LastID+3, m.LastID, true
		m.LastID += 9
		if out := s.Depth(1, m); len(out.Events) != 3 {
			t.Fatal("not in step")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDepth(b *testing.B) {
	s, err := depthsync.New(depthsync.Config{Rule: connector.RuleFutures})
	if err != nil {
		b.Fatal(err)
	}
	s.Snapshot(1, snapshot(4, 1))
	m := depth(1, 5, 0, 1, 1, 2, 3)
	s.Depth(1, m)
	b.ReportAllocs()
	for b.Loop() {
		m.FirstID, m.PrevID, m.HasPrevID = m.LastID+3, m.LastID, true
		m.LastID += 9
		s.Depth(1, m)
	}
}
