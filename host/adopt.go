package host

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/journal"
)

// Adopt books what of the account's position belongs to no strategy to one, or says that it belongs to none. What was
// halted because positions did not match trades again.
func (h *Host) Adopt(_ context.Context, a control.Adoption) (control.AdoptResult, error) {
	who := a.Strategy
	if who == "" {
		who = "--none"
	}
	h.record.command("adopt", strings.TrimSpace(fmt.Sprintf("%s %s %s %s", who, a.Connector, a.Symbol, qtyText(a.Qty))))
	bot, err := h.botNamed(a.Strategy)
	if err != nil {
		return control.AdoptResult{}, err
	}
	var names []string
	for _, p := range h.publishers {
		if p.name == a.Connector {
			result, tell, err := p.adopt(bot, &a)
			if err == nil {
				tell()
			}
			return result, err
		}
		names = append(names, p.name)
	}
	return control.AdoptResult{}, fmt.Errorf("there is no connector %q: use %s", a.Connector, strings.Join(names, ", "))
}

func qtyText(qty float64) string {
	if qty == 0 {
		return ""
	}
	return fmt.Sprint(rounded(qty))
}

// botNamed returns the bot of a strategy, 0 for no name.
func (h *Host) botNamed(name string) (bot uint64, err error) {
	if name == "" {
		return 0, nil
	}
	var known []string
	for _, s := range h.everyStrategy() {
		if s.cfg.Name == name {
			return s.botID, nil
		}
		known = append(known, s.cfg.Name)
	}
	return 0, control.NewNotFoundError(name, known)
}

// adopt returns what was booked and what logs it.
func (p *publisher) adopt(bot uint64, a *control.Adoption) (r control.AdoptResult, tell func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	inst := p.bySymbol[a.Symbol]
	if inst == nil {
		return r, nil, fmt.Errorf("no strategy trades %s on connector %s", a.Symbol, p.name)
	}
	first := inst.owner()
	o := &first.ownership
	switch {
	case !o.known:
		return r, nil, fmt.Errorf("%s %s: no position of the account was compared with the strategies' yet; it is none on "+
			"simulated markets and without a key", p.name, a.Symbol)
	case inst.recovering:
		return r, nil, fmt.Errorf("%s %s: the venue has not told yet what has become of the orders of an earlier run, try "+
			"again later", p.name, a.Symbol)
	case o.difference != o.mismatch:
		return r, nil, fmt.Errorf("%s %s: a difference of %v was just found and is being looked into, try again in %v",
			p.name, a.Symbol, rounded(o.difference), p.mismatchAfter+time.Second)
	}
	free := o.unattributed + o.mismatch
	if o.asset == "" {
		free = inst.whole(free)
	}
	if bot == 0 {
		err = o.adoptNone(inst, a)
	} else {
		r, err = p.adoptBy(inst, inst.holdings[bot], free, a)
	}
	if err != nil {
		return r, nil, err
	}
	why := "runner adopt --none"
	if bot != 0 {
		why = "runner adopt " + a.Strategy
	}
	p.attribute(first, free-r.Qty, why)
	if o.mismatch != 0 {
		o.difference, o.mismatch = 0, 0
		p.noteMismatch(first, p.owned(first), "positions agree again: "+why)
	}
	r.Unattributed = o.unattributed
	for _, member := range inst.members() { // what was halted for another reason is resumed by that name
		if member.trading.mismatched() {
			p.setTrading(member, tradingActive, why, "control socket")
			r.Resumed = true
		}
	}
	cause := inst.trading.cause
	return r, func() {
		p.log.Info("adopted", "by", why, "symbol", a.Symbol, "qty", rounded(r.Qty), "price", r.Price, "position",
			rounded(r.Position), "no_strategy", rounded(r.Unattributed), "resumed", r.Resumed)
		if cause != "" {
			p.log.Warn(a.Symbol+" takes no new orders all the same", "reason", cause, "fix", p.resumeText(a.Symbol))
		}
	}, nil
}

// adoptNone returns why what the account holds cannot be said to belong to no strategy.
func (o *ownership) adoptNone(inst *instrument, a *control.Adoption) error {
	switch {
	case a.Qty != 0:
		return errors.New("a quantity goes with a strategy: --none is all that the strategies do not have")
	case o.mismatch == 0 && !inst.trading.mismatched():
		return fmt.Errorf("%s %s: positions match, %v belongs to no strategy already", a.Connector, a.Symbol,
			rounded(o.unattributed))
	}
	return nil
}

// adoptBy books to a strategy what belongs to none. The lock is held.
func (p *publisher) adoptBy(inst *instrument, h *holding, free float64, a *control.Adoption) (r control.AdoptResult,
	err error) {
	name := fmt.Sprintf("%s %s", p.name, a.Symbol)
	qty, whole := math.Copysign(hft.LotsWithin(math.Abs(free), inst.lotSize), free), true
	if a.Qty != 0 {
		qty, whole = hft.WholeLots(math.Copysign(a.Qty, free), inst.lotSize)
	}
	price := a.Price
	if price == 0 {
		price = inst.mid()
	}
	switch {
	case h == nil:
		return r, fmt.Errorf("strategy %s does not trade %s", a.Strategy, name)
	case qty == 0:
		return r, fmt.Errorf("%s: nothing belongs to no strategy", name)
	case !whole:
		return r, fmt.Errorf("%s: a quantity of %v is not a whole number of lots of %v", name, a.Qty, inst.lotSize)
	case qty == 0 || math.Abs(qty) > math.Abs(free)+inst.lotSize/2:
		return r, fmt.Errorf("%s: %v belongs to no strategy: a quantity of %v is not a part of that", name,
			rounded(free), a.Qty)
	case math.IsNaN(price):
		return r, fmt.Errorf("%s has no book now: give the price with --price", name)
	case !(price > 0) || math.IsInf(price, 0):
		return r, fmt.Errorf("%s: the price is %v: must be positive", name, price)
	}
	price = hft.TickPrice(hft.PriceTick(price, inst.tickSize), inst.tickSize)
	h.transfer(qty, price)
	return control.AdoptResult{Qty: qty, Price: price, Position: h.profit.position}, nil
}

// transfer books a quantity, negative for a short one, that the strategy is given at a price, without a trade.
func (h *holding) transfer(qty, price float64) {
	nowNs, unit, side := h.pub.clock.NowNs(), h.profit.unitValue, hft.Buy
	if unit == 0 {
		unit = 1
	}
	if qty < 0 {
		side = hft.Sell
	}
	value := math.Abs(qty) * price * unit
	h.trail.changed(nowNs, h.profit.position, qty)
	h.profit.fill(qty, price, unit, h.cfg.LotSize)
	if h.mode == StrategyPosition {
		h.state.Position = h.profit.position
	}
	h.moved()
	h.state.Balance -= value * float64(side)
	order := hft.Order{Side: side, TickSize: h.cfg.TickSize, Qty: math.Abs(qty), ExecQty: math.Abs(qty),
		ExecPriceTick: hft.PriceTick(price, h.cfg.TickSize), Status: hft.StatusFilled, ExchTimestampNs: nowNs}
	head := h.head(journal.KindExecution, h.owner)
	note(h.pub.record, &head, &journal.Execution{Order: order, Holding: h.sums(), Value: value,
		Kind: journal.Transfer}, "", "", "", "", "")
	if h.port != nil {
		h.port.SendState(h.feedNo, &h.state)
	}
}
