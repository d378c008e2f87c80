package journal

import (
	"fmt"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

// apply lets a State take records in their order.
func (s *State) apply(records ...Record) {
	for i := range records {
		records[i].Sequence = s.Sequence + 1
		s.Apply(&records[i])
	}
}

// TestOrderOfSeveralLegs: an order that an amendment replaces at the venue has a leg for each order there, with what
// was executed of it, also when that is learnt late; what is executed of an order before under the same id is not its.
func TestOrderOfSeveralLegs(t *testing.T) {
	s := NewState()
	of := func(k Kind) Head { return Head{Kind: k, Bot: 7, Incarnation: 2, Instrument: 1} }
	o := hft.NewOrder(1, 100, 0.1, 10, hft.Buy, hft.Limit, hft.GTC)
	o.Req, o.LocalTimestampNs = hft.StatusNew, 5
	s.apply(recordOf(of(KindRequest), Request{Order: o}), recordOf(of(KindSent), Sent{Order: o, Number: 1}, "a", "a", ""))
	if left := s.Strategies[7].Holdings[1]; left.SentOf(left.Orders[1]) == nil || left.Orders[1].RequestedNs != 5 {
		t.Errorf("%+v", left)
	}
	o.Req, o.Status = hft.StatusNone, hft.StatusNew
	executed := func(qty float64, client, venue, id string) Record {
		o.ExecQty, o.ExecPriceTick, o.LeavesQty, o.Status = qty, 100, o.LeavesQty-qty, hft.StatusPartiallyFilled
		o.ExchTimestampNs += 10
		return recordOf(of(KindExecution), Execution{Order: o, Value: 10 * qty}, "a", client, venue, id, "USDT")
	}
	s.apply(recordOf(of(KindOrder), OrderState{Order: o}, "a", "a", "v1"), executed(2, "a", "v1", "t1"))
	amend := o
	amend.Req, amend.PriceTick = hft.StatusReplaced, 101
	s.apply(recordOf(of(KindRequest), Request{Order: amend}), recordOf(of(KindSent), Sent{Order: amend, Number: 2}, "a", "a", "b"),
		recordOf(of(KindOrder), OrderState{Order: o}, "a", "b", "v2"), executed(1, "a", "v1", "t2"), executed(3, "b", "v2", ""))
	a := s.Strategies[7].Holdings[1]
	got := a.Orders[1]
	want := []Leg{{"a", "v1", 3, 30, 0, false}, {"b", "v2", 3, 30, 3, false}}
	if fmt.Sprint(got.Legs) != fmt.Sprint(want) || got.Executed != 6 || got.ClientID != "b" || got.Origin != "a" {
		t.Errorf("%+v", got)
	}
	if sent := a.SentOf(got); sent.Amendment != "b" || len(sent.ClientIDs) != 2 || sent.Terms[2].PriceTick != 101 {
		t.Errorf("%+v", sent)
	}
	if x := s.Executions[1]; len(x.Booked) != 3 || x.Booked[2].ClientID != "b" || x.Booked[1].ID != "t2" {
		t.Errorf("%+v", x)
	}
	s.apply(recordOf(of(KindExecutionsRead), ExecutionsRead{UntilNs: 15}), recordOf(of(KindExecutionsRead), ExecutionsRead{UntilNs: ReadAgainNs + 25}))
	if x := s.Executions[1]; len(x.Booked) != 1 || x.ForgottenNs != 15 || x.ReadNs != ReadAgainNs+25 {
		t.Errorf("%+v", x)
	}
	back, err := decodeState([]byte(mustEncode(s)))
	if err != nil || mustEncode(back) != mustEncode(s) {
		t.Error("a checkpoint is not the State", err)
	}
	s.apply(recordOf(of(KindReset), a.Holding, "run --fresh"))
	if a := s.Strategies[7].Holdings[1]; len(a.Orders)+len(a.Sent) > 0 || a.Holding != (Holding{}) || s.Executions[1] != nil {
		t.Errorf("%+v", a)
	}
}

// TestPositionOfNobody: what belongs to no strategy and a halt of an instrument are in the State, and in a checkpoint.
func TestPositionOfNobody(t *testing.T) {
	s := NewState()
	of := func(k Kind) Head { return Head{Kind: k, Instrument: 3, TimeNs: 9} }
	s.apply(recordOf(of(KindUnattributed), Unattributed{Qty: -0.5, Venue: 2}, "first seen"),
		recordOf(of(KindTradingState), TradingState{To: 2}, "symbol", "live BTCUSDT", "positions do not match", "host"))
	back, err := decodeState([]byte(mustEncode(s)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*State{s, back} {
		if qty, known := s.Unattributed[3]; !known || qty != -0.5 ||
			s.Halts[3] != (Halt{State: 2, Cause: "positions do not match", Who: "host", SinceNs: 9}) {
			t.Errorf("%+v, %+v", s.Unattributed, s.Halts)
		}
	}
	// A transfer is no event of the venue's.
	transfer := of(KindExecution)
	transfer.Bot = 7
	s.apply(recordOf(transfer, Execution{Kind: Transfer, Holding: Holding{OwnPosition: 2}}, "", "", "", "", ""),
		recordOf(of(KindTradingState), TradingState{From: 2}, "symbol", "live BTCUSDT", "runner adopt a", "control socket"))
	if len(s.Halts) != 0 || s.Executions[3] != nil || s.Strategies[7].Holdings[3].OwnPosition != 2 {
		t.Errorf("%+v", s)
	}
	reset := of(KindReset)
	reset.Bot = 7
	s.apply(recordOf(reset, Holding{}, "run --fresh"))
	if _, known := s.Unattributed[3]; known {
		t.Error("what belonged to nobody is still known")
	}
}
