package journal

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestNewestSegmentIsDamaged: a segment whose header cannot be read is kept under another name, and what comes goes
// into one of another number. Without any that can be read nothing begins.
func TestNewestSegmentIsDamaged(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		w, rec := open(t, testConfig(t, dir))
		first := int(rec.State.Sequence) + 1
		fillJournal(t, w, first, first+4)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	list := segmentsOf(t, dir)
	damage := func(path string) []byte {
		image := mustRead(t, path)
		image[20] ^= 1
		mustWrite(t, path, image)
		return image
	}
	image := damage(list[1].path)
	w, rec := open(t, testConfig(t, dir))
	if rec.State.Sequence != 5 || len(rec.Damage) != 1 || !strings.Contains(rec.Damage[0].Reason, list[1].path) {
		t.Errorf("%+v", rec)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := segmentsOf(t, dir); len(got) != 2 || got[1].number != 3 || !slices.Equal(mustRead(t,
		list[1].path+damagedSuffix), image) {
		t.Errorf("%+v", got)
	}
	for _, s := range segmentsOf(t, dir) {
		damage(s.path)
	}
	if _, _, err := Open(testConfig(t, dir)); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("began with nothing that can be read: %v", err)
	}
}

// TestFolderThatCannotBeSynced: a segment whose name may not be durable has not begun, and what is appended meanwhile
// is lost neither by what a reader takes of the one before nor by a power cut.
func TestFolderThatCannotBeSynced(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(t, dir)
	cfg.SegmentBytes = 64 << 10
	var fails atomic.Bool
	cfg.syncFolder = func(dir string) error {
		if fails.Load() {
			return errDisk
		}
		return syncFolder(dir)
	}
	w, _ := open(t, cfg)
	fails.Store(true)
	n := 0
	for w.failure.Load() == nil { // until the next segment is to begin
		n++
		fillJournal(t, w, n, n)
		_ = w.Sync()
	}
	for range 20 {
		n++
		if err := w.execute(n); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "they are written", func() bool { return w.tail.Load() == w.head.Load() })
	w.kill()
	if err := os.Remove(w.cfg.ringPaths[0]); err != nil {
		t.Fatal(err)
	}
	got, damage := readAll(t, dir, ReadFrom{})
	consecutive(t, got, 1, uint64(n))
	if len(damage) > 0 {
		t.Error(damage)
	}
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for began := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("it did not happen: " + what)
		}
	}
}

// TestCorruptInMemory: what somebody else has written to the ring is not written to the disk, again and again; what
// comes before it is.
func TestCorruptInMemory(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(t, dir)
	cfg.syncEvery = time.Hour
	w, _ := open(t, cfg)
	fillJournal(t, w, 1, 2)
	at := w.head.Load()
	fillJournal(t, w, 3, 3)
	binary.NativeEndian.PutUint64(w.ring.data[at:], 0)
	for range 3 {
		if err := w.Sync(); err == nil || errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
	}
	size := w.disk.at
	w.kill()
	if got, damage := readAll(t, dir, ReadFrom{}); len(got) != 2 || len(damage) > 0 {
		t.Errorf("%v, %v", got, damage)
	}
	info, err := os.Stat(filepath.Join(dir, "00000001.journal"))
	if raw := mustRead(t, filepath.Join(dir, "00000001.journal")); err != nil || strings.Trim(string(raw[size:]),
		"\x00") != "" {
		t.Errorf("%d bytes, written up to %d: %v", info.Size(), size, err)
	}
}
