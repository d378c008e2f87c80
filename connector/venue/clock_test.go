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

// stepped is a venue whose requests are signed by a clock that a test sets: by its protocol's, whatever that is.
type stepped struct {
	*fake
	stepNs, offsetNs          atomic.Int64
	measured, refused, cancel atomic.Int32
}

func (s *stepped) NowNs() int64 { return time.Now().UnixNano() + s.stepNs.Load() }

func (s *stepped) SetClockOffset(offset time.Duration) {
	s.offsetNs.Store(int64(offset))
	s.measured.Add(1)
}

// signed fails when a request signed now is outside of the venue's window.
func (s *stepped) signed() error {
	off := s.NowNs() + s.offsetNs.Load() - time.Now().UnixNano()
	if off < int64(time.Second) && off > -int64(5*time.Second) {
		return nil
	}
	s.refused.Add(1)
	return &protocol.Failure{Cause: protocol.ClockOff, Code: -1021, Msg: "Timestamp for this request is outside of the recvWindow."}
}

func (s *stepped) Place(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
	if err := s.signed(); err != nil {
		return protocol.Report{}, err
	}
	return s.fake.Place(ctx, o)
}

func (s *stepped) Cancel(_ context.Context, o *protocol.Order) (protocol.Report, error) {
	s.cancel.Add(1)
	if err := s.signed(); err != nil {
		return protocol.Report{}, err
	}
	return protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, VenueID: o.VenueID, Status: hft.StatusCanceled}, nil
}

func (s *stepped) ArmDeadMan(ctx context.Context, symbol string, window time.Duration) error {
	if err := s.signed(); err != nil {
		return err
	}
	return s.fake.ArmDeadMan(ctx, symbol, window)
}

// The clock that signs is set by ten seconds, and nobody notices but the venue: what it refuses for its time makes the
// connector measure that very clock. Orders are taken again, and a cancel goes through without anybody hearing of it.
func TestClockThatSignsIsSet(t *testing.T) {
	for name, by := range map[string]time.Duration{"forward": 10 * time.Second, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			s := &stepped{fake: newFake(t)}
			s.deadMan = func(context.Context, string, time.Duration) error { return nil }
			r := start(t, s, nil, func(c *venue.Config) { c.Trading, c.DeadMan = true, 200*time.Millisecond }, "BTC")
			take(t, s.private, "the private stream")
			r.trade(0)
			s.stepNs.Store(int64(by))
			o := r.order(0, 1_000_000+r.nextID) // the one that was taken
			o.Req = hft.StatusCanceled
			r.Sent(&o)
			r.connector.Cancel(o)
			until(t, "the order is canceled", func() bool {
				for _, u := range r.AllUpdates() {
					if u.OrderID == o.OrderID && u.Status == hft.StatusCanceled {
						return true
					}
				}
				return false
			})
			if s.refused.Load() == 0 {
				t.Error("nothing was refused: the test proves nothing")
			}
			if n := r.refused("clock off"); n > 0 {
				t.Errorf("the bot was told of %d cancels", n)
			}
			r.trade(0)
		})
	}
}

// sleeper is a clock whose machine a test suspends.
type sleeper struct {
	wallClock
	n      atomic.Uint64
	asleep atomic.Int64
}

func (s *sleeper) Jumps() (uint64, time.Duration, time.Duration) {
	return s.n.Load(), time.Duration(s.asleep.Load()), 0
}

// After the machine was suspended the venue's clock is measured, the dead-man's switch refreshed, every connection
// replaced and the venue asked what it has, all at once: the timers of these have stood still.
func TestSuspended(t *testing.T) {
	s := &stepped{fake: newFake(t)}
	armed, asked := make(chan struct{}, 1000), make(chan struct{}, 1000)
	s.deadMan = func(_ context.Context, _ string, window time.Duration) error {
		if window > 0 {
			armed <- struct{}{}
		}
		return nil
	}
	s.openOrders = func(context.Context, string) ([]protocol.Report, error) {
		asked <- struct{}{}
		return nil, nil
	}
	clock := &sleeper{}
	r := startBy(t, clock, s, nil, func(c *venue.Config) {
		c.Trading, c.DeadMan, c.AuditInterval = true, time.Hour, time.Hour
	}, "BTC")
	take(t, s.private, "the private stream")
	take(t, s.market, "the market stream")
	take(t, asked, "the first reconciliation")
	r.trade(0)
	take(t, armed, "the switch is armed")
	until(t, "the clock is measured", func() bool { return s.measured.Load() > 0 })
	before := s.measured.Load()
	clock.asleep.Add(int64(time.Minute))
	clock.n.Add(1)
	take(t, armed, "the switch is refreshed")
	take(t, s.private, "another private stream")
	take(t, s.market, "another market stream")
	take(t, asked, "the venue is asked for orders")
	until(t, "the clock is measured again", func() bool { return s.measured.Load() > before })
}

// TestAccountOfAClockThatIsOff: where this machine's clock is wrong from the start, positions and orders are believed
// by the venue's, and executions are asked for from a time of the venue.
func TestAccountOfAClockThatIsOff(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{72 * time.Hour, -time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.ahead = ahead
			venueNs := func() int64 { return time.Now().Add(ahead).UnixNano() }
			f.positions = func(context.Context) ([]protocol.Position, error) {
				return []protocol.Position{{Symbol: "BTC", Qty: 3, TimestampNs: venueNs()}}, nil
			}
			f.place = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
				r := protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, VenueID: "v" + o.ClientID, Status: hft.StatusNew}
				if ahead > 0 { // otherwise the order has no time but this side's
					r.TimestampNs = venueNs()
				}
				return r, nil
			}
			r := start(t, f, nil, trading, "BTC")
			private := take(t, f.private, "the private stream")
			until(t, "the position is known", func() bool { return r.LastPosition(0) == 3 })
			r.trade(0)
			_ = private.ws.CloseNow()
			take(t, f.private, "the private stream again")
			until(t, "executions are asked for", func() bool { return f.since.Load() != 0 })
			if distance := time.Duration(venueNs() - f.since.Load()); distance < 0 || distance > 2*patience {
				t.Errorf("executions are asked for from %v ago on", distance)
			}
		})
	}
}
