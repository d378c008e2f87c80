package journal

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

// TestRandomClockSteps: the time jumps ahead and back between records and segments. The order is the sequence, and a
// reader that begins at a time begins at the first record that is as late.
func TestRandomClockSteps(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	dir := t.TempDir()
	var now atomic.Int64
	now.Store(1_700_000_000 * second)
	cfg := testConfig(t, dir)
	cfg.NowNs, cfg.SegmentBytes = now.Load, 32<<10
	w, _ := open(t, cfg)
	const n = 2000
	var times []int64
	for i := 1; i <= n; i++ {
		now.Add(random.Int64N(second))
		if random.IntN(50) == 0 {
			now.Add(random.Int64N(7200*second) - 3600*second)
		}
		if err := Append(w, &Head{Kind: KindMark, TimeNs: now.Load(), Bot: uint64(i)}, &Mark{}); err != nil {
			t.Fatal(err)
		}
		if times = append(times, now.Load()); i%100 == 0 {
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if rep := verified(t, dir); rep.Records != n || len(rep.Damage) > 0 || rep.Segments < 3 {
		t.Fatalf("%+v", rep)
	}
	for range 30 {
		from := times[random.IntN(n)] + random.Int64N(100) - 50
		want := 0
		for want < n && times[want] < from {
			want++
		}
		r, err := OpenReader(dir, ReadFrom{TimeNs: from})
		if err != nil {
			t.Fatal(err)
		}
		for ; want < n; want++ {
			rec, err := r.Next(context.Background())
			if err != nil || rec.Sequence != uint64(want+1) || rec.TimeNs != times[want] {
				t.Fatalf("from %d: %+v, %v, want record %d", from, rec, err, want+1)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
