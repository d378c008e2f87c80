package venue_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
)

// lines hands each line of a log on.
type lines func(line string)

func (l lines) Write(p []byte) (int, error) {
	l(string(p))
	return len(p), nil
}

// outages is a log that counts the outages that began and ended.
func outages(failed, over *atomic.Int32) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: lines(func(line string) {
		if strings.Contains(line, "[WARN]") && strings.Contains(line, "the venue fails") {
			failed.Add(1)
		}
		if strings.Contains(line, "works again") {
			over.Add(1)
		}
	})})
}

// TestAQuestionThatIsNotAskedAgain: executions that could not be asked for, and came by the private stream after all,
// do not leave the venue failing for good: nobody would be warned of the next outage.
func TestAQuestionThatIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	placed := make(chan protocol.Order, 1)
	f.place = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		select {
		case placed <- *o:
		default:
		}
		return protocol.Report{Channel: protocol.ChannelAck, Symbol: "BTC", ClientID: o.ClientID, VenueID: "v" + o.ClientID, Status: hft.StatusNew,
			Side: hft.Buy, Price: 100, Qty: 0.01, HasCum: true}, nil
	}
	var down atomic.Bool
	asked := make(chan struct{}, 100)
	f.executions = func(context.Context, string) ([]protocol.Report, error) {
		if !down.Load() {
			return nil, nil
		}
		asked <- struct{}{}
		return nil, &protocol.Failure{Cause: protocol.Unknown, Err: errors.New("no answer")}
	}
	told := make(chan protocol.Report, 1)
	f.decodeUser = func(_ []byte, sink protocol.UserSink) error {
		r := <-told
		sink.Order(&r)
		return nil
	}
	var failed, over atomic.Int32
	log := outages(&failed, &over)
	r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.AuditInterval, c.Logger = true, 3*time.Second, log }, "BTC")
	private := take(t, f.private, "the private stream")
	r.trade(0)
	o := take(t, placed, "the order")
	report := protocol.Report{Channel: protocol.ChannelStream, Symbol: "BTC", ClientID: o.ClientID, VenueID: "v" + o.ClientID, Status: hft.StatusPartiallyFilled,
		Side: hft.Buy, Price: 100, Qty: 0.01, CumQty: 0.004, HasCum: true, TimestampNs: time.Now().UnixNano()}
	down.Store(true)
	told <- report
	private.send(t, "more is executed than was told")
	take(t, asked, "the question")
	until(t, "the outage is logged", func() bool { return failed.Load() == 1 })
	report.TradeID, report.LastQty, report.LastPrice = "a", 0.004, 100
	told <- report
	private.send(t, "the execution")
	down.Store(false)
	until(t, "the outage is over", func() bool { return over.Load() == 1 })
}

// TestARefusalIsAnAnswer: requests about orders work again when the venue says anything but that it cannot, not only
// when the account is asked about or a request succeeds.
func TestARefusalIsAnAnswer(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]*protocol.Failure{
		"a code":                 {Cause: protocol.Refused, Code: 110007, Msg: "not enough"},
		"a list without it":      {Cause: protocol.NotFound, Msg: "in no list"},
		"something unreadable":   {Unreadable: true, Msg: "what is this?"},
		"no such order any more": {Cause: protocol.Gone, Msg: "it has ended"},
	} {
		t.Run(name, func(t *testing.T) { testAnswerEndsOutage(t, answer) })
	}
}

func testAnswerEndsOutage(t *testing.T, answer *protocol.Failure) {
	t.Parallel()
	f := newFake(t)
	var failure, known atomic.Pointer[protocol.Failure]
	f.place = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		if failed := failure.Load(); failed != nil {
			return protocol.Report{}, failed
		}
		return protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, VenueID: "v" + o.ClientID, Status: hft.StatusNew}, nil
	}
	var asked atomic.Int32
	f.query = func(context.Context, *protocol.Order) (protocol.Report, error) {
		asked.Add(1)
		return protocol.Report{}, known.Load()
	}
	known.Store(&protocol.Failure{Cause: protocol.Gone, Msg: "no answer, but the private stream has told", Err: errors.New("no answer")})
	var failed, over atomic.Int32
	r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.AuditInterval, c.Logger = true, time.Hour, outages(&failed, &over) }, "BTC")
	r.trade(0)
	failure.Store(&protocol.Failure{Cause: protocol.Unknown, Err: errors.New("no answer")})
	r.connector.Submit(r.order(0, 1))
	until(t, "the outage is logged", func() bool { return failed.Load() == 1 })
	failure.Store(&protocol.Failure{Cause: protocol.Refused, Msg: "not sent"})
	r.connector.Submit(r.order(0, 2))
	until(t, "the order is refused", func() bool { return r.refused("not sent") == 1 })
	until(t, "the first order is asked about, twice", func() bool { return asked.Load() >= 2 })
	known.Store(&protocol.Failure{Cause: protocol.Weight, Code: 10403, Msg: "too many requests from this IP address"})
	until(t, "it is asked about once more", func() bool { return asked.Load() >= 3 })
	r.connector.Submit(r.order(0, 3))
	until(t, "another order is refused", func() bool { return r.refused("not sent") == 2 })
	if over.Load() > 0 {
		t.Error("what was no answer ended the outage")
	}
	known.Store(answer)
	until(t, "the outage is over", func() bool { return over.Load() == 1 })
}

// TestABanIsOneOutage: a page in front of the venue and a ban that goes on are one WARN; nothing says that the venue
// works before it answers, and what is not sent meanwhile is no news.
func TestABanIsOneOutage(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var failure atomic.Pointer[protocol.Failure]
	failing := func() error {
		if failed := failure.Load(); failed != nil {
			return failed
		}
		return nil
	}
	var asked atomic.Int32
	f.openOrders = func(context.Context, string) ([]protocol.Report, error) {
		asked.Add(1)
		return nil, failing()
	}
	f.place = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		if err := failing(); err != nil {
			return protocol.Report{}, err
		}
		return protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, VenueID: "v" + o.ClientID, Status: hft.StatusNew}, nil
	}
	var failed, over atomic.Int32
	r := start(t, f, nil, func(c *venue.Config) {
		c.Trading, c.AuditInterval, c.Logger = true, 50*time.Millisecond, outages(&failed, &over)
	}, "BTC")
	r.trade(0)
	again := func() {
		before := asked.Load()
		until(t, "it is asked again", func() bool { return asked.Load() >= before+2 })
	}
	failure.Store(&protocol.Failure{Cause: protocol.Refused, Status: 418, Msg: "HTTP 418"})
	again()
	until(t, "the outage is logged", func() bool { return failed.Load() == 1 })
	failure.Store(&protocol.Failure{Cause: protocol.Banned, Status: 403, Msg: "HTTP 403", RetryAt: time.Now().Add(time.Hour)})
	r.connector.Submit(r.order(0, 1))
	until(t, "it is refused", func() bool { return r.refused("HTTP 403") == 1 })
	r.connector.Submit(r.order(0, 2))
	until(t, "the next is not sent", func() bool { return r.refused("HTTP 403") == 2 })
	failure.Store(&protocol.Failure{Cause: protocol.Weight, Held: true, Msg: "not sent: the venue has banned this IP address", RetryAt: time.Now().Add(time.Hour)})
	again()
	critical := 0
	for _, e := range r.Errors() {
		if e.Kind == hft.CriticalConnectionError {
			critical++
		} else if !e.Outage && strings.Contains(e.Val.String(), "HTTP 403") {
			t.Errorf("%q is logged beside the outage", e.Val.String())
		}
	}
	if failed.Load() != 1 || over.Load() != 0 || critical != 1 {
		t.Errorf("%d outages, %d over, %d critical errors", failed.Load(), over.Load(), critical)
	}
	failure.Store(nil)
	until(t, "the outage is over", func() bool { return over.Load() == 1 })
}
