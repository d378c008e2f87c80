package parity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
	"github.com/hftrunner/hftrunner/sim"
)

const botID = 7

// instruments returns the instruments of a market.
func instruments(m *market) []ipc.Instrument {
	var list []ipc.Instrument
	for i, symbol := range symbols() {
		if len(rowsOf(m, i)) > 0 {
			list = append(list, ipc.Instrument{Connector: connectorName, Symbol: symbol, TickSize: tickSize,
				LotSize: lotSize})
		}
	}
	return list
}

// liveBuilder returns a builder of the live bot.
func liveBuilder(tb testing.TB, p *player, m *market) *live.LiveBotBuilder {
	tb.Helper()
	b := live.NewBuilder().ID(botID).Logger(func(string) {})
	for _, inst := range instruments(m) {
		book, err := depth.New("window", inst.TickSize, inst.LotSize, 0, 0)
		if err != nil {
			tb.Fatal(err)
		}
		b.Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, book, m.lastTrades))
	}
	if m.timeout != 0 {
		b.ResponseTimeout(m.timeout)
	}
	if !m.withoutCallbacks {
		b.OrderRecvHook(func(prev, next *hft.Order) error { return p.hooked(m, prev, next) })
		b.ErrorHandler(func(e hft.LiveError) error { return p.handled(m, e) })
	}
	return b
}

// memory is a venue on a hub: what a host with the paper connector does, on one goroutine.
type memory struct {
	tb        testing.TB
	clock     *ipctest.ManualClock
	hub       *ipctest.Hub
	link      *exchange.Link
	exchanges []*exchange.L2
	states    []hft.StateValues
	coming    int   // messages to come
	lastNs    int64 // the last message

	request exchange.Request
	report  exchange.Report
}

// inMemory returns a player on the live bot in memory.
func inMemory(tb testing.TB, m *market) *player {
	tb.Helper()
	latency, err := sim.NewConstantLatency(m.entry, m.response)
	if err != nil {
		tb.Fatal(err)
	}
	v := &memory{tb: tb, clock: ipctest.NewManualClock(t0), link: exchange.NewLink(latency, latency),
		coming: len(m.messages)}
	insts := instruments(m)
	v.hub = ipctest.NewHub(insts, v.clock)
	tb.Cleanup(func() { v.hub.Close() })
	v.hub.Handle(v.handle)
	for i, inst := range insts {
		book, err := depth.New("window", inst.TickSize, inst.LotSize, 0, 0)
		if err != nil {
			tb.Fatal(err)
		}
		cfg := exchange.Config{AssetNo: i, Book: book, Queue: sim.RiskAdverseQueue(), Asset: sim.LinearAsset(1),
			Fee: sim.TradingValueFee{Maker: makerFee, Taker: takerFee}, Responder: v.link}
		made, err := exchange.NewNoPartialFill(cfg)
		if m.partial {
			made, err = exchange.NewPartialFill(cfg)
		}
		if err != nil {
			tb.Fatal(err)
		}
		v.exchanges, v.states = append(v.exchanges, made), append(v.states, hft.StateValues{})
	}
	ch, err := v.hub.Attach(0, insts)
	if err != nil {
		tb.Fatal(err)
	}
	p := &player{tb: tb}
	bot, err := liveBuilder(tb, p, m).Build(&endingChannel{Channel: ch, venue: v})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = bot.Close() })
	for _, msg := range m.messages {
		v.clock.At(t0+int64(msg.at), func() { v.publish(msg) })
	}
	p.bot = bot
	return p
}

// endingChannel ends the data when the bot waits and nothing more will happen, as the barrier of a host does.
type endingChannel struct {
	ipc.Channel
	venue *memory
}

func (c *endingChannel) RecvTimeout(botID uint64, timeout time.Duration, ev *ipc.LiveEvent) (int, error) {
	instNo, err := c.Channel.RecvTimeout(botID, 0, ev)
	if !errors.Is(err, hft.ErrTimeout) || timeout <= 0 {
		return instNo, err
	}
	l := c.venue.link
	if c.venue.coming == 0 && l.ToExchange.Len() == 0 && l.ToLocal.Len() == 0 {
		c.venue.hub.EndOfData()
		return c.Channel.RecvTimeout(botID, 0, ev)
	}
	// No further than what happens next, so that the end is seen then.
	nextNs := min(l.ToExchange.NextNs(), l.ToLocal.NextNs())
	if wait := time.Duration(nextNs - c.NowNs()); c.venue.coming == 0 && wait < timeout {
		timeout = max(wait, 0)
	}
	return c.Channel.RecvTimeout(botID, timeout, ev)
}

// handle takes a request of the bot.
func (v *memory) handle(q ipctest.Request) error {
	if q.Kind == ipc.RequestRegisterInstrument {
		return v.hub.AnswerRegister(q.BotID, q.InstNo, nil, hft.StateValues{}, nil)
	}
	if v.coming == 0 && v.clock.NowNs() > v.lastNs {
		return nil // as the paper connector: nothing is carried out after the last message
	}
	v.request = exchange.Request{AssetNo: q.InstNo, Owner: q.BotID, Order: q.Order}
	v.link.Send(v.clock.NowNs(), &v.request)
	v.schedule()
	return nil
}

// schedule has what is under way delivered in time.
func (v *memory) schedule() {
	if nextNs := min(v.link.ToExchange.NextNs(), v.link.ToLocal.NextNs()); nextNs != exchange.NeverNs {
		v.clock.At(nextNs, v.deliver)
	}
}

// publish hands a message to the bot and to the exchange.
func (v *memory) publish(msg message) {
	inst, nowNs := v.exchanges[msg.asset], v.clock.NowNs()
	v.coming, v.lastNs = v.coming-1, nowNs
	events := make([]hft.Event, len(msg.events))
	for i, e := range msg.events {
		e.Ev |= hft.LocalEvent
		e.ExchTimestampNs, e.LocalTimestampNs = nowNs-int64(feedLatency), nowNs
		events[i] = e
	}
	if err := v.hub.PublishFeed(connectorName, symbols()[msg.asset], events); err != nil {
		v.tb.Fatal(err)
	}
	for i := range events {
		inst.OnEvent(nowNs, &events[i])
	}
	v.schedule()
}

// deliver hands on what is due.
func (v *memory) deliver() {
	nowNs := v.clock.NowNs()
	for {
		switch {
		case v.link.ToLocal.Receive(nowNs, &v.report):
			v.answer()
		case v.link.ToExchange.Receive(nowNs, &v.request):
			v.exchanges[v.request.AssetNo].OnRequest(nowNs, &v.request)
		default:
			v.schedule()
			return
		}
	}
}

// answer hands a report to the bot.
func (v *memory) answer() {
	r := &v.report
	s := &v.states[r.AssetNo]
	if r.Fill {
		side := float64(r.Order.Side)
		s.Position = hft.TickPrice(hft.QtyLots(s.Position+r.Order.ExecQty*side, lotSize), lotSize)
		s.Balance -= r.FillValue * side
		s.Fee += r.FillFee
		s.NumTrades++
		s.TradingVolume += r.Order.ExecQty
		s.TradingValue += r.FillValue
	}
	if err := v.hub.SendOrder(botID, r.AssetNo, &r.Order, *s); err != nil {
		v.tb.Fatal(err)
	}
	if r.Reject == sim.NotRejected || r.Reject == sim.RejectUnknownOrder {
		return
	}
	e := hft.LiveErrorWith(hft.OrderError, hft.StringValue("order rejected: "+r.Reject.String()))
	e.AssetNo, e.OrderID, e.Connector = r.AssetNo, r.Order.OrderID, connectorName
	if err := v.hub.SendError(botID, e); err != nil {
		v.tb.Fatal(err)
	}
}
