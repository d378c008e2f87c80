package venue_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
)

// gated is a fake whose private stream can be held back and whose first cancel is noted.
type gated struct {
	*fake
	hold atomic.Bool
	at   atomic.Int64 // of the first cancel
}

func (g *gated) UserStream(ctx context.Context) (protocol.Stream, error) {
	for g.hold.Load() && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	return g.fake.UserStream(ctx)
}

func (g *gated) Cancel(_ context.Context, o *protocol.Order) (protocol.Report, error) {
	g.at.CompareAndSwap(0, time.Now().UnixNano())
	return protocol.Report{}, &protocol.Failure{Cause: protocol.Overloaded}
}

// Two short outages, each far below CancelOnDisconnect: nothing may be canceled by the first one's timer in the second.
func TestCancelOnDisconnectCountsOneOutage(t *testing.T) {
	const after = 2 * time.Second
	g := &gated{fake: newFake(t)}
	r := start(t, g, nil, func(c *venue.Config) { c.Trading = true; c.CancelOnDisconnect = after }, "BTC")
	private := take(t, g.private, "the private stream")
	r.trade(0)
	first := time.Now()
	_ = private.ws.CloseNow()
	private = take(t, g.private, "the private stream again")
	t.Logf("first outage %v", time.Since(first))
	time.Sleep(time.Until(first.Add(after - 300*time.Millisecond)))
	g.hold.Store(true)
	second := time.Now()
	_ = private.ws.CloseNow()
	time.Sleep(time.Until(first.Add(after + 300*time.Millisecond)))
	g.hold.Store(false)
	if at := g.at.Load(); at != 0 && at-second.UnixNano() < int64(after) {
		t.Errorf("orders were canceled %v after the second outage began, configured is %v", time.Duration(at-second.UnixNano()), after)
	}
}

// TestCancelOnDisconnectAfterTheFirstConnection: a private stream that is slow at the start is no disconnection: what
// an earlier run has left, and may keep, is not canceled for it. One that was up and is lost is.
func TestCancelOnDisconnectAfterTheFirstConnection(t *testing.T) {
	t.Parallel()
	g := &gated{fake: newFake(t)}
	g.hold.Store(true)
	id := ownID(t, 77)
	g.openOrders = func(context.Context, string) ([]protocol.Report, error) {
		return []protocol.Report{{Channel: protocol.ChannelQuery, Symbol: "BTC", ClientID: id, VenueID: "1", Status: hft.StatusNew, Side: hft.Buy, Price: 100, Qty: 10,
			HasCum: true, TimestampNs: time.Now().UnixNano()}}, nil
	}
	r := start(t, g, nil, func(c *venue.Config) {
		c.Trading, c.OrderPrefix, c.CancelOnDisconnect = true, "hr", 50*time.Millisecond
	}, "BTC")
	until(t, "the order is known without the stream", func() bool { return len(r.connector.OpenOrders()) == 1 })
	time.Sleep(500 * time.Millisecond)
	g.hold.Store(false)
	private := take(t, g.private, "the private stream")
	r.trade(0)
	if at := g.at.Load(); at != 0 {
		t.Fatal("an order was canceled before the stream was up")
	}
	g.hold.Store(true)
	_ = private.ws.CloseNow()
	until(t, "orders are canceled", func() bool { return g.at.Load() != 0 })
	g.hold.Store(false)
}
