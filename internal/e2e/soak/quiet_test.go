package soak

import (
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// quietLimit is the limit of these scenes.
const quietLimit = 500 * time.Millisecond

// depthTopic is the stream of the book of BTCUSDT that the scenes subscribe to.
func (s subject) depthTopic() string {
	if s.rule == connector.RuleStreamed {
		return "orderbook.1000.BTCUSDT"
	}
	return "btcusdt@depth"
}

// peeks counts the queries for the best levels of a book.
func (sc *scene) peeks() (n int) {
	for request, times := range sc.state().Requests {
		if strings.Contains(request, "/depth") || strings.Contains(request, "/orderbook") {
			n += times
		}
	}
	return n
}

// TestThinMarket: a book of a market that does not move stays, however long that lasts, and is asked about ever more
// rarely.
func TestThinMarket(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{symbols: []string{"BTCUSDT", "ETHUSDT"}, options: options{quiet: quietLimit}}, nil)
		stales, reconnects := sc.Stales(), sc.Counter(connector.Reconnects)
		sc.halted.Store(true)
		before, began := sc.peeks(), sc.state().NowNs
		sc.wait("the venue is asked several times", func() bool { return sc.peeks() >= before+6 })
		limits := time.Duration(sc.state().NowNs-began) / quietLimit
		if n := sc.peeks() - before; n > int(limits)+2 { // of two books the first time, then less
			t.Errorf("%d questions in %d limits", n, limits)
		}
		if !sc.IsReady(0) || !sc.IsReady(1) || sc.Stales() != stales ||
			sc.Counter(connector.Reconnects) != reconnects || sc.Counter(connector.StoppedStreams) != 0 {
			t.Errorf("%d books lost, %d connections lost, %d streams stopped", sc.Stales()-stales,
				sc.Counter(connector.Reconnects)-reconnects, sc.Counter(connector.StoppedStreams))
		}
		sc.agrees()
	})
}

// TestStreamThatStops: one symbol's stream stops while its connection and the other symbols go on: its book has failed
// permanently, told once, and comes back; the others stay.
func TestStreamThatStops(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{symbols: []string{"BTCUSDT", "ETHUSDT"}, options: options{quiet: quietLimit}}, nil)
		stales, reconnects := sc.Stales(), sc.Counter(connector.Reconnects)
		sc.arm("stream-stops=count:1,only:" + s.depthTopic())
		sc.happened(fault.StreamStops)
		sc.wait("the book is given up", func() bool { return sc.Stales() > stales })
		sc.wait("the book is ready again", sc.ready)
		sc.agrees()
		if sc.Stales() != stales+1 || sc.Counter(connector.Reconnects) != reconnects ||
			sc.Counter(connector.StoppedStreams) != 1 {
			t.Errorf("%d books lost, %d connections lost, %d streams stopped", sc.Stales()-stales,
				sc.Counter(connector.Reconnects)-reconnects, sc.Counter(connector.StoppedStreams))
		}
	})
}

// TestHalfOpen: a connection that is there and dead, also for pings, is replaced, because of its silence or of a
// book's.
func TestHalfOpen(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{symbols: []string{"BTCUSDT", "ETHUSDT"}, options: options{quiet: quietLimit}}, nil)
		sc.arm("half-open=count:1,only:" + s.depthTopic())
		sc.happened(fault.HalfOpen)
		sc.wait("a book is given up", func() bool { return !sc.IsReady(0) || !sc.IsReady(1) })
		sc.wait("the books are ready again", sc.ready)
		sc.agrees()
	})
}
