package blotter_test

import (
	"testing"

	"hftrunner/connector"
	"hftrunner/connector/blotter"
	"hftrunner/hft"
)

// TestExecutionBeforeAnAdoptedOrderIsModified: what an adopted order was before its first modification here is as possible as
// what was asked for: an execution at its old price is counted.
func TestExecutionBeforeAnAdoptedOrderIsModified(t *testing.T) {
	s := newScript(t)
	id, err := s.codec.Encode(connector.Owner{Bot: 7, Incarnation: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.id = id
	r := s.report(blotter.Query, hft.StatusNew, 0, 1)
	r.OrdType = hft.Limit
	if err := s.b.Listed(symbol, []blotter.Report{*r}, s.nowNs); err != nil {
		t.Fatal(err)
	}
	s.expect("", "New 10@1000; ")
	s.modify(1, 990, 10*lot)
	s.expect("modify", "")
	s.trade("a", 4, hft.StatusPartiallyFilled, 4, 5)
	s.expect("", "fill 0.004@1000 PartiallyFilled/Replaced 6@1000; ")
	s.b.Answered(id, blotter.Amend, s.amended(blotter.Ack, hft.StatusPartiallyFilled, 99, 10, 4, 6), s.nowNs)
	s.execution("b", 1, 4) // of before, late
	if c := s.b.Counts(); c.Unreadable != 0 {
		t.Errorf("%+v", c)
	}
}
