package market

import (
	"github.com/hftrunner/hftrunner/hft"
)

// check returns why an order is refused.
func (m *Market) check(o *order, r Request) error {
	a := o.account
	if prev := a.byClientID[o.ClientID]; o.ClientID != "" && prev != nil && (prev.Open() || !r.IDReusable) {
		return ErrDuplicateID
	}
	if !m.spot && a.hedge != (o.Position != Both) {
		return ErrPositionSide
	}
	if err := m.checkLimits(o); err != nil {
		return err
	}
	if len(a.open[o.Symbol]) >= o.book.symbol.MaxOrders {
		return ErrTooManyOrders
	}
	if o.ReduceOnly && m.reducible(o) == 0 {
		return ErrReduceOnly
	}
	return m.checkFunds(o, nil)
}

// checkLimits compares price and quantity with the bounds of the symbol.
func (m *Market) checkLimits(o *order) error {
	s := o.book.symbol
	maxLots := s.MaxQtyLots
	if o.Type == hft.Market {
		maxLots = s.MaxMarketQtyLots
	}
	switch {
	case o.QtyLots < s.MinQtyLots:
		return ErrQtyLow
	case o.QtyLots > maxLots:
		return ErrQtyHigh
	}
	price := o.PriceTicks
	if o.Type == hft.Market {
		double, _ := o.book.mid()
		price = double / 2
	} else if err := checkPrice(o); err != nil {
		return err
	}
	if price > 0 && !o.ReduceOnly && s.Value(price, o.QtyLots) < s.MinNotional {
		return ErrNotional
	}
	return nil
}

// checkPrice looks at the price of a limit order: its bounds, and how far it is from the market.
func checkPrice(o *order) error {
	s, price := o.book.symbol, o.PriceTicks
	switch {
	case price < s.MinPriceTicks:
		return ErrPriceLow
	case price > s.MaxPriceTicks:
		return ErrPriceHigh
	}
	double, hasMid := o.book.mid()
	mid := float64(double) / 2
	band := s.BandShare * mid
	if !hasMid || band <= 0 {
		return nil
	}
	if o.Side == hft.Buy && float64(price) > mid+band || o.Side == hft.Sell && float64(price) < mid-band {
		return ErrPriceBand
	}
	return nil
}

// checkFunds compares what an order needs with what its account has; replaced is the order that it takes the place of.
func (m *Market) checkFunds(o, replaced *order) error {
	a, s := o.account, o.book.symbol
	if m.spot {
		asset, needed := m.needs(o)
		b := a.balance(asset)
		free := b.Total - b.Locked
		if replaced != nil {
			free += replaced.locked
		}
		if needed > free {
			return ErrFunds
		}
		return nil
	}
	if o.ReduceOnly {
		return nil
	}
	if p := a.positions[positionKey{s.Name, o.Position}]; p != nil && (p.Lots > 0) != (o.Side == hft.Buy) &&
		int64(magnitude(p.Lots)) >= o.QtyLots {
		return nil // it reduces the position
	}
	_, used := m.needs(o)
	for _, p := range a.positions {
		used += Amount(magnitude(int64(p.Cost)))
	}
	for _, orders := range a.open {
		for _, other := range orders {
			if other != replaced && !other.ReduceOnly {
				_, needed := m.needs(other)
				used += needed
			}
		}
	}
	if used/Amount(a.config.Leverage) > a.balance(s.QuoteAsset).Total {
		return ErrFunds
	}
	return nil
}

// needs returns what the open part of an order exchanges away: its value, or for a spot sale its quantity.
func (m *Market) needs(o *order) (asset string, needed Amount) {
	s := o.book.symbol
	lots := o.QtyLots - o.FilledLots
	if m.spot && o.Side == hft.Sell {
		return s.BaseAsset, s.Quantity(lots)
	}
	if o.Type == hft.Limit {
		return s.QuoteAsset, s.Value(o.PriceTicks, lots)
	}
	side := o.book.of(-o.Side)
	for i := len(side.levels) - 1; i >= 0 && lots > 0; i-- {
		l := &side.levels[i]
		take := min(lots, l.lots())
		needed += s.Value(l.tick, take)
		lots -= take
	}
	return s.QuoteAsset, needed
}

// lock holds back what a spot order needs, unlock gives it free again.
func (m *Market) lock(o *order) {
	if !m.spot {
		return
	}
	asset, needed := m.needs(o)
	b := o.account.balance(asset)
	o.locked = min(needed, b.Total-b.Locked)
	b.Locked += o.locked
	m.emitBalances(o, asset)
}

func (m *Market) unlock(o *order) {
	if !m.spot || o.locked == 0 {
		return
	}
	asset := o.book.symbol.QuoteAsset
	if o.Side == hft.Sell {
		asset = o.book.symbol.BaseAsset
	}
	o.account.balance(asset).Locked -= o.locked
	o.locked = 0
	m.emitBalances(o, asset)
}

func (m *Market) emitBalances(o *order, assets ...string) {
	e := Event{Kind: AccountChanged, Symbol: o.book.symbol, Account: o.Account}
	for _, asset := range assets {
		e.Balances = append(e.Balances, *o.account.balance(asset))
	}
	m.emit(e)
}

// reducible is the part of an order that can be filled at all: all that is left of it, except reduce-only no more than
// the position.
func (m *Market) reducible(o *order) int64 {
	left := o.LeavesLots()
	if !o.ReduceOnly || m.spot {
		return left
	}
	p := o.account.positions[positionKey{o.Symbol, o.Position}]
	if p == nil || p.Lots == 0 || (p.Lots > 0) == (o.Side == hft.Buy) {
		return 0
	}
	return min(left, int64(magnitude(p.Lots)))
}
