package blotter_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// TestExecutionsOfARestingOrder: executions are asked for from where a list of orders had all of them, not from when
// the order was placed, which may be weeks ago.
func TestExecutionsOfARestingOrder(t *testing.T) {
	const ms, second = int64(1_000_000), int64(1_000_000_000)
	s := newScript(t)
	id, err := s.codec.Encode(connector.Owner{Bot: 7, Incarnation: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.id = id
	list := func(cum int64) {
		t.Helper()
		r := s.report(protocol.ChannelQuery, hft.StatusPartiallyFilled, cum, 1)
		r.TimestampNs -= 30 * 24 * 3600 * second
		if err := s.b.Listed(symbol, []protocol.Report{*r}, s.nowNs, s.nowNs+5*ms); err != nil {
			t.Fatal(err)
		}
	}
	list(2)
	if behind := s.nowNs - s.b.SinceNs(symbol); behind > 60*second {
		t.Errorf("executions are asked for from %d s ago", behind/second)
	}
	fromNs := s.b.SinceNs(symbol)
	s.nowNs += 3600 * second
	list(4) // of which two are still to come
	if s.b.SinceNs(symbol) != fromNs {
		t.Errorf("executions are asked for from %d, where those since %d are not all known", s.b.SinceNs(symbol), fromNs)
	}
}

// TestExecutionBeforeAnAdoptedOrderIsModified: what an adopted order was before its first modification here is as
// possible as what was asked for: an execution at its old price is counted.
func TestExecutionBeforeAnAdoptedOrderIsModified(t *testing.T) {
	s := newScript(t)
	id, err := s.codec.Encode(connector.Owner{Bot: 7, Incarnation: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.id = id
	r := s.report(protocol.ChannelQuery, hft.StatusNew, 0, 1)
	r.OrdType = hft.Limit
	if err := s.b.Listed(symbol, []protocol.Report{*r}, s.nowNs, s.nowNs); err != nil {
		t.Fatal(err)
	}
	s.expect("", "New 10@1000; ")
	s.modify(1, 990, 10*lot)
	s.expect("modify", "")
	s.trade("a", 4, hft.StatusPartiallyFilled, 4, 5)
	s.expect("", "fill 0.004@1000 PartiallyFilled/Replaced 6@1000; ")
	s.b.Answered(id, blotter.Amend, s.amended(protocol.ChannelAck, hft.StatusPartiallyFilled, 99, 10, 4, 6), s.nowNs)
	s.execution("b", 1, 4) // of before, late
	if c := s.b.Counts(); c.Unreadable != 0 {
		t.Errorf("%+v", c)
	}
}
