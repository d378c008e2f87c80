package exchange_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

const (
	l3TickSize, l3LotSize = 0.1, 1.0
	l3Qty                 = 2.0
)

// l3Events reads the reference's made-up L3 feed.
func l3Events(tb testing.TB) []hft.Event {
	tb.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(datatest.Golden(tb, "l3.events.npy.gz")))
	if err != nil {
		tb.Fatal(err)
	}
	content, err := io.ReadAll(unzipped)
	if err != nil {
		tb.Fatal(err)
	}
	content = content[10+binary.LittleEndian.Uint16(content[8:]):]
	rows := make([]hft.Event, len(content)/64)
	for i := range rows {
		b := content[64*i:]
		word := func(n int) uint64 { return binary.LittleEndian.Uint64(b[8*n:]) }
		rows[i] = hft.Event{Ev: word(0), ExchTimestampNs: int64(word(1)), LocalTimestampNs: int64(word(2)),
			Px: math.Float64frombits(word(3)), Qty: math.Float64frombits(word(4)), OrderID: word(5)}
	}
	if got := depthtest.RowsSHA256(rows); got != "ed1067ab786bc65c024cfb8003e221a3765b3a42b04b0da2bd8426a020373072" {
		tb.Fatalf("the rows' hash is %s", got)
	}
	return rows
}

// l3Run is just enough of a backtest for the reference's L3 runs: one instrument, its local side, the loop and three
