package journal

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// TestEventsAreKeptByTime: an account event is remembered for as long as it may be listed again, however many there
// are, and so is a position that the venue has moved. A checkpoint has them all.
func TestEventsAreKeptByTime(t *testing.T) {
	t.Parallel()
	const minute = 60_000_000_000
	s := NewState()
	of := func(k Kind) Head { return Head{Kind: k, Instrument: 3, Bot: 7} }
	closed := func(id string, kind ExecutionKind, ns int64) {
		s.apply(recordOf(of(KindExecution), Execution{Kind: kind, Order: hft.Order{ExchTimestampNs: ns}}, "", "", "o", id, "USDT"))
	}
	const n = 3000
	for i := range n {
		closed(fmt.Sprint("x", i), Liquidation, 20*minute)
		closed(fmt.Sprint("x", i), Liquidation, 20*minute) // the part of another strategy
	}
	closed("moved", Transfer, 21*minute)
	s.apply(recordOf(of(KindFunding), Funding{VenueNs: 22 * minute}, "USDT", "f"),
		recordOf(of(KindExecutionsRead), ExecutionsRead{UntilNs: 25 * minute, EventsNs: 25 * minute}))
	back, err := decodeState([]byte(mustEncode(s)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*State{s, back} {
		x := s.Executions[3]
		if len(x.Events) != n+2 || x.Events[0] != (BookedEvent{"x0", 20 * minute}) || x.Events[n] != (BookedEvent{"moved", 21 * minute}) ||
			x.Events[n+1] != (BookedEvent{FundingPrefix + "f", 22 * minute}) {
			t.Errorf("%d events: %+v", len(x.Events), x.Events[max(len(x.Events)-2, 0):])
		}
		s.apply(recordOf(of(KindExecutionsRead), ExecutionsRead{UntilNs: 60 * minute, EventsNs: 31 * minute}))
		if x := s.Executions[3]; len(x.Events) != 2 || x.Events[0].ID != "moved" {
			t.Errorf("%+v are left", x.Events)
		}
	}
}

// TestEventsOfEarlierVersions: their checkpoints have ids without times, of which the newest are kept.
func TestEventsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	var x Executions
	if err := json.Unmarshal([]byte(`{"events":["a","funding b"]}`), &x); err != nil || len(x.Events) != 2 ||
		x.Events[1] != (BookedEvent{ID: "funding b"}) {
		t.Fatalf("%+v, %v", x, err)
	}
	for i := range maxEvents {
		x.Events = append(x.Events, BookedEvent{ID: fmt.Sprint(i)})
	}
	x.read(1<<60, 1<<60)
	if len(x.Events) != maxEvents || x.Events[0].ID != "0" {
		t.Errorf("%d, the oldest is %+v", len(x.Events), x.Events[0])
	}
}

// TestCorruptRing: what is behind a record of the ring that cannot be read is lost, and that is reported.
func TestCorruptRing(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, t.TempDir())
	cfg.syncEvery = time.Hour
	w, _ := open(t, cfg)
	fillJournal(t, w, 1, 4)
	at := w.head.Load()
	fillJournal(t, w, 5, 9)
	w.ring.data[at+40] ^= 1
	w.kill()
	w, rec := open(t, cfg)
	if rec.State.Sequence != 4 || rec.FromRing != 4 || len(rec.Damage) != 1 || rec.Damage[0].From != 5 {
		t.Errorf("%+v", rec)
	}
	fillJournal(t, w, 5, 5)
	w.kill()
	if _, rec = open(t, cfg); rec.State.Sequence != 5 || len(rec.Damage) > 0 {
		t.Errorf("the next time: %+v", rec)
	}
}
