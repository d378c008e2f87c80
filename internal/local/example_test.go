package local_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/local"
)

// An order is submitted, acknowledged, modified in vain, and canceled.
func Example() {
	a := local.NewAsset(0.1, 0.001, 0)
	order, err := a.Submission(&hft.OrderRequest{OrderID: 7, Price: 100, Qty: 0.5, Side: hft.Buy, TimeInForce: hft.GTX})
	if err != nil {
		panic(err)
	}
	order.LocalTimestampNs = 1000
	a.Sent(&order) // the request is on its way

	report := order
	report.Req, report.Status, report.ExchTimestampNs = hft.StatusNone, hft.StatusNew, 1500
	fmt.Println("a response:", a.Apply(&report, 2000, false), a.Orders.Get(7).Status)
	fmt.Println("latency:", a.OrderLatency.ReqTimestampNs, a.OrderLatency.ExchTimestampNs,
		a.OrderLatency.RespTimestampNs)

	change, err := a.Modification(7, 99, 0.4)
	if err != nil {
		panic(err)
	}
	a.Sent(&change)
	_, err = a.Cancellation(7)
	fmt.Println("while it is in flight:", err)
	refusal := change
	refusal.Req, refusal.ExchTimestampNs = hft.StatusRejected, 2500
	a.Apply(&refusal, 3000, false)
	fmt.Printf("refused: %v at %v again\n", a.Orders.Get(7).Qty, a.Orders.Get(7).Price())
	// Output:
	// a response: true New
	// latency: 1000 1500 2000
	// while it is in flight: an order request is in process
	// refused: 0.5 at 100 again
}

func TestRequestsThatAreRefused(t *testing.T) {
	a := local.NewAsset(1, 0.5, 0)
	open := hft.NewOrder(1, 10, 1, 2, hft.Buy, hft.Limit, hft.GTC)
	open.Status = hft.StatusNew
	over := hft.NewOrder(2, 10, 1, 2, hft.Buy, hft.Limit, hft.GTC)
	over.Status = hft.StatusFilled
	a.Orders.Put(&open)
	a.Orders.Put(&over)
	for _, c := range []struct {
		name string
		err  func() error
		want error
	}{
		{"id in use", func() error {
			_, err := a.Submission(&hft.OrderRequest{OrderID: 2, Price: 9, Qty: 1, Side: hft.Sell})
			return err
		}, hft.ErrOrderIDExist},
		{"half a lot", func() error {
			_, err := a.Submission(&hft.OrderRequest{OrderID: 3, Price: 9, Qty: 0.25, Side: hft.Sell})
			return err
		}, hft.ErrInvalidOrderRequest},
		{"no side",
			func() error { _, err := a.Submission(&hft.OrderRequest{OrderID: 3, Price: 9, Qty: 1}); return err },
			hft.ErrInvalidOrderRequest},
		{"no price", func() error { _, err := a.Modification(1, -1, 1); return err }, hft.ErrInvalidOrderRequest},
		{"unknown", func() error { _, err := a.Cancellation(9); return err }, hft.ErrOrderNotFound},
		{"over", func() error { _, err := a.Cancellation(2); return err }, hft.ErrInvalidOrderStatus},
	} {
		if err := c.err(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if !a.Answered(2) || a.Answered(1) {
		t.Error("an order that is over has nothing to wait for, an open one has")
	}
}

// Requests and reports of known orders allocate nothing.
func TestNoAllocations(t *testing.T) {
	a := local.NewAsset(0.1, 0.001, 0)
	id := uint64(0)
	round := func() {
		id++
		order, err := a.Submission(&hft.OrderRequest{OrderID: id, Price: 100, Qty: 0.5, Side: hft.Buy})
		if err != nil {
			t.Fatal(err)
		}
		a.Sent(&order)
		order.Req, order.Status, order.ExchTimestampNs = hft.StatusNone, hft.StatusFilled, int64(id)
		a.Apply(&order, int64(id), false)
		a.ClearInactiveOrders()
	}
	round()
	if n := testing.AllocsPerRun(1000, round); n != 0 {
		t.Errorf("%v allocations for an order's life", n)
	}
}
