package check_test

import (
	"context"
	"io"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/check"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

// reader returns a read function over rows in memory, as npy.Reader's Read.
func reader(rows []hft.Event) func([]hft.Event) (int, error) {
	return func(dst []hft.Event) (int, error) {
		n := copy(dst, rows)
		if rows = rows[n:]; n == 0 {
			return 0, io.EOF
		}
		return n, nil
	}
}

// BenchmarkCheckRecordedDay checks the recorded BTCUSDT day, copied from memory; rows/s counts.
func BenchmarkCheckRecordedDay(b *testing.B) {
	rows := depthtest.RecordedBTC(b).Events
	options := check.Options{TickSize: depthtest.BTCTickSize, LotSize: depthtest.BTCLotSize}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := check.Check(context.Background(), reader(rows), options); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
