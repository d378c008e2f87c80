package risk

import (
	"math"

	"github.com/hftrunner/hftrunner/hft"
)

// sums checks positions and open orders as they would be with e in place of old.
func (h *Holding) sums(e, old exposure, amends bool) Refusal {
	more := exposure{lots: e.lots - old.lots, value: e.value - old.value, buy: e.buy}
	// Within the strategy its own position counts, beyond it what all strategies have together.
	own := worst(h.position, h.buys.lots, h.sells.lots, more, h.lotSize)
	all := worst(h.net.position, h.net.buys.lots, h.net.sells.lots, more, h.lotSize)
	ownWorth := worth(h.value(h.position, h.mark), h.buys.value, h.sells.value, more)
	allWorth := worth(h.value(h.net.position, h.mark), h.net.buys.value, h.net.sells.value, more)
	r := h.positions(&h.limits, own, ownWorth, h.worth, h.worth)
	if r.Rule == None {
		r = h.opened(&h.limits, len(h.orders), h.buys.value+h.sells.value, more, amends)
	}
	if r.Rule != None {
		r.Name = h.symbol
		return r
	}
	for _, s := range h.scopesOf() {
		used := money{}
		if h.currency >= 0 {
			used = s.money[h.currency]
		}
		if s.level == Strategy {
			r = h.positions(&s.limits, own, ownWorth, h.worth, used.position)
		} else {
			r = h.positions(&s.limits, all, allWorth, h.net.worth, used.position)
		}
		if r.Rule == None {
			r = h.opened(&s.limits, s.open, used.open, more, amends)
		}
		if r.Rule != None {
			r.Level, r.Name = s.level, s.name
			return r
		}
	}
	return Refusal{}
}

// positions checks the position in the instrument, and the value of all, of which the instrument has had was.
func (h *Holding) positions(l *limits, qty, worth, was, total float64) Refusal {
	if exceeds(qty, l.MaxPosition, h.lotSize) {
		if whole, ok := hft.WholeLots(qty, h.lotSize); ok {
			qty = whole
		}
		return Refusal{Rule: Position, Limit: l.MaxPosition, Value: qty}
	}
	max := of(l.positionValue, h.currency)
	if sum := total - was + worth; max > 0 && worth > was && sum > max*(1+1e-9) {
		return Refusal{Rule: PositionValue, Limit: max, Value: sum, Currency: h.gate.currencies[h.currency]}
	}
	return Refusal{}
}

// opened checks the number and the value of open orders.
func (h *Holding) opened(l *limits, number int, value float64, more exposure, amends bool) Refusal {
	if max := l.MaxOpenOrders; max > 0 && !amends && number >= max {
		return Refusal{Rule: OpenOrders, Limit: float64(max), Value: float64(number + 1)}
	}
	max := of(l.openValue, h.currency)
	if sum := value + more.value; max > 0 && more.value > 0 && sum > max*(1+1e-9) {
		return Refusal{Rule: OpenValue, Limit: max, Value: sum, Currency: h.gate.currencies[h.currency]}
	}
	return Refusal{}
}

// worst returns how far from 0 a position could come on the side of the order, below 0 where it cannot get there.
func worst(position, buys, sells float64, more exposure, lotSize float64) float64 {
	if more.lots <= 0 {
		return 0 // nothing is added
	}
	if more.buy {
		return position + (buys+more.lots)*lotSize
	}
	return -position + (sells+more.lots)*lotSize
}

// worth returns the value of a position on the side on which it could become larger.
func worth(value, buys, sells float64, more exposure) float64 {
	if more.buy {
		buys += more.value
	} else {
		sells += more.value
	}
	return math.Max(math.Abs(value+buys), math.Abs(value-sells))
}

// set states what could still be executed of an open order, in units of the instrument, and at which price.
func (h *Holding) set(orderID uint64, buy bool, leavesQty, price float64) {
	h.gate.mu.Lock()
	defer h.gate.mu.Unlock()
	lots := math.Ceil(leavesQty/h.lotSize - 1e-6)
	h.put(orderID, exposure{lots, h.value(lots*h.lotSize, price), buy})
}

// Release states that an order is over.
func (h *Holding) Release(orderID uint64) {
	if h == nil {
		return
	}
	h.gate.mu.Lock()
	defer h.gate.mu.Unlock()
	h.take(orderID)
	h.revalue()
}

// SetPosition states the position that the strategy's limits are about, and what of it the strategy has traded itself,
// which is its part of the account's.
func (h *Holding) SetPosition(position, own float64) {
	if h == nil {
		return
	}
	h.gate.mu.Lock()
	defer h.gate.mu.Unlock()
	h.net.position += own - h.own
	h.position, h.own = position, own
	h.revalue()
}

// put counts an order in place of what was counted of it. The lock is held.
func (h *Holding) put(orderID uint64, e exposure) {
	h.take(orderID)
	if math.IsNaN(e.value) {
		e.value = 0 // nothing limits it
	}
	h.orders[orderID] = e
	h.add(e, 1)
	h.revalue()
}

// take counts an order no longer. The lock is held.
func (h *Holding) take(orderID uint64) {
	old, is := h.orders[orderID]
	if !is {
		return
	}
	delete(h.orders, orderID)
	h.add(exposure{-old.lots, -old.value, old.buy}, -1)
	if len(h.orders) == 0 { // what sums of fractions leave
		h.buys, h.sells = side{}, side{}
	}
}

// add changes all sums by an exposure and a number of orders.
func (h *Holding) add(e exposure, orders int) {
	for _, s := range []*side{pick(&h.buys, &h.sells, e.buy), pick(&h.net.buys, &h.net.sells, e.buy)} {
		s.lots, s.value = s.lots+e.lots, s.value+e.value
	}
	for _, s := range h.scopesOf() {
		s.open += orders
		if h.currency >= 0 {
			s.money[h.currency].open += e.value
		}
		if s.open == 0 {
			for i := range s.money {
				s.money[i].open = 0
			}
		}
	}
}

func pick(buys, sells *side, buy bool) *side {
	if buy {
		return buys
	}
	return sells
}

// revalue counts the instrument at the last price it was seen at. The lock is held.
func (h *Holding) revalue() {
	if h.currency < 0 || math.IsNaN(h.mark) {
		return
	}
	own := worth(h.value(h.position, h.mark), h.buys.value, h.sells.value, exposure{})
	all := worth(h.value(h.net.position, h.mark), h.net.buys.value, h.net.sells.value, exposure{})
	h.strategy.money[h.currency].position += own - h.worth
	h.net.account.money[h.currency].position += all - h.net.worth
	h.gate.runner.money[h.currency].position += all - h.net.worth
	h.worth, h.net.worth = own, all
}

// Close takes the holding out of all sums: another one continues it.
func (h *Holding) Close() {
	if h == nil {
		return
	}
	h.gate.mu.Lock()
	defer h.gate.mu.Unlock()
	for id := range h.orders {
		h.take(id)
	}
	h.net.position -= h.own
	h.position, h.own = 0, 0
	h.revalue()
}
