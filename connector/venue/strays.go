package venue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

const (
	// strayTick is the tick of orders on symbols whose rules nobody has asked for: as fine as prices are.
	strayTick = 1e-8
	// strayPause is the least time between two lists of all orders, which cost much.
	strayPause = time.Minute
	// strayCancels is how many cancels of such orders are under way at the same time.
	strayCancels = 8
	// strayLine and strayLines bound what is logged of them.
	strayLine, strayLines = 25, 4
)

var strayQuestion = question{"open orders on other symbols", ""}

// strays are this runner's open orders on symbols that are not registered, which an earlier run has left: the record of orders
// knows only registered ones. The host's word ends them. trade's mutex guards it.
type strays struct {
	orders map[string]*connector.OpenOrder // by client id
	// numbers are those of their symbols, below -1.
	numbers map[string]int
	// told says that the venue has listed them, or cannot; listed that it has, so that no symbol's are unknown; askAtNs is before
	// when it is not asked again.
	told, listed bool
	askAtNs      int64
	unread       unread
	// wanted are the client ids of those to be canceled; ending says that endStrays is at it.
	wanted []string
	ending bool
}

// beginFinding lets findStrays work on the session, where the venue can be asked. The lock is held.
func (t *trade) beginFinding() {
	session := t.session
	if lister, can := t.c.protocol.(protocol.AllLister); can {
		t.c.group.Go(func() { t.findStrays(session, lister) })
	}
}

// findStrays asks for the open orders on all symbols until it has them, or until the stream is lost again.
func (t *trade) findStrays(session context.Context, lister protocol.AllLister) {
	c, wait := t.c, retryPause
	t.mu.Lock()
	pause := time.Duration(t.strays.askAtNs - c.nowNs())
	t.mu.Unlock()
	for c.pauseUnless(pause, session.Done()) && session.Err() == nil {
		ctx, cancel := context.WithTimeout(session, listTimeout)
		list, err := lister.AllOpenOrders(ctx)
		cancel()
		switch {
		case session.Err() != nil:
			return
		case err != nil && !protocol.Final(err) && !unaffordable(err):
			c.unanswered(strayQuestion, err)
			pause = max(wait, c.untilRetry(err))
			if protocol.CauseOf(err) != protocol.Unreached { // it may have cost as much as a list
				wait = min(2*wait, strayPause)
			}
			continue
		case err == nil:
			c.outage.Works(strayQuestion)
		case unaffordable(err):
			c.log.Warn("not looking for orders of an earlier run on symbols that no strategy has: the request costs more than the configured limit", "error", err)
		default:
			c.unanswered(strayQuestion, err)
		}
		if t.strayed(list, err == nil) == 0 {
			return
		}
		pause, wait = wait, min(2*wait, strayPause)
	}
}

// unaffordable reports whether a request costs more than this side's limit ever has.
func unaffordable(err error) bool {
	var f *protocol.Failure
	return errors.As(err, &f) && f.Cause == protocol.Weight && f.Code == 0 && f.RetryAt.IsZero()
}

// strayed takes the list of all open orders, and names those of this runner that were not known. It returns how many rows cannot
// be read that are this runner's or may be.
func (t *trade) strayed(list protocol.OpenList, listed bool) (unread int) {
	var fresh []string
	open := make(map[string]bool, len(list.Orders))
	t.mu.Lock()
	s := &t.strays
	for i := range list.Orders {
		r := &list.Orders[i]
		owner, id, ours := t.codec.Decode(r.ClientID)
		if !ours || t.c.symbols.named(r.Symbol) != nil || !t.blotter.Stray(r) {
			continue
		}
		open[r.ClientID] = true
		if strings.ContainsFunc(r.Symbol, unicode.IsControl) {
			list.Unread = append(list.Unread, protocol.UnreadRow{ClientID: r.ClientID, Symbol: r.Symbol, Err: errors.New("its symbol has control characters")})
			continue
		}
		if s.orders[r.ClientID] == nil {
			o := &connector.OpenOrder{ClientID: r.ClientID, VenueID: r.VenueID, Symbol: r.Symbol,
				Order: connector.Order{InstrumentNo: s.number(r.Symbol), Owner: owner,
					Order: hft.NewOrder(id, hft.PriceTick(possible(r.Price), strayTick), strayTick, possible(r.Qty), r.Side, r.OrdType, r.TimeInForce)}}
			s.orders[r.ClientID] = o
			fresh = append(fresh, fmt.Sprintf("%s %s %v %v at %v", r.Symbol, r.ClientID, r.Side, possible(r.Qty-r.CumQty), possible(r.Price)))
		}
		s.report(r)
	}
	for i := range list.Unread {
		open[list.Unread[i].ClientID] = true
	}
	_ = t.passOver(&s.unread, "all open orders", list.Unread, func(row *protocol.UnreadRow) bool {
		return s.orders[row.ClientID] != nil || t.c.symbols.named(row.Symbol) != nil || t.blotter.Knows(row.ClientID)
	})
	unread = s.unread.own
	s.told, s.listed, s.askAtNs = true, s.listed || listed && unread == 0, t.c.nowNs()+int64(strayPause)
	if listed && unread == 0 { // or it may be in a row that cannot be read
		for id := range s.orders {
			if !open[id] {
				delete(s.orders, id)
			}
		}
	}
	t.mu.Unlock()
	t.nameStrays(fresh)
	return unread
}

// nameStrays logs orders that were not known.
func (t *trade) nameStrays(fresh []string) {
	const text = "open orders of this runner on symbols that no strategy has: at the end, those of configured strategies are " +
		"handled according to on_exit, others are left unchanged"
	for i, some := range slices.Collect(slices.Chunk(fresh, strayLine)) {
		if i == strayLines {
			t.c.log.Warn(text, "more", len(fresh)-i*strayLine)
			return
		}
		t.c.log.Warn(text, "orders", strings.Join(some, ", "))
	}
}

// possible is a price or quantity, or 0 where it cannot be one.
func possible(x float64) float64 {
	if !(x >= 0) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// number returns the number of a symbol that is not registered.
func (s *strays) number(symbol string) int {
	no, known := s.numbers[symbol]
	if !known {
		no = -2 - len(s.numbers)
		s.numbers[symbol] = no
	}
	return no
}

// report takes what the venue says of such an order.
func (s *strays) report(r *protocol.Report) {
	o := s.orders[r.ClientID]
	if o == nil || o.Symbol != r.Symbol || r.Status == hft.StatusNone {
		return
	}
	o.Status = r.Status
	if o.Final() {
		delete(s.orders, r.ClientID)
	} else if r.HasCum && r.Qty > 0 {
		o.LeavesQty = possible(r.Qty - r.CumQty)
	}
}

// listedStrays reports whether the venue has listed the orders on all symbols.
func (t *trade) listedStrays() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.strays.listed
}

// openStrays returns those whose symbols have not been registered meanwhile.
func (t *trade) openStrays() (open []connector.OpenOrder) {
	for _, o := range t.strays.orders {
		if t.c.symbols.named(o.Symbol) == nil {
			open = append(open, *o)
		}
	}
	return open
}

// cancelStray cancels an order that openStrays has returned. The lock is held.
func (t *trade) cancelStray(o *connector.Order) {
	s := &t.strays
	for id, known := range s.orders {
		if known.InstrumentNo == o.InstrumentNo && known.Owner == o.Owner && known.OrderID == o.OrderID && known.Req == hft.StatusNone {
			known.Req = hft.StatusCanceled
			s.wanted = append(s.wanted, id)
		}
	}
	if len(s.wanted) > 0 && !s.ending {
		s.ending = true
		t.c.group.Go(t.endStrays)
	}
}

// endStrays cancels what is wanted, and asks the venue what is open after that. What still is may be asked for again.
func (t *trade) endStrays() {
	for {
		t.mu.Lock()
		var orders []connector.OpenOrder
		for _, id := range t.strays.wanted {
			if o := t.strays.orders[id]; o != nil {
				orders = append(orders, *o)
			}
		}
		t.strays.wanted = nil
		t.strays.ending = len(orders) > 0
		t.mu.Unlock()
		if len(orders) == 0 {
			return
		}
		var group sync.WaitGroup
		room := make(chan struct{}, strayCancels)
		symbols := make(map[string]bool)
		for i := range orders {
			symbols[orders[i].Symbol] = true
			room <- struct{}{}
			group.Go(func() {
				t.endStray(&orders[i])
				<-room
			})
		}
		group.Wait()
		for symbol := range symbols {
			t.confirmStrays(symbol, orders)
		}
	}
}

// endStray sends the cancel of one order, when the venue's limit of orders lets it through.
func (t *trade) endStray(o *connector.OpenOrder) {
	c := t.c
	ctx, cancel := context.WithTimeout(t.requests, requestTimeout)
	defer cancel()
	send := func() (protocol.Report, error) {
		return c.protocol.Cancel(ctx, &protocol.Order{Symbol: o.Symbol, ClientID: o.ClientID, VenueID: o.VenueID, Side: o.Side, OrdType: o.OrdType, TimeInForce: o.TimeInForce})
	}
	report, err := inWindow(ctx, c, send)
	for pause := c.untilRoom(err); pause > 0 && ctx.Err() == nil; pause = c.untilRoom(err) {
		select {
		case <-time.After(pause):
			report, err = inWindow(ctx, c, send)
		case <-ctx.Done():
		}
	}
	if err != nil {
		f := c.failureOf(err)
		c.heed(err)
		c.answered(blotter.Cancel, err, f.Outage)
		if text := fmt.Sprintf("cancel of %s on %s: %s", o.ClientID, o.Symbol, f.Cause); !f.Outage && f.Cause != protocol.Gone && c.complain.fresh(text) {
			c.log.Warn("cannot cancel an order of an earlier run, retrying", "symbol", o.Symbol, "order", o.ClientID, "error", err)
		}
		return
	}
	report.ClientID = o.ClientID
	t.mu.Lock()
	t.strays.report(&report)
	t.mu.Unlock()
}

// confirmStrays asks which of the orders on a symbol are open.
func (t *trade) confirmStrays(symbol string, orders []connector.OpenOrder) {
	ctx, cancel := context.WithTimeout(t.requests, requestTimeout)
	defer cancel()
	list, err := t.c.protocol.OpenOrders(ctx, symbol)
	if err != nil {
		t.c.heed(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range orders {
		id := orders[i].ClientID
		o := t.strays.orders[id]
		switch {
		case o == nil || o.Symbol != symbol:
		case err == nil && !slices.ContainsFunc(list.Orders, func(r protocol.Report) bool { return r.ClientID == id || r.VenueID == o.VenueID && r.VenueID != "" }) &&
			!slices.ContainsFunc(list.Unread, func(r protocol.UnreadRow) bool { return r.ClientID == id || r.Nameless }):
			delete(t.strays.orders, id)
		default:
			o.Req = hft.StatusNone
		}
	}
}
