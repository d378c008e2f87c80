package convert_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// TestMemoryIsBounded converts copies of one recording, whose rows fall between each other, and watches the heap:
// forty copies, or three hundred with HFTRUNNER_LONG=1, which are ten million rows or 640 MB.
func TestMemoryIsBounded(t *testing.T) {
	copies := 40
	if os.Getenv("HFTRUNNER_LONG") != "" {
		copies = 300
	}
	path := sampletest.Path(t, "binancefutures", "BTCUSDT")
	one := int64(len(sampletest.BTC(t).Events)) // all of them have both flags
	var stats runtime.MemStats
	peak := uint64(0)
	calls := 0
	out := filepath.Join(t.TempDir(), "out.npy")
	runtime.GC()
	runtime.ReadMemStats(&stats)
	before := stats.HeapAlloc
	s, err := convert.Events(t.Context(), slices.Repeat([]string{path}, copies), out, convert.Options{Natural: true,
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
	if s.Both+s.ExchOnly != n*one || s.Both+s.LocalOnly != n*one || int64(found(s, feed.TimeBackwards)) != n-1 {
		t.Errorf("%+v", s)
	}
	// 50,000 rows are 4 MB with their sort, the rest are buffers; garbage, also that of other tests, may more than double it. The rows have 2 MB a copy.
	peak -= min(peak, before)
	if peak > 48<<20 {
		t.Errorf("the heap grew by %d MB with %d rows", peak>>20, s.NumRows)
	}
	t.Logf("%d rows, heap up by %d MB", s.NumRows, peak>>20)
}

func TestAllocatesNothingPerRow(t *testing.T) {
	files := write(t, string(bytes.Join(sampleLines(t, 14_000), nil)))
	out := filepath.Join(t.TempDir(), "out.npy")
	for _, memoryRows := range []int{0, 20_000} {
		if n := testing.AllocsPerRun(1, func() {
			if _, err := convert.Events(t.Context(), files, out, convert.Options{Natural: true, NewDecoder: futures, MemoryRows: memoryRows}); err != nil {
				t.Fatal(err)
			}
		}); n > 1000 {
			t.Errorf("%v allocations for 14,000 lines", n)
		}
	}
}
