package blotter_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// TestAnOrderKeepsItsName: an order that is amended in place goes on under the client id that it was placed with, so
// the venue's answers find it by that however often it was modified.
func TestAnOrderKeepsItsName(t *testing.T) {
	s := newScript(t)
	s.live()
	for i := range int64(200) {
		at := 1001 + i%2
		s.modify(1, at, 10*lot)
		s.expect("modify", "")
		r := s.amended(protocol.ChannelAck, hft.StatusNew, float64(at)*tick, 10, 0, 10+i)
		s.b.Answered(s.id, blotter.Amend, r, s.nowNs)
		s.expect("", "New 10@"+map[int64]string{0: "1001", 1: "1002"}[i%2]+"; ")
	}
	s.cancel(1)
	s.expect("cancel", "")
	s.failed(blotter.Cancel, protocol.Overloaded)
	s.after(200 * ms)
	s.expect("cancel", "error; ")
	s.b.Report(&protocol.Report{Channel: protocol.ChannelStream, Symbol: symbol, ClientID: s.id, Status: hft.StatusCanceled, Side: hft.Buy,
		Qty: 10 * lot, HasCum: true, TimestampNs: startNs + 1000*ms}, s.nowNs) // by the client id alone
	s.expect("", "Canceled; ")
}
