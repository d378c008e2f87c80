package journal

import (
	"errors"
	"fmt"
	"testing"
)

// TestExecutionsStayWhenTheRingIsFull: executions for which there is no room are appended before anything else when
// there is, in their order: also by the end of the Writer, and where nothing else is appended.
func TestExecutionsStayWhenTheRingIsFull(t *testing.T) {
	for _, then := range []string{"another record", "nothing", "the end"} {
		t.Run(then, func(t *testing.T) {
			dir := t.TempDir()
			stalled := &faultyDisk{}
			cfg := testConfig(t, dir)
			cfg.create = stalled.create
			w, _ := open(t, cfg)
			stalled.stall()
			n, late := 0, 0
			for ; late < 2000; n++ {
				if err := w.execute(n + 1); errors.Is(err, ErrLate) {
					late++
				} else if err != nil || late > 0 {
					t.Fatal(n, err)
				}
			}
			if err := Append(w, &Head{Kind: KindMark}, &Mark{}); !errors.Is(err, ErrFull) || errors.Is(err, ErrLate) {
				t.Errorf("a mark: %v", err)
			}
			last := uint64(n) + 1 // with the count of lost marks
			stalled.release()
			switch then {
			case "another record":
				for w.Err() != nil {
					_ = w.Sync()
				}
				n, last = n+1, last+1
				if err := w.execute(n); err != nil {
					t.Fatal(err)
				}
				fallthrough
			case "nothing":
				if err := w.Sync(); err != nil {
					t.Fatal(err)
				}
				w.kill()
			default:
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			got, damage := readAll(t, dir, ReadFrom{})
			consecutive(t, got, 1, last)
			state, _, err := Load(dir)
			if err != nil || state.Holed || state.Lost != 1 ||
				state.Strategies[7].Holdings[1].State.Position != float64(n) || len(damage) > 0 {
				t.Errorf("%+v, %v, %v", state, damage, err)
			}
		})
	}
}

// TestHole: behind records that are missing, sums and executions are those before them, because the venue is asked
// for what was executed since; what it does not tell is taken from behind them. A run goes on from that.
func TestHole(t *testing.T) {
	base := t.TempDir()
	w, _ := open(t, testConfig(t, base))
	fillJournal(t, w, 1, 6)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	sixth := w.disk.at // its end
	fillJournal(t, w, 7, 10)
	_, e := execution(3)
	for i := uint64(1); i <= 2; i++ {
		sent := &Sent{Order: e.Order, Number: 40 + i}
		if err := Append(w, &Head{Kind: KindSent, Bot: 7, Incarnation: 2, Instrument: 1}, sent, "o", "o",
			""); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(Append(w, &Head{Kind: KindTradingState, Instrument: 1}, &TradingState{To: 2}, "", "",
		"cause", "who"),
		Append(w, &Head{Kind: KindHeld, Bot: 7}, &None{}, "a", "stopped"), w.Close()); err != nil {
		t.Fatal(err)
	}
	path := segmentsOf(t, base)[0].path
	image := mustRead(t, path)
	image[sixth-8] ^= 1
	mustWrite(t, path, image)

	check := func(s *State, position float64, booked int) {
		t.Helper()
		st := s.Strategies[7]
		if a := st.Holdings[1]; a.State.Position != position || a.NumFills != uint64(position) ||
			len(s.Executions[1].Booked) != booked {
			t.Errorf("position %v after %d executions, want %v: %+v", a.State.Position, len(s.Executions[1].Booked),
				position, s.Executions[1])
		}
		if st.ClientNumber != 42 || st.NewestIncarnation != 2 || st.Held == nil || s.Halts[1].Cause != "cause" {
			t.Errorf("%+v, halts %+v", st, s.Halts)
		}
	}
	state, damage, err := Load(base)
	if err != nil || len(damage) != 1 || !state.Holed {
		t.Fatal(state, damage, err)
	}
	check(state, 5, 5)
	w, rec := open(t, testConfig(t, base))
	check(rec.State, 5, 5)
	fillJournal(t, w, 6, 8) // the venue has told
	w.kill()
	if state, damage, err = Load(base); err != nil || len(damage) > 0 || state.Holed {
		t.Fatal(state, damage, err)
	}
	check(state, 8, 8)
	for i, b := range state.Executions[1].Booked {
		if b.ID != fmt.Sprint("trade-", i+1) {
			t.Errorf("%+v", b)
		}
	}
}

// TestHoleOfReplacedOrder: an order that was replaced behind a hole is not known, because both that it was are asked
// for.
func TestHoleOfReplacedOrder(t *testing.T) {
	_, e := execution(3)
	for _, replacement := range []string{"", "second"} {
		s := NewState()
		e.Order.Req, e.Order.Status, e.Order.LeavesQty = 0, 1, 1
		for i, r := range []Record{recordOf(Head{Kind: KindSent, Bot: 7, Instrument: 1}, Sent{Order: e.Order,
			Number: 1}, "first", "first", ""),
			recordOf(Head{Kind: KindOrder, Bot: 7, Instrument: 1}, OrderState{Order: e.Order}, "first", "first", "v"),
			recordOf(Head{Kind: KindSent, Bot: 7, Instrument: 1}, Sent{Order: e.Order, Number: 3}, "first", "first",
				replacement)} {
			r.Sequence = []uint64{1, 2, 4}[i]
			s.Apply(&r)
		}
		a := s.Strategies[7].Holdings[1]
		if want := 1 - len(replacement)/6; len(a.Orders) != want || len(a.Sent) != want ||
			s.Strategies[7].ClientNumber != 3 {
			t.Errorf("replaced by %q: %+v", replacement, a)
		}
	}
}

// TestVerifyLostSums: the run after one that has lost sums begins with a checkpoint, which is no damage.
func TestVerifyLostSums(t *testing.T) {
	base := t.TempDir()
	w, _ := open(t, testConfig(t, base))
	fillJournal(t, w, 1, 3)
	if err := Append(w, &Head{Kind: KindLost}, &Lost{Count: 1}, lostOwed); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if state, _, err := Load(base); err != nil || !state.Holed {
		t.Fatal(state, err)
	}
	for range 2 {
		w, _ = open(t, testConfig(t, base))
		fillJournal(t, w, 4, 5)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if rep, err := Verify(t.Context(), base); err != nil || len(rep.Damage) > 0 {
		t.Errorf("%+v, %v", rep.Damage, err)
	}
}
