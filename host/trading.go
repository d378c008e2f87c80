package host

import (
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// tradingState is the set of requests that may be sent; the numbers are those of journal.TradingState.
type tradingState uint8

const (
	tradingActive tradingState = 0
	// tradingHalted: cancels only.
	tradingHalted tradingState = 2
)

// haltedText begins the cause of each halt; mismatchText and otherRunner go on with it where positions do not match, or
// another runner trades on the account.
const (
	haltedText   = "halted: "
	mismatchText = "positions do not match: "
	otherRunner  = "another runner with the same order_prefix trades on the account: "
)

// trading is the trading state of an instrument of a connector, for all strategies on it: it outlives restarts. The
// publisher's lock guards it.
type trading struct {
	state tradingState
	cause string
}

// refuses returns why a request must not be sent, nothing if it may.
func (t *trading) refuses(o *hft.Order) (reason string) {
	if t.state == tradingActive || o.Req == hft.StatusCanceled {
		return ""
	}
	return t.cause
}

// String returns the name of the state, nothing for the usual one.
func (t tradingState) String() string {
	if t == tradingHalted {
		return "halted"
	}
	return ""
}

// mismatched reports whether the cause of a halt is a mismatch of positions: what explains that lifts it.
func (t *trading) mismatched() bool {
	return t.state == tradingHalted && strings.HasPrefix(t.cause, haltedText+mismatchText)
}

// halt halts an instrument, unless it is: of several causes the first is the one to look at, except a mismatch, which
// 'runner adopt' lifts. The lock is held.
func (p *publisher) halt(inst *instrument, cause string) {
	if inst.trading.state != tradingHalted || inst.trading.mismatched() && !strings.HasPrefix(cause, mismatchText) {
		p.setTrading(inst, tradingHalted, haltedText+cause, "host")
	}
}

// setTrading changes the trading state of an instrument. Entering tradingHalted cancels all orders there. Within an
// account event the journal gets it in one step with the event. The lock is held.
func (p *publisher) setTrading(inst *instrument, to tradingState, cause, who string) {
	head := journal.Head{Kind: journal.KindTradingState, Instrument: inst.journalNo(p)}
	noteTogether(p, &head, &journal.TradingState{From: uint8(inst.trading.state), To: uint8(to)}, "symbol",
		p.name+" "+inst.symbol, cause, who)
	entered := to == tradingHalted && inst.trading.state != tradingHalted
	inst.trading = trading{to, cause}
	if to == tradingActive {
		inst.trading.cause = ""
	}
	if entered && p.connector != nil {
		p.tasks.Go(func() { p.cancelHalted(inst) })
	}
}

// cancelHalted cancels the orders on a halted instrument until none is open. A request that was let through just
// before may reach the connector later than a cancel, so they are looked at again.
func (p *publisher) cancelHalted(inst *instrument) {
	look := time.NewTicker(recancelMin)
	defer look.Stop()
	asked := make(map[orderKey]time.Time)
	for {
		requests, open := p.toCancel(inst, asked)
		for i := range requests {
			p.connector.Cancel(requests[i])
		}
		if !open {
			return
		}
		select {
		case <-look.C:
		case <-p.over:
			return
		}
	}
}

// toCancel returns the cancels of orders on a halted instrument that were not sent, or not lately, and whether any is
// open.
func (p *publisher) toCancel(inst *instrument, asked map[orderKey]time.Time) (requests []connector.Order, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if inst.trading.state != tradingHalted {
		return nil, false
	}
	for key, o := range inst.strays { // of bots that are not here
		open = true
		if at, is := asked[orderKey{p, inst.no, o.Owner, key.orderID}]; !is || time.Since(at) >= recancelMax {
			asked[orderKey{p, inst.no, o.Owner, key.orderID}] = time.Now()
			o.Req = hft.StatusCanceled
			requests = append(requests, o)
		}
	}
	for _, h := range inst.byBot() {
		var ids []uint64
		for o := range h.orders.View().All() {
			ids = append(ids, o.OrderID)
		}
		open = open || len(ids) > 0
		for _, id := range ids {
			owner := h.ownerOf(id)
			key := orderKey{p, inst.no, owner, id}
			if at, is := asked[key]; is && time.Since(at) < recancelMax {
				continue
			}
			if request, ok := h.cancel(id, owner); ok {
				asked[key] = time.Now()
				requests = append(requests, request)
			}
		}
	}
	return requests, open
}
