package market

import (
	"github.com/hftrunner/hftrunner/hft"
)

// take fills an order from the other side as far as its price allows.
func (m *Market) take(o *order) {
	s := o.book.of(-o.Side)
	for o.Open() {
		l, ok := s.best()
		if !ok || o.Type == hft.Limit && !s.reaches(l.tick, o.PriceTicks) {
			return
		}
		lots := m.reducible(o)
		if lots == 0 {
			m.finish(o, hft.StatusExpired, ReasonReduceOnly, Expired)
			return
		}
		if len(l.own) == 0 || l.own[0].aheadLots > 0 {
			m.takeOthers(o, s, l, lots)
			continue
		}
		maker := l.own[0]
		if maker.account == o.account && o.SelfTrade != SelfTradeAllowed {
			m.preventSelfTrade(maker, o)
			continue
		}
		if lots = min(lots, m.reducible(maker)); lots == 0 {
			m.finish(maker, hft.StatusExpired, ReasonReduceOnly, Expired)
			continue
		}
		m.trade(o.book, l.tick, lots, o.Side, maker, o)
	}
}

// takeOthers fills an order from what others have at a level before the first own order.
func (m *Market) takeOthers(o *order, s *bookSide, l *level, lots int64) {
	lots = min(lots, l.othersLots)
	if len(l.own) > 0 {
		lots = min(lots, l.own[0].aheadLots)
	}
	tick := l.tick
	l.othersLots -= lots
	l.pass(lots)
	m.trade(o.book, tick, lots, o.Side, nil, o)
	m.changed(o.book, s, tick)
}

// pass moves the own orders of a level forward by lots of others that are gone from before them.
func (l *level) pass(lots int64) {
	for _, own := range l.own {
		own.aheadLots = max(own.aheadLots-lots, 0)
	}
}

func (m *Market) preventSelfTrade(maker, taker *order) {
	if taker.SelfTrade != ExpireTaker {
		m.finish(maker, hft.StatusExpired, ReasonSelfTrade, Expired)
	}
	if taker.SelfTrade != ExpireMaker {
		m.finish(taker, hft.StatusExpired, ReasonSelfTrade, Expired)
	}
}

// trade makes one trade at a price; maker and taker are nil for others. The maker's level is updated, the quantity of
// others is not.
func (m *Market) trade(b *book, tick, lots int64, takerSide hft.Side, maker, taker *order) {
	e := Event{Kind: Traded, Symbol: b.symbol, Side: takerSide, PriceTicks: tick, QtyLots: lots, TradeID: b.nextTradeID}
	b.nextTradeID++
	b.lastTick = tick
	if maker != nil {
		e.MakerOrderID = maker.ID
	}
	if taker != nil {
		e.TakerOrderID = taker.ID
	}
	m.emit(e)
	if maker != nil {
		m.execute(maker, e.TradeID, tick, lots, true)
		s := b.of(maker.Side)
		if maker.Open() {
			m.changed(b, s, maker.PriceTicks)
		}
	}
	if taker != nil {
		m.execute(taker, e.TradeID, tick, lots, false)
	}
}

// execute books a fill of one order.
func (m *Market) execute(o *order, tradeID, tick, lots int64, maker bool) {
	s := o.book.symbol
	x := Execution{Kind: o.Kind, ExecutionID: m.nextExecutionID, TradeID: tradeID, OrderID: o.ID, ClientID: o.ClientID,
		Account: o.Account, Symbol: o.Symbol, Side: o.Side, Position: o.Position, PriceTicks: tick, QtyLots: lots,
		Value: s.Value(tick, lots), Maker: maker, TimeNs: m.nowNs}
	m.nextExecutionID++
	o.FilledLots += lots
	o.FilledValue += x.Value
	o.UpdatedNs = m.nowNs
	o.Status = hft.StatusPartiallyFilled
	full := o.FilledLots == o.QtyLots
	if full {
		m.unrestFilled(o)
		o.Status = hft.StatusFilled
	}
	m.settle(o, &x)
	o.Fee += x.Fee
	m.keep(x)
	if full {
		m.forget(o)
	}
	m.emit(Event{Kind: OrderChanged, Symbol: s, Account: o.Account, Change: Executed, Order: o.Order, Execution: x})
}

func (m *Market) keep(x Execution) {
	m.executions = append(m.executions, x)
	if len(m.executions) > m.history {
		m.executions = m.executions[1:]
	}
}

// unrestFilled takes an order out of its level, if it rests, before its status makes its quantity 0.
func (m *Market) unrestFilled(o *order) {
	o.Status = hft.StatusFilled
	m.unrest(o)
}

// settle moves money, assets and position for an execution and completes its fee and profit.
func (m *Market) settle(o *order, x *Execution) {
	a, s := o.account, o.book.symbol
	if !m.spot {
		p := a.position(s, o.Position)
		x.RealizedPnL = p.fill(o.Side, x.PriceTicks, x.QtyLots, m.nowNs)
		quote := a.balance(s.QuoteAsset)
		quote.Total += x.RealizedPnL
		m.charge(a, s, x, quote, x.Value)
		e := Event{Kind: AccountChanged, Symbol: s, Account: o.Account, Balances: []Balance{*quote},
			Positions: []Position{*p}}
		if x.FeeAsset != s.QuoteAsset {
			e.Balances = append(e.Balances, *a.balance(x.FeeAsset))
		}
		m.emit(e)
		return
	}
	base, quote := a.balance(s.BaseAsset), a.balance(s.QuoteAsset)
	qty := s.Quantity(x.QtyLots)
	given, spent, received, gain := quote, x.Value, base, qty
	held := s.Value(o.PriceTicks, x.QtyLots) // a limit order locked its own price
	if o.Side == hft.Sell {
		given, spent, received, gain = base, qty, quote, x.Value
		held = qty
	} else if o.Type == hft.Market {
		held = x.Value
	}
	held = min(held, o.locked)
	o.locked -= held
	given.Locked -= held
	given.Total -= spent
	received.Total += gain
	m.charge(a, s, x, received, gain)
	if x.FeeAsset != received.Asset {
		m.emitBalances(o, s.BaseAsset, s.QuoteAsset, x.FeeAsset)
		return
	}
	m.emitBalances(o, s.BaseAsset, s.QuoteAsset)
}

// charge takes the fee of an execution: of what was received, or in the account's fee asset if it has enough of that.
func (m *Market) charge(a *account, s *Symbol, x *Execution, received *Balance, gain Amount) {
	payer := received
	x.Fee = s.Fee(gain, x.Maker)
	if price := m.priceOf(a.config.FeeAsset, s.QuoteAsset); price > 0 {
		own, fee := a.balance(a.config.FeeAsset), Amount(float64(s.Fee(x.Value, x.Maker))/price)
		if fee <= own.Total {
			payer, x.Fee = own, fee
		}
	}
	x.FeeAsset = payer.Asset
	payer.Total -= x.Fee
}

// priceOf returns the last price of an asset in a quote asset, 0 where there is none.
func (m *Market) priceOf(asset, quote string) float64 {
	switch pair := asset + quote; {
	case asset == Credits:
		return 1
	case asset != "" && m.LastPrice(pair) > 0:
		return float64(m.LastPrice(pair)) * m.books[pair].symbol.Tick.Float()
	}
	return 0
}

// Quantity returns lots of the base asset as an Amount, rounded down.
func (s *Symbol) Quantity(lots int64) Amount {
	if shift := amountScale - s.Lot.scale; shift < 0 {
		return scaled(Amount(lots*s.Lot.units), 1, pow10(-shift))
	}
	return scaled(Amount(lots*s.Lot.units), pow10(amountScale-s.Lot.scale), 1)
}
