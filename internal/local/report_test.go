package local_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/local"
)

// TestRefusedSubmissionOfAnAdoptedOrder: a process takes over an order that its host is canceling, and the venue
// refuses the order itself. It is over then, whatever was asked for last.
func TestRefusedSubmissionOfAnAdoptedOrder(t *testing.T) {
	a := local.NewAsset(0.1, 0.001, 0)
	o := hft.NewOrder(7, 1000, 0.1, 0.01, hft.Buy, hft.Limit, hft.GTC)
	o.Req, o.LocalTimestampNs = hft.StatusCanceled, 1
	a.Apply(&o, 2, true)
	o.Status, o.Req = hft.StatusExpired, hft.StatusRejected
	if !a.Apply(&o, 3, false) || a.Orders.Get(7).Status != hft.StatusExpired || a.Orders.Get(7).Pending() {
		t.Errorf("the refused order is %+v", a.Orders.Get(7))
	}
}

// TestRefusalOfAnEarlierOrder: the refusal of a cancel that lost the race is not the answer to the next order of that
// id.
func TestRefusalOfAnEarlierOrder(t *testing.T) {
	a := local.NewAsset(0.1, 0.001, 0)
	o := hft.NewOrder(7, 1000, 0.1, 0.01, hft.Buy, hft.Limit, hft.GTC)
	o.Req, o.LocalTimestampNs = hft.StatusNew, 5
	a.Sent(&o)
	late := o
	late.Status, late.Req, late.LocalTimestampNs = hft.StatusNew, hft.StatusRejected, 4
	if a.Apply(&late, 6, false) || a.Orders.Get(7).Req != hft.StatusNew || a.Orders.Get(7).Final() {
		t.Errorf("after the refusal of an earlier request the new order is %+v", a.Orders.Get(7))
	}
	o.Status, o.Req, o.ExchTimestampNs = hft.StatusNew, hft.StatusNone, 6
	if a.Apply(&o, 7, false); a.Orders.Get(7).Status != hft.StatusNew {
		t.Errorf("the order rests and the bot has %+v", a.Orders.Get(7))
	}
}

// TestEndOfAnEarlierOrder: a late execution of an order that is over is not the end of the next order of that id.
func TestEndOfAnEarlierOrder(t *testing.T) {
	a := local.NewAsset(0.1, 0.001, 0)
	o := hft.NewOrder(7, 1000, 0.1, 0.01, hft.Buy, hft.Limit, hft.GTC)
	o.Req, o.LocalTimestampNs = hft.StatusNew, 5
	a.Sent(&o)
	late := o
	late.Status, late.Req, late.LocalTimestampNs, late.ExecQty = hft.StatusCanceled, hft.StatusNone, 4, 0.01
	if a.Apply(&late, 6, false) || a.Orders.Get(7).Req != hft.StatusNew || a.Orders.Get(7).Final() {
		t.Errorf("after an execution of an earlier order the new order is %+v", a.Orders.Get(7))
	}
}
