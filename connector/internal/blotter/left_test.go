package blotter_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// TestLeft: an order is left until the venue has said how it ended, whatever became of the requests about it.
func TestLeft(t *testing.T) {
	t.Run("a submission without an answer", func(t *testing.T) {
		s := newScript(t)
		s.place()
		left := s.b.Left()
		if len(left) != 1 || left[0].OrderID != 1 || left[0].ClientID == "" || left[0].VenueID != "" || left[0].LeavesQty != 10*lot ||
			left[0].InstrumentNo != 3 || left[0].Owner.Bot != 7 {
			t.Fatalf("%+v", left)
		}
		if s.b.Unended(symbol) != 0 {
			t.Error("nobody wants its end")
		}
	})
	t.Run("a cancel that was accepted, then confirmed", func(t *testing.T) {
		s := newScript(t)
		s.live()
		s.cancel(1)
		s.answer(blotter.Cancel, hft.StatusNone, 0, 0)
		if left := s.b.Left(); len(left) != 1 || left[0].VenueID == "" || s.b.Unended(symbol) != 1 {
			t.Fatalf("%+v, %d wanted", left, s.b.Unended(symbol))
		}
		s.stream(hft.StatusCanceled, 0, 6)
		if left := s.b.Left(); len(left) != 0 || s.b.Unended(symbol) != 0 {
			t.Fatalf("%+v, %d wanted", left, s.b.Unended(symbol))
		}
	})
	t.Run("a cancel that was refused leaves an order whose end is wanted, until it is modified", func(t *testing.T) {
		s := newScript(t)
		s.live()
		s.cancel(1)
		s.failed(blotter.Cancel, protocol.Refused)
		if s.b.Unended(symbol) != 1 || s.b.Unended("ETHUSDT") != 0 {
			t.Fatalf("%d wanted", s.b.Unended(symbol))
		}
		s.modify(1, 1001, 10*lot)
		if len(s.b.Left()) != 1 || s.b.Unended(symbol) != 0 {
			t.Fatalf("%+v, %d wanted", s.b.Left(), s.b.Unended(symbol))
		}
	})
	t.Run("one that turns up after its end was concluded", func(t *testing.T) {
		s := newScript(t)
		s.place()
		s.failed(blotter.Place, protocol.Refused)
		if len(s.b.Left()) != 0 {
			t.Fatalf("%+v", s.b.Left())
		}
		s.stream(hft.StatusNew, 0, 5)
		if left := s.b.Left(); len(left) != 1 || left[0].Status != hft.StatusUnknown || left[0].LeavesQty != 10*lot || s.b.Unended(symbol) != 1 {
			t.Fatalf("%+v, %d wanted", left, s.b.Unended(symbol))
		}
		s.answer(blotter.Cancel, hft.StatusCanceled, 0, 6)
		if left := s.b.Left(); len(left) != 0 || s.b.Unended(symbol) != 0 {
			t.Fatalf("%+v, %d wanted", left, s.b.Unended(symbol))
		}
	})
}
