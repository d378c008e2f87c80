package live_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// waitCase is what a waiting call returns, and when, for something that happens at the host.
type waitCase struct {
	name    string
	arrange func(r *rig) // order 1 of asset 0 is in flight
	call    func(b live.LiveBot) (hft.ElapseResult, error)
	want    hft.ElapseResult
	wantErr error
	passed  time.Duration
}

func TestWaits(t *testing.T) {
	for _, test := range slices.Concat(elapseCases(), feedCases(), orderCases()) {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.submit(1)
			if test.arrange != nil {
				test.arrange(r)
			}
			got, err := test.call(r.bot)
			r.check(test.name, got, err, test.want, test.wantErr, test.passed)
		})
	}
}

// ack acknowledges order 1.
func ack(r *rig) func() {
	return func() { r.order(0, report(r.requests[0].Order, hft.StatusNew, t0+5)) }
}

// oneFeed is a message of one event, message one of three.
func oneFeed(r *rig) func() { return func() { r.feed(1, bid(100, 1)) } }
func message(r *rig) func() { return func() { r.feed(0, bid(100, 1), ask(101, 1), trade(100, 1)) } }

// elapseCases are calls of Elapse and ElapseBT.
func elapseCases() []waitCase {
	return []waitCase{
		{"elapse nothing", nil, elapse(10 * ms), hft.ElapseOk, nil, 10 * ms},
		{"elapse over feed and order", func(r *rig) { r.after(2*ms, oneFeed(r)); r.after(3*ms, ack(r)) },
			elapse(10 * ms), hft.ElapseOk, nil, 10 * ms},
		{"elapse 0", ackNow, elapse(0), hft.ElapseOk, nil, 0},
		{"elapse negative", ackNow, elapse(-ms), hft.ElapseOk, nil, 0},
		{"elapse to the end of time", nil, elapse(hft.UntilEndOfData), hft.ElapseOk, nil,
			math.MaxInt64 - time.Duration(t0)},
		{"elapse to the end of data", func(r *rig) { r.after(4*ms, r.hub.EndOfData) }, elapse(10 * ms),
			hft.ElapseEndOfData, hft.ErrEndOfData, 4 * ms},
		{"elapse interrupted", func(r *rig) { r.after(4*ms, func() { r.hub.Interrupt(botID) }) }, elapse(10 * ms),
			hft.ElapseOk, hft.ErrInterrupted, 4 * ms},
		{"elapse, host gone", func(r *rig) { r.after(4*ms, func() { r.hub.Close() }) }, elapse(10 * ms),
			hft.ElapseOk, hft.ErrPeerGone, 4 * ms},
		{"elapse_bt", nil, func(b live.LiveBot) (hft.ElapseResult, error) { return b.ElapseBT(time.Hour) },
			hft.ElapseOk, nil, 0},
	}
}

// feedCases are calls of WaitNextFeed.
func feedCases() []waitCase {
	return []waitCase{
		{"feed", func(r *rig) { r.after(2*ms, oneFeed(r)) }, nextFeed(false, 10*ms), hft.ElapseMarketFeed, nil, 2 * ms},
		{"feed, timeout", nil, nextFeed(true, 10*ms), hft.ElapseOk, nil, 10 * ms},
		{"feed, timeout 0", nil, nextFeed(true, 0), hft.ElapseOk, nil, 0},
		{"feed there, timeout 0", func(r *rig) { oneFeed(r)() }, nextFeed(false, 0), hft.ElapseMarketFeed, nil, 0},
		{"feed, order does not count", func(r *rig) { r.after(2*ms, ack(r)); r.after(3*ms, oneFeed(r)) },
			nextFeed(false, 10*ms), hft.ElapseMarketFeed, nil, 3 * ms},
		{"feed or order, order", func(r *rig) { r.after(2*ms, ack(r)); r.after(3*ms, oneFeed(r)) },
			nextFeed(true, 10*ms), hft.ElapseOrderResponse, nil, 2 * ms},
		{"feed or order, message", func(r *rig) { r.after(2*ms, message(r)) }, nextFeed(true, 10*ms),
			hft.ElapseMarketFeed, nil, 2 * ms},
		{"feed, position does not count", func(r *rig) {
			r.after(2*ms, func() { r.must(r.hub.SendPosition(botID, 0, hft.StateValues{Position: 1})) })
		}, nextFeed(true, 10*ms), hft.ElapseOk, nil, 10 * ms},
		{"feed, error does not count", func(r *rig) {
			r.after(2*ms, func() { r.must(r.hub.SendError(botID, hft.NewLiveError(hft.ConnectionInterrupted))) })
		}, nextFeed(true, 10*ms), hft.ElapseOk, nil, 10 * ms},
		{"feed before the end of data", func(r *rig) {
			r.after(2*ms, func() { oneFeed(r)(); r.hub.EndOfData() })
		}, nextFeed(false, 10*ms), hft.ElapseMarketFeed, nil, 2 * ms},
		{"feed, end of data", func(r *rig) { r.after(2*ms, r.hub.EndOfData) }, nextFeed(false, hft.UntilEndOfData),
			hft.ElapseEndOfData, hft.ErrEndOfData, 2 * ms},
		{"feed, interrupted", func(r *rig) {
			r.after(2*ms, func() { oneFeed(r)(); r.ch.Interrupt() })
		}, nextFeed(false, 10*ms), hft.ElapseOk, hft.ErrInterrupted, 2 * ms},
		{"feed after a registration burst", func(r *rig) {
			r.after(2*ms, func() {
				r.must(r.hub.AnswerRegister(botID, 1, nil, hft.StateValues{}, []hft.Event{bid(1, 1), ask(2, 1)}))
			})
		}, nextFeed(false, 10*ms), hft.ElapseMarketFeed, nil, 2 * ms},
	}
}

// orderCases are calls that wait for an order.
func orderCases() []waitCase {
	return []waitCase{
		{"order", func(r *rig) { r.after(2*ms, ack(r)) }, orderResponse(10 * ms), hft.ElapseOrderResponse, nil, 2 * ms},
		{"order, timeout", func(r *rig) { r.after(2*ms, oneFeed(r)) }, orderResponse(10 * ms), hft.ElapseOk, nil,
			10 * ms},
		{"order, another one", func(r *rig) {
			r.submit(2)
			r.after(2*ms, func() { r.order(0, report(r.requests[1].Order, hft.StatusNew, t0)) })
			r.after(3*ms, func() { r.order(1, report(r.requests[0].Order, hft.StatusNew, t0)) }) // same id, other asset
		}, orderResponse(10 * ms), hft.ElapseOk, nil, 10 * ms},
		{"order, refused", func(r *rig) { r.after(2*ms, func() { r.order(0, rejected(r.requests[0].Order)) }) },
			orderResponse(10 * ms), hft.ElapseOrderResponse, nil, 2 * ms},
		{"order, no news", func(r *rig) { // it is acknowledged and that was seen; what follows is no response
			r.order(0, report(r.requests[0].Order, hft.StatusNew, t0+5))
			if got, err := r.bot.WaitOrderResponse(0, 1, 0); got != hft.ElapseOrderResponse || err != nil {
				r.tb.Fatalf("WaitOrderResponse = %v, %v", got, err)
			}
			r.after(2*ms, func() { r.order(0, rejected(r.requests[0].Order)) })
			r.after(3*ms, func() { r.order(0, report(r.requests[0].Order, hft.StatusNew, t0+4)) })
		}, orderResponse(10 * ms), hft.ElapseOk, nil, 10 * ms},
		{"order, final at the end of data", func(r *rig) {
			r.order(0, report(r.requests[0].Order, hft.StatusFilled, t0+5))
			r.drain()
			r.hub.EndOfData()
		}, orderResponse(10 * ms), hft.ElapseEndOfData, hft.ErrEndOfData, 0},
		{"order, end of data", func(r *rig) { r.after(2*ms, r.hub.EndOfData) }, orderResponse(hft.UntilEndOfData),
			hft.ElapseEndOfData, hft.ErrEndOfData, 2 * ms},
		{"order, interrupted", func(r *rig) { r.after(2*ms, r.ch.Interrupt) }, orderResponse(hft.UntilEndOfData),
			hft.ElapseOk, hft.ErrInterrupted, 2 * ms},
		{"order, unknown", nil, func(b live.LiveBot) (hft.ElapseResult, error) {
			return b.WaitOrderResponse(0, 99, time.Hour)
		}, hft.ElapseOk, hft.ErrOrderNotFound, 0},
		{"order, unknown asset", nil, func(b live.LiveBot) (hft.ElapseResult, error) {
			return b.WaitOrderResponse(3, 1, time.Hour)
		}, hft.ElapseOk, hft.ErrInstrumentNotFound, 0},
		{"submit and wait, timeout", nil, func(b live.LiveBot) (hft.ElapseResult, error) {
			return b.SubmitSellOrder(0, 2, 1, 1, hft.GTC, hft.Limit, true)
		}, hft.ElapseOk, nil, time.Minute},
	}
}

func ackNow(r *rig) { ack(r)() }

func elapse(d time.Duration) func(live.LiveBot) (hft.ElapseResult, error) {
	return func(b live.LiveBot) (hft.ElapseResult, error) { return b.Elapse(d) }
}

func nextFeed(includeOrderResp bool, timeout time.Duration) func(live.LiveBot) (hft.ElapseResult, error) {
	return func(b live.LiveBot) (hft.ElapseResult, error) { return b.WaitNextFeed(includeOrderResp, timeout) }
}

func orderResponse(timeout time.Duration) func(live.LiveBot) (hft.ElapseResult, error) {
	return func(b live.LiveBot) (hft.ElapseResult, error) { return b.WaitOrderResponse(0, 1, timeout) }
}

// TestWaitEndsWithMessage: a strategy never sees half of a message.
func TestWaitEndsWithMessage(t *testing.T) {
	r := newRig(t)
	r.feed(0, bid(100, 1), ask(101, 1), bid(100.5, 2))
	r.feed(0, bid(100.7, 3))
	if got, err := r.bot.WaitNextFeed(false, time.Second); got != hft.ElapseMarketFeed || err != nil {
		t.Fatalf("WaitNextFeed = %v, %v", got, err)
	}
	if got := r.bookText(0); got != "2@100.5 1@101" {
		t.Errorf("after the first message the book is %s, want 2@100.5 1@101", got)
	}
	if got, err := r.bot.WaitNextFeed(false, time.Second); got != hft.ElapseMarketFeed || err != nil {
		t.Fatalf("WaitNextFeed = %v, %v", got, err)
	}
	if got := r.bookText(0); got != "3@100.7 1@101" {
		t.Errorf("after the second message the book is %s, want 3@100.7 1@101", got)
	}
}

// TestWaitEndsWithBurst: orders and levels of a registration burst end a wait at its BatchEnd only, and with it.
func TestWaitEndsWithBurst(t *testing.T) {
	r := newRig(t)
	o := r.submit(1)
	levels := []hft.Event{bid(100, 1), ask(101, 2)}
	r.must(r.hub.AnswerRegister(botID, 0, []hft.Order{report(o, hft.StatusFilled, t0)}, hft.StateValues{Position: 1},
		levels))
	r.after(ms, func() { r.feed(1, bid(7, 7)) })
	if got, err := r.bot.WaitOrderResponse(0, 1, time.Second); got != hft.ElapseOrderResponse || err != nil {
		t.Fatalf("WaitOrderResponse = %v, %v; want OrderResponse", got, err)
	}
	if got := r.bookText(0); got != "1@100 2@101" || r.bot.Position(0) != 1 || r.clock.NowNs() != t0 {
		t.Errorf("after the burst: book %s, position %v, %v passed; want 1@100 2@101, 1, 0", got, r.bot.Position(0),
			r.clock.NowNs()-t0)
	}
}

// TestOpenOrderInBurstIsNoAnswer: the list of open orders does not answer a request that is still in flight.
func TestOpenOrderInBurstIsNoAnswer(t *testing.T) {
	r := newRig(t)
	o := r.rest(1, t0)
	if got, err := r.bot.WaitOrderResponse(0, 1, 0); got != hft.ElapseOrderResponse || err != nil {
		t.Fatalf("WaitOrderResponse of the acknowledgement = %v, %v", got, err)
	}
	if _, err := r.bot.Modify(0, 1, 61000, 2, false); err != nil {
		t.Fatal(err)
	}
	modify := r.requests[1].Order
	r.must(r.hub.AnswerRegister(botID, 0, []hft.Order{report(o, hft.StatusNew, t0+1)}, hft.StateValues{}, nil))
	if got, err := r.bot.WaitOrderResponse(0, 1, ms); got != hft.ElapseOk || err != nil {
		t.Fatalf("WaitOrderResponse over a burst = %v, %v; want Ok", got, err)
	}
	if got := r.bot.Orders(0).Get(1); *got != modify {
		t.Errorf("after the burst the order is %+v, want it as requested: %+v", *got, modify)
	}
	r.order(0, report(modify, hft.StatusNew, t0+2))
	if got, err := r.bot.WaitOrderResponse(0, 1, ms); got != hft.ElapseOrderResponse || err != nil {
		t.Fatalf("WaitOrderResponse of the answer = %v, %v; want OrderResponse", got, err)
	}
}

// TestEveryResponseEndsOneWait: a response that came in another waiting call is not waited for again.
func TestEveryResponseEndsOneWait(t *testing.T) {
	r := newRig(t)
	r.rest(1, t0) // answered inside of Elapse
	wait := func(want hft.ElapseResult, wantPassed time.Duration) {
		t.Helper()
		startNs := r.clock.NowNs()
		got, err := r.bot.WaitOrderResponse(0, 1, 10*ms)
		if passed := time.Duration(r.clock.NowNs() - startNs); got != want || err != nil || passed != wantPassed {
			t.Fatalf("WaitOrderResponse = %v, %v after %v; want %v after %v", got, err, passed, want, wantPassed)
		}
	}
	wait(hft.ElapseOrderResponse, 0)
	wait(hft.ElapseOk, 10*ms)
	if _, err := r.bot.Cancel(0, 1, false); err != nil {
		t.Fatal(err)
	}
	wait(hft.ElapseOk, 10*ms)
	cancel := r.requests[1].Order
	r.after(3*ms, func() { r.order(0, report(cancel, hft.StatusCanceled, t0+1)) })
	wait(hft.ElapseOrderResponse, 3*ms)
	wait(hft.ElapseOrderResponse, 0) // it is over: nothing more will come
	// A strategy that only calls this on an order that is over still sees everything else.
	r.feed(0, bid(100, 1))
	wait(hft.ElapseOrderResponse, 0)
	if got := r.bot.Depth(0).BestBid(); got != 100 {
		t.Errorf("best bid %v, want 100", got)
	}
	r.ch.Interrupt()
	if _, err := r.bot.WaitOrderResponse(0, 1, time.Second); !errors.Is(err, hft.ErrInterrupted) {
		t.Errorf("WaitOrderResponse of a final order when interrupted: %v", err)
	}
}

// TestLaterResultWins: when one wake-up brings a response and then feed, the result is the later one.
func TestLaterResultWins(t *testing.T) {
	r := newRig(t)
	o := report(r.submit(1), hft.StatusFilled, t0)
	r.must(r.hub.AnswerRegister(botID, 0, []hft.Order{o}, hft.StateValues{}, []hft.Event{bid(1, 1)}))
	if got, err := r.bot.WaitNextFeed(true, ms); got != hft.ElapseMarketFeed || err != nil {
		t.Fatalf("WaitNextFeed = %v, %v; want MarketFeed", got, err)
	}
}

// TestStopFromAnotherGoroutine: a stop ends a wait of the wall clock at once.
func TestStopFromAnotherGoroutine(t *testing.T) {
	r := newHub(t)
	r.hub = ipctest.NewHub(ipctest.Instruments(), nil)
	r.hub.Handle(r.handle)
	r.build(1, nil)
	go func() {
		r.feed(0, bid(100, 1))
		r.ch.Interrupt()
	}()
	for {
		if _, err := r.bot.WaitNextFeed(true, hft.UntilEndOfData); err != nil {
			if !errors.Is(err, hft.ErrInterrupted) {
				t.Errorf("WaitNextFeed when stopped: %v", err)
			}
			return
		}
	}
}

// TestFloodDoesNotHoldUpElapse: a wait whose time is over ends although events keep coming.
func TestFloodDoesNotHoldUpElapse(t *testing.T) {
	var r *rig
	received := 0
	r = newHub(t).build(3, func(b *live.LiveBotBuilder) {
		b.OrderRecvHook(func(_, _ *hft.Order) error { // keeps the queue full: two events in for each one out
			if received++; received > 100 {
				return errors.New("Elapse(5ms) does not end")
			}
			r.clock.Advance(ms) // it takes its time
			late := bid(100, float64(received))
			late.LocalTimestampNs = r.clock.NowNs()
			r.feed(0, late)
			r.order(0, hft.Order{OrderID: uint64(received)})
			return nil
		})
	})
	r.after(5*ms, func() { r.order(0, hft.Order{OrderID: 1000}) })
	got, err := r.bot.Elapse(5 * ms)
	r.check("Elapse", got, err, hft.ElapseOk, nil, 6*ms)
}

// lossy is a channel that loses the last event of the next message.
type lossy struct {
	ipc.Channel
	lose bool
}

func (l *lossy) RecvTimeout(botID uint64, timeout time.Duration, ev *ipc.LiveEvent) (int, error) {
	for {
		instNo, err := l.Channel.RecvTimeout(botID, timeout, ev)
		if err != nil || !l.lose || ev.Kind != ipc.EventFeed || ev.More {
			return instNo, err
		}
		l.lose = false
	}
}

// TestLostEndOfMessage: a message without an end holds up a wait until its time is over, and no later wait once the
// bot was told of the loss or got the book anew.
func TestLostEndOfMessage(t *testing.T) {
	lost := func(connector string) func(r *rig) {
		return func(r *rig) {
			e := hft.CustomLiveError(hft.CodeFeedLost, hft.IntValue(3))
			e.Connector = connector
			r.must(r.hub.SendError(botID, e))
		}
	}
	for name, repair := range map[string]func(r *rig){
		"error of the connector": lost("alpha"),
		"error of the runner":    lost(""),
		"registration burst": func(r *rig) {
			r.must(r.hub.AnswerRegister(botID, 0, nil, hft.StateValues{}, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHub(t)
			handled := 0
			ch := &lossy{Channel: r.channel(3)}
			bot, err := r.builder(3).ErrorHandler(func(hft.LiveError) error { handled++; return nil }).Build(ch)
			if err != nil {
				t.Fatal(err)
			}
			ch.lose = true
			r.feed(0, bid(100, 1), ask(101, 1))
			got, err := bot.WaitNextFeed(false, ms)
			r.check("WaitNextFeed of half a message", got, err, hft.ElapseMarketFeed, nil, ms)
			repair(r)
			if got, err = bot.Elapse(0); got != hft.ElapseOk || err != nil {
				t.Fatalf("Elapse = %v, %v", got, err)
			}
			r.feed(2, bid(100, 1)) // of another connector
			got, err = bot.WaitNextFeed(false, time.Second)
			r.check("WaitNextFeed after the repair", got, err, hft.ElapseMarketFeed, nil, ms)
			if want := strings.Count(name, "error"); handled != want {
				t.Errorf("the handler was called %d times, want %d", handled, want)
			}
		})
	}
}
