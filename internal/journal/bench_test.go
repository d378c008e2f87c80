package journal

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// BenchmarkAppend appends executions with their texts, as fast as it can, to a journal on a disk that is synced.
func BenchmarkAppend(b *testing.B) {
	for _, kind := range []struct {
		name  string
		texts []string
	}{{"execution", []string{"hr1-abcdefghijklmnopqrstuvwx", "hr1-abcdefghijklmnopqrstuvwx", "8389765591234567", "98765432", "USDT"}}, {"request", nil}} {
		b.Run(kind.name, func(b *testing.B) {
			w, err := benchWriter(b)
			if err != nil {
				b.Fatal(err)
			}
			h, e := execution(1)
			r := &Request{Order: e.Order}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if i%4096 == 0 && w.Err() != nil {
					b.StopTimer()
					for w.Err() != nil {
						_ = w.Sync()
					}
					b.StartTimer()
				}
				if kind.texts == nil {
					h.Kind = KindRequest
					err = Append(w, h, r)
				} else {
					err = Append(w, h, e, kind.texts...)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAppendTail appends every 20 µs while the disk is kept busy, and reports percentiles.
func BenchmarkAppendTail(b *testing.B) {
	w, err := benchWriter(b)
	if err != nil {
		b.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		f, err := os.Create(filepath.Join(b.TempDir(), "busy"))
		if err != nil {
			return
		}
		defer func() { _ = f.Close() }()
		block := make([]byte, 1<<20)
		for i := int64(0); ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_, _ = f.WriteAt(block, i%64<<20)
			if i%16 == 0 {
				_ = f.Sync()
			}
		}
	}()
	h, e := execution(1)
	took := hdrhistogram.New(1, int64(time.Second), 3)
	b.ResetTimer()
	for range b.N {
		from := time.Now()
		if err := Append(w, h, e, "hr1-abcdefghijklmnopqrstuvwx", "hr1-abcdefghijklmnopqrstuvwx", "8389765591234567", "98765432", "USDT"); err != nil {
			b.Fatal(err)
		}
		_ = took.RecordValue(int64(time.Since(from)))
		for time.Since(from) < 20*time.Microsecond {
			continue
		}
	}
	b.StopTimer()
	close(stop)
	<-done
	b.ReportMetric(0, "ns/op")
	for name, q := range map[string]float64{"p50-ns": 50, "p99-ns": 99, "p99.9-ns": 99.9, "max-ns": 100} {
		b.ReportMetric(float64(took.ValueAtQuantile(q)), name)
	}
}

// BenchmarkRead reads and checks records.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	w, _ := open(b, testConfig(b, dir))
	fillJournal(b, w, 1, 20_000)
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		if rep := verified(b, dir); rep.Records != 20_000 {
			b.Fatal(rep)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20_000, "ns/record")
}

func benchWriter(b *testing.B) (*Writer, error) {
	w, _, err := Open(Config{Dir: b.TempDir(), NowNs: func() int64 { return 1 }, RingBytes: 64 << 20})
	if err == nil {
		b.Cleanup(func() { _ = w.Close() })
	}
	return w, err
}
