package replay_test

import (
	"io"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/replay"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// BenchmarkReplay reads the whole recording of BTCUSDT; one operation is the file, MB/s are of its JSON.
func BenchmarkReplay(b *testing.B) {
	path := datatest.Recording(b, "binancefutures", "btcusdt_20240808.gz")
	for _, sync := range []replay.Sync{replay.SyncExchange, replay.SyncNatural} {
		b.Run(string(sync), func(b *testing.B) {
			b.ReportAllocs()
			rows := 0
			for b.Loop() {
				s, err := replay.Open(replay.Config{Files: map[string][]string{"BTCUSDT": {path}}, NewDecoder: futures,
					Rule: connector.RuleFutures, Sync: sync, BookTicker: true})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Register(connector.Instrument{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001}); err != nil {
					b.Fatal(err)
				}
				var batch paper.Batch
				for err = s.Next(&batch); err == nil; err = s.Next(&batch) {
					rows += len(batch.Events)
				}
				if err != io.EOF {
					b.Fatal(err)
				}
				s.Close()
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
