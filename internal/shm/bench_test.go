package shm

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

const benchCapacity = 1 << 14

// BenchmarkPublish is one event with a commit, into a ring that so many readers have mapped: one reads along, the
// others are parked.
func BenchmarkPublish(b *testing.B) {
	for _, batch := range []int{1, 70} {
		for _, readers := range []int{0, 1, 8, 32} {
			b.Run(fmt.Sprintf("batch=%d/readers=%d", batch, readers), func(b *testing.B) {
				benchmarkPublish(b, batch, readers)
			})
		}
	}
}

func benchmarkPublish(b *testing.B, batch, readers int) {
	s := newSegment(b, BroadcastSize(benchCapacity))
	w := NewBroadcastWriter(s, 0, benchCapacity)
	var stop atomic.Bool
	var reading sync.WaitGroup
	var read, lapped uint64
	for i := range readers {
		r := NewBroadcastReader(remap(b, s, true), 0, benchCapacity)
		if i > 0 {
			continue // mapped, its process parked
		}
		reading.Go(func() {
			var rec FeedRecord
			for !stop.Load() {
				switch r.Next(&rec) {
				case ReadOK:
					read++
				case ReadLapped:
					lapped++
					r.Seek(r.Tail())
				}
			}
		})
	}
	rec := FeedRecord{Lo: 7, W: [feedPayloadWords]uint64{1, 2, 3, 4, 5, 6}}
	b.ResetTimer()
	for i := 0; i < b.N; i += batch {
		for range batch {
			w.Put(&rec)
		}
		w.Commit()
	}
	b.StopTimer()
	stop.Store(true)
	reading.Wait()
	if readers > 0 {
		b.ReportMetric(100*float64(read)/float64(b.N), "%read")
		b.ReportMetric(float64(lapped), "laps")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
}

// BenchmarkRead is one reader that finds its records ready.
func BenchmarkRead(b *testing.B) {
	s := newSegment(b, BroadcastSize(benchCapacity))
	w, r := NewBroadcastWriter(s, 0, benchCapacity), NewBroadcastReader(remap(b, s, true), 0, benchCapacity)
	putFeed(w, benchCapacity)
	var rec FeedRecord
	b.ResetTimer()
	for range b.N {
		if r.Next(&rec) != ReadOK {
			r.Seek(0)
		}
	}
}

// BenchmarkQueue is a record of 192 bytes put and taken by one goroutine: the work without the way.
func BenchmarkQueue(b *testing.B) {
	p, c := queuePair(b, 0, 1024, 24)
	words := make([]uint64, 23)
	b.ResetTimer()
	for range b.N {
		if p.Put(words) != PutOK || !c.Next(words) {
			b.Fatal("record lost")
		}
	}
}

// BenchmarkQueueThroughput has the producer and the consumer on two cores.
func BenchmarkQueueThroughput(b *testing.B) {
	p, c := queuePair(b, 0, 1024, 24)
	var consuming sync.WaitGroup
	consuming.Go(func() {
		words := make([]uint64, 23)
		for c.Consumed() < uint64(b.N) {
			if !c.Next(words) {
				runtime.Gosched()
			}
		}
	})
	words := make([]uint64, 23)
	b.ResetTimer()
	for range b.N {
		for p.Put(words) != PutOK {
			runtime.Gosched()
		}
	}
	consuming.Wait()
}

// BenchmarkMonotonicNs is one reading of the clock.
func BenchmarkMonotonicNs(b *testing.B) {
	var sum int64
	for range b.N {
		sum += MonotonicNs()
	}
	if sum == 0 {
		b.Fatal("no clock")
	}
}

// BenchmarkFutexWake is a wake-up of nobody: what a writer pays for a reader whose flag is stale.
func BenchmarkFutexWake(b *testing.B) {
	word := newSegment(b, 64).Word32(0)
	for range b.N {
		FutexWake(word, 1)
	}
}
