package live_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

const (
	t0    int64 = 1_700_000_000_000_000_000
	botID       = 7
	ms          = time.Millisecond
)

// rig is a bot on an in-memory hub whose clock stands until somebody waits.
type rig struct {
	tb    testing.TB
	clock *ipctest.ManualClock
	hub   *ipctest.Hub
	ch    ipc.Channel
	bot   live.LiveBot

	requests []ipc.LiveRequest // about orders, as the host received them
	refuse   error             // what Send says to requests about orders
}

// newBook returns an empty book for an instrument.
func newBook(tb testing.TB, inst ipc.Instrument) depth.L2MarketDepth {
	tb.Helper()
	book, err := depth.New("window", inst.TickSize, inst.LotSize, 0, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return book
}

// newHub returns a rig without a bot, whose hub answers registrations with empty books.
func newHub(tb testing.TB) *rig {
	r := &rig{tb: tb, clock: ipctest.NewManualClock(t0)}
	r.hub = ipctest.NewHub(ipctest.Instruments(), r.clock)
	tb.Cleanup(func() { r.hub.Close() })
	r.hub.Handle(r.handle)
	return r
}

func (r *rig) handle(q ipctest.Request) error {
	if q.Kind == ipc.RequestRegisterInstrument {
		return r.hub.AnswerRegister(q.BotID, q.InstNo, nil, hft.StateValues{}, nil)
	}
	if r.refuse != nil {
		return r.refuse
	}
	r.requests = append(r.requests, q.LiveRequest)
	return nil
}

// builder returns a builder with a number of the hub's instruments that keep three trades each.
func (r *rig) builder(assets int) *live.LiveBotBuilder {
	b := live.NewBuilder().ID(botID)
	for _, inst := range ipctest.Instruments()[:assets] {
		b.Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, newBook(r.tb, inst), 3))
	}
	return b
}

// channel returns a channel of as many instruments that no bot uses yet.
func (r *rig) channel(assets int) ipc.Channel {
	r.tb.Helper()
	ch, err := r.hub.Attach(0, ipctest.Instruments()[:assets])
	if err != nil {
		r.tb.Fatalf("Attach: %v", err)
	}
	return ch
}

// build builds the rig's bot; configure may add to the builder.
func (r *rig) build(assets int, configure func(*live.LiveBotBuilder)) *rig {
	r.tb.Helper()
	b := r.builder(assets)
	if configure != nil {
		configure(b)
	}
	r.ch = r.channel(assets)
	bot, err := b.Build(r.ch)
	if err != nil {
		r.tb.Fatalf("Build: %v", err)
	}
	r.bot = bot
	return r
}

// newRig returns a bot with two assets of one connector and one of another.
func newRig(tb testing.TB) *rig {
	tb.Helper()
	return newHub(tb).build(3, nil)
}

// after schedules what happens at the host that much later.
func (r *rig) after(d time.Duration, run func()) { r.clock.At(r.clock.NowNs()+int64(d), run) }

func (r *rig) must(err error) {
	r.tb.Helper()
	if err != nil {
		r.tb.Fatal(err)
	}
}

func (r *rig) feed(assetNo int, events ...hft.Event) {
	r.tb.Helper()
	inst := ipctest.Instruments()[assetNo]
	r.must(r.hub.PublishFeed(inst.Connector, inst.Symbol, events))
}

func (r *rig) order(assetNo int, o hft.Order) {
	r.tb.Helper()
	r.must(r.hub.SendOrder(botID, assetNo, &o, hft.StateValues{}))
}

// drain processes what is there.
func (r *rig) drain() {
	r.tb.Helper()
	if got, err := r.bot.Elapse(0); got != hft.ElapseOk || err != nil {
		r.tb.Fatalf("Elapse(0) = %v, %v", got, err)
	}
}

// submit sends a buy order of id at 60000.0 with quantity 1 and returns it as the host received it.
func (r *rig) submit(id uint64) hft.Order {
	r.tb.Helper()
	if got, err := r.bot.SubmitBuyOrder(0, id, 60000, 1, hft.GTX, hft.Limit, false); got != hft.ElapseOk || err != nil {
		r.tb.Fatalf("SubmitBuyOrder = %v, %v", got, err)
	}
	return r.requests[len(r.requests)-1].Order
}

// rest submits an order and has it acknowledged at the time exch.
func (r *rig) rest(id uint64, exch int64) hft.Order {
	r.tb.Helper()
	o := r.submit(id)
	r.order(0, report(o, hft.StatusNew, exch))
	r.drain()
	return *r.bot.Orders(0).Get(id)
}

// report returns the exchange's report of an order.
func report(o hft.Order, status hft.Status, exch int64) hft.Order {
	o.Status, o.Req, o.ExchTimestampNs = status, hft.StatusNone, exch
	return o
}

// rejected returns the refusal of a request.
func rejected(o hft.Order) hft.Order {
	o.Req = hft.StatusRejected
	return o
}

func bid(px, qty float64) hft.Event   { return event(hft.BuyEvent|hft.DepthEvent, px, qty) }
func ask(px, qty float64) hft.Event   { return event(hft.SellEvent|hft.DepthEvent, px, qty) }
func trade(px, qty float64) hft.Event { return event(hft.BuyEvent|hft.TradeEvent, px, qty) }

func event(ev uint64, px, qty float64) hft.Event {
	return hft.Event{Ev: hft.LocalEvent | ev, ExchTimestampNs: t0 + 1, LocalTimestampNs: t0 + 2, Px: px, Qty: qty}
}

// check compares the outcome of a waiting call, got as fmt.Sprint of its result and error, at a time after t0.
func (r *rig) check(what string, got hft.ElapseResult, err error, want hft.ElapseResult, wantErr error,
	passed time.Duration) {
	r.tb.Helper()
	if got != want || !errors.Is(err, wantErr) {
		r.tb.Errorf("%s = %v, %v; want %v, %v", what, got, err, want, wantErr)
	}
	if now := r.clock.NowNs() - t0; now != int64(passed) {
		r.tb.Errorf("%s came back after %v, want %v", what, time.Duration(now), passed)
	}
}

// bookText writes down the best prices of an asset.
func (r *rig) bookText(assetNo int) string {
	d := r.bot.Depth(assetNo)
	return fmt.Sprintf("%v@%v %v@%v", d.BestBidQty(), d.BestBid(), d.BestAskQty(), d.BestAsk())
}
