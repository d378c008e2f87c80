package venue_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// TestRequestsBeginInSequence: requests that come together are handed to the protocol in the bot's sequence. Each has
// its own goroutine, so the system's scheduler may let one overtake now and then, but that is rare.
func TestRequestsBeginInSequence(t *testing.T) {
	const bursts, size = 300, 5
	f := newFake(t)
	prices := make(chan string, size)
	f.place = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		prices <- o.Price
		return protocol.Report{}, &protocol.Failure{Cause: protocol.WouldTake}
	}
	r := start(t, f, nil, trading, "BTC")
	take(t, f.private, "the private stream")
	id, first := uint64(0), ""
	until(t, "an order is sent", func() bool {
		id++
		r.connector.Submit(r.order(0, id))
		select {
		case first = <-prices:
			return true
		case <-time.After(100 * time.Millisecond): // it was refused, or is late
			return false
		}
	})
	overtaken := 0
	for range bursts {
		for i := range size {
			id++
			o := r.order(0, id)
			o.PriceTick = 2000 + int64(i)
			r.connector.Submit(o)
		}
		var got []string
		for len(got) < size {
			if price := take(t, prices, "the orders of a burst"); price != first {
				got = append(got, price)
			}
		}
		if !slices.IsSorted(got) {
			overtaken++
		}
	}
	if overtaken > bursts/2 {
		t.Errorf("in %d of %d bursts an order has overtaken an earlier one", overtaken, bursts)
	}
}
