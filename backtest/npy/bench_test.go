package npy_test

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

// BenchmarkRead reads the recorded day in pieces of 4096 rows; copy is the same from memory to memory. rows/s counts.
func BenchmarkRead(b *testing.B) {
	rows := depthtest.RecordedBTC(b).Events
	dst := make([]hft.Event, 4096)
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(int64(len(rows)) * 64)
		for b.Loop() {
			for from := 0; from < len(rows); from += len(dst) {
				copy(dst, rows[from:])
			}
		}
		perSecond(b, len(rows))
	})
	for _, name := range []string{"day.npy", "day.npz"} {
		b.Run(name[4:], func(b *testing.B) {
			path := filepath.Join(b.TempDir(), name)
			writeRows(b, path, rows)
			b.SetBytes(int64(len(rows)) * 64)
			b.ReportAllocs()
			for b.Loop() {
				r, err := npy.Open[hft.Event](path, npy.EventDtype())
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = r.Read(dst)
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				r.Close()
			}
			perSecond(b, len(rows))
		})
	}
}

// BenchmarkWrite writes the recorded day.
func BenchmarkWrite(b *testing.B) {
	rows := depthtest.RecordedBTC(b).Events
	for _, name := range []string{"day.npy", "day.npz"} {
		b.Run(name[4:], func(b *testing.B) {
			path := filepath.Join(b.TempDir(), name)
			b.SetBytes(int64(len(rows)) * 64)
			for b.Loop() {
				writeRows(b, path, rows)
			}
			perSecond(b, len(rows))
		})
	}
}

func perSecond(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
