package venue_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"hftrunner/connector/venue"
	"hftrunner/hft"
)

// TestRegisteredLater: the venue is asked for the rules of a symbol that nobody has asked for before, until it answers, and
// what it does not have or has with other steps is not subscribed.
func TestRegisteredLater(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var asked atomic.Int32
	f.filters = func(symbol string) ([]venue.Filters, error) {
		r := rules(symbol)
		switch symbol {
		case "SLOW":
			if asked.Add(1) < 2 {
				return nil, errors.New("no answer")
			}
		case "NONE":
			return nil, &venue.Failure{Cause: venue.Refused, Code: -1121, Msg: "the venue has no symbol NONE"}
		case "COARSE":
			r.TickSize = 0.5
		case "HALTED":
			r.Trading = false
		case "ODD":
			return nil, nil
		}
		return []venue.Filters{r}, nil
	}
	r := start(t, f, nil, trading, "BTC")
	take(t, f.private, "the private stream")
	take(t, f.market, "the market stream")
	if got := take(t, f.hello, "subscription"); got != "BTC" {
		t.Errorf("subscribed to %q", got)
	}
	bad := map[string]string{"NONE": "the venue has no symbol NONE", "COARSE": "tick_size of COARSE is 0.1 and the venue's is 0.5",
		"HALTED": "HALTED is not trading at the venue"}
	no := 1
	for symbol, want := range bad {
		r.connector.Register(instrument(no, symbol))
		until(t, "the error about "+symbol, func() bool { return r.said(no, want) })
		no++
	}
	r.connector.Register(instrument(no, "ODD"))
	r.connector.Register(instrument(no+1, "SLOW"))
	take(t, f.market, "the market stream with SLOW")
	if got := take(t, f.hello, "subscription"); got != "BTC,SLOW" {
		t.Errorf("subscribed to %q", got)
	}
	o := r.order(1, 1)
	r.connector.Submit(o)
	until(t, "an order on what cannot be traded is refused", func() bool {
		for _, u := range r.AllUpdates() {
			if u.OrderID == 1 && u.Req == hft.StatusRejected && u.Status == hft.StatusExpired {
				return true
			}
		}
		return false
	})
	if r.Stales() != len(bad) {
		t.Errorf("%d books were said to be lost, want %d", r.Stales(), len(bad))
	}
}

// said reports whether there was a critical error about an instrument that contains a text.
func (r *run) said(no int, part string) bool {
	for _, e := range r.Errors() {
		if e.InstrumentNo == no && e.Kind == hft.CriticalConnectionError && strings.Contains(e.LiveError.Error(), part) {
			return true
		}
	}
	return false
}
