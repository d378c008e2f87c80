package rowfile_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/rowfile"
	"github.com/hftrunner/hftrunner/sim"
)

// order is row n of a log.
func order(n int) backtest.OrderRow {
	o := hft.NewOrder(uint64(n), 618002+int64(n), 0.1, 0.01, hft.Sell, hft.Limit, hft.GTX)
	o.Status, o.Req, o.Maker = hft.StatusNew, hft.StatusCanceled, n%2 == 1
	o.ExchTimestampNs, o.LocalTimestampNs = int64(n)+5, int64(n)+3
	return backtest.OrderRow{TimestampNs: int64(n), AssetNo: 1, Kind: backtest.OrderCancel, Order: o,
		Reject: sim.Reject(n % 6)}
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Both files have the same rows, also across the row groups of Parquet.
func TestOrders(t *testing.T) {
	dir := t.TempDir()
	table, err := rowfile.CreateOrders(dir)
	if err != nil {
		t.Fatal(err)
	}
	const total = 150_000
	var batch []backtest.OrderRow
	for n := range total {
		if batch = append(batch, order(n)); len(batch) == 999 || n == total-1 {
			if err := table.Write(batch); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	if table.NumRows() != total {
		t.Errorf("%d rows", table.NumRows())
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	lines := readCSV(t, filepath.Join(dir, "orders.csv"))
	if len(lines) != total+1 {
		t.Fatalf("%d lines", len(lines))
	}
	want := "[C 3 1 3 -1 0 1 618005 0.01 0.01 0 0 1 4 1 8 6 invalid]"
	if got := fmt.Sprint(lines[4]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	type row struct {
		OrderID uint64  `parquet:"order_id"`
		Qty     float64 `parquet:"qty"`
		Reject  string  `parquet:"reject"`
	}
	rows, err := parquet.ReadFile[row](filepath.Join(dir, "orders.parquet"))
	if err != nil || len(rows) != total {
		t.Fatalf("%d rows of Parquet: %v", len(rows), err)
	}
	for n, r := range rows {
		if r.OrderID != uint64(n) || r.Qty != 0.01 || r.Reject != lines[n+1][17] {
			t.Fatalf("row %d of Parquet is %+v, of CSV %v", n, r, lines[n+1])
		}
	}
}

func TestFills(t *testing.T) {
	dir := t.TempDir()
	table, err := rowfile.CreateFills(dir, []string{"BTCUSDT", "ETHUSDT"})
	if err != nil {
		t.Fatal(err)
	}
	err = table.Write([]backtest.FillRow{
		{ExchTimestampNs: 1, LocalTimestampNs: 2, AssetNo: 1, Side: hft.Buy, Maker: true, Cause: sim.CauseQueue,
			OrderID: math.MaxUint64, Price: 1e-9, Qty: 2e21, Value: math.Inf(1), Fee: math.NaN(), Position: -0.5,
			JoinedFrontQty: 3, RestedNs: 4},
		{AssetNo: 7, Side: hft.Sell, Cause: sim.CauseTaker},
	})
	if err := errors.Join(err, table.Close()); err != nil {
		t.Fatal(err)
	}
	lines := readCSV(t, filepath.Join(dir, "fills.csv"))
	if got, want := fmt.Sprint(lines[1]), "[1 2 1 ETHUSDT buy 1 queue 18446744073709551615 0.000000001 2000000000000000000000 +Inf NaN -0.5 3 4]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := fmt.Sprint(lines[2]), "[0 0 7  sell 0 taker 0 0 0 0 0 0 0 0]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := rowfile.CreateOrders(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// What was written is read back, until the caller has had enough.
func TestReadFills(t *testing.T) {
	dir := t.TempDir()
	table, err := rowfile.CreateFills(dir, []string{"BTCUSDT"})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]backtest.FillRow, 3000)
	for n := range want {
		want[n] = backtest.FillRow{ExchTimestampNs: int64(n), LocalTimestampNs: int64(n) + 1, Side: hft.Sell,
			Maker: n%2 == 0, Cause: sim.FillCause(1 + n%4), OrderID: uint64(n), Price: float64(n) / 10, Qty: 0.1,
			Value: 3, Fee: -0.5, Position: -1, JoinedFrontQty: 2, RestedNs: 9}
	}
	if err := errors.Join(table.Write(want), table.Close()); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := rowfile.ReadFills(dir, func(r *backtest.FillRow) error {
		if *r != want[n] {
			t.Fatalf("row %d: got %+v, want %+v", n, *r, want[n])
		}
		n++
		return nil
	}); err != nil || n != len(want) {
		t.Errorf("%d rows, %v", n, err)
	}
	stop := errors.New("enough")
	if err := rowfile.ReadFills(dir, func(*backtest.FillRow) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if err := os.Truncate(filepath.Join(dir, "fills.parquet"), 100); err != nil {
		t.Fatal(err)
	}
	if err := rowfile.ReadFills(dir, func(*backtest.FillRow) error { return nil }); err == nil {
		t.Error("a truncated file was read")
	}
	if err := rowfile.ReadFills(t.TempDir(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A table without rows is complete, closed once, and discarding it then keeps its files.
func TestEmpty(t *testing.T) {
	dir := t.TempDir()
	table, err := rowfile.CreateFills(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(table.Close(), table.Discard()); err != nil {
		t.Fatal(err)
	}
	if err := table.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if err := table.Write(make([]backtest.FillRow, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if len(readCSV(t, filepath.Join(dir, "fills.csv"))) != 1 {
		t.Error("no line of titles")
	}
	if rows, err := parquet.ReadFile[struct{}](filepath.Join(dir, "fills.parquet")); err != nil || len(rows) != 0 {
		t.Errorf("%d rows: %v", len(rows), err)
	}
	gone, err := rowfile.CreateFills(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Discard(); err != nil {
		t.Fatal(err)
	}
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(dir, "orders.csv")); err != nil {
		t.Fatal(err)
	}
	table, err := rowfile.CreateOrders(dir)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		_ = table.Write([]backtest.OrderRow{order(n)})
	}
	if err := table.Close(); err == nil {
		t.Error("a full disk went unnoticed")
	}
}

func BenchmarkOrders(b *testing.B) {
	table, err := rowfile.CreateOrders(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	rows := make([]backtest.OrderRow, 1000)
	for n := range rows {
		rows[n] = order(n)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := table.Write(rows); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(rows))/b.Elapsed().Seconds(), "rows/s")
	if err := table.Close(); err != nil {
		b.Fatal(err)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "rowfile")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	fills, err := rowfile.CreateFills(dir, []string{"BTCUSDT"})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = fills.Write([]backtest.FillRow{{Side: hft.Buy, Maker: true, Cause: sim.CauseQueue, OrderID: 7, Price: 61800.2,
		Qty: 0.01}})
	if err := errors.Join(err, fills.Close()); err != nil {
		fmt.Println(err)
		return
	}
	text, err := os.ReadFile(filepath.Join(dir, "fills.csv"))
	fmt.Print(string(text), err, "\n")
	// Output:
	// exch_ts,local_ts,asset,symbol,side,maker,cause,order_id,price,qty,value,fee,position,joined_front_qty,rested_ns
	// 0,0,0,BTCUSDT,buy,1,queue,7,61800.2,0.01,0,0,0,0,0
	// <nil>
}
