package venue_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// TestRegisteredLater: the venue is asked for the rules of a symbol that nobody has asked for before, until it answers,
// and what it does not have or has with other steps is not subscribed.
func TestRegisteredLater(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var asked atomic.Int32
	f.filters = func(symbol string) ([]protocol.Filters, error) {
		r := rules(symbol)
		switch symbol {
		case "SLOW":
			switch asked.Add(1) {
			case 1:
				return nil, errors.New("no answer")
			case 2:
				return nil, &protocol.Failure{Cause: protocol.Refused, Status: 404, Msg: "a page of something in front of the venue"}
			}
		case "NONE":
			return nil, &protocol.Failure{Cause: protocol.Refused, Code: -1121, Msg: "the venue has no symbol NONE"}
		case "COARSE":
			r.TickSize = 0.5
		case "HALTED":
			r.Trading = false
		case "ODD":
			return nil, nil
		}
		return []protocol.Filters{r}, nil
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

// TestUnaccounted: an earlier run may have left orders on each instrument of which the venue has not told, one that has
// no rules yet or cannot be traded included; of that nothing is coming.
func TestUnaccounted(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var told atomic.Bool
	f.openOrders = func(context.Context, string) ([]protocol.Report, error) {
		if told.Load() {
			return nil, nil
		}
		return nil, errors.New("no answer")
	}
	f.filters = func(symbol string) ([]protocol.Filters, error) {
		if symbol == "NONE" {
			return nil, &protocol.Failure{Cause: protocol.Refused}
		} else if symbol == "COARSE" {
			return []protocol.Filters{{Symbol: symbol, Trading: true, TickSize: 0.5, LotSize: 0.001}}, nil
		} else if !told.Load() {
			return nil, errors.New("no answer")
		}
		return []protocol.Filters{rules(symbol)}, nil
	}
	r := start(t, f, nil, trading, "BTC")
	unaccounted := func(coming bool, want ...int) func() bool {
		return func() bool {
			got, still := r.connector.Unaccounted()
			return still == coming && slices.Equal(got, want)
		}
	}
	take(t, f.private, "the private stream")
	until(t, "the open orders are not told", unaccounted(true, 0))
	r.connector.Register(instrument(1, "SLOW"))
	until(t, "nor those on a symbol without rules", unaccounted(true, 0, 1))
	told.Store(true)
	until(t, "all is told", unaccounted(false))
	r.connector.Register(instrument(2, "NONE"))
	r.connector.Register(instrument(3, "COARSE"))
	until(t, "what cannot be traded is never told", unaccounted(false, 2, 3))
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
