package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(t, dir)
	w, rec := open(t, cfg)
	if rec.Unclean || rec.State.Sequence != 0 {
		t.Fatalf("a new journal: %+v", rec)
	}
	number, err := w.Instrument("venue", "BTCUSDT", 0.1, 0.001)
	if err != nil || number != 1 {
		t.Fatal(number, err)
	}
	fillJournal(t, w, 1, 5000)
	if again, err := w.Instrument("venue", "BTCUSDT", 0.1, 0.001); again != 1 || err != nil || w.Sequence() != 5001 {
		t.Fatal(again, err, w.Sequence())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cfg.ringPaths[0]); !errors.Is(err, os.ErrNotExist) {
		t.Error("the ring is left after an orderly end")
	}
	got, damage := readAll(t, dir, ReadFrom{})
	consecutive(t, got, 1, 5001)
	if len(damage) > 0 {
		t.Error(damage)
	}
	got, _ = readAll(t, dir, ReadFrom{Sequence: 4000})
	consecutive(t, got, 4000, 5001)
	got, _ = readAll(t, dir, ReadFrom{TimeNs: 1_700_000_000*second + 3000})
	consecutive(t, got, 3001, 5001)

	w, rec = open(t, testConfig(t, dir))
	if a := rec.State.Strategies[7].Holdings[1]; rec.Unclean || rec.State.Sequence != 5001 || a.State.Position != 5000 || len(a.Orders) != 0 {
		t.Fatalf("state %+v", rec.State)
	}
	fillJournal(t, w, 5001, 6000)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, damage = readAll(t, dir, ReadFrom{})
	consecutive(t, got, 1, 6001)
	if rep := verified(t, dir); len(damage) > 0 || len(rep.Damage) > 0 || rep.Segments < 2 || rep.Checkpoints != rep.Segments || rep.Records != 6001 || rep.TornBytes != 0 {
		t.Errorf("%v %+v", damage, rep)
	}
}

func TestOneWriterForAFolder(t *testing.T) {
	dir := t.TempDir()
	w, _ := open(t, testConfig(t, dir))
	if _, _, err := Open(testConfig(t, dir)); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second writer: %v", err)
	}
	fillJournal(t, w, 1, 3)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, testConfig(t, dir))
}

func TestFilesAreOfTheUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	w, _ := open(t, testConfig(t, dir))
	fillJournal(t, w, 1, 3)
	for _, path := range []string{segmentsOf(t, dir)[0].path, w.ring.path} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info.Mode(), err)
	}
}

// TestRotation writes many segments, through a ring that is gone through many times.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(t, dir)
	cfg.SegmentBytes = 64 << 10
	w, _ := open(t, cfg)
	const n = 20_000
	for i := 1; i <= n; i++ {
		for errors.Is(w.Err(), ErrFull) {
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.execute(i); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rep := verified(t, dir)
	if rep.Segments < 10 || len(rep.Damage) > 0 || rep.Records != n || rep.Checkpoints != rep.Segments {
		t.Fatalf("%+v", rep)
	}
	for _, from := range []uint64{1, 2, 777, n - 1, n} {
		got, _ := readAll(t, dir, ReadFrom{Sequence: from})
		consecutive(t, got, from, n)
	}
}

// TestRingFull: what has no room is refused, counted and told in the journal.
func TestRingFull(t *testing.T) {
	dir := t.TempDir()
	stalled := &faultyDisk{}
	cfg := testConfig(t, dir)
	cfg.create = stalled.create
	w, _ := open(t, cfg)
	fillJournal(t, w, 1, 10)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	stalled.stall()
	written, refused := 10, 0
	warned := false
	for refused < 5 {
		before := w.Err()
		if err := Append(w, &Head{Kind: KindMark}, &Mark{}); err == nil {
			written++
		} else if errors.Is(err, ErrFull) {
			warned = warned || before != nil
			refused++
		} else {
			t.Fatal(err)
		}
	}
	if !warned {
		t.Error("Err said nothing before the ring was full")
	}
	stalled.release()
	for w.Err() != nil {
		_ = w.Sync()
	}
	if err := w.execute(written + 1); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, damage := readAll(t, dir, ReadFrom{})
	consecutive(t, got, 1, uint64(written+2))
	if rep := verified(t, dir); rep.Lost != 5 || len(damage) > 0 || len(rep.Damage) > 0 {
		t.Errorf("%+v, %v", rep, damage)
	}
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(t, dir)
	cfg.SegmentBytes = 32 << 10
	w, _ := open(t, cfg)
	r, err := OpenReader(dir, ReadFrom{Sequence: 100, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	const n = 3000
	failed := make(chan error, 1)
	go func() {
		for i := 1; i <= n; i++ {
			if err := w.execute(i); err != nil {
				failed <- err
				return
			}
			if i%100 == 0 {
				if err := w.Sync(); err != nil {
					failed <- err
					return
				}
			}
		}
		failed <- nil
	}()
	for want := uint64(100); want <= n; want++ {
		rec, err := r.Next(context.Background())
		if err != nil || rec.Sequence != want {
			t.Fatalf("record %v, %v, want %d", rec, err, want)
		}
		checkExecution(t, rec)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if len(segmentsOf(t, dir)) < 5 || len(r.Damage()) > 0 {
		t.Errorf("%d segments, damage %v", len(segmentsOf(t, dir)), r.Damage())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("at the end: %v", err)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.RingBytes = 2 << 20
	w, _ := open(t, cfg)
	h, e := execution(1)
	if n := testing.AllocsPerRun(1000, func() {
		if err := Append(w, h, e, "client-id", "client-id", "venue-id", "trade-id", "USDT"); err != nil {
			t.Fatal(err)
		}
	}); n >= 1 { // the goroutine that writes now and then needs memory
		t.Errorf("%v allocations", n)
	}
}

// TestManyRecords: ten million with HFTRUNNER_LONG=1.
func TestManyRecords(t *testing.T) {
	n := 100_000
	if long() {
		n = 10_000_000
	}
	dir := t.TempDir()
	cfg := testConfig(t, dir)
	cfg.RingBytes, cfg.SegmentBytes = DefaultRingBytes, DefaultSegmentBytes
	w, _ := open(t, cfg)
	for i := 1; i <= n; i++ {
		for w.Err() != nil {
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.execute(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if rep := verified(t, dir); rep.Records != uint64(n) || rep.Last != uint64(n) || len(rep.Damage) > 0 || rep.Lost > 0 {
		t.Errorf("%+v", rep)
	}
}

// TestAbandonedRings: the ring of a killed host goes when its directory has gone, and not before.
func TestAbandonedRings(t *testing.T) {
	if _, err := os.Stat(ringFolder); err != nil {
		t.Skip("rings are in the journal's folder here")
	}
	dir := filepath.Join(t.TempDir(), "journal")
	cfg := testConfig(t, dir)
	cfg.ringPaths = nil
	w, _ := open(t, cfg)
	fillJournal(t, w, 1, 3)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	path := w.ring.path
	w.kill()
	removeAbandoned()
	if _, err := os.Stat(path); err != nil || filepath.Dir(path) != ringFolder {
		t.Fatalf("%s: %v", path, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	removeAbandoned()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", path, err)
	}
}
