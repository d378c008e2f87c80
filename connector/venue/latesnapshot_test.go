package venue_test

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// TestSnapshotOfAStreamThatIsLost: a snapshot that was asked for before the connection was lost is not taken for the
// next one's, whose numbers may begin anew.
func TestSnapshotOfAStreamThatIsLost(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	asked, release := make(chan struct{}, 100), make(chan struct{})
	var n atomic.Int32
	f.snapshot = func(symbol string) ([]byte, error) {
		asked <- struct{}{}
		if n.Add(1) == 1 {
			<-release
			return []byte("S " + symbol + " 1000"), nil
		}
		return fmt.Appendf(nil, "S %s 6", symbol), nil
	}
	r := start(t, f, nil, nil, "BTC")
	market := take(t, f.market, "the market stream")
	market.send(t, "D BTC 10 11")
	take(t, asked, "the first question")
	_ = market.ws.CloseNow()
	next := take(t, f.market, "the next connection")
	next.send(t, "T BTC 1")
	until(t, "the trade is there", func() bool { return r.numTrades(0) == 1 })
	next.send(t, "D BTC 5 5")
	next.send(t, "T BTC 2")
	until(t, "the difference is there", func() bool { return r.numTrades(0) == 2 })
	close(release)
	take(t, asked, "the second question")
	until(t, "the book is there", func() bool { return r.IsReady(0) })
	next.send(t, "D BTC 7 7")
	next.send(t, "T BTC 3")
	until(t, "the next difference is there", func() bool { return r.numTrades(0) == 3 })
	if !r.IsReady(0) {
		t.Error("the book was made of the snapshot of before")
	}
}
