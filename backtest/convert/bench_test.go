package convert_test

import (
	"path/filepath"
	"testing"

	"hftrunner/backtest/convert"
	"hftrunner/internal/datatest"
)

// BenchmarkEvents converts the whole recording of BTCUSDT; rows are those of the output.
func BenchmarkEvents(b *testing.B) {
	path := datatest.Recording(b, "binancefutures", "btcusdt_20240808.gz")
	for _, c := range []struct {
		name, out  string
		memoryRows int
	}{{"npy", "out.npy", 0}, {"npz", "out.npz", 0}, {"npy-in-runs", "out.npy", 20_000}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			out := filepath.Join(b.TempDir(), c.out)
			rows := int64(0)
			for b.Loop() {
				s, err := convert.Events(b.Context(), []string{path}, out, convert.Options{Natural: true, NewDecoder: futures, MemoryRows: c.memoryRows})
				if err != nil {
					b.Fatal(err)
				}
				rows += s.NumRows
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
