package host

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/risk"
)

// At the start the journal says what every strategy has: the host goes on with that. Markets of its own, synthetic or
// recorded, begin again. Where the venue keeps orders and executions, the connector is handed what is known of both
// and tells what has become of them, and the strategies there wait until it has.

// past holds what the journal has of the instruments of a connector, by symbol.
type past map[string]*pastInstrument

// pastInstrument holds what the journal has of an instrument.
type pastInstrument struct {
	journal.InstrumentInfo
	number     uint32
	accounts   map[uint64]*journal.Account // by bot
	restored   map[uint64]bool             // the accounts that somebody goes on with
	executions *journal.Executions
	// unattributed is the part of the account's position that belongs to no strategy, nil when it was not seen.
	unattributed *float64
}

// names are the strategies of the journal, by bot.
func names(s *journal.State) map[uint64]string {
	list := make(map[uint64]string)
	for bot, st := range s.Strategies {
		list[bot] = cmp.Or(st.Name, fmt.Sprintf("bot %d", bot))
	}
	return list
}

// pastOf returns what a State has of each connector, by name.
func pastOf(s *journal.State) map[string]past {
	all := make(map[string]past)
	at := make(map[uint32]*pastInstrument)
	for number, info := range s.Instruments {
		if all[info.Connector] == nil {
			all[info.Connector] = make(past)
		}
		at[number] = &pastInstrument{InstrumentInfo: info, number: number,
			accounts: make(map[uint64]*journal.Account), restored: make(map[uint64]bool),
			executions: s.Executions[number]}
		if qty, known := s.Unattributed[number]; known {
			at[number].unattributed = &qty
		}
		all[info.Connector][info.Symbol] = at[number]
	}
	for bot, st := range s.Strategies {
		for number, a := range st.Holdings {
			if inst := at[number]; inst != nil {
				inst.accounts[bot] = a
			}
		}
	}
	return all
}

// haltsOf returns which instruments of each connector take no new orders, by symbol.
func haltsOf(s *journal.State) map[string]map[string]journal.Halt {
	all := make(map[string]map[string]journal.Halt)
	for number, halt := range s.Halts {
		info := s.Instruments[number]
		if all[info.Connector] == nil {
			all[info.Connector] = make(map[string]journal.Halt)
		}
		all[info.Connector][info.Symbol] = halt
	}
	return all
}

// resume gives an instrument what an earlier run has left of the account's position and of its trading state.
func (p *publisher) resume(inst *instrument) {
	p.mu.Lock()
	if known := p.past[inst.symbol]; known != nil && known.unattributed != nil && !inst.ownership.known {
		inst.ownership.known, inst.ownership.unattributed = true, *known.unattributed
	}
	halt, halted := p.halts[inst.symbol]
	delete(p.halts, inst.symbol)
	if halted = halted && !p.simulated && !p.takenOver(inst, &halt); halted {
		inst.trading = trading{tradingState(halt.State), halt.Cause}
	}
	if halted && p.connector != nil {
		p.tasks.Go(func() { p.cancelHalted(inst) })
	} else if !halted {
		p.haltFresh(inst)
	}
	p.mu.Unlock()
	if halted {
		p.log.Error(inst.symbol+" takes no new orders since an earlier run", "reason", halt.Cause, "since",
			time.Unix(0, halt.SinceNs).UTC().Format(time.RFC3339), "fix", p.fixOf(inst))
	}
}

// hasAnything reports whether an account is not as at the beginning.
func hasAnything(a *journal.Account) bool {
	return a.Holding != journal.Holding{UnitValue: a.UnitValue} || len(a.Orders) > 0 || len(a.Sent) > 0
}

// recover takes over what the journal has. It is called before connectors and strategies start.
func (h *Host) recover(s *journal.State, unclean bool) {
	h.names, h.pastProcesses = names(s), make(map[uint64]uint32)
	for bot, st := range s.Strategies {
		h.pastProcesses[bot] = max(st.Incarnation, st.EndedIncarnation, st.NewestIncarnation)
	}
	for _, st := range h.strategies {
		st.mu.Lock()
		st.incarnation = max(st.incarnation, h.pastProcesses[st.botID])
		st.mu.Unlock()
	}
	h.recoverStrategies(s)
	all := pastOf(s)
	halts := haltsOf(s)
	number := uint64(0)
	for _, st := range s.Strategies {
		number = max(number, st.ClientNumber)
	}
	for _, p := range h.publishers {
		p.unclean, p.names = unclean, h.names
		p.ids = clientIDs{newest: number, allOurs: h.cfg.TakeOver || h.damaged, takesOver: h.cfg.TakeOver}
		p.recovered = h.signalRecovered
		remaining := h.remaining(p, all[p.name])
		p.mu.Lock()
		p.past, p.halts = remaining, halts[p.name]
		if halt, halted := s.ConnectorHalts[p.name]; halted && !p.simulated {
			p.allHalted = strings.TrimPrefix(halt.Cause, haltedText)
		}
		p.mu.Unlock()
		delete(all, p.name)
		if p.isOpen() {
			h.takeOver(p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, inst := range all[name] {
			for bot, a := range inst.accounts {
				h.nameOrphan(name, inst, bot, a, "the connector is not in the configuration")
			}
		}
	}
}

// remaining returns what of the past of a connector counts: nothing where the market begins again, or where the
// operator wants that. The journal gets a record of what is left out.
func (h *Host) remaining(p *publisher, known past) past {
	if !p.simulated && !h.cfg.Fresh {
		return known
	}
	reason := "the market begins again"
	if !p.simulated {
		reason = "run --fresh"
	}
	for _, symbol := range slices.Sorted(maps.Keys(known)) {
		inst := known[symbol]
		for _, bot := range slices.Sorted(maps.Keys(inst.accounts)) {
			a := inst.accounts[bot]
			if !hasAnything(a) {
				continue
			}
			if !p.simulated {
				p.log.Warn("ignored because of --fresh", append([]any{"strategy", h.names[bot], "symbol", symbol},
					figures(a)...)...)
			}
			note(h.record, &journal.Head{Kind: journal.KindReset, Bot: bot, Instrument: inst.number}, &a.Holding,
				reason)
		}
	}
	return nil
}

// figures returns what an account has, for the log.
func figures(a *journal.Account) []any {
	return []any{"position", rounded(a.OwnPosition), "entry_price", rounded(a.EntryPrice), "balance",
		rounded(a.State.Balance), "fee", rounded(a.State.Fee),
		"realised", rounded(a.Realised), "funding", rounded(a.State.Funding), "trades", a.State.NumTrades,
		"open_orders", len(a.Orders)}
}

// nameOrphan logs what a strategy has that nobody goes on with.
func (h *Host) nameOrphan(connectorName string, inst *pastInstrument, bot uint64, a *journal.Account, why string) {
	if a.OwnPosition == 0 && len(a.Orders) == 0 {
		return
	}
	h.log.Warn(fmt.Sprintf("strategy %s holds %v %s on %s by the journal, and nobody trades it: %s", h.names[bot],
		amount(a.OwnPosition, inst.LotSize), inst.Symbol,
		connectorName, why), "entry_price", rounded(a.EntryPrice), "open_orders", len(a.Orders))
}

// takeOver hands the past of a connector to it and to the holdings, before it runs.
func (h *Host) takeOver(p *publisher) {
	p.handIDs()
	p.mu.Lock()
	instruments := slices.Clone(p.instruments)
	p.mu.Unlock()
	for _, inst := range instruments {
		p.mu.Lock()
		for bot, held := range inst.holdings {
			held.restore(p.account(inst.symbol, bot))
		}
		p.mu.Unlock()
		p.handPast(inst)
	}
	h.takeAllOrphans(p)
}

// signalRecovered lets strategies that wait look again.
func (h *Host) signalRecovered() {
	for _, s := range h.strategies {
		select {
		case s.told <- struct{}{}:
		default:
		}
	}
}

// takeAllOrphans is takeOrphans for every instrument of a connector.
func (h *Host) takeAllOrphans(p *publisher) {
	for _, symbol := range slices.Sorted(maps.Keys(p.past)) {
		h.takeOrphans(p, p.past[symbol])
	}
}

// takeOrphans names what strategies have on an instrument that they no longer trade. Where there are orders, or
// executions may have been missed, the instrument is subscribed all the same.
func (h *Host) takeOrphans(p *publisher, known *pastInstrument) {
	var orphans []uint64
	p.mu.Lock()
	inst := p.bySymbol[known.Symbol]
	for bot, a := range known.accounts {
		if (inst == nil || inst.holdings[bot] == nil) && (a.OwnPosition != 0 || len(a.Orders) > 0) {
			orphans = append(orphans, bot)
		}
	}
	p.mu.Unlock()
	slices.Sort(orphans)
	for _, bot := range orphans {
		a := known.accounts[bot]
		why := "it is not in the configuration"
		if p.configured[bot] {
			why = "the configuration does not have that instrument for it"
		}
		h.nameOrphan(p.name, known, bot, a, why)
		if !p.recovers() {
			continue
		}
		cfg := InstrumentConfig{Connector: p.name, Symbol: known.Symbol, TickSize: known.TickSize,
			LotSize: known.LotSize}
		at, fresh, err := p.register(cfg)
		if err != nil { // the steps have changed; the instrument is there for others
			p.log.Warn("orders of a strategy that is not here are not followed up", "strategy", h.names[bot],
				"error", err)
			continue
		}
		p.mu.Lock()
		p.orphan(at, bot)
		p.mu.Unlock()
		if fresh {
			p.list(at)
		}
	}
}

// orphan returns the holding of a bot that does not trade an instrument here, made when there is none. The lock is
// held.
func (p *publisher) orphan(inst *instrument, bot uint64) *holding {
	h := inst.orphans[bot]
	if h == nil {
		h = &holding{cfg: InstrumentConfig{Connector: p.name, Symbol: inst.symbol, TickSize: inst.tickSize,
			LotSize: inst.lotSize},
			strategy: cmp.Or(p.names[bot], fmt.Sprintf("bot %d", bot)), mode: StrategyPosition, pub: p, feedNo: inst.no}
		h.owner.Bot = bot
		inst.orphans[bot] = h
		h.restore(p.account(inst.symbol, bot))
		h.limit(p.gate, p.gate.Strategy(h.strategy, risk.Limits{}))
	}
	return h
}

// account returns what the journal had of a bot on a symbol at the start, once, nil when nothing. The lock is held.
func (p *publisher) account(symbol string, bot uint64) *journal.Account {
	known := p.past[symbol]
	if known == nil || known.restored[bot] {
		return nil
	}
	known.restored[bot] = true
	return known.accounts[bot]
}

// recovers reports whether the venue is asked what has become of orders of earlier runs.
func (p *publisher) recovers() bool {
	_, can := p.made().(connector.Recoverer)
	return can && p.trades
}

// restore gives a holding what the journal has of it. The lock is held.
func (h *holding) restore(a *journal.Account) {
	if a == nil {
		return
	}
	h.state = a.State
	h.profit = profit{position: a.OwnPosition, entryPrice: a.EntryPrice, unitValue: a.UnitValue, realised: a.Realised}
	h.numOrders, h.numFills, h.numRejects = a.NumOrders, a.NumFills, a.NumRejects
	if h.mode == StrategyPosition {
		h.state.Position = a.OwnPosition
	}
	_, can := h.pub.connector.(connector.Recoverer)
	for _, id := range slices.Sorted(maps.Keys(a.Orders)) {
		o := a.Orders[id]
		switch sent := a.SentOf(o); {
		case can && h.pub.trades && (sent != nil || len(o.Legs) > 0):
			order := o.Order
			if order.Req = hft.StatusNone; !active(&order) {
				order.Req = hft.StatusNew
			}
			h.orders.Put(&order)
			h.remember(id, o.Incarnation)
		case can && !h.pub.trades: // without a key nobody knows
		default: // it was never sent, or the market has forgotten it
			h.expire(o)
		}
	}
	h.countAll()
}

// active reports whether the venue has shown an open order.
func active(o *hft.Order) bool {
	return o.Status == hft.StatusNew || o.Status == hft.StatusPartiallyFilled
}

// expire ends an order of the journal that there cannot be. The lock is held.
func (h *holding) expire(o *journal.OpenOrder) {
	order := o.Order
	order.Status, order.Req = hft.StatusExpired, hft.StatusNone
	head := h.head(journal.KindOrder, connector.Owner{Bot: h.owner.Bot, Incarnation: o.Incarnation})
	note(h.pub.record, &head, &journal.OrderState{Order: order, Holding: h.sums()}, o.Origin, o.ClientID, o.VenueID)
}

// handPast hands what the journal has of an instrument to a connector that asks the venue for the rest. Until it has,
// strategies do not start there.
func (p *publisher) handPast(inst *instrument) {
	p.resume(inst)
	known := p.past[inst.symbol]
	if known == nil || !p.recovers() {
		return
	}
	given := connector.Past{InstrumentNo: inst.no, Number: p.ids.newest}
	if x := known.executions; x != nil {
		given.ReadNs, given.ForgottenNs = x.ReadNs, x.ForgottenNs
		if since := cmp.Or(x.EventsNs, x.ReadNs); since > 0 {
			given.EventsSinceNs = since - journal.EventsAgainNs // the venue may have listed one late
		}
		p.mu.Lock()
		inst.account.eventsNs = cmp.Or(x.EventsNs, x.ReadNs)
		for _, b := range x.Events {
			inst.account.once(b.ID, b.VenueNs)
		}
		p.mu.Unlock()
		for i := range x.Booked {
			b := &x.Booked[i]
			given.Booked = append(given.Booked, connector.PastExecution{ID: b.ID, ClientID: b.ClientID, Side: b.Side,
				Qty: b.Qty, PriceTick: b.PriceTick, VenueNs: b.VenueNs})
		}
	}
	for _, bot := range slices.Sorted(maps.Keys(known.accounts)) {
		a := known.accounts[bot]
		for _, id := range slices.Sorted(maps.Keys(a.Orders)) {
			o := a.Orders[id]
			if sent := a.SentOf(o); sent != nil || len(o.Legs) > 0 {
				given.Orders = append(given.Orders, pastOrder(inst, bot, o, a, sent))
			}
		}
	}
	p.mu.Lock()
	inst.recovering = true
	p.mu.Unlock()
	p.made().(connector.Recoverer).Recover(given)
}

// pastOrder is an order of the journal as a connector takes it. sent may be nil.
func pastOrder(inst *instrument, bot uint64, o *journal.OpenOrder, a *journal.Account,
	sent *journal.SentOrder) connector.PastOrder {
	p := connector.PastOrder{Order: connector.Order{InstrumentNo: inst.no, Owner: connector.Owner{Bot: bot,
		Incarnation: o.Incarnation}, Order: o.Order},
		RequestedNs: o.RequestedNs, Origin: o.Origin}
	if o.TickSize > 0 && o.TickSize != inst.tickSize {
		p.PriceTick = hft.PriceTick(hft.TickPrice(o.PriceTick, o.TickSize), inst.tickSize)
	}
	for _, l := range o.Legs {
		p.Legs = append(p.Legs, connector.PastLeg{ClientID: l.ClientID, VenueID: l.VenueID, Executed: l.Executed,
			Value: l.Value, Assumed: l.Assumed, Unpriced: l.Unpriced})
	}
	if sent == nil {
		return p
	}
	for origin, s := range a.Sent {
		if s == sent {
			p.Origin = origin
		}
	}
	p.ClientIDs = slices.Sorted(maps.Keys(sent.ClientIDs))
	for _, number := range slices.Sorted(maps.Keys(sent.Terms)) {
		p.Terms = append(p.Terms, connector.PastTerms(sent.Terms[number]))
	}
	if o.Req == hft.StatusReplaced || o.Req == hft.StatusCanceled {
		p.Amendment = sent.Amendment
	}
	return p
}
