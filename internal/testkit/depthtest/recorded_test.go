package depthtest_test

import (
	"os"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

func checkRows(t *testing.T, name string, rows []hft.Event, count int, sum string) {
	t.Helper()
	if len(rows) != count {
		t.Errorf("%s: %d rows, want %d", name, len(rows), count)
	}
	if got := depthtest.RowsSHA256(rows); got != sum {
		t.Errorf("%s: SHA-256 %s, want %s", name, got, sum)
	}
}

func TestRecordedRowsAreTheReferenceConverters(t *testing.T) {
	btc := depthtest.RecordedBTC(t)
	checkRows(t, "BTC events", btc.Events, 491973, depthtest.BTCEventsSHA256)
	checkRows(t, "BTC raw", btc.Raw, 599014, depthtest.BTCRawSHA256)
	if os.Getenv("HFTRUNNER_LONG") == "" {
		return
	}
	eth := depthtest.RecordedETH(t)
	checkRows(t, "ETH events", eth.Events, 452115, depthtest.ETHEventsSHA256)
	checkRows(t, "ETH raw", eth.Raw, 552724, depthtest.ETHRawSHA256)
}
