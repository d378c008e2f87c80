package venue_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
)

const notAccounted = "down or reconciling"

// TestSymbolsAreAccountedForOneByOne: a symbol whose orders are not known yet takes none, whatever is known of others,
// and one that the venue refuses to speak about does not hold up those after it.
func TestSymbolsAreAccountedForOneByOne(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var asked sync.Map
	release := make(chan struct{})
	f.openOrders = func(ctx context.Context, symbol string) ([]protocol.Report, error) {
		asked.Store(symbol, true)
		switch symbol {
		case "BAD":
			return nil, &protocol.Failure{Cause: protocol.Refused}
		case "LATE":
			select {
			case <-release:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return nil, nil
	}
	f.snapshot = func(symbol string) ([]byte, error) { return []byte("S " + symbol + " 10"), nil }
	r := start(t, f, nil, trading, "BAD", "GOOD")
	market := take(t, f.market, "the market stream")
	market.send(t, "D GOOD 10 11")
	market.send(t, "D BAD 10 11")
	until(t, "the good symbol is ready", func() bool { return r.IsReady(1) })
	r.connector.Submit(r.order(1, 1))
	until(t, "the order is taken", func() bool { return r.taken(1) })
	r.connector.Submit(r.order(0, 2))
	until(t, "the order on the refused symbol is refused", func() bool { return r.refused(notAccounted) == 1 })

	r.connector.Register(instrument(2, "LATE"))
	until(t, "the late symbol is asked about", func() bool { _, ok := asked.Load("LATE"); return ok })
	r.connector.Submit(r.order(2, 3))
	until(t, "the order on the late symbol is refused", func() bool { return r.refused(notAccounted) == 2 })
	market = take(t, f.market, "the market stream with the late symbol")
	market.send(t, "D LATE 10 11")
	until(t, "the late symbol's book is there", func() bool { return r.numEvents(2) > 0 })
	if r.IsReady(2) || r.IsReady(0) {
		t.Error("a symbol is ready whose orders are not known")
	}
	close(release)
	until(t, "the late symbol is ready", func() bool { return r.IsReady(2) })
	r.connector.Submit(r.order(2, 4))
	until(t, "the order on the late symbol is taken", func() bool { return r.taken(4) })
}

// TestStreamLostDuringReconciliation: what was asked for before the private stream was lost opens nothing: the
// questions after it came up again do.
func TestStreamLostDuringReconciliation(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	first, second := make(chan struct{}), make(chan struct{})
	var asked atomic.Int32
	f.openOrders = func(ctx context.Context, _ string) ([]protocol.Report, error) {
		if asked.Add(1) == 1 {
			<-first // an answer that comes although nobody wants it any more
			return nil, nil
		}
		select {
		case <-second:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	r := start(t, f, nil, trading, "BTC")
	private := take(t, f.private, "the private stream")
	until(t, "the venue is asked", func() bool { return asked.Load() == 1 })
	_ = private.ws.CloseNow()
	take(t, f.private, "the private stream again")
	until(t, "the venue is asked again", func() bool { return asked.Load() == 2 })
	close(first)
	for id := uint64(1); id <= 50; id++ { // for as long as the stale answer may have an effect
		r.connector.Submit(r.order(0, id))
		time.Sleep(time.Millisecond)
	}
	if n := r.refused(notAccounted); n != 50 {
		t.Errorf("%d of 50 orders are refused while the second answer is out", n)
	}
	close(second)
	r.trade(0)
}

// TestOlderPositionAnswer: an answer does not take back what the private stream has told while it was on its way.
func TestOlderPositionAnswer(t *testing.T) {
	f := newFake(t)
	release := make(chan struct{})
	f.positions = func(ctx context.Context) ([]protocol.Position, error) {
		select {
		case <-release:
			return []protocol.Position{{Symbol: "BTC", Qty: 1, TimestampNs: 100}, {Symbol: "ETH", Qty: 7, TimestampNs: 100}}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	told := make(chan struct{})
	f.decodeUser = func(_ []byte, sink protocol.UserSink) error {
		sink.Position(protocol.Position{Symbol: "BTC", Qty: 5, TimestampNs: 200})
		close(told)
		return nil
	}
	r := start(t, f, nil, trading, "BTC", "ETH")
	take(t, f.private, "the private stream").send(t, "position")
	take(t, told, "the position")
	close(release)
	until(t, "the answer has come", func() bool { return r.LastPosition(1) == 7 })
	if got := r.LastPosition(0); got != 5 {
		t.Errorf("the position is %v, what was true before", got)
	}
}

// TestUnreadableReportIsAskedAbout: a message of the private stream that cannot be read may have been about an
// execution, so the venue is asked well before the next audit.
func TestUnreadableReportIsAskedAbout(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var asked atomic.Int32
	f.openOrders = func(context.Context, string) ([]protocol.Report, error) {
		asked.Add(1)
		return nil, nil
	}
	start(t, f, nil, func(c *venue.Config) { c.Trading, c.AuditInterval = true, time.Hour }, "BTC")
	private := take(t, f.private, "the private stream")
	until(t, "the venue is asked at the start", func() bool { return asked.Load() == 1 })
	private.send(t, "garbage")
	until(t, "the venue is asked again", func() bool { return asked.Load() == 2 })
}

// TestDeadMan: a symbol that gets its first order is armed at once; one slow answer does not keep the other switches
// from being refreshed; at the end all are disarmed, also the one whose arming was never answered.
func TestDeadMan(t *testing.T) {
	t.Parallel()
	const window = 400 * time.Millisecond
	f := newFake(t)
	var mu sync.Mutex
	armed := map[string]int{}
	disarmed := map[string]bool{}
	f.deadMan = func(ctx context.Context, symbol string, w time.Duration) error {
		if ctx.Err() != nil {
			return ctx.Err() // it is not sent
		}
		mu.Lock()
		if w > 0 {
			armed[symbol]++
		} else {
			disarmed[symbol] = true
		}
		mu.Unlock()
		if symbol == "SLOW" && w > 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	count := func(symbol string) int {
		mu.Lock()
		defer mu.Unlock()
		return armed[symbol]
	}
	r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.DeadMan = true, window }, "SLOW", "FAST", "IDLE")
	take(t, f.private, "the private stream")
	r.trade(0)
	r.trade(1)
	until(t, "both switches are refreshed", func() bool { return count("SLOW") >= 4 && count("FAST") >= 4 })
	r.stop()
	if !disarmed["SLOW"] || !disarmed["FAST"] || disarmed["IDLE"] || armed["IDLE"] > 0 {
		t.Errorf("armed %v, disarmed at the end %v", armed, disarmed)
	}
}

// TestFirstOrderArms: it does not wait for the next refreshing.
func TestFirstOrderArms(t *testing.T) {
	f := newFake(t)
	armed := make(chan time.Duration, 10)
	f.deadMan = func(_ context.Context, _ string, w time.Duration) error {
		armed <- w
		return nil
	}
	const window = time.Hour
	r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.DeadMan = true, window }, "BTC")
	take(t, f.private, "the private stream")
	r.trade(0)
	if w := take(t, armed, "the switch is armed"); w != window {
		t.Errorf("armed for %v", w)
	}
}

// TestNoDeadMan: a venue that has none is told about once.
func TestNoDeadMan(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.DeadMan = true, time.Hour }, "BTC")
	take(t, f.private, "the private stream")
	r.trade(0)
	until(t, "somebody hears of it", func() bool {
		for _, e := range r.Errors() {
			if e.Kind == hft.CriticalConnectionError {
				return true
			}
		}
		return false
	})
}

// TestRequestsAtTheEnd: requests that come while Run ends neither outlive it nor crash it.
func TestRequestsAtTheEnd(t *testing.T) {
	for range 20 {
		f := newFake(t)
		f.place = func(context.Context, *protocol.Order) (protocol.Report, error) {
			return protocol.Report{}, &protocol.Failure{Cause: protocol.Refused, Err: errors.New("no")}
		}
		r := start(t, f, nil, trading, "BTC")
		take(t, f.private, "the private stream")
		var bots sync.WaitGroup
		var stopped atomic.Bool
		for bot := range uint64(4) {
			bots.Go(func() {
				for id := bot << 32; !stopped.Load(); id++ {
					r.connector.Submit(r.order(0, id))
					time.Sleep(10 * time.Microsecond)
				}
			})
		}
		time.Sleep(5 * time.Millisecond)
		r.stop()
		updates := len(r.AllUpdates())
		time.Sleep(2 * time.Millisecond)
		stopped.Store(true)
		bots.Wait()
		if after := len(r.AllUpdates()); after != updates {
			t.Fatalf("%d updates after Run has returned", after-updates)
		}
	}
}

// TestOneSymbolHoldsUpNoOther: what the venue says of one symbol that cannot be read, or that does not come, holds up
// the orders of no other.
func TestOneSymbolHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(ctx context.Context) error{
		"unreadable": func(context.Context) error {
			return &protocol.Failure{Unreadable: true, Msg: "the answer is not in the venue's form"}
		},
		"without end": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.openOrders = func(ctx context.Context, symbol string) ([]protocol.Report, error) {
				if symbol == "BTC" {
					return nil, fail(ctx)
				}
				return nil, nil
			}
			r := start(t, f, nil, trading, "BTC", "ETH")
			r.trade(1)
		})
	}
}

// TestTimeIsUp: where the time for the end is over, a venue that does not answer is not waited for as it is otherwise,
// be it about orders or about the dead-man's switch of a symbol that has none any more.
func TestTimeIsUp(t *testing.T) {
	t.Parallel()
	silent := func() (*run, *hanging) {
		f := &hanging{fake: newFake(t)}
		canceling := make(chan bool, 100)
		f.cancel = func(ctx context.Context, o *protocol.Order) (protocol.Report, error) {
			if o.Symbol == "ETH" {
				return protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, Status: hft.StatusCanceled, HasCum: true}, nil
			}
			canceling <- true
			<-ctx.Done()
			return protocol.Report{}, &protocol.Failure{Cause: protocol.Unknown, Err: ctx.Err()}
		}
		armed := make(chan string, 100)
		f.deadMan = func(ctx context.Context, symbol string, window time.Duration) error {
			if window > 0 {
				armed <- symbol
				return nil
			}
			<-ctx.Done()
			return &protocol.Failure{Cause: protocol.Unknown, Err: ctx.Err()}
		}
		r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.DeadMan = true, time.Hour }, "BTC", "ETH")
		take(t, f.private, "the private stream")
		r.trade(0)
		r.trade(1)
		for range 2 {
			take(t, armed, "a switch is armed")
		}
		for _, o := range r.connector.OpenOrders() {
			r.connector.Cancel(o.Order)
		}
		take(t, canceling, "the cancel")
		until(t, "those of one symbol have ended", func() bool {
			return !slices.ContainsFunc(r.connector.OpenOrders(), func(o connector.OpenOrder) bool { return o.InstrumentNo == 1 })
		})
		return r, f
	}
	patient, answered := silent()
	hurried, hungUp := silent()
	patient.cancel(nil)
	time.Sleep(500 * time.Millisecond) // as much later it would end if it waited as long
	hurried.cancel(connector.ErrTimeUp)
	err := take(t, hurried.done, "the end")
	select {
	case <-patient.done:
		t.Error("both have waited for the venue")
		patient.done <- nil
	default:
	}
	hurried.done <- err
	patient.stop()
	if !hungUp.hungUp || answered.hungUp {
		t.Errorf("the connections for orders are closed at once where the time is up: %v, where not: %v", hungUp.hungUp, answered.hungUp)
	}
}

// hanging is a fake that notes that it is to hang up.
type hanging struct {
	*fake
	hungUp bool
}

func (h *hanging) HangUp() { h.hungUp = true }

// TestOrdersWhilePositionsAreNotTold: what an earlier run has left is known, to be ended, while the venue does not tell
// positions; new orders wait until it does, and nobody says that it tells what cannot be true.
func TestOrdersWhilePositionsAreNotTold(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var told atomic.Bool
	f.positions = func(context.Context) ([]protocol.Position, error) {
		if told.Load() {
			return nil, nil
		}
		return nil, &protocol.Failure{Cause: protocol.Unknown, Err: context.DeadlineExceeded}
	}
	id := ownID(t, 77)
	f.openOrders = func(context.Context, string) ([]protocol.Report, error) {
		return []protocol.Report{{Channel: protocol.ChannelQuery, Symbol: "BTC", ClientID: id, VenueID: "1", Status: hft.StatusNew, Side: hft.Buy, Price: 100, Qty: 10,
			HasCum: true, TimestampNs: time.Now().UnixNano()}}, nil
	}
	r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.OrderPrefix = true, "hr" }, "BTC")
	until(t, "the order is known", func() bool { return len(r.connector.OpenOrders()) == 1 })
	r.connector.Submit(r.order(0, 1))
	until(t, "a new one is refused", func() bool { return r.refused(notAccounted) == 1 })
	told.Store(true)
	r.trade(0)
	if codes(r, blotter.CodeStopped) != 0 {
		t.Error("it is said that the venue tells what cannot be true")
	}
}
