package parity_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/risk"
)

const (
	t0       int64 = 1_700_000_000_000_000_000 // the first message
	us             = time.Microsecond
	ms             = time.Millisecond
	tickSize       = 0.1
	lotSize        = 0.001
	makerFee       = -0.0001
	takerFee       = 0.0005

	connectorName = "sim"
	// feedLatency is the time from the event at the venue to the receipt of its message.
	feedLatency = 3 * ms
)

func symbols() []string { return []string{"BTCUSDT", "ETHUSDT"} }

// message is one message of the venue, received at t0 + at. Trades and depth never come in one message.
type message struct {
	asset  int
	at     time.Duration
	events []hft.Event
}

// market is the market of a script, and the options of its bot.
type market struct {
	messages         []message
	entry, response  time.Duration
	partial          bool
	lastTrades       int
	timeout          time.Duration // of requests with wait, 0 for the default
	hook             func(p *player, prev, next *hft.Order) error
	handler          func(p *player, e hft.LiveError) error
	withoutCallbacks bool
	limits           risk.Limits // of the account; memory has no host that keeps them
}

// script is a strategy whose every call is known.
type script struct {
	name string
	market
	run func(p *player)
	// contains are lines, in this order, that the transcript has to have.
	contains []string
}

func depthRow(side uint64, px, qty float64) hft.Event {
	return hft.Event{Ev: side | hft.DepthEvent, Px: px, Qty: qty}
}

func bid(px, qty float64) hft.Event { return depthRow(hft.BuyEvent, px, qty) }
func ask(px, qty float64) hft.Event { return depthRow(hft.SellEvent, px, qty) }

// bought and sold are trades with an aggressor of that side.
func bought(px, qty float64) hft.Event {
	return hft.Event{Ev: hft.BuyEvent | hft.TradeEvent, Px: px, Qty: qty}
}
func sold(px, qty float64) hft.Event {
	return hft.Event{Ev: hft.SellEvent | hft.TradeEvent, Px: px, Qty: qty}
}

func at(after time.Duration, events ...hft.Event) message { return message{at: after, events: events} }

// opening is a book of 100.0 to 100.2 with three levels on each side.
func opening() message {
	return at(0, bid(100, 1), bid(99.9, 2), bid(99.8, 3), ask(100.2, 1), ask(100.3, 2), ask(100.4, 3))
}

// heartbeat is a message far from the touch, so that the data goes on until then.
func heartbeat(after time.Duration, qty float64) message { return at(after, bid(90, qty)) }

// player plays a script on a bot and writes down what it sees.
type player struct {
	tb      testing.TB
	bot     bot
	waiting int // calls of the bot that wait
	lines   []string
}

// bot is the interface of every environment's bot.
type bot interface {
	hft.Bot
	Interrupt()
}

// wait makes a call that waits.
func (p *player) wait(call func() (hft.ElapseResult, error)) (hft.ElapseResult, error) {
	p.waiting++
	defer func() { p.waiting-- }()
	return call()
}

// waitIf makes a call that may wait.
func (p *player) waitIf(wait bool, call func() (hft.ElapseResult, error)) (hft.ElapseResult, error) {
	if !wait {
		return call()
	}
	return p.wait(call)
}

// mustWait holds hook and handler to the waiting calls.
func (p *player) mustWait(who string) {
	if p.waiting == 0 {
		p.tb.Errorf("the %s is called outside of a waiting call", who)
	}
}

func (p *player) note(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// errorText is the kind of a bot's error, or the text of one that the script made.
func errorText(err error) string {
	var bot *hft.BotError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &bot) && !errors.Is(err, hft.CustomError("")):
		return " " + (&hft.BotError{Code: bot.Code}).Error()
	}
	return " " + err.Error()
}

func (p *player) clock() time.Duration { return time.Duration(p.bot.CurrentTimestampNs() - t0) }

// called writes down a call, what it returned and everything the bot shows.
func (p *player) called(call string, result hft.ElapseResult, err error) {
	p.note("%v %s = %v%s", p.clock(), call, result, errorText(err))
	p.look()
}

// look writes down everything the bot shows.
func (p *player) look() {
	for a := range p.bot.NumAssets() {
		book := p.bot.Depth(a)
		line := fmt.Sprintf("    asset %d: %v@%d %v@%d", a, book.BestBidQty(), book.BestBidTick(), book.BestAskQty(),
			book.BestAskTick())
		if exch, local, ok := p.bot.FeedLatency(a); ok {
			line += fmt.Sprintf(" feed %v %v", time.Duration(exch-t0), time.Duration(local-t0))
		}
		if req, exch, resp, ok := p.bot.OrderLatency(a); ok {
			line += fmt.Sprintf(" order %v %v %v", time.Duration(req-t0), time.Duration(exch-t0),
				time.Duration(resp-t0))
		}
		s := p.bot.StateValues(a)
		if s.Position != p.bot.Position(a) {
			p.tb.Errorf("Position is %v and StateValues say %v", p.bot.Position(a), s.Position)
		}
		if s != (hft.StateValues{}) {
			line += fmt.Sprintf(" position %v balance %v fee %v trades %d volume %v value %v", s.Position,
				cents(s.Balance), cents(s.Fee), s.NumTrades, cents(s.TradingVolume), cents(s.TradingValue))
		}
		for _, e := range p.bot.LastTrades(a) {
			line += fmt.Sprintf(" [%v %v@%v %v]", e.Side(), e.Qty, e.Px, time.Duration(e.LocalTimestampNs-t0))
		}
		p.note("%s", line)
		for o := range p.bot.Orders(a).All() {
			p.note("    %s", orderText(o))
		}
	}
}

// cents removes the last digits, in which sums of floats may differ by the order of the additions.
func cents(x float64) float64 { return math.Round(x*1e9) / 1e9 }

func orderText(o *hft.Order) string {
	if o == nil {
		return "none"
	}
	text := fmt.Sprintf("order %d: %v %v %v %v@%d", o.OrderID, o.Side, o.OrdType, o.TimeInForce, o.Qty, o.PriceTick)
	if o.Req == hft.StatusRejected && o.ExchTimestampNs == 0 { // refused before it came to an exchange
		return text + " refused"
	}
	text += fmt.Sprintf(" %v req %v leaves %v", o.Status, o.Req, cents(o.LeavesQty))
	if o.ExecQty != 0 {
		text += fmt.Sprintf(" executed %v@%d maker %v", cents(o.ExecQty), o.ExecPriceTick, o.Maker)
	}
	text += fmt.Sprintf(" sent %v", time.Duration(o.LocalTimestampNs-t0))
	if o.ExchTimestampNs != 0 {
		text += fmt.Sprintf(" changed %v", time.Duration(o.ExchTimestampNs-t0))
	}
	return text
}

// hooked is the order hook.
func (p *player) hooked(m *market, prev, next *hft.Order) error {
	p.mustWait("hook")
	p.note("  hook at %v: %s -> %s", p.clock(), orderText(prev), orderText(next))
	if m.hook == nil {
		return nil
	}
	return m.hook(p, prev, next)
}

// handled is the error handler.
func (p *player) handled(m *market, e hft.LiveError) error {
	p.mustWait("handler")
	p.note("  handler at %v: %v", p.clock(), e)
	if m.handler == nil {
		return nil
	}
	return m.handler(p, e)
}

func (p *player) buy(id uint64, price, qty float64, tif hft.TimeInForce, wait bool) {
	r, err := p.waitIf(wait,
		func() (hft.ElapseResult, error) { return p.bot.SubmitBuyOrder(0, id, price, qty, tif, hft.Limit, wait) })
	p.called(fmt.Sprintf("buy %d %v@%v %v wait %v", id, qty, price, tif, wait), r, err)
}

func (p *player) sell(id uint64, price, qty float64, tif hft.TimeInForce, wait bool) {
	r, err := p.waitIf(wait, func() (hft.ElapseResult, error) {
		return p.bot.SubmitSellOrder(0, id, price, qty, tif, hft.Limit, wait)
	})
	p.called(fmt.Sprintf("sell %d %v@%v %v wait %v", id, qty, price, tif, wait), r, err)
}

func (p *player) market(side hft.Side, id uint64, qty float64, wait bool) {
	p.submit(0, hft.OrderRequest{OrderID: id, Qty: qty, Side: side, TimeInForce: hft.IOC, OrdType: hft.Market}, wait)
}

func (p *player) submit(asset int, q hft.OrderRequest, wait bool) {
	r, err := p.waitIf(wait, func() (hft.ElapseResult, error) { return p.bot.SubmitOrder(asset, q, wait) })
	p.called(fmt.Sprintf("submit %d %+v wait %v", asset, q, wait), r, err)
}

func (p *player) cancel(id uint64, wait bool) {
	r, err := p.waitIf(wait, func() (hft.ElapseResult, error) { return p.bot.Cancel(0, id, wait) })
	p.called(fmt.Sprintf("cancel %d wait %v", id, wait), r, err)
}

func (p *player) modify(id uint64, price, qty float64, wait bool) {
	r, err := p.waitIf(wait, func() (hft.ElapseResult, error) { return p.bot.Modify(0, id, price, qty, wait) })
	p.called(fmt.Sprintf("modify %d %v@%v wait %v", id, qty, price, wait), r, err)
}

func (p *player) elapse(d time.Duration) {
	r, err := p.wait(func() (hft.ElapseResult, error) { return p.bot.Elapse(d) })
	p.called(fmt.Sprintf("elapse %v", d), r, err)
}

func (p *player) waitFeed(includeOrderResp bool, timeout time.Duration) {
	r, err := p.wait(func() (hft.ElapseResult, error) { return p.bot.WaitNextFeed(includeOrderResp, timeout) })
	p.called(fmt.Sprintf("wait feed %v %v", includeOrderResp, timeout), r, err)
}

func (p *player) waitOrder(asset int, id uint64, timeout time.Duration) {
	r, err := p.wait(func() (hft.ElapseResult, error) { return p.bot.WaitOrderResponse(asset, id, timeout) })
	p.called(fmt.Sprintf("wait order %d %d %v", asset, id, timeout), r, err)
}

// elapseBT is written down without time: it passes in one world only.
func (p *player) elapseBT(d time.Duration) {
	r, err := p.bot.ElapseBT(d)
	p.note("elapseBT %v = %v%s", d, r, errorText(err))
}

func (p *player) instrument(asset int) { p.note("instrument %d = %+v", asset, p.bot.Instrument(asset)) }

func (p *player) clearOrders(asset int) {
	p.bot.ClearInactiveOrders(asset)
	p.note("clear orders of %d", asset)
	p.look()
}

func (p *player) clearTrades(asset int) {
	p.bot.ClearLastTrades(asset)
	p.note("clear trades of %d", asset)
	p.look()
}

// panics writes down that a call panics and does not say so.
func (p *player) panics(call string, f func()) {
	defer func() { p.note("%s: panics %v", call, recover() != nil) }()
	f()
}

func (p *player) transcript() string { return strings.Join(p.lines, "\n") }
