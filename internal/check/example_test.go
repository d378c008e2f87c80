package check_test

import (
	"context"
	"fmt"
	"io"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/check"
)

// Check a day of which the local side lost a message: the ask at 100.5 was taken and stays in the book.
func ExampleCheck() {
	const both = hft.ExchEvent | hft.LocalEvent
	day := []hft.Event{
		{Ev: both | hft.BuyEvent | hft.DepthEvent, ExchTimestampNs: 1e9, LocalTimestampNs: 1e9 + 5e6, Px: 100, Qty: 3},
		{Ev: both | hft.SellEvent | hft.DepthEvent, ExchTimestampNs: 1e9, LocalTimestampNs: 1e9 + 5e6, Px: 100.5, Qty: 2},
		{Ev: both | hft.BuyEvent | hft.DepthEvent, ExchTimestampNs: 2e9, LocalTimestampNs: 2e9 + 5e6, Px: 101, Qty: 1},
		{Ev: both | hft.SellEvent | hft.DepthEvent, ExchTimestampNs: 4e9, LocalTimestampNs: 4e9 + 5e6, Px: 100.5, Qty: 0},
	}
	read := func(dst []hft.Event) (int, error) { // an npy.Reader's Read
		n := copy(dst, day)
		day = day[n:]
		if n == 0 {
			return 0, io.EOF
		}
		return n, nil
	}
	report, err := check.Check(context.Background(), read, check.Options{TickSize: 0.5, LotSize: 1})
	if err != nil {
		panic(err)
	}
	for _, p := range report.Problems() {
		fmt.Println(p.Severity, "at row", p.Row)
		fmt.Println(p.What)
		fmt.Println(p.Advice)
	}
	// Output:
	// error at row 2
	// The book is crossed 1 time, 2s in all and 2s at most.
	// Check the tick size and look for lost depth messages before that time; queue positions and fills are unreliable meanwhile.
}
