package market

import (
	"fmt"

	"github.com/hftrunner/hftrunner/hft"
)

// ApplyBatch applies one message of market data of others at nowNs: depth rows set levels, the first snapshot row of a
// batch clears the book of others before, trades fill own orders that they reach. Rows that say nothing about levels
// or trades are skipped. Afterwards the book is uncrossed: of two levels of others the older goes, and an own order
// that others quote through is filled.
func (m *Market) ApplyBatch(nowNs int64, symbol string, rows []hft.Event) error {
	m.nowNs = nowNs
	b, err := m.book(symbol)
	if err != nil {
		return err
	}
	b.stamp++
	snapshot := false
	for i := range rows {
		row := &rows[i]
		side := row.Side()
		tick, lots := hft.PriceTick(row.Px, b.symbol.Tick.Float()), hft.QtyLots(row.Qty, b.symbol.Lot.Float())
		switch row.Kind() {
		case hft.DepthClearEvent:
			m.clearOthers(b, side)
			continue
		case hft.DepthSnapshotEvent:
			if !snapshot {
				m.clearOthers(b, hft.SideNone)
			}
			snapshot = true
		case hft.DepthEvent, hft.TradeEvent:
		default:
			continue
		}
		if side == hft.SideNone || tick <= 0 || tick > maxSteps || lots < 0 || lots > maxSteps {
			return fmt.Errorf("market: %s: row of price %v and quantity %v, side %v: must be multiples of %v and %v",
				symbol, row.Px, row.Qty, side, b.symbol.Tick, b.symbol.Lot)
		}
		if row.Kind() == hft.TradeEvent {
			m.tradeOfOthers(b, side, tick, lots)
		} else {
			m.setOthers(b, side, tick, lots)
		}
	}
	m.uncross(b)
	return nil
}

// ClearOthers empties the book of a symbol except own orders, as when its data is lost.
func (m *Market) ClearOthers(nowNs int64, symbol string) error {
	m.nowNs = nowNs
	b, err := m.book(symbol)
	if err != nil {
		return err
	}
	m.clearOthers(b, hft.SideNone)
	return nil
}

func (m *Market) clearOthers(b *book, side hft.Side) {
	for _, s := range []*bookSide{&b.bids, &b.asks} {
		if side != hft.SideNone && s.side != side {
			continue
		}
		for i := len(s.levels) - 1; i >= 0; i-- { // levels behind i may go
			m.setOthers(b, s.side, s.levels[i].tick, 0)
		}
	}
}

// setOthers sets what others have at a price.
func (m *Market) setOthers(b *book, side hft.Side, tick, lots int64) {
	s := b.of(side)
	if _, found := s.find(tick); !found && lots == 0 {
		return
	}
	l := s.at(tick)
	l.stamp = b.stamp
	if l.othersLots == lots {
		return
	}
	l.othersLots = lots
	for _, own := range l.own {
		own.aheadLots = min(own.aheadLots, lots)
	}
	m.changed(b, s, tick)
}

// tradeOfOthers lets a trade of others fill the own orders that it reaches; the rest is a trade of others.
func (m *Market) tradeOfOthers(b *book, takerSide hft.Side, tick, lots int64) {
	s := b.of(-takerSide)
	reach, filled := lots, int64(0)
	for reach > 0 {
		o := s.firstOwn()
		if o == nil || !s.reaches(o.PriceTicks, tick) {
			break
		}
		if o.PriceTicks == tick && o.aheadLots > 0 {
			passed := min(reach, o.aheadLots)
			s.at(tick).pass(passed)
			reach -= passed
			continue
		}
		fill := min(reach, m.reducible(o))
		if fill == 0 {
			m.finish(o, hft.StatusExpired, ReasonReduceOnly, Expired)
			continue
		}
		reach -= fill
		filled += fill
		m.trade(b, o.PriceTicks, fill, takerSide, o, nil)
	}
	if filled < lots {
		m.trade(b, tick, lots-filled, takerSide, nil, nil)
	}
}

// firstOwn returns the own order with the best price and then time, nil when there is none.
func (s *bookSide) firstOwn() *order {
	for i := len(s.levels) - 1; i >= 0; i-- {
		if own := s.levels[i].own; len(own) > 0 {
			return own[0]
		}
	}
	return nil
}

// firstOthers returns the best level that others have something at.
func (s *bookSide) firstOthers() *level {
	for i := len(s.levels) - 1; i >= 0; i-- {
		if s.levels[i].othersLots > 0 {
			return &s.levels[i]
		}
	}
	return nil
}

// uncross makes the best bid lower than the best ask.
func (m *Market) uncross(b *book) {
	for {
		bid, ask := b.bids.firstOthers(), b.asks.firstOthers()
		if bid == nil || ask == nil || bid.tick < ask.tick {
			break
		}
		if bid.stamp < ask.stamp {
			m.setOthers(b, hft.Buy, bid.tick, 0)
		} else {
			m.setOthers(b, hft.Sell, ask.tick, 0)
		}
	}
	for _, s := range []*bookSide{&b.bids, &b.asks} {
		m.fillQuotedThrough(b, s)
	}
}

// fillQuotedThrough fills own orders of a side at or beyond whose price others stand on the other side.
func (m *Market) fillQuotedThrough(b *book, s *bookSide) {
	opposite := b.of(-s.side)
	for {
		o, l := s.firstOwn(), opposite.firstOthers()
		if o == nil || l == nil || !opposite.reaches(l.tick, o.PriceTicks) {
			return
		}
		lots := min(l.othersLots, m.reducible(o))
		if lots == 0 {
			m.finish(o, hft.StatusExpired, ReasonReduceOnly, Expired)
			continue
		}
		tick := l.tick
		l.othersLots -= lots
		l.pass(lots)
		m.trade(b, o.PriceTicks, lots, -s.side, o, nil)
		m.changed(b, opposite, tick)
	}
}
