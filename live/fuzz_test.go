package live_test

import (
	"errors"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// FuzzEvents lets the host say anything in any order, while the strategy sends requests: the bot must not panic, no
// final order may come alive, no order may have more than its own requests, and a wait must not outlast its time.
func FuzzEvents(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add([]byte{8, 0x13, 8, 0x27, 9, 0x41, 4, 0x62, 10, 0x33, 4, 0x76, 5, 1, 6, 2})
	f.Fuzz(func(t *testing.T, script []byte) {
		final := map[uint64]hft.Status{}
		r := newHub(t)
		r.build(2, func(b *live.LiveBotBuilder) {
			b.Logger(func(string) {}).OrderRecvHook(func(prev, next *hft.Order) error {
				if prev != nil && prev.OrderID != next.OrderID {
					t.Fatalf("the hook got orders %d and %d", prev.OrderID, next.OrderID)
				}
				return nil
			})
		})
		for len(script) >= 2 {
			op, arg := script[0]%13, int(script[1])
			script = script[2:]
			fuzzStep(r, op, arg)
			if op >= 10 {
				continue
			}
			before := r.clock.NowNs()
			got, err := r.bot.WaitNextFeed(arg%2 == 0, time.Duration(arg))
			if err != nil && !errors.Is(err, hft.ErrTimeout) {
				t.Fatalf("WaitNextFeed = %v, %v", got, err)
			}
			if passed := r.clock.NowNs() - before; passed > int64(arg) {
				t.Fatalf("WaitNextFeed(%d) took %d", arg, passed)
			}
			for o := range r.bot.Orders(0).All() {
				if was, over := final[o.OrderID]; over && was != o.Status {
					t.Fatalf("order %d was %v and is %v", o.OrderID, was, o.Status)
				}
				if o.Final() {
					final[o.OrderID] = o.Status
				}
			}
			if op == 9 {
				r.bot.ClearInactiveOrders(0)
				clear(final)
				for o := range r.bot.Orders(0).All() {
					if o.Final() {
						t.Fatalf("order %d is %v and was not cleared", o.OrderID, o.Status)
					}
				}
			}
			if n := len(r.bot.LastTrades(0)); n > 3 {
				t.Fatalf("%d trades, the capacity is 3", n)
			}
		}
	})
}

// fuzzStep does one thing at the host or at the bot.
func fuzzStep(r *rig, op byte, arg int) {
	id, x := uint64(arg%4), float64(arg)
	switch op {
	case 0:
		r.feed(arg%2, bid(x, x-10), ask(x+1, x))
	case 1:
		r.feed(0, trade(x, 1))
	case 2:
		r.feed(0, hft.Event{Ev: uint64(arg) | uint64(arg)<<24, Px: x})
	case 3, 4, 5:
		o := hft.NewOrder(id, int64(arg), 0.1, x, hft.Side(arg%3-1), hft.OrdType(arg%3), hft.TimeInForce(arg%5))
		o.Status, o.Req, o.ExchTimestampNs = hft.Status(arg>>2%9), hft.Status(arg>>5), t0+int64(arg%16)-8
		if op == 3 {
			o.ExchTimestampNs = 0
		}
		r.order(0, o)
	case 6:
		r.must(r.hub.SendError(botID, hft.LiveError{Kind: hft.ErrorKind(arg % 6), Code: int64(arg%5 - 3),
			AssetNo: arg%3 - 1}))
	case 7:
		o := report(hft.Order{OrderID: id}, hft.Status(arg%9), t0+int64(arg))
		r.must(r.hub.AnswerRegister(botID, arg%2, []hft.Order{o}, hft.StateValues{Position: x}, []hft.Event{bid(x, 1)}))
	case 8:
		r.must(r.hub.SendPosition(botID, arg%2, hft.StateValues{Position: x}))
	case 10:
		_, _ = r.bot.SubmitBuyOrder(0, id, x*10, x-3, hft.TimeInForce(arg%5), hft.OrdType(arg%3), arg&64 != 0)
	case 11:
		_, _ = r.bot.Cancel(arg%3-1, id, arg&64 != 0)
	case 12:
		_, _ = r.bot.Modify(0, id, x*10, x, arg&64 != 0)
	}
}

// FuzzChannel lets a broken channel deliver impossible events.
func FuzzChannel(f *testing.F) {
	f.Add(uint8(3), int64(5), true, uint64(0))
	f.Add(uint8(200), int64(0), false, uint64(1)<<30)
	f.Fuzz(func(t *testing.T, kind uint8, instNo int64, more bool, ev uint64) {
		r := newHub(t)
		ch := &injecting{Channel: r.channel(2)}
		bot, err := r.builder(2).Logger(func(string) {}).Build(ch)
		if err != nil {
			t.Fatal(err)
		}
		ch.instNo, ch.ev = int(instNo), &ipc.LiveEvent{Kind: ipc.LiveEventKind(kind), More: more,
			Feed: hft.Event{Ev: ev, Px: 1, Qty: 1}}
		known := instNo == 0 || instNo == 1 || ch.ev.Kind == ipc.EventError
		got, err := bot.Elapse(ms)
		if known && (got != hft.ElapseOk || err != nil) || !known && !errors.Is(err, hft.ErrInstrumentNotFound) {
			t.Fatalf("Elapse over an event of kind %d for instrument %d = %v, %v", kind, instNo, got, err)
		}
	})
}

// injecting is a channel that delivers one event of its own.
type injecting struct {
	ipc.Channel
	instNo int
	ev     *ipc.LiveEvent
}

func (c *injecting) RecvTimeout(botID uint64, timeout time.Duration, ev *ipc.LiveEvent) (int, error) {
	if c.ev != nil {
		*ev, c.ev = *c.ev, nil
		return c.instNo, nil
	}
	return c.Channel.RecvTimeout(botID, timeout, ev)
}
