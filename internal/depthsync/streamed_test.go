package depthsync_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
)

// delta is a difference of a venue that numbers one by one.
func delta(id int64, qtys ...float64) *connector.Message { return depth(id, id, 0, 10*id, qtys...) }

// TestStreamed goes through what a stream with snapshots may bring; each line is a message and what comes of it.
func TestStreamed(t *testing.T) {
	s := newSync(t, depthsync.Config{Rule: connector.RuleStreamed})
	const late = 11e9
	lost := "depth updates after %d are missing, the next one starts at %d"
	for i, c := range []struct {
		name     string
		snapshot bool
		id       int64
		want     depthsync.Output // without Events
		rows     int
		clears   bool
		state    depthsync.State
		afterNs  int64
	}{
		{name: "a difference before any snapshot", id: 40, want: depthsync.Output{NeedSnapshot: true}},
		{name: "another", id: 41},
		{name: "the first snapshot", snapshot: true, id: 100, want: depthsync.Output{Ready: true}, rows: 1, state: depthsync.Synced},
		{name: "a difference that it contains", id: 100, want: depthsync.Output{Repeated: true}, state: depthsync.Synced},
		{name: "an older one", id: 99, want: depthsync.Output{Repeated: true}, state: depthsync.Synced},
		{name: "an older snapshot, over a second connection", snapshot: true, id: 98, want: depthsync.Output{Repeated: true}, state: depthsync.Synced},
		{name: "the next", id: 101, rows: 1, state: depthsync.Synced},
		{name: "the same once more", id: 101, want: depthsync.Output{Repeated: true}, state: depthsync.Synced},
		{name: "a snapshot that is sent again", snapshot: true, id: 101, state: depthsync.Synced},
		{name: "a newer snapshot", snapshot: true, id: 150, rows: 2, clears: true, state: depthsync.Synced},
		{name: "continued", id: 151, rows: 1, state: depthsync.Synced},
		{name: "the service starts anew", snapshot: true, id: 1, rows: 2, clears: true, state: depthsync.Synced},
		{name: "and once more", snapshot: true, id: 1, rows: 2, clears: true, state: depthsync.Synced},
		{name: "continued", id: 2, rows: 1, state: depthsync.Synced},
		{name: "a gap", id: 4, want: depthsync.Output{Stale: fmt.Sprintf(lost, 2, 4), Gap: true, AfterID: 2, FromID: 4, NeedSnapshot: true}},
		{name: "more after it, a snapshot is asked for already", id: 5},
		{name: "the new subscription", snapshot: true, id: 5, want: depthsync.Output{Ready: true}, rows: 1, state: depthsync.Synced},
		{name: "continued", id: 6, rows: 1, state: depthsync.Synced},
		{name: "the service starts anew without a snapshot", id: 1,
			want: depthsync.Output{Stale: fmt.Sprintf(lost, 6, 1), Gap: true, AfterID: 6, FromID: 1, NeedSnapshot: true}},
		{name: "a snapshot after that", snapshot: true, id: 3, want: depthsync.Output{Ready: true}, rows: 1, state: depthsync.Synced},
		{name: "a gap", id: 30, want: depthsync.Output{Stale: fmt.Sprintf(lost, 3, 30), Gap: true, AfterID: 3, FromID: 30, NeedSnapshot: true}},
		{name: "continued over the old connection", id: 31},
		{name: "a snapshot of before the gap", snapshot: true, id: 20, want: depthsync.Output{NeedSnapshot: true, StaleSnapshot: true}},
		{name: "one of the first after it", snapshot: true, id: 30, want: depthsync.Output{Ready: true}, rows: 2, state: depthsync.Synced},
		{name: "continued", id: 32, rows: 1, state: depthsync.Synced},
		{name: "an old id of much later", id: 10, afterNs: late,
			want: depthsync.Output{Stale: fmt.Sprintf(lost, 32, 10), Gap: true, AfterID: 32, FromID: 10, NeedSnapshot: true}},
		{name: "the service starts anew once more", snapshot: true, id: 1, want: depthsync.Output{Ready: true}, rows: 1, state: depthsync.Synced},
		{name: "a newer snapshot", snapshot: true, id: 70, rows: 2, clears: true, state: depthsync.Synced},
		{name: "a snapshot with an old id of much later", snapshot: true, id: 60, afterNs: 2 * late, rows: 2, clears: true, state: depthsync.Synced},
	} {
		m := delta(c.id, 1)
		take := s.Depth
		if c.snapshot {
			m, take = snapshot(c.id, 10*c.id), s.Snapshot
		}
		m.ExchTimestampNs += c.afterNs
		got := take(1, m)
		if len(got.Events) != c.rows || s.State() != c.state {
			t.Errorf("%d, %s: %d rows, %v", i, c.name, len(got.Events), s.State())
		}
		if clears := len(got.Events) > 0 && got.Events[0].Kind() == hft.DepthClearEvent && got.Events[0].Side() == hft.SideNone; clears != c.clears {
			t.Errorf("%d, %s: clears the book: %t", i, c.name, clears)
		}
		got.Events = nil
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%d, %s: %+v, want %+v", i, c.name, got, c.want)
		}
	}
	want := depthsync.Stats{Applied: 6, Dropped: 11, Gaps: 4, Snapshots: 10, StaleSnapshots: 1, SnapshotID: 60}
	if got := s.Stats(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if out := s.Reset("the connection was lost"); out.Stale == "" || s.State() != depthsync.Syncing {
		t.Error("a reset leaves the book as it is")
	}
	if out := s.Depth(1, delta(4)); !out.NeedSnapshot {
		t.Error("no snapshot is asked for after a reset")
	}
}

// TestStreamedBookEqualsVenueOrIsSyncing: random differences, snapshots in the stream, restarts of the numbering, lost
// and repeated messages; the book is the venue's or it is known not to be.
func TestStreamedBookEqualsVenueOrIsSyncing(t *testing.T) {
	synced, steps, restarts := 0, 0, 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		v := &venue{rng: rng, rule: connector.RuleStreamed, book: newBook(), id: 5}
		s := newSync(t, depthsync.Config{Rule: connector.RuleStreamed})
		local := newBook()
		asked := true // the subscription at the start
		take := func(out depthsync.Output) {
			if out.Stale != "" || len(out.Events) > 0 && out.Events[0].Kind() == hft.DepthClearEvent {
				*local = *newBook()
				if len(out.Events) > 0 {
					out.Events = out.Events[1:]
				}
			}
			local.apply(out.Events)
			asked = asked || out.NeedSnapshot
		}
		for range 300 {
			steps++
			switch n := rng.IntN(60); {
			case n == 0: // a restart: the book is another, numbered from 1
				v.book.bids, v.book.asks, v.id = map[float64]float64{3: 1}, map[float64]float64{9: 2}, 1
				take(s.Snapshot(1, v.snapshot()))
				restarts++
			case n == 1 || asked && n < 20:
				take(s.Snapshot(1, v.snapshot()))
				asked = false
			case n < 22:
				v.step() // lost
			default:
				m := v.step()
				take(s.Depth(1, m))
				if n > 55 {
					take(s.Depth(1, m))
				}
			}
			if s.State() == depthsync.Syncing {
				if len(local.bids)+len(local.asks) != 0 {
					t.Fatalf("seed %d: rows in a book that is not in step", seed)
				}
				if !asked {
					t.Fatalf("seed %d: not in step, and no snapshot is asked for", seed)
				}
				continue
			}
			synced++
			if s.LastID() == v.id && (!maps.Equal(local.bids, v.book.bids) || !maps.Equal(local.asks, v.book.asks)) {
				t.Fatalf("seed %d: the book differs from the venue's at %d", seed, v.id)
			}
		}
	}
	if synced < steps/4 || restarts < 100 {
		t.Errorf("in step only %d times of %d, %d restarts: the test shows little", synced, steps, restarts)
	}
}

// TestStreamedOverTwoConnections: while a connection replaces another, both bring everything, one behind the other, and
// the book stays in step without a break.
func TestStreamedOverTwoConnections(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 4))
		v := &venue{rng: rng, rule: connector.RuleStreamed, book: newBook(), id: 5}
		s := newSync(t, depthsync.Config{Rule: connector.RuleStreamed})
		local := newBook()
		take := func(out depthsync.Output) {
			if out.Stale != "" || out.Gap {
				t.Fatalf("seed %d: %+v", seed, out)
			}
			if len(out.Events) > 0 && out.Events[0].Kind() == hft.DepthClearEvent {
				*local = *newBook()
				out.Events = out.Events[1:]
			}
			local.apply(out.Events)
		}
		type message struct {
			m        *connector.Message
			snapshot bool
		}
		deliver := func(queue []message, n int) []message {
			for _, q := range queue[:n] {
				if q.snapshot {
					take(s.Snapshot(1, q.m))
				} else {
					take(s.Depth(1, q.m))
				}
			}
			return queue[n:]
		}
		v.step()
		old, next := []message{{v.snapshot(), true}}, []message(nil)
		open := 10 + rng.IntN(20)
		for i := range 60 {
			m := v.step()
			m.ExchTimestampNs = v.id
			old = append(old, message{m, false})
			if i == open {
				next = append(next, message{v.snapshot(), true})
			} else if i > open {
				next = append(next, message{m, false})
			}
			old, next = deliver(old, rng.IntN(len(old)+1)), deliver(next, rng.IntN(len(next)+1))
		}
		if rng.IntN(2) == 0 {
			old = nil // its connection was closed first
		}
		deliver(old, len(old))
		deliver(next, len(next))
		if s.State() != depthsync.Synced || s.LastID() != v.id || !maps.Equal(local.bids, v.book.bids) || !maps.Equal(local.asks, v.book.asks) {
			t.Fatalf("seed %d: the book is not the venue's", seed)
		}
	}
}

func TestStreamedAllocatesNothing(t *testing.T) {
	s := newSync(t, depthsync.Config{Rule: connector.RuleStreamed})
	full, next := snapshot(1, 10), delta(2, 1, 2, 3)
	s.Snapshot(1, full)
	s.Snapshot(1, full) // the second replaces a book and makes the memory for it
	if n := testing.AllocsPerRun(100, func() {
		if out := s.Snapshot(1, full); len(out.Events) != 2 {
			t.Fatal("not replaced")
		}
		if out := s.Depth(1, next); len(out.Events) != 3 {
			t.Fatal("not in step")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestStreamedAnewOverTwoConnections: when a service has started anew, ids say nothing of what a connection brings that
// is behind, or one that has been opened since; the sequence numbers do.
func TestStreamedAnewOverTwoConnections(t *testing.T) {
	s := newSync(t, depthsync.Config{Rule: connector.RuleStreamed})
	for i, c := range []struct {
		name     string
		snapshot bool
		id, seq  int64
		rows     int
		state    depthsync.State
	}{
		{"the book", true, 100, 1000, 1, depthsync.Synced},
		{"the next", false, 101, 1001, 1, depthsync.Synced},
		{"a connection opened after the start", true, 5, 1005, 2, depthsync.Synced},
		{"a difference of before it that has the next id", false, 6, 990, 0, depthsync.Synced},
		{"a snapshot of before it", true, 102, 1002, 0, depthsync.Synced},
		{"its first one", true, 1, 1003, 0, depthsync.Synced},
		{"the next", false, 6, 1006, 1, depthsync.Synced},
		{"another start, without its snapshot", false, 6, 1010, 0, depthsync.Syncing},
		{"of before it", false, 7, 1007, 0, depthsync.Syncing},
		{"of before it", true, 7, 1007, 0, depthsync.Syncing},
		{"the next", false, 7, 1011, 0, depthsync.Syncing},
		{"another start", false, 2, 1021, 0, depthsync.Syncing},
		{"its snapshot", true, 1, 1020, 2, depthsync.Synced},
		{"the next", false, 3, 1022, 1, depthsync.Synced},
	} {
		m, take := delta(c.id, 1), s.Depth
		if c.snapshot {
			m, take = snapshot(c.id, 1), s.Snapshot
		}
		m.Seq, m.ExchTimestampNs = c.seq, c.seq
		if out := take(1, m); len(out.Events) != c.rows || s.State() != c.state {
			t.Errorf("%d, %s: %+v, %v", i, c.name, out, s.State())
		}
	}
}
