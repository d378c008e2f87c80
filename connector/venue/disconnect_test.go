package venue_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"hftrunner/connector/blotter"
	"hftrunner/connector/stream"
	"hftrunner/connector/venue"
)

// gated is a fake whose private stream can be held back and whose first cancel is noted.
type gated struct {
	*fake
	hold atomic.Bool
	at   atomic.Int64 // of the first cancel
}

func (g *gated) UserStream(ctx context.Context) (stream.Stream, error) {
	for g.hold.Load() && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	return g.fake.UserStream(ctx)
}

func (g *gated) Cancel(_ context.Context, o *venue.Order) (blotter.Report, error) {
	g.at.CompareAndSwap(0, time.Now().UnixNano())
	return blotter.Report{}, &venue.Failure{Cause: venue.Overloaded}
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
