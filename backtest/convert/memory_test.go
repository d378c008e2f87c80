package convert_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"hftrunner/backtest/convert"
)

// TestMemoryIsBounded converts copies of one recording, whose rows fall between each other, and watches the heap: two
// copies, or twenty with HFTRUNNER_LONG=1, which are ten million rows or 640 MB.
func TestMemoryIsBounded(t *testing.T) {
	copies := 2
	if os.Getenv("HFTRUNNER_LONG") != "" {
		copies = 20
	}
	var stats runtime.MemStats
	peak := uint64(0)
	calls := 0
	out := filepath.Join(t.TempDir(), "out.npy")
	runtime.GC()
	s, err := convert.Events(t.Context(), slices.Repeat([]string{recordingPath(t, "btcusdt_20240808.gz")}, copies), out, convert.Options{
		NewDecoder: futures, MemoryRows: 50_000, Progress: func(convert.Progress) {
			if calls++; calls%16 == 0 {
				runtime.ReadMemStats(&stats)
				peak = max(peak, stats.HeapAlloc)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(copies)
	if s.Both+s.ExchOnly != n*466_836 || s.Both+s.LocalOnly != n*466_836 || s.TimesBackwards != n-1 {
		t.Errorf("%+v", s)
	}
	// 50,000 rows are 4 MB with their sort, the rest are buffers; garbage may double it. The rows have 30 MB a copy.
	if peak > 32<<20 {
		t.Errorf("the heap had %d MB with %d rows", peak>>20, s.NumRows)
	}
	t.Logf("%d rows, heap up to %d MB", s.NumRows, peak>>20)
}

func TestAllocatesNothingPerRow(t *testing.T) {
	files := write(t, string(bytes.Join(recordedLines(t, "btcusdt_20240808.gz", 14_000), nil)))
	out := filepath.Join(t.TempDir(), "out.npy")
	for _, memoryRows := range []int{0, 20_000} {
		if n := testing.AllocsPerRun(1, func() {
			if _, err := convert.Events(t.Context(), files, out, convert.Options{NewDecoder: futures, MemoryRows: memoryRows}); err != nil {
				t.Fatal(err)
			}
		}); n > 1000 {
			t.Errorf("%v allocations for 75092 rows", n)
		}
	}
}
