package journal

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

var errDisk = errors.New("input/output error")

// faultyDisk makes files that fail as told.
type faultyDisk struct {
	mu                     sync.Mutex
	gate                   chan struct{} // closed when the disk goes on
	writes, syncs, creates int           // how many of them still fail
	torn                   bool          // a write that fails writes half
	random                 *rand.Rand    // fails one in ten at random
	afterFailure           int           // writes to a file that has failed before
}

func (d *faultyDisk) stall() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gate = make(chan struct{})
}

func (d *faultyDisk) release() { close(d.gate) }

// fails counts one down.
func (d *faultyDisk) fails(n *int) bool {
	d.mu.Lock()
	gate := d.gate
	d.mu.Unlock()
	if gate != nil {
		<-gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.random != nil {
		return d.random.IntN(10) == 0
	}
	*n--
	return *n >= 0
}

func (d *faultyDisk) create(path string, bytes int64) (File, error) {
	if d.fails(&d.creates) {
		return nil, syscall.ENOSPC
	}
	f, err := create(path, bytes)
	return &faultyFile{File: f, disk: d}, err
}

type faultyFile struct {
	File
	disk   *faultyDisk
	failed bool
}

func (f *faultyFile) WriteAt(p []byte, at int64) (int, error) {
	if f.failed {
		f.disk.afterFailure++
	}
	if f.disk.fails(&f.disk.writes) {
		f.failed = true
		if f.disk.torn {
			_, _ = f.File.WriteAt(p[:len(p)/2], at)
		}
		return 0, errDisk
	}
	return f.File.WriteAt(p, at)
}

func (f *faultyFile) Sync() error {
	if f.disk.fails(&f.disk.syncs) {
		f.failed = true
		return errDisk
	}
	return f.File.Sync()
}

// TestFailedWrites: nothing is lost by a write, a sync or a new segment that fails, and no file is written after it has failed.
func TestFailedWrites(t *testing.T) {
	for name, fail := range map[string]func(*faultyDisk){
		"write":             func(d *faultyDisk) { d.writes = 1 },
		"torn write":        func(d *faultyDisk) { d.writes, d.torn = 1, true },
		"sync":              func(d *faultyDisk) { d.syncs = 1 },
		"new segment, too":  func(d *faultyDisk) { d.writes, d.creates = 1, 1 },
		"checkpoint, twice": func(d *faultyDisk) { d.syncs, d.writes = 1, 2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			disk := &faultyDisk{}
			cfg := testConfig(t, dir)
			cfg.create = disk.create
			w, _ := open(t, cfg)
			fillJournal(t, w, 1, 100)
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
			disk.mu.Lock()
			fail(disk)
			disk.mu.Unlock()
			fillJournal(t, w, 101, 200)
			for w.Err() == nil && w.Sync() == nil {
				fillJournal(t, w, 201, 201)
				t.Fatal("nothing failed")
			}
			if !errors.Is(w.Err(), errDisk) && !errors.Is(w.Err(), syscall.ENOSPC) {
				t.Errorf("failure %v", w.Err())
			}
			for w.Err() != nil {
				time.Sleep(time.Millisecond)
			}
			fillJournal(t, w, 201, 300)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, damage := readAll(t, dir, ReadFrom{})
			consecutive(t, got, 1, 300)
			if rep := verified(t, dir); len(damage) > 0 || len(rep.Damage) > 0 || disk.afterFailure > 0 {
				t.Errorf("damage %v, %+v, %d writes to a file that had failed", damage, rep, disk.afterFailure)
			}
		})
	}
}

// TestDiskThatFailsAtRandom kills and opens the writer all the while.
func TestDiskThatFailsAtRandom(t *testing.T) {
	for seed := range uint64(3) {
		dir := t.TempDir()
		written := 0
		for run := range 8 {
			disk := &faultyDisk{}
			cfg := testConfig(t, dir)
			cfg.SegmentBytes = 16 << 10
			cfg.create = disk.create
			w, rec := open(t, cfg)
			if rec.State.Sequence != uint64(written) || len(rec.Damage) > 0 {
				t.Fatalf("seed %d, run %d: state of %d, want %d; damage %v", seed, run, rec.State.Sequence, written, rec.Damage)
			}
			disk.mu.Lock()
			disk.random, disk.torn = rand.New(rand.NewPCG(seed, uint64(run))), run%2 == 0
			disk.mu.Unlock()
			for range 30 {
				for range 20 {
					if err := w.execute(written + 1); err != nil {
						t.Fatal(err)
					}
					written++
				}
				_ = w.Sync()
			}
			w.kill()
		}
		got, damage := readAll(t, dir, ReadFrom{})
		consecutive(t, got, 1, uint64(written))
		if rep := verified(t, dir); len(damage) > 0 || len(rep.Damage) > 0 {
			t.Errorf("seed %d: %v %+v", seed, damage, rep)
		}
	}
}

// TestFailureThatStays: an orderly end with a disk that is gone leaves the ring, and the next start has everything.
func TestFailureThatStays(t *testing.T) {
	dir := t.TempDir()
	disk := &faultyDisk{}
	cfg := testConfig(t, dir)
	cfg.create = disk.create
	w, _ := open(t, cfg)
	fillJournal(t, w, 1, 100)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	disk.mu.Lock()
	disk.syncs, disk.creates = 1, 1_000_000
	disk.mu.Unlock()
	fillJournal(t, w, 101, 150)
	if err := w.Close(); err == nil {
		t.Fatal("closed without an error")
	}
	_, rec := open(t, testConfig(t, dir))
	if rec.State.Sequence != 150 || !rec.Unclean {
		t.Errorf("%+v", rec)
	}
	got, damage := readAll(t, dir, ReadFrom{})
	consecutive(t, got, 1, 150)
	if len(damage) > 0 {
		t.Error(damage)
	}
}

// TestDiskFull fills a file system of one megabyte, and frees it again.
func TestDiskFull(t *testing.T) {
	mount := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "none", mount).CombinedOutput(); err != nil {
		t.Skipf("needs to mount: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", mount).Run() })
	dir := filepath.Join(mount, "journal")
	cfg := testConfig(t, dir)
	cfg.ringPaths = []string{filepath.Join(t.TempDir(), ringName)}
	cfg.SegmentBytes = 256 << 10
	w, _ := open(t, cfg)
	ballast := filepath.Join(mount, "ballast")
	if f, err := create(ballast, 600<<10); err != nil {
		t.Fatal(err)
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	written := 0
	for w.Err() == nil {
		fillJournal(t, w, written+1, written+100)
		written += 100
		_ = w.Sync()
	}
	if err := w.Err(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("full: %v", err)
	}
	fillJournal(t, w, written+1, written+20) // the ends of what has begun still have room
	written += 20
	for limit := time.Now().Add(time.Minute); w.tail.Load() != w.head.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("what is kept in reserve was not used")
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for w.Err() != nil {
		time.Sleep(time.Millisecond)
	}
	fillJournal(t, w, written+1, written+100)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, damage := readAll(t, dir, ReadFrom{})
	consecutive(t, got, 1, uint64(written+100))
	if rep := verified(t, dir); len(damage) > 0 || len(rep.Damage) > 0 {
		t.Errorf("%v %+v", damage, rep)
	}
}

// TestReadOnly: a directory that cannot be written to is an error at the start that says so.
func TestReadOnly(t *testing.T) {
	mount := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=4m", "none", mount).CombinedOutput(); err != nil {
		t.Skipf("needs to mount: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", mount).Run() })
	dir := filepath.Join(mount, "journal")
	cfg := testConfig(t, dir)
	cfg.ringPaths = []string{filepath.Join(t.TempDir(), ringName)}
	cfg.SegmentBytes = 1 << 20
	w, _ := open(t, cfg)
	fillJournal(t, w, 1, 10)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "remount,ro", mount).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if _, _, err := Open(cfg); !errors.Is(err, syscall.EROFS) {
		t.Errorf("opened for writing: %v", err)
	}
	got, _ := readAll(t, dir, ReadFrom{})
	consecutive(t, got, 1, 10)
	if _, err := Verify(context.Background(), dir); err != nil {
		t.Error(err)
	}
}

// TestFolderRemoved: somebody removes the directory while it is written. The journal goes on with the State that it
// had.
func TestFolderRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	cfg := testConfig(t, dir)
	cfg.ringPaths = []string{filepath.Join(t.TempDir(), ringName)}
	w, _ := open(t, cfg)
	fillJournal(t, w, 1, 100)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(segmentPath(dir, 2)); err == nil {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("it does not go on")
		}
	}
	fillJournal(t, w, 101, 150)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, damage := readAll(t, dir, ReadFrom{})
	consecutive(t, got, 101, 150)
	if state, _, err := Load(dir); err != nil || state.Strategies[7].Holdings[1].State.Position != 150 || len(damage) > 0 {
		t.Errorf("%v %v", err, damage)
	}
}

// TestDirectoryOfAnother: a journal whose directory was removed does not write into that of the next writer there.
func TestDirectoryOfAnother(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	cfg := testConfig(t, dir)
	cfg.ringPaths = []string{filepath.Join(t.TempDir(), "ring")}
	w, _ := open(t, cfg)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	other, _ := open(t, testConfig(t, dir))
	for _, writer := range []*Writer{w, other} {
		for i := 1; i <= 10; i++ {
			head, body := execution(i)
			_ = Append(writer, head, body)
		}
	}
	for deadline := time.Now().Add(time.Minute); w.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it still writes")
		}
	}
	if err := other.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if report, err := Verify(t.Context(), dir); err != nil || len(report.Damage) > 0 || report.Segments != 1 || report.Last != 10 {
		t.Errorf("%+v, %v", report, err)
	}
}
