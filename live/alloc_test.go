package live_test

import (
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// canned is a channel whose host says the same things again and again, so that nothing but the bot is measured.
type canned struct {
	events  []ipc.LiveEvent // what the host has to say
	next    int
	endless bool // it starts again without a pause
	ack     ipc.LiveEvent
	acked   bool // ack is to be received
	nowNs   int64
	insts   []ipc.Instrument
	burst   []ipc.LiveEvent
}

func (c *canned) Send(_ uint64, _ int, q *ipc.LiveRequest) error {
	if q.Kind == ipc.RequestRegisterInstrument {
		c.burst = append(c.burst, ipc.LiveEvent{Kind: ipc.EventBatchStart}, ipc.LiveEvent{Kind: ipc.EventBatchEnd})
		return nil
	}
	c.ack = ipc.LiveEvent{Kind: ipc.EventOrder, Order: q.Order}
	o := &c.ack.Order
	o.Status, o.ExchTimestampNs = hft.StatusNew, c.nowNs
	if o.Req == hft.StatusCanceled {
		o.Status = hft.StatusCanceled
	}
	o.Req = hft.StatusNone
	c.acked = true
	return nil
}

func (c *canned) RecvTimeout(_ uint64, timeout time.Duration, ev *ipc.LiveEvent) (int, error) {
	if len(c.burst) > 0 {
		*ev, c.burst = c.burst[0], c.burst[1:]
		return 0, nil
	}
	if c.acked {
		ev.Kind, ev.More, ev.Order, ev.State = ipc.EventOrder, false, c.ack.Order, c.ack.State
		c.acked = false
		return 0, nil
	}
	if c.next == len(c.events) {
		if !c.endless && timeout <= 0 {
			return -1, hft.ErrTimeout
		}
		c.next = 0
		if !c.endless {
			c.nowNs += int64(timeout)
			return -1, hft.ErrTimeout
		}
	}
	e := &c.events[c.next]
	ev.Kind, ev.More, ev.Feed = e.Kind, e.More, e.Feed
	c.next++
	return 0, nil
}

func (c *canned) NowNs() int64                  { return c.nowNs }
func (c *canned) Instruments() []ipc.Instrument { return c.insts }
func (c *canned) Interrupt()                    {}
func (c *canned) Resume()                       {}
func (c *canned) Close() error                  { return nil }

// newCanned returns a bot of one asset whose host sends a message of that many depth events and a trade.
func newCanned(tb testing.TB, levels int) (live.LiveBot, *canned) {
	tb.Helper()
	inst := ipctest.Instruments()[0]
	c := &canned{nowNs: t0, insts: []ipc.Instrument{inst}}
	for i := range levels {
		e := bid(60000-float64(i)*0.1, 1+float64(i))
		if i%2 == 1 {
			e = ask(60000+float64(i)*0.1, 1+float64(i))
		}
		c.events = append(c.events, ipc.LiveEvent{Kind: ipc.EventFeed, More: true, Feed: e})
	}
	c.events = append(c.events, ipc.LiveEvent{Kind: ipc.EventFeed, Feed: trade(60000, 1)})
	bot, err := live.NewBuilder().Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize,
		newBook(tb, inst), 10)).OrderRecvHook(func(_, _ *hft.Order) error { return nil }).Build(c)
	if err != nil {
		tb.Fatal(err)
	}
	return bot, c
}

// orderCycle submits an order, waits for the answer, cancels it, waits for the answer and forgets it.
func orderCycle(tb testing.TB, bot live.LiveBot, id uint64) {
	if got, err := bot.SubmitBuyOrder(0, id, 59000, 1, hft.GTX, hft.Limit, true); got != hft.ElapseOrderResponse ||
		err != nil {
		tb.Fatalf("SubmitBuyOrder = %v, %v", got, err)
	}
	if got, err := bot.Modify(0, id, 59001, 2, true); got != hft.ElapseOrderResponse || err != nil {
		tb.Fatalf("Modify = %v, %v", got, err)
	}
	if got, err := bot.Cancel(0, id, true); got != hft.ElapseOrderResponse || err != nil {
		tb.Fatalf("Cancel = %v, %v", got, err)
	}
	bot.ClearInactiveOrders(0)
}

func TestNoAllocations(t *testing.T) {
	bot, ch := newCanned(t, 70)
	id := uint64(0)
	for name, run := range map[string]func(){
		"Elapse": func() {
			if got, err := bot.Elapse(ms); got != hft.ElapseOk || err != nil {
				t.Fatalf("Elapse = %v, %v", got, err)
			}
		},
		"WaitNextFeed": func() {
			ch.endless = true
			if got, err := bot.WaitNextFeed(true, ms); got != hft.ElapseMarketFeed || err != nil {
				t.Fatalf("WaitNextFeed = %v, %v", got, err)
			}
			ch.endless = false
		},
		"Submit, Modify, Cancel and ClearInactiveOrders": func() { id++; orderCycle(t, bot, id) },
		"reading": func() {
			if bot.Depth(0).BestBid() == 0 || len(bot.LastTrades(0)) == 0 || bot.StateValues(0).NumTrades != 0 ||
				bot.Orders(0).Len() != 0 {
				t.Fatal("nothing to read")
			}
		},
	} {
		if name == "reading" {
			bot.Elapse(ms)
		}
		for range 100 { // reach the steady state
			run()
		}
		if allocs := testing.AllocsPerRun(200, run); allocs != 0 {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
	// Errors of the hot path are values too.
	orderCycle(t, bot, 1<<40)
	if allocs := testing.AllocsPerRun(100, func() {
		bot.SubmitBuyOrder(0, 1, -1, 1, hft.GTC, hft.Limit, false)
		bot.Cancel(0, 1<<50, false)
		bot.Modify(9, 1, 1, 1, false)
	}); allocs != 0 {
		t.Errorf("refused requests allocate %v times", allocs)
	}
}

func BenchmarkWaitNextFeed(b *testing.B) {
	for _, bench := range []struct {
		name   string
		levels int
	}{{"1", 0}, {"71", 70}} {
		b.Run("events="+bench.name, func(b *testing.B) {
			bot, ch := newCanned(b, bench.levels)
			ch.endless = true
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bot.WaitNextFeed(true, ms); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*(bench.levels+1)), "ns/event")
		})
	}
}

// BenchmarkOrderCycle is a submission, a modify and a cancel, each with its answer, among 0 and 100 resting orders.
func BenchmarkOrderCycle(b *testing.B) {
	for _, resting := range []int{0, 100} {
		name := map[int]string{0: "resting=0", 100: "resting=100"}[resting]
		b.Run(name, func(b *testing.B) {
			bot, _ := newCanned(b, 0)
			for id := range resting {
				if _, err := bot.SubmitBuyOrder(0, uint64(id), 59000, 1, hft.GTX, hft.Limit, true); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for id := uint64(1000); b.Loop(); id++ {
				orderCycle(b, bot, id)
			}
		})
	}
}
