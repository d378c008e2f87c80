package journal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// moneyOf returns the sequences of a year's file by kind.
func moneyOf(t *testing.T, path string) map[Kind][]uint64 {
	t.Helper()
	raw := mustRead(t, path)
	p := newParser(segmentHeaderAt(raw).journal)
	found := make(map[Kind][]uint64)
	var r Record
	for rest := raw[segmentHeaderBytes:]; len(rest) > 0; {
		n, o := p.parse(rest, &r)
		if o != valid {
			t.Fatalf("%s: not valid at byte %d", path, len(raw)-len(rest))
		}
		if r.Kind == KindExecution {
			checkExecution(t, &r)
		}
		found[r.Kind] = append(found[r.Kind], r.Sequence)
		rest = rest[n:]
	}
	return found
}

// TestRetention: old segments go, what is about money in them does not, each record once, even if copying was
// interrupted.
func TestRetention(t *testing.T) {
	dir := t.TempDir()
	var now atomic.Int64
	now.Store(1_700_000_000 * second)
	cfg := testConfig(t, dir)
	cfg.NowNs = now.Load
	cfg.Keep = time.Hour
	cfg.SegmentBytes = 64 << 10
	w, _ := open(t, cfg)
	if _, err := w.Instrument("venue", "BTCUSDT", 0.1, 0.001); err != nil {
		t.Fatal(err)
	}
	const n = 1000
	for i := 1; i <= n; i++ {
		fillJournal(t, w, i, i)
		if err := Append(w, &Head{Kind: KindRequest, TimeNs: now.Load(), Bot: 7, Instrument: 1}, &Request{}); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
			now.Add(int64(10 * time.Minute))
		}
	}
	w.kill()
	segments := segmentsOf(t, dir)
	year := filepath.Join(dir, moneyFolder, "2023"+segmentSuffix)
	first := segments[0].first
	if first == 1 || len(segments) < 3 {
		t.Fatalf("nothing has gone: %d segments, the first from %d", len(segments), first)
	}
	found := moneyOf(t, year)
	if len(found[KindInstrument]) != 1 || len(found[KindRequest]) != 0 || len(found[KindExecution]) != int(first-1)/2 {
		t.Fatalf("%d instruments, %d executions before record %d", len(found[KindInstrument]), len(found[KindExecution]), first)
	}
	if rep := verified(t, dir); len(rep.Damage) > 0 || rep.First != first {
		t.Errorf("%+v", rep)
	}

	// Broken off in the midst of a record, and the segment was still there.
	before := mustRead(t, year)
	mustWrite(t, year, before[:len(before)-13])
	copyOfFirst := mustRead(t, segments[0].path)
	if _, err := Retain(dir, now.Load()+int64(time.Hour), segments[1].number); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, segments[0].path, copyOfFirst) // not removed yet
	if _, err := Retain(dir, now.Load()+int64(time.Hour), segments[1].number); err != nil {
		t.Fatal(err)
	}
	again := moneyOf(t, year)
	lost := 1 // the record that was cut off was of a segment that had gone
	if want := int(segments[1].first-1)/2 - lost; len(again[KindExecution]) != want {
		t.Errorf("%d executions, want %d", len(again[KindExecution]), want)
	}
	if _, err := os.Stat(segments[0].path); err == nil {
		t.Error("the segment is still there")
	}

	// A damaged file of money is not added to, and no segment goes.
	whole := mustRead(t, year)
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	mustWrite(t, year, damaged)
	if removed, err := Retain(dir, now.Load()+int64(time.Hour), segments[len(segments)-1].number); err == nil || removed > 0 {
		t.Errorf("%d removed, %v", removed, err)
	}
}

// TestBeforeRemove: whoever needs the records of a segment has them before it goes; it stays when they could not be read,
// but not for good.
func TestBeforeRemove(t *testing.T) {
	dir := t.TempDir()
	var now atomic.Int64
	now.Store(1_700_000_000 * second)
	cfg := testConfig(t, dir)
	cfg.NowNs, cfg.Keep, cfg.SegmentBytes = now.Load, time.Hour, 64<<10
	var asked, first atomic.Int64
	var refuse atomic.Bool
	refuse.Store(true)
	cfg.BeforeRemove = func(context.Context) error {
		asked.Add(1)
		first.Store(int64(segmentsOf(t, dir)[0].first))
		if refuse.Load() {
			return errors.New("not now")
		}
		return nil
	}
	cfg.Notify = func(Notice) {}
	n := 0
	fill := func(minutes ...int) []segment { // a run after each of some pauses
		for _, m := range minutes {
			now.Add(int64(m) * int64(time.Minute))
			w, _ := open(t, cfg)
			fillJournal(t, w, n+1, n+1000)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			n += 1000
		}
		return segmentsOf(t, dir)
	}
	if fill(0); asked.Load() != 0 {
		t.Fatal("it was called though nothing is to go")
	}
	if s := fill(30, 30, 30); asked.Load() == 0 || s[0].first != 1 {
		t.Fatalf("asked %d times, the first record is %d", asked.Load(), s[0].first)
	}
	refuse.Store(false)
	if s := fill(0); first.Load() != 1 || s[0].first == 1 {
		t.Fatalf("the first record is %d, and was %d before", s[0].first, first.Load())
	}
	refuse.Store(true)
	before := segmentsOf(t, dir)[0].first
	if s := fill(30, 30, 30, 30, 30, 30); s[0].first == before {
		t.Error("a segment stays for good")
	}
}

// TestNothingGoesWhileTheClockIsInDoubt: the time says that all is old, but it has jumped.
func TestNothingGoesWhileTheClockIsInDoubt(t *testing.T) {
	dir := t.TempDir()
	var now atomic.Int64
	now.Store(1_700_000_000 * second)
	cfg := testConfig(t, dir)
	cfg.NowNs, cfg.Keep, cfg.SegmentBytes = now.Load, time.Hour, 64<<10
	w, _ := open(t, cfg)
	if err := Append(w, &Head{Kind: KindClockStep}, &ClockStep{ByNs: int64(1000 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	now.Add(int64(1000 * time.Hour))
	fillJournal(t, w, 1, 1000)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if s := segmentsOf(t, dir); s[0].first != 1 || len(s) < 3 {
		t.Fatal("segments have gone")
	}
	for i := range 4 { // a jump counts half
		now.Add(int64(1000 * time.Hour))
		w, _ = open(t, cfg)
		if err := Append(w, &Head{Kind: KindClockStep}, &ClockStep{Confirmed: 1}); err != nil {
			t.Fatal(err)
		}
		fillJournal(t, w, 1000*(i+1)+1, 1000*(i+2))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if s := segmentsOf(t, dir); s[0].first == 1 {
		t.Error("nothing has gone after the time was confirmed")
	}
}

// TestRetentionWithAWrongClock: a segment goes when the journal has seen enough time pass since. Clocks that are wrong, at any
// start of the host, let nothing go that is not at least half as old as what is to be kept, and stop nothing for ever.
func TestRetentionWithAWrongClock(t *testing.T) {
	const day, keep = 24 * 3600 * second, 30 * 24 * 3600 * second
	const today = 20000 * day
	for _, test := range []struct {
		name  string
		begun []int64 // days of segments, from today
		now   int64
		want  int
	}{
		{"right", []int64{-80, -70, -60, -50, -40, -29, -10, 0}, 0, 4},
		{"now in the year 1970", []int64{-80, -70, -60, -50, -40, -29, -10, 0}, -20000, 0},
		{"now ten years ahead, twice", []int64{-10, -5, 0, 3650, 3650}, 3650, 0},
		{"now ten years ahead, old ones besides", []int64{-40, -30, -20, -10, 0, 3650}, 3650, 2},
		{"one begun in 1970", []int64{-10, -20000, -5, 0}, 0, 0},
		{"each start begins in 1970", []int64{-3, -20000, -3, -20000, -2, -20000, -1, -20000, 0}, 0, 0},
		{"one begun ten years ahead, long ago", []int64{-90, 3650, -80, -70, -55, -40, -25, 0}, 0, 4},
		{"the host was away for a year", []int64{-370, -366, -365, 0}, 0, 0},
		{"and has run for long since", []int64{-420, -410, -400, -40, -31, -20, 0}, 0, 3},
	} {
		var segments []segment
		for i, at := range test.begun {
			segments = append(segments, segment{segmentHeader: segmentHeader{number: uint64(i), createdNs: today + at*day}})
		}
		if got := old(segments, today+test.now*day, keep, 1<<40); got != test.want {
			t.Errorf("%s: %d may go, want %d", test.name, got, test.want)
		}
		if got := old(segments, today+test.now*day, keep, 1); got > 1 {
			t.Errorf("%s: %d may go, of which one is not the writer's", test.name, got)
		}
	}
}
