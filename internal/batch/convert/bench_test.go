package convert_test

import (
	"path/filepath"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// BenchmarkEvents converts the whole recording of BTCUSDT, into the rows of live's book and as they come; rows are those of the
// output.
func BenchmarkEvents(b *testing.B) {
	path := datatest.Recording(b, "binancefutures", "btcusdt_20240808.gz")
	natural := convert.Options{Natural: true, NewDecoder: futures}
	inRuns := natural
	inRuns.MemoryRows = 20_000
	book := convert.Options{NewDecoder: futures, Rule: connector.RuleFutures, TickSize: 0.1, LotSize: 0.001, Quotes: true}
	for _, c := range []struct {
		name, out string
		options   convert.Options
	}{{"npy", "out.npy", book}, {"npz", "out.npz", book}, {"natural-npy", "out.npy", natural}, {"natural-npz", "out.npz", natural},
		{"natural-npy-in-runs", "out.npy", inRuns}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			out := filepath.Join(b.TempDir(), c.out)
			rows := int64(0)
			for b.Loop() {
				s, err := convert.Events(b.Context(), []string{path}, out, c.options)
				if err != nil {
					b.Fatal(err)
				}
				rows += s.NumRows
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
