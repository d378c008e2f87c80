package market

import (
	"fmt"
	"slices"

	"github.com/hftrunner/hftrunner/hft"
)

// Place checks and accepts an order at nowNs, matches it, and puts what is left into the book if the order may rest.
// It returns the order after that. A refusal is one of the errors of this package and leaves no trace.
func (m *Market) Place(nowNs int64, accountName string, r Request) (Order, error) {
	m.nowNs = nowNs
	a, err := m.account(accountName)
	if err != nil {
		return Order{}, err
	}
	b, err := m.book(r.Symbol)
	if err != nil {
		return Order{}, err
	}
	o := &order{account: a, book: b, Order: Order{ClientID: r.ClientID, Account: accountName, Symbol: r.Symbol,
		Side: r.Side, Type: r.Type, TIF: r.TIF, PriceTicks: r.PriceTicks, QtyLots: r.QtyLots, ReduceOnly: r.ReduceOnly,
		Position: r.Position, SelfTrade: r.SelfTrade, Status: hft.StatusNew, CreatedNs: nowNs, UpdatedNs: nowNs}}
	if o.Type == hft.Market {
		o.PriceTicks = 0
	}
	if err := m.check(o, r); err != nil {
		return Order{}, err
	}
	postOnly := o.TIF == hft.GTX && m.crosses(o)
	unfillable := o.TIF == hft.FOK && m.available(o) < o.QtyLots
	if !r.RecordRefused {
		switch {
		case postOnly:
			return Order{}, ErrWouldTake
		case unfillable:
			return Order{}, ErrNotFillable
		}
	}
	m.accept(o)
	switch {
	case postOnly:
		m.finish(o, hft.StatusExpired, ReasonPostOnly, Expired)
	case unfillable:
		m.finish(o, hft.StatusExpired, ReasonFOK, Expired)
	default:
		m.work(o)
	}
	return o.Order, nil
}

// accept gives the order its ids and makes it known.
func (m *Market) accept(o *order) {
	o.ID = m.nextOrderID
	m.nextOrderID++
	if o.ClientID == "" {
		o.ClientID = fmt.Sprintf("x-%d", o.ID)
	}
	a := o.account
	m.orders[o.ID] = o
	a.byClientID[o.ClientID] = o
	a.open[o.Symbol] = append(a.open[o.Symbol], o)
	m.lock(o)
	m.emit(Event{Kind: OrderChanged, Symbol: o.book.symbol, Account: a.config.Name, Change: Accepted, Order: o.Order})
}

// work matches an order and rests or ends what is left.
func (m *Market) work(o *order) {
	m.take(o)
	switch {
	case !o.Open():
	case o.Type == hft.Market:
		m.finish(o, hft.StatusExpired, ReasonMarket, Expired)
	case o.TIF == hft.IOC:
		m.finish(o, hft.StatusExpired, ReasonIOC, Expired)
	case o.TIF == hft.FOK:
		m.finish(o, hft.StatusExpired, ReasonFOK, Expired)
	default:
		m.rest(o)
	}
}

// rest puts an order at the end of the queue at its price.
func (m *Market) rest(o *order) {
	s := o.book.of(o.Side)
	l := s.at(o.PriceTicks)
	o.aheadLots = l.othersLots
	l.own = append(l.own, o)
	m.changed(o.book, s, o.PriceTicks)
}

// unrest takes an order out of the book if it is there.
func (m *Market) unrest(o *order) {
	s := o.book.of(o.Side)
	i, found := s.find(o.PriceTicks)
	if !found {
		return
	}
	if at := slices.Index(s.levels[i].own, o); at >= 0 {
		s.levels[i].own = slices.Delete(s.levels[i].own, at, at+1)
		m.changed(o.book, s, o.PriceTicks)
	}
}

// crosses reports whether a limit order would take at once.
func (m *Market) crosses(o *order) bool {
	s := o.book.of(-o.Side)
	best, ok := s.best()
	return ok && s.reaches(best.tick, o.PriceTicks)
}

// available is the part of an order that could be filled immediately, without orders of its own account.
func (m *Market) available(o *order) (lots int64) {
	s := o.book.of(-o.Side)
	for i := len(s.levels) - 1; i >= 0; i-- {
		l := &s.levels[i]
		if o.Type == hft.Limit && !s.reaches(l.tick, o.PriceTicks) {
			break
		}
		lots += l.othersLots
		for _, other := range l.own {
			if other.account != o.account || o.SelfTrade == SelfTradeAllowed {
				lots += other.LeavesLots()
			}
		}
	}
	return lots
}

// finish ends an order and emits its final state.
func (m *Market) finish(o *order, status hft.Status, reason Reason, change Change) {
	m.unrest(o)
	o.Status, o.Reason, o.UpdatedNs = status, reason, m.nowNs
	m.forget(o)
	m.emit(Event{Kind: OrderChanged, Symbol: o.book.symbol, Account: o.Account, Change: change, Order: o.Order})
}

// forget takes an order that ended off the open ones, and the oldest that ended out of the history.
func (m *Market) forget(o *order) {
	a := o.account
	if i := slices.Index(a.open[o.Symbol], o); i >= 0 {
		a.open[o.Symbol] = slices.Delete(a.open[o.Symbol], i, i+1)
	}
	m.unlock(o)
	m.finished = append(m.finished, o.ID)
	if len(m.finished) <= m.history {
		return
	}
	old := m.orders[m.finished[0]]
	m.finished = m.finished[1:]
	delete(m.orders, old.ID)
	if old.account.byClientID[old.ClientID] == old {
		delete(old.account.byClientID, old.ClientID)
	}
}

// Cancel cancels an open order and returns it. ErrNoOrder when there is none, ErrNotOpen when it has ended.
func (m *Market) Cancel(nowNs int64, accountName string, ref Ref, reason Reason) (Order, error) {
	m.nowNs = nowNs
	o, err := m.find(accountName, ref)
	if err != nil {
		return Order{}, err
	}
	if !o.Open() {
		return o.Order, ErrNotOpen
	}
	m.finish(o, hft.StatusCanceled, reason, Canceled)
	return o.Order, nil
}

// CancelAll cancels the open orders of an account in a symbol, of all symbols when that is empty, and returns them.
func (m *Market) CancelAll(nowNs int64, accountName, symbol string, reason Reason) []Order {
	list := m.OpenOrders(accountName, symbol)
	for i := range list {
		list[i], _ = m.Cancel(nowNs, accountName, Ref{Symbol: list[i].Symbol, ID: list[i].ID}, reason) // it is open
	}
	return list
}

// Amend changes price and quantity of an open limit order, which goes to the end of its queue unless only its quantity
// becomes smaller. At a price that takes it is matched; a post-only order ends then. The order after that is
// returned; an order that is not changed is returned with the error.
func (m *Market) Amend(nowNs int64, accountName string, am Amendment) (Order, error) {
	m.nowNs = nowNs
	o, err := m.find(accountName, am.Ref)
	if err != nil {
		return Order{}, err
	}
	if err := m.checkAmendment(o, am); err != nil {
		return o.Order, err
	}
	if am.QtyLots <= o.FilledLots {
		m.finish(o, hft.StatusCanceled, ReasonReduced, Canceled)
		return o.Order, nil
	}
	if am.NewClientID != "" {
		delete(o.account.byClientID, o.ClientID)
		o.ClientID = am.NewClientID
		o.account.byClientID[o.ClientID] = o
	}
	m.unlock(o)
	stays := am.PriceTicks == o.PriceTicks && am.QtyLots <= o.QtyLots
	if !stays {
		m.unrest(o)
	}
	o.PriceTicks, o.QtyLots, o.UpdatedNs = am.PriceTicks, am.QtyLots, nowNs
	o.Amendments++
	m.lock(o)
	if o.TIF == hft.GTX && !stays && m.crosses(o) {
		if am.ExpireIfTaking {
			m.finish(o, hft.StatusExpired, ReasonPostOnly, Expired)
		} else {
			m.finish(o, hft.StatusCanceled, ReasonPostOnly, Canceled)
		}
		return o.Order, nil
	}
	m.emit(Event{Kind: OrderChanged, Symbol: o.book.symbol, Account: o.Account, Change: Amended, Order: o.Order})
	if stays {
		m.changed(o.book, o.book.of(o.Side), o.PriceTicks)
	} else {
		m.work(o)
	}
	return o.Order, nil
}

func (m *Market) checkAmendment(o *order, am Amendment) error {
	switch {
	case !o.Open():
		return ErrNotOpen
	case o.Type != hft.Limit:
		return ErrNotALimitOrder
	case am.PriceTicks == o.PriceTicks && am.QtyLots == o.QtyLots:
		return ErrNoChange
	case am.QtyLots <= o.FilledLots && !am.CancelIfFilled:
		return ErrAlreadyFilled
	}
	if other := o.account.byClientID[am.NewClientID]; am.NewClientID != "" && other != nil && other != o &&
		other.Open() {
		return ErrDuplicateID
	}
	changed := *o
	changed.PriceTicks, changed.QtyLots = am.PriceTicks, am.QtyLots
	if err := m.checkLimits(&changed); err != nil {
		return err
	}
	return m.checkFunds(&changed, o)
}
