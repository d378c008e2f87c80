package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

const second = int64(time.Second)

// testConfig is a journal of a test, with a ring of its own that goes with the test.
func testConfig(t testing.TB, dir string) Config {
	t.Helper()
	now := 1_700_000_000 * second
	return Config{Dir: dir, NowNs: func() int64 { return now }, RingBytes: 256 << 10, SegmentBytes: 1 << 20, ringPaths: []string{filepath.Join(dir, ringName)},
		Notify: func(n Notice) { t.Logf("notice: %s: %v", n.Text, n.Err) }}
}

func open(t testing.TB, cfg Config) (*Writer, *Recovery) {
	t.Helper()
	w, rec, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w, rec
}

// kill leaves a writer as a killed process does: ring and segment stay as they are, the lock goes.
func (w *Writer) kill() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	w.drained.Wait()
	w.disk.keeping.Wait()
	if w.disk.file != nil {
		_ = w.disk.file.Close()
	}
	_ = w.ring.close(false)
	_ = w.lock.Close()
}

// execution returns record number i of a strategy that buys one lot each time.
func execution(i int) (*Head, *Execution) {
	o := hft.NewOrder(uint64(i), 100+int64(i%7), 0.1, 1, hft.Buy, hft.Limit, hft.GTC)
	o.Status, o.LeavesQty, o.ExecQty, o.ExecPriceTick, o.Maker = hft.StatusFilled, 0, 1, o.PriceTick, i%2 == 0
	e := &Execution{Order: o, Value: o.Price(), Fee: 0.01}
	e.Holding.State = hft.StateValues{Position: float64(i), Balance: -float64(i), NumTrades: int64(i)}
	e.Holding.NumFills = uint64(i)
	return &Head{Kind: KindExecution, TimeNs: 1_700_000_000*second + int64(i), Bot: 7, Incarnation: 1, Instrument: 1}, e
}

func (w *Writer) execute(i int) error {
	h, e := execution(i)
	return Append(w, h, e, fmt.Sprint("origin-", i), fmt.Sprint("origin-", i), "venue", fmt.Sprint("trade-", i), "USDT")
}

func fillJournal(t testing.TB, w *Writer, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		for errors.Is(w.Err(), ErrFull) {
			_ = w.Sync()
		}
		if err := w.execute(i); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
}

// readAll returns the sequences that a reader gives, and checks that each record is the execution of that number.
func readAll(t testing.TB, dir string, from ReadFrom) (sequences []uint64, damage []Damage) {
	t.Helper()
	r, err := OpenReader(dir, from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for {
		rec, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return sequences, r.Damage()
		}
		if err != nil {
			t.Fatal(err)
		}
		sequences = append(sequences, rec.Sequence)
		if rec.Kind == KindExecution {
			checkExecution(t, rec)
		}
	}
}

func checkExecution(t testing.TB, rec *Record) {
	t.Helper()
	got, ok := As[Execution](rec)
	h, want := execution(int(got.Holding.NumFills))
	if !ok || got != *want || rec.Head != *h || rec.Text(3) != fmt.Sprint("trade-", got.Holding.NumFills) || rec.Text(4) != "USDT" || rec.Text(5) != "" {
		t.Fatalf("record %d: %+v %q, want %+v", rec.Sequence, got, rec.Text(3), *want)
	}
}

// consecutive fails unless the sequences are all from first to last.
func consecutive(t testing.TB, got []uint64, first, last uint64) {
	t.Helper()
	if uint64(len(got)) != last-first+1 {
		t.Fatalf("%d records, want %d to %d", len(got), first, last)
	}
	for i, s := range got {
		if s != first+uint64(i) {
			t.Fatalf("record %d at place %d, want %d", s, i, first+uint64(i))
		}
	}
}

func verified(t testing.TB, dir string) Report {
	t.Helper()
	rep, err := Verify(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func segmentsOf(t testing.TB, dir string) []segment {
	t.Helper()
	list, bad, err := listSegments(dir)
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	return list
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustWrite(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyFolder copies the files of a directory.
func copyFolder(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func long() bool { return os.Getenv("HFTRUNNER_LONG") == "1" }
