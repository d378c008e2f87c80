package connectortest_test

import (
	"fmt"
	"math"
	"testing"

	"hftrunner/connector/connectortest"
	"hftrunner/hft"
)

// TestSinkClears: the recorded book loses what a clear row takes away, as the host's does.
func TestSinkClears(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		flags uint64
		px    float64
		want  string
	}{
		{0, nan, "map[] map[]"},
		{0, 0, "map[] map[]"},
		{hft.BuyEvent, nan, "map[] map[101:1 102:1]"},
		{hft.SellEvent, math.Inf(1), "map[98:1 99:1] map[]"},
		{hft.BuyEvent, 99, "map[98:1] map[101:1 102:1]"},
		{hft.SellEvent, 101, "map[98:1 99:1] map[102:1]"},
	} {
		s := connectortest.NewSink()
		var events []hft.Event
		for _, px := range []float64{98, 99, 101, 102} {
			side := hft.BuyEvent
			if px > 100 {
				side = hft.SellEvent
			}
			events = append(events, hft.Event{Ev: hft.LocalEvent | hft.DepthEvent | side, Px: px, Qty: 1})
		}
		s.Feed(0, append(events, hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent | c.flags, Px: c.px}))
		bids, asks := s.Book(0)
		if got := fmt.Sprint(bids, " ", asks); got != c.want {
			t.Errorf("clear %x to %v leaves %s, want %s", c.flags, c.px, got, c.want)
		}
		if err := s.Faults(); err != nil {
			t.Error(err)
		}
	}
}
