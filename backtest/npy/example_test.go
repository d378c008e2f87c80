package npy_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/hft"
)

// Write three events and read them back, two at a time.
func Example() {
	dir, err := os.MkdirTemp("", "npy-example-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "btcusdt_20240808.npz")

	w, err := npy.Create[hft.Event](path, npy.EventDtype(), 3)
	if err != nil {
		panic(err)
	}
	defer w.Discard() // nothing, once it is closed
	both := hft.ExchEvent | hft.LocalEvent
	if err := w.Write([]hft.Event{
		{Ev: both | hft.BuyEvent | hft.DepthEvent, ExchTimestampNs: 10, LocalTimestampNs: 15, Px: 100.1, Qty: 2},
		{Ev: both | hft.SellEvent | hft.DepthEvent, ExchTimestampNs: 10, LocalTimestampNs: 15, Px: 100.2, Qty: 1},
		{Ev: both | hft.BuyEvent | hft.TradeEvent, ExchTimestampNs: 20, LocalTimestampNs: 24, Px: 100.2, Qty: 0.5},
	}); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}

	r, err := npy.Open[hft.Event](path, npy.EventDtype())
	if err != nil {
		panic(err)
	}
	defer r.Close()
	fmt.Println(r.NumRows(), "rows")
	rows := make([]hft.Event, 2)
	for {
		n, err := r.Read(rows)
		for _, ev := range rows[:n] {
			fmt.Println(ev.Kind(), ev.LocalTimestampNs, ev.Px, ev.Qty)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			panic(err)
		}
	}
	// Output:
	// 3 rows
	// 1 15 100.1 2
	// 1 15 100.2 1
	// 2 24 100.2 0.5
}
