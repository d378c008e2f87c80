package journal

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// TestReadWhileWritten: who reads a journal that is being written gets a part of it without holes from the beginning on, and no damage.
func TestReadWhileWritten(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(t, dir)
	cfg.ringPaths = nil // where readers look
	cfg.syncEvery = time.Millisecond
	w, _ := open(t, cfg)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 1; i <= 10_000; i++ {
			for errors.Is(w.Err(), ErrFull) {
				_ = w.Sync()
			}
			if err := w.execute(i); err != nil {
				t.Error(err)
				return
			}
			if i%16 == 0 {
				time.Sleep(100 * time.Microsecond)
			}
		}
	}()
	for writing := true; writing; {
		got, damage := readAll(t, dir, ReadFrom{})
		if len(damage) > 0 {
			t.Errorf("after %d records: %v", len(got), damage)
			break
		}
		if len(got) > 0 {
			consecutive(t, got, 1, uint64(len(got)))
		}
		select {
		case <-done:
			writing = false
		default:
		}
	}
	<-done
	if len(segmentsOf(t, dir)) < 2 {
		t.Error("nothing was rotated")
	}
}

// TestReadMoney: the records that are kept for good come in their order, those of two years in each other's midst too.
func TestReadMoney(t *testing.T) {
	dir := t.TempDir()
	now := 1_703_980_800 * second // a day before the new year
	cfg := testConfig(t, dir)
	cfg.NowNs = func() int64 { return now }
	cfg.SegmentBytes = 64 << 10
	w, _ := open(t, cfg)
	for i := 1; i <= 900; i++ {
		for errors.Is(w.Err(), ErrFull) {
			_ = w.Sync()
		}
		h, e := execution(i)
		h.TimeNs = now + int64(i%3)*int64(24*time.Hour)
		if err := Append(w, h, e, "o", "o", "v", "x", "USDT"); err != nil {
			t.Fatal(err)
		}
		if err := Append(w, &Head{Kind: KindRequest, TimeNs: now, Bot: 7}, &Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if damage, err := ReadMoney(context.Background(), dir, 0, func(*Record) error { return io.EOF }); err != nil || len(damage) > 0 {
		t.Errorf("no money folder: %v, %v", damage, err)
	}
	segments := segmentsOf(t, dir)
	last := segments[len(segments)-1]
	if _, err := Retain(dir, now+int64(time.Hour), last.number); err != nil {
		t.Fatal(err)
	}
	for _, after := range []uint64{0, 502} {
		next := after + 1 // executions are the odd ones
		damage, err := ReadMoney(context.Background(), dir, after, func(r *Record) error {
			if e, ok := As[Execution](r); !ok || r.Sequence != next || e.Order.OrderID != (r.Sequence+1)/2 {
				t.Fatalf("record %d of kind %v, want %d", r.Sequence, r.Kind, next)
			}
			next += 2
			return nil
		})
		if err != nil || len(damage) > 0 || next < last.first || next > last.first+1 {
			t.Errorf("up to %d of %d: %v, %v", next, last.first, damage, err)
		}
	}
	years := []string{dir + "/money/2023.journal", dir + "/money/2024.journal"}
	for _, path := range years {
		raw := mustRead(t, path)
		raw[len(raw)/2] ^= 1
		mustWrite(t, path, raw)
	}
	n := 0
	damage, err := ReadMoney(context.Background(), dir, 0, func(*Record) error { n++; return nil })
	if err != nil || len(damage) != 2 || n != int(last.first)/2-2 {
		t.Errorf("%d records of %d, %v, %v", n, last.first/2, damage, err)
	}
}

// TestKindNames: each kind is found by its name.
func TestKindNames(t *testing.T) {
	for k := range KindCheckpoint {
		if _, known := infoOf(k); !known {
			continue
		}
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%v: %v, %v", k, got, err)
		}
	}
	if _, err := ParseKind("fill"); err == nil {
		t.Error("no error")
	}
}
